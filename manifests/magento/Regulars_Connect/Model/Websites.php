<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

use Magento\Customer\Model\Config\Share;
use Magento\Store\Model\StoreManagerInterface;

/**
 * Which websites a thing belongs to.
 */
class Websites
{
    /**
     * @param StoreManagerInterface $storeManager
     * @param Share $customerSharing
     * @param Config $config
     */
    public function __construct(
        private readonly StoreManagerInterface $storeManager,
        private readonly Share $customerSharing,
        private readonly Config $config
    ) {
    }

    /**
     * The website of a store view.
     *
     * @param int $storeId
     * @return int
     */
    public function ofStore(int $storeId): int
    {
        return (int)$this->storeManager->getStore($storeId)->getWebsiteId();
    }

    /**
     * The websites on which a customer may sign in, one for each shop that Regulars knows.
     *
     * Where customers are shared, each of those shops has to know them; websites that are one shop there are told once.
     *
     * @param int $websiteId
     * @return int[]
     */
    public function ofCustomer(int $websiteId): array
    {
        if (!$this->customerSharing->isGlobalScope()) {
            return [$websiteId];
        }
        $shops = [];
        foreach ($this->all() as $id) {
            $connection = $this->config->connection($id);
            if ($connection !== null) {
                $shops[$connection->url . ' ' . $connection->store] ??= $id;
            }
        }
        return array_values($shops);
    }

    /**
     * All websites of the storefront.
     *
     * @return int[]
     */
    public function all(): array
    {
        return array_map(static fn ($website): int => (int)$website->getId(), $this->storeManager->getWebsites());
    }

    /**
     * A website's store views.
     *
     * @param int $websiteId
     * @return int[]
     */
    public function stores(int $websiteId): array
    {
        return array_map('intval', $this->storeManager->getWebsite($websiteId)->getStoreIds());
    }
}
