<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Customer\Model\Customer;
use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells that a customer is no more.
 */
class CustomerDeleted implements ObserverInterface
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
            /** @var Customer $customer */
            $customer = $observer->getData('customer');
            $id = (int)$customer->getId();
            return array_map(
                static fn (int $websiteId): Change => Change::of('customer.deleted', $id, $websiteId, 0),
                $this->websites->ofCustomer((int)$customer->getWebsiteId())
            );
        });
    }
}
