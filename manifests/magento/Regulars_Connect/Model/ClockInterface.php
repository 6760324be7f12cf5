<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

/**
 * The one place that tells the time.
 */
interface ClockInterface
{
    /**
     * Seconds since 1970, UTC.
     *
     * @return int
     */
    public function now(): int;
}
