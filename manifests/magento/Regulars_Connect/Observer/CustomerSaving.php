<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Regulars\Connect\Model\Record\NewCustomers;

/**
 * Notices that a customer is new, which can be seen before the save alone.
 */
class CustomerSaving implements ObserverInterface
{
    /**
     * @param NewCustomers $newCustomers
     */
    public function __construct(private readonly NewCustomers $newCustomers)
    {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $customer = $observer->getData('customer');
        if (is_object($customer) && !$customer->getId()) {
            $this->newCustomers->remember($customer);
        }
    }
}
