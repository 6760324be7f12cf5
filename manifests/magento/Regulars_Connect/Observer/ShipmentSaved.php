<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Sales\Model\Order\Shipment;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells of a shipment.
 */
class ShipmentSaved implements ObserverInterface
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
            /** @var Shipment $shipment */
            $shipment = $observer->getData('shipment');
            $id = (int)$shipment->getId();
            $storeId = (int)$shipment->getStoreId();
            $websiteId = $this->websites->ofStore($storeId);
            return [
                $shipment->getOrigData('entity_id') === null
                    ? Change::once('fulfillment.created', $id, $websiteId, $storeId)
                    : Change::of('fulfillment.updated', $id, $websiteId, $storeId),
            ];
        });
    }
}
