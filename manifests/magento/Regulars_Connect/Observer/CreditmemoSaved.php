<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Sales\Model\Order\Creditmemo;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells of a credit memo once it is refunded.
 */
class CreditmemoSaved implements ObserverInterface
{
    /**
     * @param Recorder $recorder
     * @param Websites $websites
     */
    public function __construct(
        private readonly Recorder $recorder,
        private readonly Websites $websites
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->recorder->record(function () use ($observer): array {
            /** @var Creditmemo $creditmemo */
            $creditmemo = $observer->getData('creditmemo');
            if ((int)$creditmemo->getState() !== Creditmemo::STATE_REFUNDED) {
                return [];
            }
            $storeId = (int)$creditmemo->getStoreId();
            $websiteId = $this->websites->ofStore($storeId);
            return [Change::once('order.refunded', (int)$creditmemo->getId(), $websiteId, $storeId)];
        });
    }
}
