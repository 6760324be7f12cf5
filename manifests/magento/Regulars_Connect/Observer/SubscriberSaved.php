<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Newsletter\Model\Subscriber;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells of consent to the newsletter, given or taken back.
 */
class SubscriberSaved implements ObserverInterface
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
            /** @var Subscriber $subscriber */
            $subscriber = $observer->getData('subscriber');
            $storeId = (int)$subscriber->getStoreId();
            $websiteId = $this->websites->ofStore($storeId);
            return [Change::of('customer.consent', (int)$subscriber->getId(), $websiteId, $storeId)];
        });
    }
}
