<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Sales\Api\Data\ShipmentItemInterface;
use Magento\Sales\Api\Data\ShipmentTrackInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Magento\Sales\Api\ShipmentRepositoryInterface;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of a shipment. Magento knows no state of one, and it can have no tracking number or several.
 */
class FulfillmentBuilder implements BuilderInterface
{
    /**
     * @param ShipmentRepositoryInterface $shipments
     * @param OrderRepositoryInterface $orders
     * @param Shop $shop
     * @param Format $format
     */
    public function __construct(
        private readonly ShipmentRepositoryInterface $shipments,
        private readonly OrderRepositoryInterface $orders,
        private readonly Shop $shop,
        private readonly Format $format
    ) {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        try {
            $shipment = $this->shipments->get($message->entityId);
            $order = $this->orders->get((int)$shipment->getOrderId());
        } catch (NoSuchEntityException $exception) {
            return null;
        }
        return [
            'id' => (string)(int)$shipment->getEntityId(),
            'number' => (string)$shipment->getIncrementId(),
            'order_id' => (string)(int)$shipment->getOrderId(),
            'order_number' => (string)$order->getIncrementId(),
            'shop' => $this->shop->of((int)$shipment->getStoreId(), $message->websiteId),
            'shipped_at' => $this->format->time($shipment->getCreatedAt()),
            'updated_at' => $this->format->time($shipment->getUpdatedAt()),
            'lines' => $this->each($shipment->getItems(), fn (ShipmentItemInterface $item): array => [
                'line_id' => (string)(int)$item->getOrderItemId(),
                'sku' => $this->format->text($item->getSku()),
                'quantity' => $this->format->decimal($item->getQty()),
            ]),
            'tracks' => $this->each($shipment->getTracks(), fn (ShipmentTrackInterface $track): array => [
                'carrier' => $this->format->text($track->getCarrierCode()),
                'title' => $this->format->text($track->getTitle()),
                'number' => $this->format->text($track->getTrackNumber()),
            ]),
        ];
    }

    /**
     * A list of what each thing is told as.
     *
     * @param iterable|null $things
     * @param callable $tell
     * @return array
     */
    private function each(?iterable $things, callable $tell): array
    {
        $told = [];
        foreach ($things ?? [] as $thing) {
            $told[] = $tell($thing);
        }
        return $told;
    }
}
