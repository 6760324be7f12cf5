<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Sales\Api\CreditmemoRepositoryInterface;
use Magento\Sales\Api\Data\CreditmemoInterface;
use Magento\Sales\Api\Data\CreditmemoItemInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of a credit memo.
 */
class RefundBuilder implements BuilderInterface
{
    /**
     * @param CreditmemoRepositoryInterface $creditmemos
     * @param OrderRepositoryInterface $orders
     * @param Shop $shop
     * @param Lines $lines
     * @param Format $format
     */
    public function __construct(
        private readonly CreditmemoRepositoryInterface $creditmemos,
        private readonly OrderRepositoryInterface $orders,
        private readonly Shop $shop,
        private readonly Lines $lines,
        private readonly Format $format
    ) {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        try {
            $memo = $this->creditmemos->get($message->entityId);
            $order = $this->orders->get((int)$memo->getOrderId());
        } catch (NoSuchEntityException $exception) {
            return null;
        }
        $parents = [];
        foreach ($order->getItems() ?: [] as $item) {
            $parents[(int)$item->getItemId()] = (int)$item->getParentItemId();
        }
        $families = $this->lines->families(
            $memo->getItems(),
            static fn (CreditmemoItemInterface $item) => $item->getOrderItemId(),
            static fn (CreditmemoItemInterface $item) => $parents[(int)$item->getOrderItemId()] ?? 0
        );
        $lines = array_map([$this, 'line'], $families);
        return [
            'id' => (string)(int)$memo->getEntityId(),
            'number' => (string)$memo->getIncrementId(),
            'order_id' => (string)(int)$memo->getOrderId(),
            'order_number' => (string)$order->getIncrementId(),
            'shop' => $this->shop->of((int)$memo->getStoreId(), $message->websiteId),
            'refunded_at' => $this->format->time($memo->getCreatedAt()),
            'updated_at' => $this->format->time($memo->getUpdatedAt()),
            'base_currency' => (string)$memo->getBaseCurrencyCode(),
            'currency' => (string)$memo->getOrderCurrencyCode(),
            'prices_include_tax' => $this->shop->pricesIncludeTax((int)$memo->getStoreId()),
            'totals' => $this->totals($memo),
            'lines' => array_values(array_filter($lines, static fn (array $line): bool => $line['quantity'] !== '0')),
        ];
    }

    /**
     * Sums. Money that belongs to no item is adjustment_positive; what the merchant keeps back is adjustment_negative.
     *
     * @param CreditmemoInterface $memo
     * @return array
     */
    private function totals(CreditmemoInterface $memo): array
    {
        $format = $this->format;
        return [
            'subtotal' => $format->amount($memo->getBaseSubtotal(), $memo->getSubtotal()),
            'discount' => $format->discount($memo->getBaseDiscountAmount(), $memo->getDiscountAmount()),
            'discount_tax_compensation' => $format->amount(
                $memo->getBaseDiscountTaxCompensationAmount(),
                $memo->getDiscountTaxCompensationAmount()
            ),
            'shipping' => $format->amount($memo->getBaseShippingAmount(), $memo->getShippingAmount()),
            'shipping_incl_tax' => $format->amount($memo->getBaseShippingInclTax(), $memo->getShippingInclTax()),
            'tax' => $format->amount($memo->getBaseTaxAmount(), $memo->getTaxAmount()),
            'adjustment_positive' => $format->amount(
                $memo->getBaseAdjustmentPositive(),
                $memo->getAdjustmentPositive()
            ),
            'adjustment_negative' => $format->amount(
                $memo->getBaseAdjustmentNegative(),
                $memo->getAdjustmentNegative()
            ),
            'grand_total' => $format->amount($memo->getBaseGrandTotal(), $memo->getGrandTotal()),
        ];
    }

    /**
     * One line of the order, as far as it goes back.
     *
     * @param array{item: CreditmemoItemInterface, children: CreditmemoItemInterface[]} $family
     * @return array
     */
    private function line(array $family): array
    {
        $format = $this->format;
        $item = $family['item'];
        $all = fn (string $getter): float => $this->lines->all($family, $getter);
        $either = fn (string $getter): float => $this->lines->either($family, $getter);
        return [
            'line_id' => (string)(int)$item->getOrderItemId(),
            'sku' => $format->text($item->getSku()),
            'quantity' => $format->decimal($item->getQty()),
            'unit_price' => $format->amount($item->getBasePrice(), $item->getPrice()),
            'unit_price_incl_tax' => $format->amount($item->getBasePriceInclTax(), $item->getPriceInclTax()),
            'discount' => $format->discount($all('getBaseDiscountAmount'), $all('getDiscountAmount')),
            'discount_tax_compensation' => $format->amount(
                $all('getBaseDiscountTaxCompensationAmount'),
                $all('getDiscountTaxCompensationAmount')
            ),
            'tax' => $format->amount($either('getBaseTaxAmount'), $either('getTaxAmount')),
        ];
    }
}
