<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * What Regulars has answered.
 */
class Answer
{
    /** The body itself is at fault, as it will be the next time. */
    private const REFUSED = [400, 413, 422];

    /**
     * @param int $status
     * @param string $body
     * @param string|null $retryAfter
     */
    public function __construct(
        public readonly int $status,
        public readonly string $body = '',
        private readonly ?string $retryAfter = null
    ) {
    }

    /**
     * Whether it has arrived.
     *
     * @return bool
     */
    public function isAccepted(): bool
    {
        return $this->status >= 200 && $this->status < 300;
    }

    /**
     * Whether trying again is of no use.
     *
     * @return bool
     */
    public function isRefused(): bool
    {
        return in_array($this->status, self::REFUSED, true);
    }

    /**
     * Seconds that the server asks to be left alone, if it asks.
     *
     * @param int $now
     * @return int|null
     */
    public function retryAfter(int $now): ?int
    {
        $text = trim((string)$this->retryAfter);
        if (ctype_digit($text)) {
            return (int)$text;
        }
        $date = $text === '' ? false : strtotime($text);
        return $date === false ? null : max(0, $date - $now);
    }
}
