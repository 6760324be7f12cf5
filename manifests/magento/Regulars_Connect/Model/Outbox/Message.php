<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

/**
 * A change that is taken out of the outbox to be sent.
 */
class Message
{
    /**
     * @param int $entryId
     * @param string $deliveryId The same on every try
     * @param string $topic
     * @param int $entityId
     * @param int $websiteId
     * @param int $storeId
     * @param array $context
     * @param int $attempts Tries that were begun before
     * @param int $occurredAt
     * @param bool $isLost Whether the last of them has not ended
     */
    public function __construct(
        public readonly int $entryId,
        public readonly string $deliveryId,
        public readonly string $topic,
        public readonly int $entityId,
        public readonly int $websiteId,
        public readonly int $storeId,
        public readonly array $context,
        public readonly int $attempts,
        public readonly int $occurredAt,
        public readonly bool $isLost = false
    ) {
    }
}
