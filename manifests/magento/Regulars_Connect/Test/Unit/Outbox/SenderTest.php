<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Outbox;

use Magento\Framework\Lock\LockManagerInterface;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Cron\SendOutbox;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\Signer;
use Regulars\Connect\Model\Delivery\TransportInterface;
use Regulars\Connect\Model\Outbox\BackOff;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Outbox\DatabaseOutbox;
use Regulars\Connect\Model\Outbox\Message;
use Regulars\Connect\Model\Outbox\Sender;
use Regulars\Connect\Model\Payload\BuilderInterface;
use Regulars\Connect\Test\Unit\Fixtures;

final class SenderTest extends TestCase
{
    private DatabaseOutbox $outbox;
    private ClockInterface $clock;

    /** @var \Closure */
    private \Closure $build;

    /** @var \Psr\Log\AbstractLogger */
    private $logger;

    protected function setUp(): void
    {
        $this->outbox = Fixtures::outbox();
        $this->clock = Fixtures::clock();
        $this->logger = Fixtures::logger();
        $this->build = static fn (Message $message): ?array => ['id' => (string)$message->entityId];
    }

    public function testWhatIsAcceptedIsSentOnce(): void
    {
        $this->add(1);
        $transport = $this->runOnce([200]);
        $this->assertCount(1, $transport->requests);
        $this->assertStringContainsString('"data":{"id":"1"}', $transport->requests[0]->body);
        $this->assertSame([], $this->runOnce([])->requests);
        $this->assertState(['sent' => 1]);
    }

    public function testAServerThatIsAwayIsTriedOnceInARunAndEverythingArrivesInTheEnd(): void
    {
        $this->add(1, 2, 3);
        $this->assertCount(1, $this->runOnce([null])->requests);
        $this->assertState(['waiting' => 3]);
        $this->clock->now += 60;
        $second = $this->runOnce([]);
        $this->assertSame(['2', '3'], $this->ids($second), 'the one that failed waits for longer');
        $this->clock->now += 30;
        $third = $this->runOnce([]);
        $this->assertSame(['1'], $this->ids($third));
        $this->assertSame('2', $third->requests[0]->headers['X-Regulars-Attempt']);
        $this->assertState(['sent' => 3]);
    }

    public function testAMessageThatAlwaysFailsDoesNotHoldUpTheOthers(): void
    {
        $this->add(1, 2, 3);
        $poison = static fn ($request): Answer => new Answer(str_contains($request->body, '"id":"1"') ? 500 : 200);
        for ($minute = 0; $minute < 10; $minute++) {
            $this->runOnce(array_fill(0, 5, $poison));
            $this->clock->now += 60;
        }
        $this->assertState(['waiting' => 1, 'sent' => 2]);
    }

    public function testAMessageThatKillsTheSenderHoldsUpNoOthersAndIsGivenUpInTheEnd(): void
    {
        $this->add(1, 2, 3);
        $this->build = static fn (Message $message): ?array => $message->entityId === 1
            ? \Fiber::suspend()
            : ['id' => (string)$message->entityId];
        // A fiber that is dropped where it waits ends as a process does that is killed there: nothing is caught.
        $run = fn () => (new \Fiber(fn (): TransportInterface => $this->runOnce([])))->start();
        $run();
        $this->assertState(['sending' => 3]);
        $this->clock->now += 900;
        $run();
        $this->assertState(['sending' => 1, 'sent' => 2]);
        while ($this->clock->now < Fixtures::NOW + 72 * 3600) {
            $this->assertState(['sending' => 1, 'sent' => 2]);
            $this->clock->now += 900;
            $run();
        }
        $this->assertState(['failed' => 1, 'sent' => 2]);
        $this->assertSame('the try did not end', $this->outbox->entries('failed', 1)[0]['last_error']);
        $this->outbox->reopenFailed($this->clock->now());
        $this->build = static fn (): array => ['id' => '1'];
        $this->assertCount(1, $this->runOnce([])->requests, 'a person may ask for one more try');
    }

    public function testAWebsiteThatIsAwayDoesNotHoldUpAnother(): void
    {
        $this->outbox->add([Change::of('order.updated', 1, 1, 1), Change::of('order.updated', 2, 2, 3)], Fixtures::NOW);
        $away = static fn ($request): Answer => new Answer(str_contains($request->body, '"id":"1"') ? 503 : 200);
        $this->runOnce([$away, $away]);
        $this->assertState(['waiting' => 1, 'sent' => 1]);
    }

    public function testAServerThatAsksToBeLeftAloneIs(): void
    {
        $this->add(1, 2);
        $this->runOnce([new Answer(429, '', '1800')]);
        $this->clock->now += 1799;
        $this->assertSame([], $this->runOnce([])->requests);
        $this->clock->now += 1;
        $this->assertCount(2, $this->runOnce([])->requests);
    }

    public function testWhatIsRefusedIsNotTriedAgainAndHoldsUpNothing(): void
    {
        $this->add(1, 2);
        $this->runOnce([422, 200]);
        $this->assertState(['failed' => 1, 'sent' => 1]);
        $this->assertSame('HTTP 422', $this->outbox->entries('failed', 1)[0]['last_error']);
    }

