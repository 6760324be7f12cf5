<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

/**
 * Where a website's changes go, and what signs them.
 */
class Connection
{
    /**
     * @param string $url Address of Regulars, without a slash at its end
     * @param string $store Name under which Regulars knows the shop
     * @param string $secret
     */
    public function __construct(
        public readonly string $url,
        public readonly string $store,
        private readonly string $secret
    ) {
    }

    /**
     * The secret, for signing alone.
     *
     * @return string
     */
    public function secret(): string
    {
        return $this->secret;
    }

    /**
     * What dumps and exports may show.
     *
     * @return array
     */
    public function __debugInfo(): array
    {
        return ['url' => $this->url, 'store' => $this->store];
    }
}
