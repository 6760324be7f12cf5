<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Record;

use Magento\Customer\Model\Customer;
use Magento\Framework\DB\Adapter\Sqlite;
use Magento\Framework\Event\Observer;
use Magento\Newsletter\Model\Subscriber;
use Magento\Quote\Model\Quote;
use Magento\Quote\Model\ResourceModel\Quote\CollectionFactory;
use Magento\Sales\Model\Order;
use Magento\Sales\Model\Order\Creditmemo;
use Magento\Sales\Model\Order\Shipment;
use Magento\Sales\Model\Order\Shipment\Track;
use PHPUnit\Framework\TestCase;
use Psr\Log\AbstractLogger;
use Regulars\Connect\Cron\FindAbandonedCheckouts;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Record\NewCustomers;
use Regulars\Connect\Model\Record\OrderSteps;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Observer\CreditmemoSaved;
use Regulars\Connect\Observer\CustomerDeleted;
use Regulars\Connect\Observer\CustomerSaved;
use Regulars\Connect\Observer\CustomerSaving;
use Regulars\Connect\Observer\OrderSaved;
use Regulars\Connect\Observer\ShipmentSaved;
use Regulars\Connect\Observer\SubscriberDeleted;
use Regulars\Connect\Observer\SubscriberSaved;
use Regulars\Connect\Observer\TrackSaved;
use Regulars\Connect\Test\Unit\Fixtures;

final class ObserversTest extends TestCase
{
    private Sqlite $database;
    private Config $config;
    private Recorder $recorder;

    /** @var AbstractLogger */
    private $logger;

    protected function setUp(): void
    {
        $this->database = Fixtures::database();
        $this->logger = Fixtures::logger();
        $this->configure([]);
    }

    public function testANewOrderIsPlacedWithOneStatement(): void
    {
        $this->save($this->order());
        $this->assertSame(['order.placed'], $this->topics());
        $this->assertSame(1, $this->database->writes);
        $row = $this->rows()[0];
        $this->assertEquals([17, 1, 2], [$row['entity_id'], $row['website_id'], $row['store_id']]);
        $change = ['state' => 'new', 'status' => 'pending', 'previous_state' => null, 'previous_status' => null];
        $this->assertSame($change, json_decode($row['context'], true));
    }

    public function testANewOrderThatIsPaidAtOnceIsBoth(): void
    {
        $this->save($this->order(['base_total_paid' => '31.8600', 'state' => 'processing']));
        $this->assertSame(['order.placed', 'order.paid'], $this->topics());
        $this->assertSame(1, $this->database->writes);
    }

    public function testASecondSaveOfANewOrderInOneRequestIsNoSecondPlacing(): void
    {
        $observer = $this->orderSaved();
        $order = $this->order();
        $observer->execute(new Observer(['order' => $order]));
        $order->setData('base_total_paid', '31.8600');
        $observer->execute(new Observer(['order' => $order]));
        $observer->execute(new Observer(['order' => $order]));
        $this->assertSame(['order.placed', 'order.paid', 'order.updated'], $this->topics());
    }

    /**
     * @dataProvider steps
     */
    public function testASaveIsTheStepThatItTook(array $before, array $after, array $topics): void
    {
        $loaded = ['entity_id' => '17', 'base_grand_total' => '31.8600', 'base_total_paid' => null, 'state' => 'new'];
        $this->save(new Order($this->data($after + $before), $before + $loaded));
        $this->assertSame($topics, $this->topics());
    }

    public static function steps(): array
    {
        $paid = ['base_total_paid' => '31.8600', 'state' => 'processing'];
        return [
            'invoiced' => [[], $paid, ['order.paid']],
            'invoiced in part' => [[], ['base_total_paid' => '10.0000', 'state' => 'processing'], ['order.updated']],
            'shipped' => [$paid, ['state' => 'complete'] + $paid, ['order.fulfilled']],
            'invoiced after the shipment' => [[], ['state' => 'complete'] + $paid, ['order.paid', 'order.fulfilled']],
            'refunded in part' => [['state' => 'complete'] + $paid, ['state' => 'complete'] + $paid, ['order.updated']],
            'refunded in full' => [['state' => 'complete'] + $paid, ['state' => 'closed'] + $paid, ['order.updated']],
            'cancelled' => [[], ['state' => 'canceled'], ['order.cancelled']],
            'cancelled of nothing' => [
                ['base_grand_total' => '0.0000', 'base_total_paid' => '0.0000'],
                ['state' => 'canceled'],
                ['order.cancelled'],
            ],
            'on hold' => [[], ['state' => 'holded'], ['order.updated']],
        ];
    }