    public function testAfterThreeDaysItIsGivenUpAndNotBefore(): void
    {
        $this->add(1);
        while ($this->outbox->counts()['failed'] === 0) {
            $given = $this->clock->now - Fixtures::NOW;
            $this->runOnce([500]);
            $this->clock->now += 600;
        }
        $this->assertGreaterThanOrEqual(72 * 3600, $given);
        $this->assertLessThan(74 * 3600, $given);
    }

    public function testWhatIsNoMoreIsSkipped(): void
    {
        $this->add(1);
        $this->build = static fn (): ?array => null;
        $this->assertSame([], $this->runOnce([])->requests);
        $this->assertState(['skipped' => 1]);
    }

    public function testWhatCannotBeReadWaitsHoldsUpNothingAndNamesNobody(): void
    {
        $this->add(1, 2);
        $this->build = static fn (Message $message): array => $message->entityId === 1
            ? throw new \RuntimeException('mila@example.com')
            : ['id' => '2'];
        $this->assertSame(['2'], $this->ids($this->runOnce([])));
        $this->assertState(['waiting' => 1, 'sent' => 1]);
        $this->assertStringContainsString('RuntimeException', $this->logger->text);
        $shown = json_encode($this->outbox->entries('waiting', 1));
        $this->assertStringNotContainsString('mila', $this->logger->text . $shown);
    }

    public function testAWebsiteWithoutAConnectionKeepsWhatWaits(): void
    {
        $this->add(1);
        $this->assertSame([], $this->runOnce([], ['connection/enabled' => 0])->requests);
        $this->clock->now += 4600;
        $this->assertCount(1, $this->runOnce([])->requests);
    }

    public function testARunEndsBeforeTheNextBegins(): void
    {
        $this->add(1, 2, 3);
        $slow = function (): Answer {
            $this->clock->now += 30;
            return new Answer(200);
        };
        $this->assertCount(2, $this->runOnce([$slow, $slow, $slow])->requests);
        $this->assertState(['waiting' => 1, 'sent' => 2]);
        $this->assertCount(1, $this->runOnce([])->requests, 'what is left is due at once');
    }

    public function testARunTakesNoMoreThanABatch(): void
    {
        $this->add(...range(1, 5));
        $this->assertCount(3, $this->runOnce([], ['delivery/batch_size' => 3])->requests);
    }

    public function testEverythingIsClaimedBeforeAnythingIsRead(): void
    {
        $this->outbox->add([Change::of('order.updated', 1, 1, 1), Change::of('order.updated', 2, 2, 3)], Fixtures::NOW);
        $waiting = [];
        $this->build = function (Message $message) use (&$waiting): array {
            $waiting[] = $this->outbox->counts()['waiting'];
            return ['id' => (string)$message->entityId];
        };
        $this->runOnce([]);
        $this->assertSame([0, 0], $waiting);
    }

    public function testTwoSendersDoNotRunAtOnceAndTheLockIsGivenBack(): void
    {
        $this->add(1);
        $transport = Fixtures::transport();
        $locks = $this->createMock(LockManagerInterface::class);
        $locks->expects($this->exactly(2))->method('lock')->with('regulars_connect_send', 0)
            ->willReturnOnConsecutiveCalls(false, true);
        $locks->expects($this->once())->method('unlock')->with('regulars_connect_send');
        $cron = new SendOutbox($this->sender($transport), $locks);
        $cron->execute();
        $this->assertSame([], $transport->requests);
        $cron->execute();
        $this->assertCount(1, $transport->requests);
    }

    private function add(int ...$ids): void
    {
        $changes = array_map(static fn (int $id): Change => Change::of('order.updated', $id, 1, 1), $ids);
        $this->outbox->add($changes, $this->clock->now());
    }

    private function runOnce(array $answers, array $settings = []): TransportInterface
    {
        $transport = Fixtures::transport($answers);
        $this->sender($transport, $settings)->run();
        return $transport;
    }

    private function sender(TransportInterface $transport, array $settings = []): Sender
    {
        $builder = new class (fn (Message $message): ?array => ($this->build)($message)) implements BuilderInterface {
            public function __construct(private \Closure $build)
            {
            }

            public function build(Message $message): ?array
            {
                return ($this->build)($message);
            }
        };
        return new Sender(
            $this->outbox,
            Fixtures::config($settings),
            $builder,
            new SignedRequestFactory(new Signer(), $this->clock),
            $transport,
            new class extends BackOff {
                public function seconds(int $failures): int
                {
                    return 90 * $failures;
                }
            },
            $this->clock,
            $this->logger
        );
    }

    /** @return string[] */
    private function ids(TransportInterface $transport): array
    {
        $id = static fn ($request): string => json_decode($request->body, true)['data']['id'];
        return array_map($id, $transport->requests);
    }

    private function assertState(array $expected): void
    {
        $this->assertEquals($expected, array_filter($this->outbox->counts()));
    }
}
