<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Connection;

/**
 * Makes signed requests.
 */
class SignedRequestFactory
{
    private const USER_AGENT = 'Regulars_Connect/1.0.0';

    /**
     * @param Signer $signer
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly Signer $signer,
        private readonly ClockInterface $clock
    ) {
    }

    /**
     * A request to a path of a connection, signed at this moment: a repeat is signed anew.
     *
     * @param Connection $connection
     * @param string $path
     * @param Envelope $envelope
     * @param float $timeout
     * @return Request
     * @throws \JsonException
     */
    public function make(Connection $connection, string $path, Envelope $envelope, float $timeout): Request
    {
        $timestamp = $this->clock->now();
        $body = $envelope->body($connection->store);
        $headers = [
            'Content-Type' => 'application/json',
            'User-Agent' => self::USER_AGENT,
            'X-Regulars-Signature' => $this->signer->sign($connection->secret(), $timestamp, $body),
            'X-Regulars-Timestamp' => (string)$timestamp,
            'X-Regulars-Delivery' => $envelope->id,
            'X-Regulars-Topic' => $envelope->topic,
            'X-Regulars-Store' => $connection->store,
            'X-Regulars-Attempt' => (string)$envelope->attempt,
        ];
        return new Request($connection->url . $path, $headers, $body, $timeout);
    }
}
