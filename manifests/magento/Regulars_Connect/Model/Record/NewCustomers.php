<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Record;

/**
 * Customers that are being saved for the first time. Once they are saved, nothing on them tells.
 */
class NewCustomers
{
    /**
     * @var \WeakMap<object, bool>
     */
    private \WeakMap $customers;

    public function __construct()
    {
        $this->customers = new \WeakMap();
    }

    /**
     * Remembers a customer as long as it is in memory.
     *
     * @param object $customer
     * @return void
     */
    public function remember(object $customer): void
    {
        $this->customers[$customer] = true;
    }

    /**
     * Whether a customer was remembered; it is forgotten with that.
     *
     * @param object $customer
     * @return bool
     */
    public function take(object $customer): bool
    {
        $isNew = isset($this->customers[$customer]);
        unset($this->customers[$customer]);
        return $isNew;
    }
}
