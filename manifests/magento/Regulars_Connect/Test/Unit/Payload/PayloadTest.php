<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Payload;

use Magento\Customer\Api\AccountManagementInterface;
use Magento\Newsletter\Model\ResourceModel\Subscriber;
use Magento\Newsletter\Model\SubscriberFactory;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\Quote\Item;
use Magento\Quote\Model\ResourceModel\Quote\CollectionFactory;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Payload\BuilderPool;
use Regulars\Connect\Model\Payload\CheckoutBuilder;
use Regulars\Connect\Model\Payload\ConsentBuilder;
use Regulars\Connect\Model\Payload\CustomerBuilder;
use Regulars\Connect\Model\Payload\DeletionBuilder;
use Regulars\Connect\Model\Payload\Format;
use Regulars\Connect\Model\Payload\FulfillmentBuilder;
use Regulars\Connect\Model\Payload\Lines;
use Regulars\Connect\Model\Payload\OrderBuilder;
use Regulars\Connect\Model\Payload\RefundBuilder;
use Regulars\Connect\Test\Unit\Fixtures;
use Regulars\Connect\Test\Unit\stubs\Repository;
use Regulars\Connect\Test\Unit\stubs\Thing;
use Regulars\Connect\Test\Unit\WireSchema;

final class PayloadTest extends TestCase
{
    public function testAnOrderIsToldWhole(): void
    {
        $order = Fixtures::order([Fixtures::item(26, 'simple', ['price' => '12.1000', 'qty_ordered' => '2.0000'])]);
        $told = $this->order($order);
        $this->assertSame(['17', '2000000017'], [$told['id'], $told['number']]);
        $this->assertSame(['2026-11-20T18:18:41Z', '2026-11-21T07:00:02Z'], [$told['placed_at'], $told['updated_at']]);
        $this->assertSame(['processing', 'picked_by_the_cat'], [$told['state'], $told['status']]);
        $shop = ['website' => 'base', 'store' => 'nl', 'store_id' => '2', 'locale' => 'nl-NL'];
        $this->assertSame($shop, $told['shop']);
        $this->assertSame(['EUR', 'USD'], [$told['base_currency'], $told['currency']]);
        $this->assertSame(['base' => '31.86', 'order' => '63.72'], $told['totals']['grand_total']);
        $this->assertSame(['base' => '0', 'order' => '0'], $told['totals']['paid'], 'what is null is nothing');
        $this->assertSame(['FRIENDS'], $told['discount_codes']);
        $this->assertSame('27', $told['checkout_id']);
        $this->assertSame('DE', $told['shipping_address']['country']);
        $this->assertSame(['Klosterstraße 71'], $told['shipping_address']['street']);
        $this->assertSame('2', $told['lines'][0]['quantity']['ordered']);
    }

    public function testThePartsOfTheGrandTotalAddUp(): void
    {
        $totals = $this->order(Fixtures::order([]))['totals'];
        $sum = static fn (string $in): float => (float)$totals['subtotal'][$in] - (float)$totals['discount'][$in]
            + (float)$totals['discount_tax_compensation'][$in] + (float)$totals['shipping'][$in]
            + (float)$totals['tax'][$in];
        $this->assertEqualsWithDelta((float)$totals['grand_total']['base'], $sum('base'), 0.00001);
        $this->assertEqualsWithDelta((float)$totals['grand_total']['order'], $sum('order'), 0.00001);
    }

    public function testAGuestHasNoIdAndTheNameOfTheBillingAddress(): void
    {
        $customer = $this->order(Fixtures::order([]))['customer'];
        $this->assertNull($customer['id']);
        $this->assertSame(['Mila', "O'Neill-de Boer"], [$customer['first_name'], $customer['last_name']]);
        $this->assertSame('1988-02-29', $customer['birthday'], 'a day, though orders state midnight');
    }

