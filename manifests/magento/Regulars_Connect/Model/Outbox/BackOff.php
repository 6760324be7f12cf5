<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

/**
 * How long to wait after a failed try: a minute, doubled with each, an hour at most, and up to a quarter more by
 * chance, so that what failed together does not come back together.
 */
class BackOff
{
    private const FIRST = 60;
    private const MOST = 3600;
    private const JITTER_PERCENT = 25;

    /**
     * Seconds until the next try.
     *
     * @param int $failures Tries that have failed, this one included
     * @return int
     */
    public function seconds(int $failures): int
    {
        $doublings = min(max($failures - 1, 0), 10);
        $wait = min(self::FIRST * 2 ** $doublings, self::MOST);
        return $wait + random_int(0, intdiv($wait * self::JITTER_PERCENT, 100));
    }
}
