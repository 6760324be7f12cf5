<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * Signs what is sent: HMAC-SHA256 over the timestamp, a dot and the body, in lower-case hexadecimal digits.
 */
class Signer
{
    private const VERSION = 'v1';

    /**
     * The signature as its header has it.
     *
     * @param string $secret
     * @param int $timestamp
     * @param string $body
     * @return string
     */
    public function sign(string $secret, int $timestamp, string $body): string
    {
        return self::VERSION . '=' . hash_hmac('sha256', $timestamp . '.' . $body, $secret);
    }
}