    public function testOfPersonalDetailsNothingLeavesThatIsSwitchedOff(): void
    {
        $told = $this->order(Fixtures::order([]), ['events/details' => 0]);
        $this->assertSame(['id', 'email', 'group_id'], array_keys($told['customer']));
        $this->assertSame(['country' => 'DE'], $told['shipping_address']);
        $text = (string)json_encode($told, JSON_UNESCAPED_UNICODE);
        foreach (['Mila', 'Neill', '901820', 'Kloster', '10178', '192.0.2.7', '1988'] as $detail) {
            $this->assertStringNotContainsString($detail, $text);
        }
    }

    public function testAVirtualOrderGoesNowhere(): void
    {
        $nothing = new Thing(['address' => null]);
        $assignments = new Thing(['shipping_assignments' => [new Thing(['shipping' => $nothing])]]);
        $order = Fixtures::order([], ['is_virtual' => '1', 'extension_attributes' => $assignments]);
        $this->assertNull($this->order($order)['shipping_address']);
    }

    public function testAConfigurableIsOneLineThatNamesTheChosenProduct(): void
    {
        $lines = $this->order(Fixtures::order([
            Fixtures::item(19, 'configurable', ['price' => '24.2000', 'discount_amount' => '2.4200',
                'tax_amount' => '4.6600']),
            Fixtures::item(20, 'simple', ['parent_item_id' => '19', 'price' => '0.0000']),
        ]))['lines'];
        $this->assertCount(1, $lines);
        $this->assertSame(['19', '119', '120'], [$lines[0]['id'], $lines[0]['product_id'], $lines[0]['variant_id']]);
        $this->assertSame('24.2', $lines[0]['unit_price']['base']);
        $this->assertSame('2.42', $lines[0]['discount']['base']);
        $this->assertSame('4.66', $lines[0]['tax']['base']);
    }

    public function testABundleIsOneLineWithItsPriceOnceAndItsChildrensDiscounts(): void
    {
        $lines = $this->order(Fixtures::order([
            Fixtures::item(23, 'simple', ['parent_item_id' => '22', 'price' => '12.1000', 'tax_amount' => '2.2900',
                'discount_amount' => '1.2100', 'discount_tax_compensation_amount' => '0.2100']),
            Fixtures::item(22, 'bundle', ['price' => '21.7900', 'tax_amount' => '4.1100',
                'discount_tax_compensation_amount' => null]),
            Fixtures::item(24, 'simple', ['parent_item_id' => '22', 'price' => '4.8500', 'qty_ordered' => '2.0000',
                'tax_amount' => '1.8200', 'discount_amount' => '0.9700',
                'discount_tax_compensation_amount' => '0.1700']),
        ]))['lines'];
        $this->assertCount(1, $lines);
        $this->assertSame(['22', null], [$lines[0]['id'], $lines[0]['variant_id']]);
        $this->assertSame('21.79', $lines[0]['unit_price']['base']);
        $this->assertSame('2.18', $lines[0]['discount']['base']);
        $this->assertSame('0.38', $lines[0]['discount_tax_compensation']['base']);
        $this->assertSame('4.11', $lines[0]['tax']['base'], 'not twice');
    }

    public function testARefundIsToldByTheOrdersLines(): void
    {
        $order = Fixtures::order([
            Fixtures::item(19, 'configurable'),
            Fixtures::item(20, 'simple', ['parent_item_id' => '19']),
            Fixtures::item(21, 'simple'),
        ]);
        $told = $this->refund($order, [
            Fixtures::refundItem(19, ['price' => '24.2000', 'price_incl_tax' => '29.2800',
                'discount_amount' => '2.4200', 'tax_amount' => '4.6600',
                'discount_tax_compensation_amount' => '0.4200']),
            Fixtures::refundItem(20),
            Fixtures::refundItem(21, ['qty' => '0.0000']),
        ]);
        $this->assertSame(['3', '17', '2000000017'], [$told['id'], $told['order_id'], $told['order_number']]);
        $this->assertSame(['19'], array_column($told['lines'], 'line_id'), 'no children, and nothing of no quantity');
        $this->assertSame(['1', '24.2', '29.28', '2.42'], [
            $told['lines'][0]['quantity'],
            $told['lines'][0]['unit_price']['base'],
            $told['lines'][0]['unit_price_incl_tax']['base'],
            $told['lines'][0]['discount']['base'],
        ]);
        $this->assertSame('2.42', $told['totals']['discount']['base'], 'without its sign');
        $this->assertSame('1.5', $told['totals']['adjustment_positive']['base']);
    }

