<?php

declare(strict_types=1);

namespace Regulars\Connect\Block;

use Magento\Customer\Block\Account\SortLinkInterface;
use Magento\Framework\App\DefaultPathInterface;
use Magento\Framework\View\Element\Html\Link\Current;
use Magento\Framework\View\Element\Template\Context;
use Regulars\Connect\Model\Config;

/**
 * The link to the panel's page in the navigation of the customer account.
 */
class AccountLink extends Current implements SortLinkInterface
{
    /**
     * @param Context $context
     * @param DefaultPathInterface $defaultPath
     * @param Config $config
     * @param array $data
     */
    public function __construct(
        Context $context,
        DefaultPathInterface $defaultPath,
        private readonly Config $config,
        array $data = []
    ) {
        parent::__construct($context, $defaultPath, $data);
    }

    /**
     * @inheritDoc
     */
    public function getSortOrder()
    {
        return $this->getData(self::SORT_ORDER);
    }

    /**
     * @inheritDoc
     */
    protected function _toHtml()
    {
        $websiteId = (int)$this->_storeManager->getStore()->getWebsiteId();
        return $this->config->hasAccountPage($websiteId) ? parent::_toHtml() : '';
    }
}
