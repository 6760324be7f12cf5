<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

/**
 * Something that happened, as it is put into the outbox: which thing, and what only the moment knows. What else there
 * is to tell of the thing is read when it is sent.
 */
class Change
{
    /**
     * @param string $topic
     * @param int $entityId
     * @param int $websiteId
     * @param int $storeId 0 if there is no store view
     * @param array $context
     * @param string|null $once Key under which it is told only once
     */
    private function __construct(
        public readonly string $topic,
        public readonly int $entityId,
        public readonly int $websiteId,
        public readonly int $storeId,
        public readonly array $context,
        private readonly ?string $once
    ) {
    }

    /**
     * A change that is merged with one of the same kind and thing which still waits.
     *
     * @param string $topic
     * @param int $entityId
     * @param int $websiteId
     * @param int $storeId
     * @param array $context
     * @return self
     */
    public static function of(
        string $topic,
        int $entityId,
        int $websiteId,
        int $storeId,
        array $context = []
    ): self {
        return new self($topic, $entityId, $websiteId, $storeId, $context, null);
    }

    /**
     * A change that is told only once; `$version` tells apart changes of one thing.
     *
     * @param string $topic
     * @param int $entityId
     * @param int $websiteId
     * @param int $storeId
     * @param array $context
     * @param string $version
     * @return self
     */
    public static function once(
        string $topic,
        int $entityId,
        int $websiteId,
        int $storeId,
        array $context = [],
        string $version = ''
    ): self {
        return new self($topic, $entityId, $websiteId, $storeId, $context, rtrim("$topic/$entityId/$version", '/'));
    }

    /**
     * Finds a change of the same kind and thing that still waits.
     *
     * @return string|null
     */
    public function pendingKey(): ?string
    {
        return $this->once === null ? "$this->topic/$this->websiteId/$this->entityId" : null;
    }

    /**
     * Finds the same change, sent or not.
     *
     * @return string|null
     */
    public function onceKey(): ?string
    {
        return $this->once;
    }
}
