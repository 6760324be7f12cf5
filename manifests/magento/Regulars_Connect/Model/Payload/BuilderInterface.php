<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells of a thing as it is now.
 */
interface BuilderInterface
{
    /**
     * The data of a message; null if there is nothing to tell any more.
     *
     * @param Message $message
     * @return array|null
     */
    public function build(Message $message): ?array;
}
