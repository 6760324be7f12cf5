<?php

declare(strict_types=1);

namespace Regulars\Connect\Block\Adminhtml;

use Magento\Config\Block\System\Config\Form\Field;
use Magento\Framework\Data\Form\Element\AbstractElement;

/**
 * The button that tests a connection, in the settings.
 */
class ConnectionTest extends Field
{
    /**
     * @var string
     */
    protected $_template = 'Regulars_Connect::connection-test.phtml';

    /**
     * @inheritDoc
     */
    public function render(AbstractElement $element)
    {
        // A button has no value to inherit.
        $element->unsScope()->unsCanUseWebsiteValue()->unsCanUseDefaultValue();
        return parent::render($element);
    }

    /**
     * Where the button posts to.
     *
     * @return string
     */
    public function getTestUrl(): string
    {
        return $this->getUrl('regulars/connection/test', ['website' => (int)$this->getRequest()->getParam('website')]);
    }

    /**
     * @inheritDoc
     */
    protected function _getElementHtml(AbstractElement $element)
    {
        return $this->_toHtml();
    }
}
