<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Store\Model\ScopeInterface;

/**
 * The merchant's settings, by website.
 */
class Config
{
    private const PATH = 'regulars_connect/';

    /** Sent rows keep an abandoned cart from being told twice: they outlive the time in which one is looked for. */
    private const KEEP_DAYS_MIN = 3;

    /** Setting that switches a topic, by what the topic begins with; the longest beginning counts. */
    private const SWITCHES = [
        'order.' => 'orders',
        'fulfillment.' => 'orders',
        'customer.' => 'customers',
        'customer.consent' => 'newsletter',
        'checkout.' => 'checkouts',
    ];

    /**
     * @param ScopeConfigInterface $scopeConfig
     * @param EncryptorInterface $encryptor
     * @param Address $address
     * @param StoreName $storeName
     */
    public function __construct(
        private readonly ScopeConfigInterface $scopeConfig,
        private readonly EncryptorInterface $encryptor,
        private readonly Address $address,
        private readonly StoreName $storeName
    ) {
    }

    /**
     * The connection of a website that is switched on and completely set.
     *
     * @param int $websiteId
     * @return Connection|null
     */
    public function connection(int $websiteId): ?Connection
    {
        return $this->isOn('connection/enabled', $websiteId) ? $this->savedConnection($websiteId) : null;
    }

    /**
     * The connection as it is saved, switched on or not; of the default settings without a website.
     *
     * @param int|null $websiteId
     * @return Connection|null
     */
    public function savedConnection(?int $websiteId): ?Connection
    {
        $url = $this->address->read($this->text('connection/url', $websiteId));
        $store = $this->storeName->read($this->text('connection/store', $websiteId));
        $secret = $this->encryptor->decrypt($this->text('connection/secret', $websiteId));
        if ($url === null || $store === null || $secret === '') {
            return null;
        }
        return new Connection($url, $store, $secret);
    }

    /**
     * Whether a website tells of a topic. Reads no secret: it is asked while a shopper waits.
     *
     * @param string $topic
     * @param int $websiteId
     * @return bool
     */
    public function tells(string $topic, int $websiteId): bool
    {
        $switch = null;
        foreach (self::SWITCHES as $beginning => $setting) {
            $switch = str_starts_with($topic, $beginning) ? $setting : $switch;
        }
        return $switch !== null
            && $this->isOn('connection/enabled', $websiteId)
            && $this->isOn('events/' . $switch, $websiteId);
    }

    /**
     * Whether names, phones, street addresses, IP addresses and birthdays may leave the shop.
     *
     * @param int $websiteId
     * @return bool
     */
    public function sharesDetails(int $websiteId): bool
    {
        return $this->isOn('events/details', $websiteId);
    }

    /**
     * Whether shoppers are shown their panel.
     *
     * @param int $websiteId
     * @return bool
     */
    public function showsPanel(int $websiteId): bool
    {
        return $this->isOn('connection/enabled', $websiteId) && $this->isOn('panel/enabled', $websiteId);
    }

    /**
     * Whether the panel has a page in the customer account.
     *
     * @param int $websiteId
     * @return bool
     */
    public function hasAccountPage(int $websiteId): bool
    {
        return $this->showsPanel($websiteId) && $this->isOn('panel/account_tab', $websiteId);
    }

    /**
     * Seconds from a cart's last change until it counts as abandoned.
     *
     * @param int $websiteId
     * @return int
     */
    public function abandonedAfter(int $websiteId): int
    {
        return 60 * max(15, (int)$this->text('events/checkout_minutes', $websiteId));
    }

    /**
     * The most deliveries of one run.
     *
     * @return int
     */
    public function batchSize(): int
    {
        return max(1, (int)$this->text('delivery/batch_size', null));
    }

    /**
     * Seconds until a delivery is given up.
     *
     * @return int
     */
    public function givesUpAfter(): int
    {
        return 3600 * max(1, (int)$this->text('delivery/give_up_hours', null));
    }

    /**
     * Seconds for which rows of finished deliveries are kept.
     *
     * @return int
     */
    public function keepsFor(): int
    {
        return 86400 * max(self::KEEP_DAYS_MIN, (int)$this->text('delivery/keep_days', null));
    }

    /**
     * A switch.
     *
     * @param string $path
     * @param int $websiteId
     * @return bool
     */
    private function isOn(string $path, int $websiteId): bool
    {
        return $this->scopeConfig->isSetFlag(self::PATH . $path, ScopeInterface::SCOPE_WEBSITE, $websiteId);
    }

    /**
     * A text without blanks around it.
     *
     * @param string $path
     * @param int|null $websiteId
     * @return string
     */
    private function text(string $path, ?int $websiteId): string
    {
        $scope = $websiteId === null ? ScopeConfigInterface::SCOPE_TYPE_DEFAULT : ScopeInterface::SCOPE_WEBSITE;
        return trim((string)$this->scopeConfig->getValue(self::PATH . $path, $scope, $websiteId));
    }
}
