<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Customer\Model\Customer;
use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Record\NewCustomers;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells of a customer.
 */
class CustomerSaved implements ObserverInterface
{
    /**
     * @param Recorder $recorder
     * @param NewCustomers $newCustomers
     * @param Websites $websites
     */
    public function __construct(
        private readonly Recorder $recorder,
        private readonly NewCustomers $newCustomers,
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
            $storeId = (int)$customer->getStoreId();
            $topic = $this->newCustomers->take($customer) ? 'customer.created' : 'customer.updated';
            return array_map(
                static fn (int $websiteId): Change => Change::of($topic, $id, $websiteId, $storeId),
                $this->websites->ofCustomer((int)$customer->getWebsiteId())
            );
        });
    }
}