    public function testARefundOfMoneyAloneHasNoLines(): void
    {
        $this->assertSame([], $this->refund(Fixtures::order([]), null)['lines']);
    }

    public function testAShipmentIsToldWithAllItsTracksOrNone(): void
    {
        $shipment = static fn (iterable $tracks): Thing => new Thing([
            'entity_id' => '5', 'increment_id' => '000000005', 'order_id' => '17', 'store_id' => '1',
            'created_at' => '2026-11-22 09:00:00', 'updated_at' => '2026-11-22 09:00:01',
            'items' => [new Thing(['order_item_id' => '26', 'sku' => 'SKU-26', 'qty' => '1.5000'])],
            'tracks' => $tracks,
        ]);
        $track = new Thing(['carrier_code' => 'custom', 'title' => 'Bike', 'track_number' => 'B-1']);
        $tell = function (iterable $tracks) use ($shipment): array {
            $repository = new Repository([5 => $shipment($tracks)]);
            $orders = new Repository([17 => Fixtures::order([])]);
            $builder = new FulfillmentBuilder($repository, $orders, Fixtures::shop(), new Format());
            $message = Fixtures::message('fulfillment.created', 5);
            $told = $builder->build($message);
            WireSchema::acceptsData($message, $told);
            return $told;
        };
        $told = $tell(new \ArrayIterator([$track, $track]));
        $this->assertSame(['carrier' => 'custom', 'title' => 'Bike', 'number' => 'B-1'], $told['tracks'][1]);
        $this->assertSame('1.5', $told['lines'][0]['quantity']);
        $this->assertSame([], $tell([])['tracks']);
    }

    public function testACustomerIsToldWithTheirBirthday(): void
    {
        $told = $this->customer();
        $this->assertSame(['4', 'mila@example.com', '1988-02-29'], [$told['id'], $told['email'], $told['birthday']]);
        $this->assertSame('+49 30 901820', $told['phone'], 'of the default billing address');
        $this->assertTrue($told['email_confirmed']);
        $this->assertSame('de-DE', $told['shop']['locale'], 'of the website, for one who was made in the admin');
        $without = $this->customer(['events/details' => 0], 'account_confirmation_not_required');
        $this->assertArrayNotHasKey('birthday', $without);
        $this->assertFalse($without['email_confirmed'], 'nobody has looked');
    }

    public function testConsentIsToldAsItIsNow(): void
    {
        $tell = function (string $status): ?array {
            $rows = [8 => ['id' => '8', 'subscriber_status' => $status, 'customer_id' => '0',
                'subscriber_email' => 'mila@example.com', 'change_status_at' => '2026-11-22 09:00:00']];
            return $this->consent($rows, []);
        };
        $this->assertSame('subscribed', $tell('1')['status']);
        $this->assertSame('not_active', $tell('2')['status']);
        $this->assertSame('unsubscribed', $tell('3')['status']);
        $this->assertSame('unconfirmed', $tell('4')['status']);
        $this->assertNull($tell('1')['customer_id']);
        $this->assertSame('2026-11-22T09:00:00Z', $tell('1')['changed_at']);
        $this->assertNull($this->consent([], []), 'its deletion is told by itself');
        $deleted = $this->consent([], ['deleted' => true, 'email' => 'mila@example.com', 'customer_id' => 4]);
        $this->assertSame(['deleted', '4'], [$deleted['status'], $deleted['customer_id']]);
        $this->assertSame('mila@example.com', $deleted['email']);
    }

