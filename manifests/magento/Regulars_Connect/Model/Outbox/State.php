<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

/**
 * What has become of an entry: waiting, then sending, then sent, skipped, failed or waiting again.
 */
class State
{
    public const WAITING = 'waiting';
    public const SENDING = 'sending';
    public const SENT = 'sent';
    public const SKIPPED = 'skipped';
    public const FAILED = 'failed';

    public const ALL = [self::WAITING, self::SENDING, self::SENT, self::SKIPPED, self::FAILED];
    public const OPEN = [self::WAITING, self::SENDING];
    public const DONE = [self::SENT, self::SKIPPED];
}
