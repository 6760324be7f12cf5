<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Outbox;

use Magento\Framework\DB\Adapter\Sqlite;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Outbox\DatabaseOutbox;
use Regulars\Connect\Model\Outbox\Message;
use Regulars\Connect\Model\Outbox\State;
use Regulars\Connect\Test\Unit\Fixtures;

final class OutboxTest extends TestCase
{
    private const DAY = 86400;

    private Sqlite $database;
    private DatabaseOutbox $outbox;

    protected function setUp(): void
    {
        $this->database = Fixtures::database();
        $this->outbox = Fixtures::outbox($this->database);
    }

    public function testManyChangesAreOneStatement(): void
    {
        $this->outbox->add([$this->updated(1), $this->updated(2), $this->updated(3)], Fixtures::NOW);
        $this->assertSame(1, $this->database->writes);
        $this->outbox->add([], Fixtures::NOW);
        $this->assertSame(1, $this->database->writes);
    }

    public function testWhatIsTakenIsWhatWasPutInTheOldestFirst(): void
    {
        $this->outbox->add([Change::of('order.updated', 7, 1, 2, ['state' => 'new'])], Fixtures::NOW);
        $this->outbox->add([Change::of('customer.updated', 8, 1, 0)], Fixtures::NOW + 1);
        [$first, $second] = $this->outbox->claim(1, 10, Fixtures::NOW + 1);
        $context = ['state' => 'new'];
        $whole = new Message($first->entryId, $first->deliveryId, 'order.updated', 7, 1, 2, $context, 0, Fixtures::NOW);
        $this->assertEquals($whole, $first);
        $parts = [$second->topic, $second->entityId, $second->storeId, $second->context];
        $this->assertSame(['customer.updated', 8, 0, []], $parts);
    }

    public function testChangesOfOneThingAreMergedWhileTheyWaitAndNotOnceTheyAreTaken(): void
    {
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        $this->assertCount(1, $this->claim());
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        $this->assertCount(1, $this->claim(), 'what is being read may lack the last change');
    }

    public function testWhatIsToldOnceStaysToldAfterItWasSent(): void
    {
        $placed = Change::once('order.placed', 1, 1, 1);
        $this->outbox->add([$placed], Fixtures::NOW);
        $this->outbox->sent($this->claim()[0], Fixtures::NOW);
        $this->outbox->add([$placed], Fixtures::NOW);
        $this->assertSame([], $this->claim());
        $this->outbox->add([Change::once('checkout.updated', 1, 1, 1, [], '2026-01-01')], Fixtures::NOW);
        $this->outbox->add([Change::once('checkout.updated', 1, 1, 1, [], '2026-01-02')], Fixtures::NOW);
        $this->assertCount(2, $this->claim());
    }

    public function testADeliveryKeepsItsIdOverAllTries(): void
    {
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        [$first] = $this->claim();
        $this->outbox->retry($first, Fixtures::NOW + 60, 'HTTP 500');
        $this->assertSame([], $this->claim(), 'it is not due yet');
        [$second] = $this->claim(60);
        $this->assertSame($first->deliveryId, $second->deliveryId);
        $this->assertSame([0, 1], [$first->attempts, $second->attempts]);
    }

    public function testAClaimOfASenderThatDiedLapses(): void
    {
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        $this->claim();
        $this->assertSame([], $this->claim(899));
        $this->assertCount(1, $this->claim(900));
    }

    public function testASenderWhoseClaimWasSettledByAnotherChangesNothing(): void
    {
        $this->outbox->add([$this->updated(1)], Fixtures::NOW);
        [$slow] = $this->claim();
        $this->outbox->sent($this->claim(900)[0], Fixtures::NOW + 900);
        $this->outbox->retry($slow, Fixtures::NOW, 'no answer');
        $this->assertSame(1, $this->outbox->counts()[State::SENT]);
        $this->assertSame([], $this->claim(5000));
    }

    public function testNothingOfAPersonStaysOnceItIsSent(): void
    {
        $change = Change::once('customer.consent', 1, 1, 1, ['email' => 'mila@example.com'], 'deleted');
        $this->outbox->add([$change], Fixtures::NOW);
        $this->outbox->sent($this->claim()[0], Fixtures::NOW);
        $rows = $this->database->fetchAll('SELECT * FROM regulars_connect_outbox');
        $this->assertStringNotContainsString('mila', (string)json_encode($rows));
    }

    public function testWhatFailedCanBeTriedOnceMoreWithAllItKnew(): void
    {
        $this->outbox->add([Change::of('order.updated', 1, 1, 1, ['state' => 'new'])], Fixtures::NOW);
        $this->outbox->failed($this->claim()[0], Fixtures::NOW, 'HTTP 422');
        $this->assertSame([], $this->claim(5000));
        [$shown] = $this->outbox->entries(State::FAILED, 5);
        $this->assertSame(['order.updated', 'HTTP 422'], [$shown['topic'], $shown['last_error']]);
        $this->assertSame(1, (int)$shown['attempts']);
        $this->assertSame(1, $this->outbox->reopenFailed(Fixtures::NOW));
        $this->assertSame(['state' => 'new'], $this->claim()[0]->context);
    }

    public function testOnlyWhatEndedLongAgoIsDeleted(): void
    {
        $this->outbox->add([$this->updated(1), $this->updated(2), $this->updated(3), $this->updated(4)], Fixtures::NOW);
        [$sent, $skipped, $failed] = $this->claim();
        $this->outbox->sent($sent, Fixtures::NOW);
        $this->outbox->skipped($skipped, Fixtures::NOW + self::DAY, 'gone');
        $this->outbox->failed($failed, Fixtures::NOW, 'HTTP 400');
        $this->assertSame(1, $this->outbox->clean(Fixtures::NOW + 1, Fixtures::NOW - 1));
        $counts = ['waiting' => 0, 'sending' => 1, 'sent' => 0, 'skipped' => 1, 'failed' => 1];
        $this->assertSame($counts, $this->outbox->counts());
        $this->assertSame(2, $this->outbox->clean(Fixtures::NOW + 2 * self::DAY, Fixtures::NOW + 1));
    }

    public function testWebsitesAreTakenApart(): void
    {
        $this->outbox->add([$this->updated(1), Change::of('order.updated', 2, 2, 3)], Fixtures::NOW);
        $this->assertEqualsCanonicalizing([1, 2], $this->outbox->websitesDue(Fixtures::NOW));
        $this->assertSame([], $this->outbox->websitesDue(Fixtures::NOW - 1));
        $this->assertSame([2], array_column($this->outbox->claim(2, 10, Fixtures::NOW), 'entityId'));
        $this->assertSame([1], $this->outbox->websitesDue(Fixtures::NOW));
    }

    private function updated(int $id): Change
    {
        return Change::of('order.updated', $id, 1, 1);
    }

    /** @return Message[] */
    private function claim(int $later = 0): array
    {
        return $this->outbox->claim(1, 10, Fixtures::NOW + $later);
    }
}