    public function testACartThatWasLeftIsToldUntilItIsOrderedOrEmpty(): void
    {
        $told = $this->checkout([]);
        $this->assertSame(['40', '4', 'mila@example.com'], [$told['id'], $told['customer_id'], $told['email']]);
        $this->assertSame('https://shop.example.com/de/checkout/cart/', $told['recovery_url']);
        $this->assertSame('2', $told['lines'][0]['quantity']);
        $guest = $this->checkout(['customer_id' => null]);
        $this->assertNull($guest['recovery_url'], 'nobody else is led to a guest\'s cart');
        $this->assertNull($this->checkout(['is_active' => '0']));
        $this->assertNull($this->checkout(['items_count' => '0']));
    }

    public function testWhatIsGoneIsNotTold(): void
    {
        $none = new Repository([]);
        $format = new Format();
        $shop = Fixtures::shop();
        $accounts = $this->createStub(AccountManagementInterface::class);
        $builders = [
            new OrderBuilder($none, Fixtures::config(), $shop, new Lines(), $format),
            new RefundBuilder($none, $none, $shop, new Lines(), $format),
            new FulfillmentBuilder($none, $none, $shop, $format),
            new CustomerBuilder($none, $accounts, Fixtures::config(), $shop, $format),
            new CheckoutBuilder(new CollectionFactory(), $shop, $format),
        ];
        foreach ($builders as $builder) {
            $this->assertNull($builder->build(Fixtures::message('any', 1)), get_class($builder));
        }
    }

    public function testATopicFindsItsOwnBuilderBeforeThatOfItsKind(): void
    {
        $pool = new BuilderPool(['customer.deleted' => new DeletionBuilder()]);
        $message = Fixtures::message('customer.deleted', 4);
        $this->assertSame(['id' => '4'], $pool->build($message));
        WireSchema::acceptsData($message, ['id' => '4']);
        $this->expectException(\LogicException::class);
        $pool->build(Fixtures::message('customer.created', 4));
    }

    /**
     * @dataProvider decimals
     * @param mixed $value
     */
    public function testAmountsAreExactDecimals($value, string $decimal): void
    {
        $this->assertSame($decimal, (new Format())->decimal($value));
    }

    public static function decimals(): array
    {
        return [
            ['39.2800', '39.28'], ['10.0000', '10'], ['100', '100'], ['0.0000', '0'], ['-0.0000', '0'],
            ['-2.4200', '-2.42'], ['99999999999999.1234', '99999999999999.1234'],
            [39.28, '39.28'], [0.1 + 0.2, '0.3'], [1e-7, '0'], [-0.0, '0'], [1234567.5, '1234567.5'], [7, '7'],
            [null, '0'], ['', '0'], ['1e3', '1000'],
        ];
    }

    public function testTimesThatMagentoHasNotAreNull(): void
    {
        $format = new Format();
        $this->assertNull($format->time('0000-00-00 00:00:00'));
        $this->assertNull($format->time(null));
        $this->assertNull($format->day('0000-00-00'));
        $this->assertNull($format->day('yesterday'));
        $this->assertSame('2000-02-29', $format->day('2000-02-29'));
    }

    private function order(Thing $order, array $settings = []): array
    {
        $builder = new OrderBuilder(
            new Repository([17 => $order]),
            Fixtures::config($settings),
            Fixtures::shop(),
            new Lines(),
            new Format()
        );
        $change = ['state' => 'new', 'status' => 'pending', 'previous_state' => null, 'previous_status' => null];
        $message = Fixtures::message('order.placed', 17, $change, 2);
        $told = $builder->build($message);
        WireSchema::acceptsData($message, $told);
        return $told;
    }

