<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Sales\Api\Data\OrderAddressInterface;
use Magento\Sales\Api\Data\OrderInterface;
use Magento\Sales\Api\Data\OrderItemInterface;
use Magento\Sales\Api\OrderRepositoryInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of an order.
 */
class OrderBuilder implements BuilderInterface
{
    /**
     * @param OrderRepositoryInterface $orders
     * @param Config $config
     * @param Shop $shop
     * @param Lines $lines
     * @param Format $format
     */
    public function __construct(
        private readonly OrderRepositoryInterface $orders,
        private readonly Config $config,
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
            $order = $this->orders->get($message->entityId);
        } catch (NoSuchEntityException $exception) {
            return null;
        }
        $format = $this->format;
        $storeId = (int)$order->getStoreId();
        $families = $this->lines->families(
            $order->getItems(),
            static fn (OrderItemInterface $item) => $item->getItemId(),
            static fn (OrderItemInterface $item) => $item->getParentItemId()
        );
        return [
            'id' => (string)(int)$order->getEntityId(),
            'number' => (string)$order->getIncrementId(),
            'shop' => $this->shop->of($storeId, $message->websiteId),
            'state' => (string)$order->getState(),
            'status' => (string)$order->getStatus(),
            'change' => $message->context === [] ? null : $message->context,
            'placed_at' => $format->time($order->getCreatedAt()),
            'updated_at' => $format->time($order->getUpdatedAt()),
            'checkout_id' => $format->id($order->getQuoteId()),
            'is_virtual' => (bool)$order->getIsVirtual(),
            'base_currency' => (string)$order->getBaseCurrencyCode(),
            'currency' => (string)$order->getOrderCurrencyCode(),
            'prices_include_tax' => $this->shop->pricesIncludeTax($storeId),
            'customer' => $this->customer($order, $message->websiteId),
            'shipping_address' => $this->shippingAddress($order, $message->websiteId),
            'discount_codes' => array_values(array_filter([$format->text($order->getCouponCode())])),
            'payment_method' => $format->text($order->getPayment()?->getMethod()),
            'totals' => $this->totals($order),
            'lines' => array_values(array_map([$this, 'line'], $families)),
        ];
    }

    /**
     * Who has ordered. A guest's name may stand in the billing address alone.
     *
     * @param OrderInterface $order
     * @param int $websiteId
     * @return array
     */
    private function customer(OrderInterface $order, int $websiteId): array
    {
        $format = $this->format;
        $known = [
            'id' => $order->getCustomerIsGuest() ? null : $format->id($order->getCustomerId()),
            'email' => $format->text($order->getCustomerEmail()),
            'group_id' => (string)(int)$order->getCustomerGroupId(),
        ];
        if (!$this->config->sharesDetails($websiteId)) {
            return $known;
        }
        $billing = $order->getBillingAddress();
        return $known + [
            'first_name' => $format->text($order->getCustomerFirstname()) ?? $format->text($billing?->getFirstname()),
            'last_name' => $format->text($order->getCustomerLastname()) ?? $format->text($billing?->getLastname()),
            'phone' => $format->text($billing?->getTelephone()),
            'birthday' => $format->day($order->getCustomerDob()),
            'ip' => $format->text($order->getRemoteIp()),
        ];
    }

    /**
     * Where it goes; null for what is not shipped.
     *
     * @param OrderInterface $order
     * @param int $websiteId
     * @return array|null
     */
    private function shippingAddress(OrderInterface $order, int $websiteId): ?array
    {
        $assignments = $order->getExtensionAttributes()?->getShippingAssignments() ?? [];
        $address = reset($assignments) ? reset($assignments)->getShipping()?->getAddress() : null;
        if (!$address instanceof OrderAddressInterface) {
            return null;
        }
        $format = $this->format;
        $country = ['country' => $format->text($address->getCountryId())];
        return $this->config->sharesDetails($websiteId) ? $country + [
            'postcode' => $format->text($address->getPostcode()),
            'city' => $format->text($address->getCity()),
            'street' => array_values(array_filter(array_map([$format, 'text'], $address->getStreet() ?? []))),
        ] : $country;
    }

    /**
     * Sums. `grand_total` is subtotal less discount, with tax, shipping and discount_tax_compensation.
     *
     * @param OrderInterface $order
     * @return array
     */
    private function totals(OrderInterface $order): array
    {
        $format = $this->format;
        return [
            'subtotal' => $format->amount($order->getBaseSubtotal(), $order->getSubtotal()),
            'discount' => $format->discount($order->getBaseDiscountAmount(), $order->getDiscountAmount()),
            'discount_tax_compensation' => $format->amount(
                $order->getBaseDiscountTaxCompensationAmount(),
                $order->getDiscountTaxCompensationAmount()
            ),
            'shipping' => $format->amount($order->getBaseShippingAmount(), $order->getShippingAmount()),
            'shipping_incl_tax' => $format->amount($order->getBaseShippingInclTax(), $order->getShippingInclTax()),
            'tax' => $format->amount($order->getBaseTaxAmount(), $order->getTaxAmount()),
            'grand_total' => $format->amount($order->getBaseGrandTotal(), $order->getGrandTotal()),
            'paid' => $format->amount($order->getBaseTotalPaid(), $order->getTotalPaid()),
            'refunded' => $format->amount($order->getBaseTotalRefunded(), $order->getTotalRefunded()),
        ];
    }

    /**
     * One line, with what its children carry.
     *
     * Its worth is unit price times quantity less discount: row totals are net of discounts at times.
     *
     * @param array{item: OrderItemInterface, children: OrderItemInterface[]} $family
     * @return array
     */
    private function line(array $family): array
    {
        $format = $this->format;
        $item = $family['item'];
        $all = fn (string $getter): float => $this->lines->all($family, $getter);
        $either = fn (string $getter): float => $this->lines->either($family, $getter);
        return [
            'id' => (string)(int)$item->getItemId(),
            'product_id' => $format->id($item->getProductId()),
            'product_type' => (string)$item->getProductType(),
            'variant_id' => $item->getProductType() === 'configurable' && $family['children'] !== []
                ? $format->id($family['children'][0]->getProductId())
                : null,
            'sku' => $format->text($item->getSku()),
            'title' => (string)$item->getName(),
            'quantity' => [
                'ordered' => $format->decimal($item->getQtyOrdered()),
                'invoiced' => $format->decimal($item->getQtyInvoiced()),
                'shipped' => $format->decimal($item->getQtyShipped()),
                'refunded' => $format->decimal($item->getQtyRefunded()),
                'canceled' => $format->decimal($item->getQtyCanceled()),
            ],
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
