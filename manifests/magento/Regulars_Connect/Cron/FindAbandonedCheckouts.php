<?php

declare(strict_types=1);

namespace Regulars\Connect\Cron;

use Magento\Quote\Model\ResourceModel\Quote\Collection;
use Magento\Quote\Model\ResourceModel\Quote\CollectionFactory;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Outbox\OutboxInterface;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Finds carts that somebody with an address has filled and left. Each is told once after its last change.
 */
class FindAbandonedCheckouts
{
    private const TOPIC = 'checkout.updated';

    /** Carts that were left longer ago are not told any more. It is less than the time for which sent rows are kept. */
    private const WINDOW_SECONDS = 2 * 86400;

    /** Carts recorded with one statement. */
    private const PAGE = 500;

    /**
     * @param CollectionFactory $quotes
     * @param Recorder $recorder
     * @param OutboxInterface $outbox
     * @param Websites $websites
     * @param Config $config
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly CollectionFactory $quotes,
        private readonly Recorder $recorder,
        private readonly OutboxInterface $outbox,
        private readonly Websites $websites,
        private readonly Config $config,
        private readonly ClockInterface $clock
    ) {
    }

    /**
     * Records the abandoned carts of all websites that tell of them.
     *
     * @return void
     */
    public function execute(): void
    {
        foreach ($this->websites->all() as $websiteId) {
            $stores = $this->websites->stores($websiteId);
            if ($stores !== [] && $this->config->tells(self::TOPIC, $websiteId)) {
                $this->find($websiteId, $stores);
            }
        }
    }

    /**
     * Records a website's abandoned carts.
     *
     * @param int $websiteId
     * @param int[] $stores
     * @return void
     */
    private function find(int $websiteId, array $stores): void
    {
        $last = 0;
        do {
            $changes = [];
            foreach ($this->page($websiteId, $stores, $last) as $quote) {
                $last = (int)$quote->getId();
                $version = (string)$quote->getUpdatedAt();
                $changes[] = Change::once(self::TOPIC, $last, $websiteId, (int)$quote->getStoreId(), [], $version);
            }
            $this->recorder->record(fn (): array => $this->outbox->news($changes));
        } while (count($changes) === self::PAGE);
    }

    /**
     * Abandoned carts with higher ids than one.
     *
     * @param int $websiteId
     * @param int[] $stores
     * @param int $after
     * @return Collection
     */
    private function page(int $websiteId, array $stores, int $after): Collection
    {
        $now = $this->clock->now();
        $time = static fn (int $seconds): string => gmdate('Y-m-d H:i:s', $seconds);
        $abandoned = $this->config->abandonedAfter($websiteId);
        return $this->quotes->create()
            ->addFieldToFilter('entity_id', ['gt' => $after])
            ->addFieldToFilter('store_id', ['in' => $stores])
            ->addFieldToFilter('is_active', 1)
            ->addFieldToFilter('items_count', ['gt' => 0])
            ->addFieldToFilter('customer_email', ['notnull' => true])
            ->addFieldToFilter('updated_at', [
                'from' => $time($now - self::WINDOW_SECONDS),
                'to' => $time($now - $abandoned),
            ])
            ->setOrder('entity_id', Collection::SORT_ORDER_ASC)
            ->setPageSize(self::PAGE);
    }
}
