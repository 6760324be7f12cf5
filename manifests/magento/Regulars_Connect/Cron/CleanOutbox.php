<?php

declare(strict_types=1);

namespace Regulars\Connect\Cron;

use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Outbox\OutboxInterface;

/**
 * Deletes what ended long ago.
 */
class CleanOutbox
{
    /** What failed is kept for longer: a person may have to look at it. */
    private const FAILED_SECONDS = 30 * 86400;

    /**
     * @param OutboxInterface $outbox
     * @param Config $config
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly OutboxInterface $outbox,
        private readonly Config $config,
        private readonly ClockInterface $clock
    ) {
    }

    /**
     * Deletes.
     *
     * @return void
     */
    public function execute(): void
    {
        $now = $this->clock->now();
        $kept = $this->config->keepsFor();
        $this->outbox->clean($now - $kept, $now - max($kept, self::FAILED_SECONDS));
    }
}
