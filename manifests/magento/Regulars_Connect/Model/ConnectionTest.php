<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\App\ProductMetadataInterface;
use Magento\Framework\DataObject\IdentityGeneratorInterface;
use Magento\Store\Model\ScopeInterface;
use Magento\Store\Model\StoreManagerInterface;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\Envelope;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\TransportException;
use Regulars\Connect\Model\Delivery\TransportInterface;
use Regulars\Connect\Model\Outbox\Sender;

/**
 * Asks Regulars whether it knows the shop, with a delivery that means nothing else.
 */
class ConnectionTest
{
    private const TOPIC = 'connection.test';
    private const TIMEOUT = 10.0;

    /**
     * @param Config $config
     * @param StoreManagerInterface $storeManager
     * @param ScopeConfigInterface $scopeConfig
     * @param ProductMetadataInterface $product
     * @param SignedRequestFactory $requests
     * @param TransportInterface $transport
     * @param IdentityGeneratorInterface $identity
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly Config $config,
        private readonly StoreManagerInterface $storeManager,
        private readonly ScopeConfigInterface $scopeConfig,
        private readonly ProductMetadataInterface $product,
        private readonly SignedRequestFactory $requests,
        private readonly TransportInterface $transport,
        private readonly IdentityGeneratorInterface $identity,
        private readonly ClockInterface $clock
    ) {
    }

    /**
     * The answer; null if the settings are not complete.
     *
     * @param int|null $websiteId The default settings without
     * @return Answer|null
     * @throws TransportException if there is none
     */
    public function run(?int $websiteId): ?Answer
    {
        $connection = $this->config->savedConnection($websiteId);
        if ($connection === null) {
            return null;
        }
        $now = $this->clock->now();
        $envelope = new Envelope($this->identity->generateId(), self::TOPIC, $now, $this->shop($websiteId));
        return $this->transport->send($this->requests->make($connection, Sender::PATH, $envelope, self::TIMEOUT));
    }

    /**
     * What shows a wrong setting at once: whose shop, in which currency and time.
     *
     * @param int|null $websiteId
     * @return array
     */
    private function shop(?int $websiteId): array
    {
        $store = $websiteId === null
            ? $this->storeManager->getDefaultStoreView()
            : $this->storeManager->getWebsite($websiteId)->getDefaultStore();
        $text = fn (string $path): string
            => (string)$this->scopeConfig->getValue($path, ScopeInterface::SCOPE_STORE, $store->getId());
        return [
            'platform' => $this->product->getName() . ' ' . $this->product->getEdition(),
            'platform_version' => $this->product->getVersion(),
            'php_version' => PHP_VERSION,
            'url' => $store->getBaseUrl(),
            'base_currency' => (string)$store->getBaseCurrencyCode(),
            'time_zone' => $text('general/locale/timezone'),
            'locale' => str_replace('_', '-', $text('general/locale/code')),
        ];
    }
}
