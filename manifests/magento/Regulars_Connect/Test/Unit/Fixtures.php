<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit;

use Magento\Customer\Model\Config\Share;
use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DataObject\IdentityGeneratorInterface;
use Magento\Framework\DB\Adapter\Sqlite;
use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Framework\Serialize\Serializer\Json;
use Magento\Store\Model\Store;
use Magento\Store\Model\StoreManagerInterface;
use Magento\Store\Model\Website;
use Psr\Log\AbstractLogger;
use Regulars\Connect\Model\Address;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\Request;
use Regulars\Connect\Model\Delivery\TransportException;
use Regulars\Connect\Model\Delivery\TransportInterface;
use Regulars\Connect\Model\Outbox\DatabaseOutbox;
use Regulars\Connect\Model\Outbox\Message;
use Regulars\Connect\Model\Payload\Shop;
use Regulars\Connect\Model\StoreName;
use Regulars\Connect\Model\Websites;
use Regulars\Connect\Test\Unit\stubs\Thing;

/**
 * A shop of two websites, and the parts around it that tests steer.
 */
final class Fixtures
{
    public const NOW = 1795285141;
    public const SECRET = 'a-secret-of-the-tests';

    /** Settings of every website; a key with a website's id before it is that website's own. */
    public static function config(array $settings = []): Config
    {
        $settings += [
            'connection/enabled' => 1,
            'connection/url' => 'https://regulars.example.com/',
            'connection/store' => 'shop.example.com',
            'connection/secret' => 'encrypted:' . self::SECRET,
            'events/orders' => 1,
            'events/customers' => 1,
            'events/newsletter' => 1,
            'events/checkouts' => 1,
            'events/checkout_minutes' => 60,
            'events/details' => 1,
            'panel/enabled' => 1,
            'panel/account_tab' => 1,
            'delivery/batch_size' => 100,
            'delivery/give_up_hours' => 72,
            'delivery/keep_days' => 7,
        ];
        $encryptor = new class implements EncryptorInterface {
            public function decrypt($data)
            {
                return str_starts_with($data, 'encrypted:') ? substr($data, 10) : '';
            }
        };
        $scopeConfig = self::scopeConfig($settings, 'regulars_connect/');
        return new Config($scopeConfig, $encryptor, new Address(), new StoreName());
    }

    public static function scopeConfig(array $settings, string $path = ''): ScopeConfigInterface
    {
        return new class ($settings, $path) implements ScopeConfigInterface {
            public function __construct(private array $settings, private string $path)
            {
            }

            public function getValue($path, $scopeType = self::SCOPE_TYPE_DEFAULT, $scopeCode = null)
            {
                $path = substr($path, strlen($this->path));
                return $this->settings["$scopeCode:$path"] ?? $this->settings[$path] ?? null;
            }

            public function isSetFlag($path, $scopeType = self::SCOPE_TYPE_DEFAULT, $scopeCode = null)
            {
                return (bool)$this->getValue($path, $scopeType, $scopeCode);
            }
        };
    }

    /** Website 1 has the store views 1 and 2, website 2 has 3. */
    public static function storeManager(): StoreManagerInterface
    {
        return new class implements StoreManagerInterface {
            private array $codes = [1 => 'de', 2 => 'nl', 3 => 'us'];

            public function getStore($storeId = null)
            {
                if (!isset($this->codes[$storeId])) {
                    throw new NoSuchEntityException();
                }
                return new Store([
                    'id' => $storeId,
                    'code' => $this->codes[$storeId],
                    'website_id' => $storeId === 3 ? 2 : 1,
                    'url' => 'https://shop.example.com/' . $this->codes[$storeId] . '/',
                ]);
            }

            public function getWebsite($websiteId = null)
            {
                return new Website([
                    'id' => $websiteId,
                    'code' => $websiteId === 1 ? 'base' : 'america',
                    'default_store' => $this->getStore($websiteId === 1 ? 1 : 3),
                    'store_ids' => $websiteId === 1 ? ['1', '2'] : ['3'],
                ]);
            }

            public function getWebsites()
            {
                return [1 => $this->getWebsite(1), 2 => $this->getWebsite(2)];
            }
        };
    }

