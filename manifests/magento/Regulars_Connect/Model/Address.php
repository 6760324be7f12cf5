<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

/**
 * Addresses that signed requests may go to.
 */
class Address
{
    private const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

    /**
     * An address without a slash at its end; null if nothing may be sent there.
     *
     * Customers' data travels encrypted: plain HTTP is for this machine alone.
     *
     * @param string $text
     * @return string|null
     */
    public function read(string $text): ?string
    {
        $url = rtrim(trim($text), '/');
        if (preg_match('/[\s\x00-\x1f\x7f\\\\]/', $url)) {
            return null;
        }
        // phpcs:ignore Magento2.Functions.DiscouragedFunction
        $parts = parse_url($url);
        if ($parts === false || array_diff_key($parts, array_flip(['scheme', 'host', 'port', 'path'])) !== []) {
            return null;
        }
        $host = strtolower($parts['host'] ?? '');
        $scheme = strtolower($parts['scheme'] ?? '');
        if ($host === '' || !($scheme === 'https' || ($scheme === 'http' && in_array($host, self::LOOPBACK, true)))) {
            return null;
        }
        return $url;
    }
}
