<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * What is sent: which delivery it is, what happened and when, and the thing's data.
 */
class Envelope
{
    /** Grows when a reader of an older version would misread a newer one. */
    public const VERSION = 1;

    /**
     * @param string $id
     * @param string $topic
     * @param int $occurredAt
     * @param array $data
     * @param int $attempt From 1
     */
    public function __construct(
        public readonly string $id,
        public readonly string $topic,
        public readonly int $occurredAt,
        public readonly array $data,
        public readonly int $attempt = 1
    ) {
    }

    /**
     * The body, which says itself what the headers say: only the body is signed.
     *
     * @param string $store
     * @return string
     * @throws \JsonException
     */
    public function body(string $store): string
    {
        $body = [
            'version' => self::VERSION,
            'id' => $this->id,
            'topic' => $this->topic,
            'store' => $store,
            'occurred_at' => gmdate('Y-m-d\TH:i:s\Z', $this->occurredAt),
            'data' => $this->data === [] ? new \stdClass() : $this->data,
        ];
        // Text from old imports need not be valid UTF-8; one bad letter must not hold up an order.
        $flags = JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
        return json_encode($body, $flags);
    }
}