    public static function websites(?Config $config = null, bool $customersShared = false): Websites
    {
        return new Websites(self::storeManager(), new Share($customersShared), $config ?? self::config());
    }

    public static function shop(bool $pricesIncludeTax = false): Shop
    {
        $settings = [
            'general/locale/code' => 'de_DE',
            '2:general/locale/code' => 'nl_NL',
            'tax/calculation/price_includes_tax' => $pricesIncludeTax,
        ];
        return new Shop(self::storeManager(), self::scopeConfig($settings));
    }

    /** The table as db_schema.xml declares it. */
    public static function database(): Sqlite
    {
        $schema = simplexml_load_file(dirname(__DIR__, 2) . '/etc/db_schema.xml');
        $parts = [];
        foreach ($schema->table->column as $column) {
            $type = str_contains((string)$column->attributes('xsi', true)->type, 'int') ? 'INTEGER' : 'TEXT';
            $isKey = (string)$column['identity'] === 'true';
            $null = (string)$column['nullable'] === 'false' ? ' NOT NULL' : '';
            $default = isset($column['default']) ? " DEFAULT '{$column['default']}'" : '';
            $parts[] = $column['name'] . ($isKey ? ' INTEGER PRIMARY KEY AUTOINCREMENT' : " $type$null$default");
        }
        foreach ($schema->xpath('//constraint[@xsi:type="unique"]') as $unique) {
            $parts[] = "UNIQUE ({$unique->column['name']})";
        }
        $database = new Sqlite();
        $database->run('CREATE TABLE regulars_connect_outbox (' . implode(', ', $parts) . ')');
        $database->writes = 0;
        return $database;
    }

    public static function outbox(?Sqlite $database = null): DatabaseOutbox
    {
        return new DatabaseOutbox(
            new ResourceConnection($database ?? self::database()),
            self::identity(),
            new Json()
        );
    }

    /** Numbered ids in the form of UUIDs. */
    public static function identity(): IdentityGeneratorInterface
    {
        return new class implements IdentityGeneratorInterface {
            private int $next = 1;

            public function generateId()
            {
                return sprintf('00000000-0000-4000-8000-%012d', $this->next++);
            }
        };
    }

    public static function clock(int $now = self::NOW): ClockInterface
    {
        return new class ($now) implements ClockInterface {
            public function __construct(public int $now)
            {
            }

            public function now(): int
            {
                return $this->now;
            }
        };
    }

    /** Answers in turn with statuses, answers or what a function makes of the request; `null` is no answer. */
    public static function transport(array $answers = []): TransportInterface
    {
        return new class ($answers) implements TransportInterface {
            /** @var Request[] */
            public array $requests = [];

            public function __construct(private array $answers)
            {
            }

            public function send(Request $request): Answer
            {
                $this->requests[] = $request;
                $answer = $this->answers === [] ? 200 : array_shift($this->answers);
                return match (true) {
                    $answer === null => throw new TransportException('no answer (curl 7)'),
                    is_int($answer) => new Answer($answer),
                    is_callable($answer) => $answer($request),
                    default => $answer,
                };
            }
        };
    }

    /** Keeps what is logged. */
    public static function logger(): AbstractLogger
    {
        return new class extends AbstractLogger {
            public string $text = '';

            public function log($level, $message, array $context = []): void
            {
                $this->text .= $level . ' ' . $message . ' ' . json_encode($context) . "\n";
            }
        };
    }

    public static function message(string $topic, int $entityId, array $context = [], int $storeId = 1): Message
    {
        $websiteId = $storeId === 3 ? 2 : 1;
        $id = self::identity()->generateId();
        return new Message(1, $id, $topic, $entityId, $websiteId, $storeId, $context, 0, self::NOW);
    }

