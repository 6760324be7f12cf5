<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Sales\Model\Order\Shipment\Track;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells of a shipment whose tracking numbers have changed.
 */
class TrackSaved implements ObserverInterface
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
            /** @var Track $track */
            $track = $observer->getData('track');
            $storeId = (int)$track->getShipment()->getStoreId();
            $websiteId = $this->websites->ofStore($storeId);
            return [Change::of('fulfillment.updated', (int)$track->getParentId(), $websiteId, $storeId)];
        });
    }
}
