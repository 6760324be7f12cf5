<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Store\Model\ScopeInterface;
use Magento\Store\Model\StoreManagerInterface;

/**
 * The store view in which something happened.
 */
class Shop
{
    private const LOCALE = 'general/locale/code';
    private const PRICES_INCLUDE_TAX = 'tax/calculation/price_includes_tax';

    /**
     * @param StoreManagerInterface $storeManager
     * @param ScopeConfigInterface $scopeConfig
     */
    public function __construct(
        private readonly StoreManagerInterface $storeManager,
        private readonly ScopeConfigInterface $scopeConfig
    ) {
    }

    /**
     * Ids, codes and the language of a store view; of a website's default one for none or one that is gone.
     *
     * @param int $storeId
     * @param int $websiteId
     * @return array
     */
    public function of(int $storeId, int $websiteId): array
    {
        $website = $this->storeManager->getWebsite($websiteId);
        try {
            $store = $storeId === 0 ? $website->getDefaultStore() : $this->storeManager->getStore($storeId);
        } catch (NoSuchEntityException $exception) {
            $store = $website->getDefaultStore();
        }
        $locale = $this->scopeConfig->getValue(self::LOCALE, ScopeInterface::SCOPE_STORE, $store->getId());
        return [
            'website' => (string)$website->getCode(),
            'store' => (string)$store->getCode(),
            'store_id' => (string)$store->getId(),
            'locale' => str_replace('_', '-', (string)$locale),
        ];
    }

    /**
     * Whether prices of the catalogue include tax.
     *
     * @param int $storeId
     * @return bool
     */
    public function pricesIncludeTax(int $storeId): bool
    {
        return $this->scopeConfig->isSetFlag(self::PRICES_INCLUDE_TAX, ScopeInterface::SCOPE_STORE, $storeId);
    }

    /**
     * An address of the storefront.
     *
     * @param int $storeId
     * @param string $path
     * @return string
     */
    public function url(int $storeId, string $path): string
    {
        return $this->storeManager->getStore($storeId)->getUrl($path, ['_nosid' => true]);
    }
}
