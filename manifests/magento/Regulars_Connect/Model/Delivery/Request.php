<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * A signed POST, ready to go.
 */
class Request
{
    /**
     * @param string $url
     * @param array<string, string> $headers
     * @param string $body
     * @param float $timeout Seconds for all of it
     */
    public function __construct(
        public readonly string $url,
        public readonly array $headers,
        public readonly string $body,
        public readonly float $timeout
    ) {
    }
}