    private function refund(Thing $order, ?array $items): array
    {
        $amounts = ['subtotal' => '24.2000', 'discount_amount' => '-2.4200',
            'discount_tax_compensation_amount' => '0.4200', 'shipping_amount' => '0.0000',
            'shipping_incl_tax' => null, 'tax_amount' => '4.6600',
            'adjustment_positive' => '1.5000', 'adjustment_negative' => null, 'grand_total' => '28.3600'];
        $values = [];
        foreach ($amounts as $key => $amount) {
            $values += [$key => $amount, "base_$key" => $amount];
        }
        $memo = new Thing($values + [
            'entity_id' => '3', 'increment_id' => '000000003', 'order_id' => '17', 'store_id' => '1',
            'created_at' => '2026-11-23 09:00:00', 'updated_at' => '2026-11-23 09:00:00',
            'base_currency_code' => 'EUR', 'order_currency_code' => 'EUR', 'items' => $items,
        ]);
        $memos = new Repository([3 => $memo]);
        $orders = new Repository([17 => $order]);
        $builder = new RefundBuilder($memos, $orders, Fixtures::shop(), new Lines(), new Format());
        $message = Fixtures::message('order.refunded', 3);
        $told = $builder->build($message);
        WireSchema::acceptsData($message, $told);
        return $told;
    }

    private function customer(array $settings = [], string $confirmation = 'account_confirmed'): array
    {
        $customer = new Thing([
            'id' => '4', 'email' => 'mila@example.com', 'group_id' => '1', 'store_id' => '0', 'firstname' => 'Mila',
            'lastname' => 'de Boer', 'dob' => '1988-02-29', 'created_at' => '2026-11-01 08:00:00',
            'updated_at' => '2026-11-02 08:00:00',
            'addresses' => [
                new Thing(['is_default_billing' => false, 'telephone' => '1']),
                new Thing(['is_default_billing' => true, 'telephone' => '+49 30 901820']),
            ],
        ]);
        $accounts = $this->createStub(AccountManagementInterface::class);
        $accounts->method('getConfirmationStatus')->willReturn($confirmation);
        $customers = new Repository([4 => $customer]);
        $config = Fixtures::config($settings);
        $builder = new CustomerBuilder($customers, $accounts, $config, Fixtures::shop(), new Format());
        $message = Fixtures::message('customer.created', 4);
        $told = $builder->build($message);
        WireSchema::acceptsData($message, $told);
        return $told;
    }

    private function consent(array $rows, array $context): ?array
    {
        $builder = new ConsentBuilder(new SubscriberFactory(), new Subscriber($rows), Fixtures::shop(), new Format());
        $message = Fixtures::message('customer.consent', 8, $context);
        $told = $builder->build($message);
        if ($told !== null) {
            WireSchema::acceptsData($message, $told);
        }
        return $told;
    }

    private function checkout(array $values): ?array
    {
        $item = new Item(['product_id' => '101', 'sku' => 'MUG', 'name' => 'Mug', 'qty' => 2, 'base_price' => 12.1,
            'price' => '24.2000', 'base_discount_amount' => null, 'discount_amount' => null]);
        $quote = new Quote($values + [
            'entity_id' => '40', 'store_id' => '1', 'is_active' => '1', 'items_count' => '1', 'customer_id' => '4',
            'customer_email' => 'mila@example.com', 'created_at' => '2026-11-21 08:00:00', 'updated_at' => null,
            'base_currency_code' => 'EUR', 'quote_currency_code' => 'USD', 'base_grand_total' => '24.2000',
            'grand_total' => '48.4000', 'all_visible_items' => [7 => $item],
        ]);
        $builder = new CheckoutBuilder(new CollectionFactory([$quote]), Fixtures::shop(), new Format());
        $message = Fixtures::message('checkout.updated', 40);
        $told = $builder->build($message);
        if ($told !== null) {
            WireSchema::acceptsData($message, $told);
        }
        return $told;
    }
}
