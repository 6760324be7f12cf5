<?php

declare(strict_types=1);

namespace Regulars\Connect\Block;

use Magento\Customer\Model\Context as CustomerContext;
use Magento\Framework\App\Http\Context as HttpContext;
use Magento\Framework\View\Element\Template;
use Magento\Framework\View\Element\Template\Context;
use Regulars\Connect\Model\Config;

/**
 * The place that the panel is put into by a script. The page itself holds nothing of the customer, and can be cached:
 * caches keep pages of guests and of customers apart.
 */
class Panel extends Template
{
    /**
     * @var string
     */
    protected $_template = 'Regulars_Connect::panel.phtml';

    /**
     * @param Context $context
     * @param HttpContext $httpContext
     * @param Config $config
     * @param array $data
     */
    public function __construct(
        Context $context,
        private readonly HttpContext $httpContext,
        private readonly Config $config,
        array $data = []
    ) {
        parent::__construct($context, $data);
    }

    /**
     * Whether there is a panel to show.
     *
     * @return bool
     */
    public function isShown(): bool
    {
        $websiteId = (int)$this->_storeManager->getStore()->getWebsiteId();
        return $this->config->showsPanel($websiteId) && $this->httpContext->getValue(CustomerContext::CONTEXT_AUTH);
    }

    /**
     * Where the script gets the panel.
     *
     * @return string
     */
    public function getPanelUrl(): string
    {
        return $this->getUrl('regulars/panel');
    }
}
