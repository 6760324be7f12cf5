<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Magento\Quote\Model\Quote;
use Magento\Quote\Model\Quote\Item;
use Magento\Quote\Model\ResourceModel\Quote\CollectionFactory;
use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of a cart that was left. Carts are read by a collection: loading one the usual way may save it, which would
 * look like a shopper's change.
 */
class CheckoutBuilder implements BuilderInterface
{
    private const CART = 'checkout/cart';

    /**
     * @param CollectionFactory $quotes
     * @param Shop $shop
     * @param Format $format
     */
    public function __construct(
        private readonly CollectionFactory $quotes,
        private readonly Shop $shop,
        private readonly Format $format
    ) {
    }

    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        /** @var Quote $quote */
        $quote = $this->quotes->create()->addFieldToFilter('entity_id', $message->entityId)->getFirstItem();
        // Whoever has ordered meanwhile, or emptied the cart, has not left it.
        if (!$quote->getId() || !$quote->getIsActive() || !(int)$quote->getItemsCount()) {
            return null;
        }
        $format = $this->format;
        $storeId = (int)$quote->getStoreId();
        $customerId = $format->id($quote->getCustomerId());
        return [
            'id' => (string)(int)$quote->getId(),
            'customer_id' => $customerId,
            'email' => $format->text($quote->getCustomerEmail()),
            'shop' => $this->shop->of($storeId, $message->websiteId),
            'created_at' => $format->time($quote->getCreatedAt()),
            'updated_at' => $format->time($quote->getUpdatedAt()) ?? $format->time($quote->getCreatedAt()),
            'base_currency' => (string)$quote->getBaseCurrencyCode(),
            'currency' => (string)$quote->getQuoteCurrencyCode(),
            'grand_total' => $format->amount($quote->getBaseGrandTotal(), $quote->getGrandTotal()),
            // A guest's cart belongs to one browser: no address leads others to it, nor to what was typed there.
            'recovery_url' => $customerId === null ? null : $this->shop->url($storeId, self::CART),
            'lines' => array_map(fn (Item $item): array => [
                'product_id' => $format->id($item->getProductId()),
                'sku' => $format->text($item->getSku()),
                'title' => (string)$item->getName(),
                'quantity' => $format->decimal($item->getQty()),
                'unit_price' => $format->amount($item->getBasePrice(), $item->getPrice()),
                'discount' => $format->discount($item->getBaseDiscountAmount(), $item->getDiscountAmount()),
            ], array_values($quote->getAllVisibleItems())),
        ];
    }
}
