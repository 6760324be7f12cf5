<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Record;

use Psr\Log\LoggerInterface;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Outbox\Change;
use Regulars\Connect\Model\Outbox\OutboxInterface;

/**
 * Puts changes into the outbox while the shop works, and never disturbs it: whatever goes wrong ends here.
 */
class Recorder
{
    /** A deadlock with the sender is over at once. */
    private const TRIES = 2;

    /**
     * @param OutboxInterface $outbox
     * @param Config $config
     * @param ClockInterface $clock
     * @param LoggerInterface $logger
     */
    public function __construct(
        private readonly OutboxInterface $outbox,
        private readonly Config $config,
        private readonly ClockInterface $clock,
        private readonly LoggerInterface $logger
    ) {
    }

    /**
     * Records changes of the websites that tell of them.
     *
     * @param callable $changes Returns a list of changes; what it throws ends here too
     * @return void
     */
    public function record(callable $changes): void
    {
        try {
            $tells = fn (Change $change): bool => $this->config->tells($change->topic, $change->websiteId);
            $this->add(array_values(array_filter($changes(), $tells)));
        } catch (\Throwable $exception) {
            $this->logger->error('Regulars: a change was not recorded', ['error' => get_class($exception)]);
        }
    }

    /**
     * Puts changes in, with one more try.
     *
     * @param Change[] $changes
     * @return void
     */
    private function add(array $changes): void
    {
        for ($try = 1;; $try++) {
            try {
                $this->outbox->add($changes, $this->clock->now());
                return;
            } catch (\Exception $exception) {
                if ($try === self::TRIES) {
                    throw $exception;
                }
            }
        }
    }
}
