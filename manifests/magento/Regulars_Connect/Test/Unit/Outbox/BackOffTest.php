<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Outbox;

use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Outbox\BackOff;

final class BackOffTest extends TestCase
{
    public function testEachWaitIsTwiceTheLastUpToAnHour(): void
    {
        $backOff = new BackOff();
        $waits = [1 => 60, 2 => 120, 3 => 240, 4 => 480, 5 => 960, 6 => 1920, 7 => 3600, 8 => 3600, 5000 => 3600];
        foreach ($waits as $failures => $wait) {
            for ($i = 0; $i < 50; $i++) {
                $seconds = $backOff->seconds($failures);
                $this->assertGreaterThanOrEqual($wait, $seconds);
                $this->assertLessThanOrEqual($wait + intdiv($wait, 4), $seconds);
            }
        }
    }

    public function testWhatFailedTogetherComesBackApart(): void
    {
        $backOff = new BackOff();
        $waits = array_map(static fn (): int => $backOff->seconds(7), range(1, 200));
        $this->assertGreaterThan(50, count(array_unique($waits)));
    }
}