    public function testACreditMemoIsToldOnceWhenItIsRefunded(): void
    {
        $observer = new CreditmemoSaved($this->recorder, Fixtures::websites());
        $memo = new Creditmemo(['entity_id' => '3', 'store_id' => '1', 'state' => '1']);
        $observer->execute(new Observer(['creditmemo' => $memo]));
        $this->assertSame([], $this->topics());
        $memo->setData('state', '2');
        $observer->execute(new Observer(['creditmemo' => $memo]));
        $observer->execute(new Observer(['creditmemo' => $memo]));
        $this->assertSame(['order.refunded'], $this->topics());
    }

    public function testAShipmentIsCreatedAndItsTracksUpdateIt(): void
    {
        $shipment = new Shipment(['entity_id' => '5', 'store_id' => '1']);
        $track = new Track(['entity_id' => '9', 'parent_id' => '5', 'shipment' => $shipment]);
        (new TrackSaved($this->recorder, Fixtures::websites()))->execute(new Observer(['track' => $track]));
        (new TrackSaved($this->recorder, Fixtures::websites()))->execute(new Observer(['track' => $track]));
        $saved = new ShipmentSaved($this->recorder, Fixtures::websites());
        $saved->execute(new Observer(['shipment' => $shipment]));
        $known = new Shipment(['entity_id' => '6', 'store_id' => '1'], ['entity_id' => '6']);
        $saved->execute(new Observer(['shipment' => $known]));
        $this->assertSame(['fulfillment.updated', 'fulfillment.created', 'fulfillment.updated'], $this->topics());
        $this->assertEquals([5, 5, 6], array_column($this->rows(), 'entity_id'));
    }

    public function testACustomerIsNewAtTheFirstSaveAlone(): void
    {
        $new = new NewCustomers();
        $saving = new CustomerSaving($new);
        $saved = new CustomerSaved($this->recorder, $new, Fixtures::websites());
        $customer = new Customer(['website_id' => '1', 'store_id' => '1']);
        $saving->execute(new Observer(['customer' => $customer]));
        $customer->setData('id', '4');
        $saved->execute(new Observer(['customer' => $customer]));
        $saving->execute(new Observer(['customer' => $customer]));
        $saved->execute(new Observer(['customer' => $customer]));
        $this->assertSame(['customer.created', 'customer.updated'], $this->topics());
    }

    public function testASharedCustomerIsToldToEachShopOnce(): void
    {
        $customer = new Customer(['id' => '4', 'website_id' => '1', 'store_id' => '1']);
        $tell = function (array $settings, bool $shared) use ($customer): array {
            $this->setUp();
            $this->configure($settings);
            $websites = Fixtures::websites($this->config, $shared);
            (new CustomerDeleted($this->recorder, $websites))->execute(new Observer(['customer' => $customer]));
            return array_map('intval', array_column($this->rows(), 'website_id'));
        };
        $this->assertSame([1], $tell([], false));
        $this->assertSame([1], $tell([], true), 'both websites are one shop of Regulars');
        $this->assertSame([1, 2], $tell(['2:connection/store' => 'us.example.com'], true));
        $this->assertSame([1], $tell(['2:connection/store' => 'us.example.com', '2:connection/enabled' => 0], true));
    }

