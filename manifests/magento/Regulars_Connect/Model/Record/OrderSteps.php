<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Record;

use Magento\Sales\Model\Order;
use Regulars\Connect\Model\Outbox\Change;

/**
 * What has become of an order with a save, from what it was at the save before. Reads what is in memory alone.
 */
class OrderSteps
{
    /** Less than half of the smallest amount that Magento keeps. */
    private const NOTHING = 0.00005;

    /**
     * What each order was at its last save in this process: one that is saved twice still has the data it was loaded
     * with as its original data.
     *
     * @var \WeakMap<Order, array>
     */
    private \WeakMap $saved;

    public function __construct()
    {
        $this->saved = new \WeakMap();
    }

    /**
     * Changes to tell of, for an order that has just been saved.
     *
     * @param Order $order
     * @param int $websiteId
     * @return Change[]
     */
    public function take(Order $order, int $websiteId): array
    {
        $before = $this->saved[$order] ?? $this->loaded($order);
        $after = $this->facts(static fn (string $key) => $order->getData($key));
        $this->saved[$order] = $after;
        $context = [
            'state' => $after['state'],
            'status' => $after['status'],
            'previous_state' => $before['state'] ?? null,
            'previous_status' => $before['status'] ?? null,
        ];
        $id = (int)$order->getId();
        $storeId = (int)$order->getStoreId();
        return array_map(
            static fn (string $topic): Change => $topic === 'order.placed'
                ? Change::once($topic, $id, $websiteId, $storeId, $context)
                : Change::of($topic, $id, $websiteId, $storeId, $context),
            $this->between($before, $after)
        );
    }

    /**
     * Topics of the steps between two saves.
     *
     * @param array|null $before null for a new order
     * @param array $after
     * @return string[]
     */
    public function between(?array $before, array $after): array
    {
        $isNow = static fn (string $state): bool => $after['state'] === $state && ($before['state'] ?? null) !== $state;
        $topics = array_keys(array_filter([
            'order.placed' => $before === null,
            'order.paid' => $after['is_paid'] && !($before['is_paid'] ?? false),
            'order.fulfilled' => $isNow(Order::STATE_COMPLETE),
            'order.cancelled' => $isNow(Order::STATE_CANCELED),
        ]));
        return $topics === [] ? ['order.updated'] : $topics;
    }

    /**
     * What an order was when it was loaded; null if it is new.
     *
     * @param Order $order
     * @return array|null
     */
    private function loaded(Order $order): ?array
    {
        $isNew = $order->getOrigData('entity_id') === null;
        return $isNew ? null : $this->facts(static fn (string $key) => $order->getOrigData($key));
    }

    /**
     * What steps are seen by.
     *
     * @param callable $value
     * @return array
     */
    private function facts(callable $value): array
    {
        $due = (float)$value('base_grand_total') - (float)$value('base_total_paid');
        $state = $value('state');
        return [
            'state' => $state === null ? null : (string)$state,
            'status' => $value('status') === null ? null : (string)$value('status'),
            'is_paid' => $due < self::NOTHING && $state !== Order::STATE_CANCELED,
        ];
    }
}
