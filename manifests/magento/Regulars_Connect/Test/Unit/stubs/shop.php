<?php

/**
 * Stands in for Magento's orders, customers and stores. Things answer getters by their data; one that a test has not
 * given is an error, so that no getter is misspelt.
 */

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\stubs {
    trait AnswersGetters
    {
        public function __construct(protected array $data = [], protected array $origData = [])
        {
        }

        public function __call(string $method, array $arguments)
        {
            if (!preg_match('/^(get|is)([A-Z]\w*)$/', $method, $parts)) {
                throw new \BadMethodCallException($method);
            }
            $words = $parts[1] === 'is' ? 'Is' . $parts[2] : $parts[2];
            $key = strtolower(preg_replace('/(?<!^)(?=[A-Z])/', '_', $words));
            if (!array_key_exists($key, $this->data)) {
                throw new \BadMethodCallException("$method: nothing is known of `$key`");
            }
            return $this->data[$key];
        }

        public function getData(string $key)
        {
            return $this->data[$key] ?? null;
        }

        public function setData(string $key, $value): static
        {
            $this->data[$key] = $value;
            return $this;
        }

        public function getOrigData(string $key)
        {
            return $this->origData[$key] ?? null;
        }

        public function getId()
        {
            return $this->data['entity_id'] ?? $this->data['id'] ?? null;
        }
    }

    class Thing implements
        \Magento\Sales\Api\Data\OrderInterface,
        \Magento\Sales\Api\Data\OrderItemInterface,
        \Magento\Sales\Api\Data\OrderAddressInterface,
        \Magento\Sales\Api\Data\CreditmemoInterface,
        \Magento\Sales\Api\Data\CreditmemoItemInterface,
        \Magento\Sales\Api\Data\ShipmentInterface,
        \Magento\Sales\Api\Data\ShipmentItemInterface,
        \Magento\Sales\Api\Data\ShipmentTrackInterface,
        \Magento\Customer\Api\Data\CustomerInterface,
        \Magento\Customer\Api\Data\AddressInterface
    {
        use AnswersGetters;
    }

    class Repository implements
        \Magento\Sales\Api\OrderRepositoryInterface,
        \Magento\Sales\Api\CreditmemoRepositoryInterface,
        \Magento\Sales\Api\ShipmentRepositoryInterface,
        \Magento\Customer\Api\CustomerRepositoryInterface
    {
        /**
         * @param array<int, object> $things
         */
        public function __construct(private array $things)
        {
        }

        public function get($id)
        {
            return $this->things[$id] ?? throw new \Magento\Framework\Exception\NoSuchEntityException();
        }

        public function getById($id)
        {
            return $this->get($id);
        }
    }
}

namespace Magento\Sales\Api {
    interface OrderRepositoryInterface
    {
    }

    interface CreditmemoRepositoryInterface
    {
    }

    interface ShipmentRepositoryInterface
    {
    }
}

namespace Magento\Sales\Api\Data {
    interface OrderInterface
    {
    }

    interface OrderItemInterface
    {
    }

    interface OrderAddressInterface
    {
    }

    interface CreditmemoInterface
    {
    }

    interface CreditmemoItemInterface
    {
    }

    interface ShipmentInterface
    {
    }

    interface ShipmentItemInterface
    {
    }

    interface ShipmentTrackInterface
    {
    }
}

namespace Magento\Sales\Model {
    class Order
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;

        public const STATE_COMPLETE = 'complete';
        public const STATE_CANCELED = 'canceled';
    }
}

namespace Magento\Sales\Model\Order {
    class Creditmemo
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;

        public const STATE_REFUNDED = 2;
    }

    class Shipment
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;
    }
}

namespace Magento\Sales\Model\Order\Shipment {
    class Track
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;
    }
}

namespace Magento\Customer\Api {
    interface CustomerRepositoryInterface
    {
    }

    interface AccountManagementInterface
    {
        public const ACCOUNT_CONFIRMED = 'account_confirmed';

        public function getConfirmationStatus($customerId);
    }
}

namespace Magento\Customer\Api\Data {
    interface CustomerInterface
    {
    }

    interface AddressInterface
    {
    }
}

namespace Magento\Customer\Model {
    class Customer
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;

        public const ENTITY = 'customer';
    }
}

namespace Magento\Customer\Model\Config {
    class Share
    {
        public function __construct(private bool $isGlobal = false)
        {
        }

        public function isGlobalScope()
        {
            return $this->isGlobal;
        }
    }
}

namespace Magento\Newsletter\Model {
    class Subscriber
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;

        public const STATUS_SUBSCRIBED = 1;
        public const STATUS_NOT_ACTIVE = 2;
        public const STATUS_UNSUBSCRIBED = 3;
        public const STATUS_UNCONFIRMED = 4;
    }

    class SubscriberFactory
    {
        public function create(array $data = [])
        {
            return new Subscriber();
        }
    }
}

namespace Magento\Newsletter\Model\ResourceModel {
    class Subscriber
    {
        /**
         * @param array<int, array> $rows
         */
        public function __construct(private array $rows = [])
        {
        }

        public function load($subscriber, $id)
        {
            foreach ($this->rows[$id] ?? [] as $key => $value) {
                $subscriber->setData($key, $value);
            }
        }
    }
}

namespace Magento\Quote\Model {
    class Quote
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;
    }
}

namespace Magento\Quote\Model\Quote {
    class Item
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;
    }
}

namespace Magento\Quote\Model\ResourceModel\Quote {
    use Magento\Quote\Model\Quote;

    class Collection implements \IteratorAggregate
    {
        public const SORT_ORDER_ASC = 'ASC';

        public array $filters = [];

        /**
         * @param Quote[] $quotes
         */
        public function __construct(private array $quotes)
        {
        }

        public function addFieldToFilter($field, $condition)
        {
            $this->filters[$field] = $condition;
            return $this;
        }

        public function setOrder($field, $direction)
        {
            return $this;
        }

        public function setPageSize($size)
        {
            return $this;
        }

        public function getFirstItem()
        {
            return $this->quotes[0] ?? new Quote();
        }

        public function getIterator(): \Iterator
        {
            return new \ArrayIterator($this->quotes);
        }
    }

    class CollectionFactory
    {
        public ?Collection $made = null;

        /**
         * @param Quote[] $quotes
         */
        public function __construct(private array $quotes = [])
        {
        }

        public function create(array $data = [])
        {
            return $this->made = new Collection($this->quotes);
        }
    }
}

namespace Magento\Store\Model {
    interface ScopeInterface
    {
        public const SCOPE_STORE = 'store';
        public const SCOPE_WEBSITE = 'website';
    }

    interface StoreManagerInterface
    {
        public function getStore($storeId = null);

        public function getWebsite($websiteId = null);

        public function getWebsites();
    }

    class Store
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;

        public function getUrl(string $path, array $parameters = []): string
        {
            return $this->data['url'] . $path . '/';
        }
    }

    class Website
    {
        use \Regulars\Connect\Test\Unit\stubs\AnswersGetters;
    }
}
