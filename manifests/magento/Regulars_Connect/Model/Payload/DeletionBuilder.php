<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

use Regulars\Connect\Model\Outbox\Message;

/**
 * Tells that something is no more, by its id alone.
 */
class DeletionBuilder implements BuilderInterface
{
    /**
     * @inheritDoc
     */
    public function build(Message $message): ?array
    {
        return ['id' => (string)$message->entityId];
    }
}
