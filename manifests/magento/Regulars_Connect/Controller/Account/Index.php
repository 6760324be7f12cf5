<?php

declare(strict_types=1);

namespace Regulars\Connect\Controller\Account;

use Magento\Customer\Controller\AbstractAccount;
use Magento\Framework\App\Action\Context;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Store\Model\StoreManagerInterface;
use Regulars\Connect\Model\Config;

/**
 * The panel's page in the customer account; whoever is not signed in is asked to.
 */
class Index extends AbstractAccount implements HttpGetActionInterface
{
    /**
     * @param Context $context
     * @param StoreManagerInterface $storeManager
     * @param Config $config
     */
    public function __construct(
        Context $context,
        private readonly StoreManagerInterface $storeManager,
        private readonly Config $config
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        if (!$this->config->hasAccountPage((int)$this->storeManager->getStore()->getWebsiteId())) {
            return $this->resultFactory->create(ResultFactory::TYPE_FORWARD)->forward('noroute');
        }
        return $this->resultFactory->create(ResultFactory::TYPE_PAGE);
    }
}
