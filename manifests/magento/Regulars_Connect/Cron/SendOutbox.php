<?php

declare(strict_types=1);

namespace Regulars\Connect\Cron;

use Magento\Framework\Lock\LockManagerInterface;
use Regulars\Connect\Model\Outbox\Sender;

/**
 * Sends what waits in the outbox, on one machine at a time.
 */
class SendOutbox
{
    private const LOCK = 'regulars_connect_send';

    /**
     * @param Sender $sender
     * @param LockManagerInterface $locks
     */
    public function __construct(
        private readonly Sender $sender,
        private readonly LockManagerInterface $locks
    ) {
    }

    /**
     * Sends a batch of each website, unless an earlier run still does.
     *
     * @return void
     */
    public function execute(): void
    {
        if (!$this->locks->lock(self::LOCK, 0)) {
            return;
        }
        try {
            $this->sender->run();
        } finally {
            $this->locks->unlock(self::LOCK);
        }
    }
}