    public function testAnEndedSubscriptionIsToldThoughAnotherChangeWaits(): void
    {
        $subscriber = new Subscriber([
            'id' => '8', 'store_id' => '3', 'subscriber_email' => 'mila@example.com', 'customer_id' => '0',
        ]);
        $event = new Observer(['subscriber' => $subscriber]);
        (new SubscriberSaved($this->recorder, Fixtures::websites()))->execute($event);
        (new SubscriberDeleted($this->recorder, Fixtures::websites()))->execute($event);
        $this->assertSame(['customer.consent', 'customer.consent'], $this->topics());
        $this->assertSame(2, (int)$this->rows()[1]['website_id']);
        $context = ['deleted' => true, 'email' => 'mila@example.com', 'customer_id' => 0];
        $this->assertSame($context, json_decode($this->rows()[1]['context'], true));
    }

    public function testAnAbandonedCartIsToldOnceAfterEachChange(): void
    {
        $find = function (string $updatedAt): CollectionFactory {
            $quotes = new CollectionFactory([
                new Quote(['entity_id' => '40', 'store_id' => '1', 'updated_at' => $updatedAt]),
            ]);
            $config = Fixtures::config(['2:events/checkouts' => 0]);
            $clock = Fixtures::clock();
            $outbox = Fixtures::outbox($this->database);
            $websites = Fixtures::websites();
            (new FindAbandonedCheckouts($quotes, $this->recorder, $outbox, $websites, $config, $clock))->execute();
            return $quotes;
        };
        $quotes = $find('2026-11-21 17:00:00');
        $find('2026-11-21 17:00:00');
        $this->assertSame(['checkout.updated'], $this->topics());
        $this->assertSame(1, $this->database->writes, 'what was told already costs no statement and no number');
        $find('2026-11-21 17:30:00');
        $this->assertSame(['checkout.updated', 'checkout.updated'], $this->topics());
        $filters = $quotes->made->filters;
        $this->assertSame(['in' => [1, 2]], $filters['store_id']);
        $hour = gmdate('Y-m-d H:i:s', Fixtures::NOW - 3600);
        $this->assertSame($hour, $filters['updated_at']['to'], 'left for an hour');
        $this->assertSame(['notnull' => true], $filters['customer_email']);
    }

    public function testNothingIsRecordedThatTheMerchantHasSwitchedOff(): void
    {
        foreach ([['events/orders' => 0], ['connection/enabled' => 0], ['1:connection/enabled' => 0]] as $settings) {
            $this->configure($settings);
            $this->save($this->order());
        }
        $this->assertSame([], $this->topics());
        $this->assertSame(0, $this->database->writes);
    }

    public function testADeadlockIsGoneAtTheSecondTry(): void
    {
        $this->database->failures = 1;
        $this->save($this->order());
        $this->assertSame(['order.placed'], $this->topics());
        $this->assertSame('', $this->logger->text);
    }

    public function testWhateverGoesWrongTheShopGoesOnAndTheLogNamesNobody(): void
    {
        $this->database->failures = 5;
        $this->save($this->order());
        $this->save($this->order(['store_id' => '99']));
        (new OrderSaved($this->recorder, new OrderSteps(), Fixtures::websites()))->execute(new Observer([]));
        $this->assertSame([], $this->topics());
        $this->assertSame(3, substr_count($this->logger->text, 'was not recorded'));
        $this->assertStringNotContainsString('example.com', $this->logger->text);
    }

    private function order(array $values = []): Order
    {
        return new Order($this->data($values));
    }

    private function data(array $values): array
    {
        return $values + [
            'entity_id' => '17',
            'store_id' => '2',
            'state' => 'new',
            'status' => 'pending',
            'base_grand_total' => '31.8600',
            'base_total_paid' => null,
        ];
    }

    private function save(Order $order): void
    {
        $this->orderSaved()->execute(new Observer(['order' => $order]));
    }

    private function orderSaved(): OrderSaved
    {
        return new OrderSaved($this->recorder, new OrderSteps(), Fixtures::websites());
    }

    private function configure(array $settings): void
    {
        $this->config = Fixtures::config($settings);
        $outbox = Fixtures::outbox($this->database);
        $this->recorder = new Recorder($outbox, $this->config, Fixtures::clock(), $this->logger);
    }

    private function rows(): array
    {
        return $this->database->fetchAll('SELECT * FROM regulars_connect_outbox ORDER BY entry_id');
    }

    /** @return string[] */
    private function topics(): array
    {
        return array_column($this->rows(), 'topic');
    }
}
