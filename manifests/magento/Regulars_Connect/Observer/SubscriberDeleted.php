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
 * Tells that a newsletter subscription is no more: without a record of it there is no consent.
 */
class SubscriberDeleted implements ObserverInterface
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
            $context = [
                'deleted' => true,
                'email' => (string)$subscriber->getSubscriberEmail(),
                'customer_id' => (int)$subscriber->getCustomerId(),
            ];
            $id = (int)$subscriber->getId();
            $websiteId = $this->websites->ofStore($storeId);
            // Once: merged with a change that waits, what only this moment knows would be lost.
            return [Change::once('customer.consent', $id, $websiteId, $storeId, $context, 'deleted')];
        });
    }
}