    /** An item of an order. Amounts of the order's currency are those of the base currency, doubled. */
    public static function item(int $id, string $type, array $values = []): Thing
    {
        $money = ['price' => '0.0000', 'price_incl_tax' => '0.0000', 'discount_amount' => '0.0000',
            'tax_amount' => '0.0000', 'discount_tax_compensation_amount' => '0.0000'];
        return new Thing(self::inBothCurrencies($values, $money) + $values + [
            'item_id' => (string)$id,
            'parent_item_id' => null,
            'product_id' => (string)(100 + $id),
            'product_type' => $type,
            'sku' => "SKU-$id",
            'name' => "Thing $id",
            'qty_ordered' => '1.0000',
            'qty_invoiced' => '0.0000',
            'qty_shipped' => '0.0000',
            'qty_refunded' => '0.0000',
            'qty_canceled' => null,
        ]);
    }

    /** An item of a credit memo. */
    public static function refundItem(int $orderItemId, array $values = []): Thing
    {
        $money = ['price' => '0.0000', 'price_incl_tax' => null, 'discount_amount' => null, 'tax_amount' => null,
            'discount_tax_compensation_amount' => null];
        return new Thing(self::inBothCurrencies($values, $money) + $values + [
            'order_item_id' => (string)$orderItemId,
            'sku' => "SKU-$orderItemId",
            'qty' => '1.0000',
        ]);
    }

    /** An order of a guest. */
    public static function order(array $items, array $values = []): Thing
    {
        $money = ['subtotal' => '24.2000', 'discount_amount' => '-2.4200',
            'discount_tax_compensation_amount' => '0.4200', 'shipping_amount' => '5.0000',
            'shipping_incl_tax' => '5.0000', 'tax_amount' => '4.6600',
            'grand_total' => '31.8600', 'total_paid' => null, 'total_refunded' => null];
        $address = new Thing([
            'firstname' => 'Mila',
            'lastname' => "O'Neill-de Boer",
            'telephone' => '+49 30 901820',
            'country_id' => 'DE',
            'postcode' => '10178',
            'city' => 'Berlin',
            'street' => ['Klosterstraße 71', ''],
        ]);
        $shipping = new Thing(['address' => $address]);
        $assignment = new Thing(['shipping' => $shipping]);
        return new Thing(self::inBothCurrencies($values, $money) + $values + [
            'entity_id' => '17',
            'increment_id' => '2000000017',
            'store_id' => '2',
            'state' => 'processing',
            'status' => 'picked_by_the_cat',
            'created_at' => '2026-11-20 18:18:41',
            'updated_at' => '2026-11-21 07:00:02',
            'quote_id' => '27',
            'is_virtual' => '0',
            'base_currency_code' => 'EUR',
            'order_currency_code' => 'USD',
            'customer_is_guest' => '1',
            'customer_id' => null,
            'customer_email' => 'mila@example.com',
            'customer_group_id' => '0',
            'customer_firstname' => null,
            'customer_lastname' => null,
            'customer_dob' => '1988-02-29 00:00:00',
            'remote_ip' => '192.0.2.7',
            'coupon_code' => 'FRIENDS',
            'billing_address' => $address,
            'payment' => new Thing(['method' => 'checkmo']),
            'extension_attributes' => new Thing(['shipping_assignments' => [$assignment]]),
            'items' => $items,
        ]);
    }

    /**
     * Amounts under both names.
     *
     * @param array $values What a test states, in the base currency
     * @param array $defaults
     */
    private static function inBothCurrencies(array $values, array $defaults): array
    {
        $both = [];
        foreach ($defaults as $key => $default) {
            $base = array_key_exists($key, $values) ? $values[$key] : $default;
            $both["base_$key"] = $base;
            $both[$key] = $base === null ? null : number_format(2 * (float)$base, 4, '.', '');
        }
        return $both;
    }
}
