<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

/**
 * The machine's clock.
 */
class SystemClock implements ClockInterface
{
    /**
     * @inheritDoc
     */
    public function now(): int
    {
        return time();
    }
}
