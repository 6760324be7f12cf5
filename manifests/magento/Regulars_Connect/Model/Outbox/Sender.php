<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

use Psr\Log\LoggerInterface;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Config;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\Envelope;
use Regulars\Connect\Model\Delivery\Request;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\TransportException;
use Regulars\Connect\Model\Delivery\TransportInterface;
use Regulars\Connect\Model\Payload\BuilderInterface;

/**
 * Sends what is due. A run claims all before it reads any of the shop's things: repositories keep what they have read,
 * and what was claimed after that could be told as it was before.
 */
class Sender
{
    public const PATH = '/webhooks/magento';

    private const TIMEOUT = 10.0;

    /** A run ends before cron starts the next one. */
    private const RUN_SECONDS = 50;

    /** The longest time that a server may ask to be left alone. */
    private const RETRY_AFTER_MOST = 86400;

    /** Seconds for which a website is left alone after a failure: one message that always fails holds up no others. */
    private const PAUSE = 60;

    /** Seconds until a website without a connection is looked at again. */
    private const UNCONNECTED = 3600;

    /**
     * @param OutboxInterface $outbox
     * @param Config $config
     * @param BuilderInterface $builder
     * @param SignedRequestFactory $requests
     * @param TransportInterface $transport
     * @param BackOff $backOff
     * @param ClockInterface $clock
     * @param LoggerInterface $logger
     */
    public function __construct(
        private readonly OutboxInterface $outbox,
        private readonly Config $config,
        private readonly BuilderInterface $builder,
        private readonly SignedRequestFactory $requests,
        private readonly TransportInterface $transport,
        private readonly BackOff $backOff,
        private readonly ClockInterface $clock,
        private readonly LoggerInterface $logger
    ) {
    }

    /**
     * Sends a batch of each website.
     *
     * @return void
     */
    public function run(): void
    {
        $begun = $this->clock->now();
        $websites = $this->outbox->websitesDue($begun);
        // No website is always the last, whom a slow one leaves no time.
        shuffle($websites);
        $batches = array_map(
            fn (int $websiteId): array => $this->outbox->claim($websiteId, $this->config->batchSize(), $begun),
            $websites
        );
        foreach ($batches as $batch) {
            $this->sendBatch($batch, $begun + self::RUN_SECONDS);
        }
    }

    /**
     * Sends messages of one website, until its connection or the time ends.
     *
     * @param Message[] $messages
     * @param int $until
     * @return void
     */
    private function sendBatch(array $messages, int $until): void
    {
        foreach ($messages as $index => $message) {
            $now = $this->clock->now();
            $pause = $now < $until ? $this->deliver($message) : 0;
            if ($pause !== null) {
                $rest = array_slice($messages, $now < $until ? $index + 1 : $index);
                $this->outbox->release($rest, $this->clock->now() + $pause);
                return;
            }
        }
    }

    /**
     * Sends one message.
     *
     * @param Message $message
     * @return int|null Seconds for which its website is to be left alone, if it is
     */
    private function deliver(Message $message): ?int
    {
        if ($message->isLost && $this->isTooOld($message)) {
            $this->giveUp($message, OutboxInterface::NOT_ENDED);
            return null;
        }
        $connection = $this->config->connection($message->websiteId);
        if ($connection === null) {
            $this->postpone($message, self::UNCONNECTED, 'not connected');
            return null;
        }
        $this->outbox->begin($message);
        try {
            $data = $this->builder->build($message);
            if ($data === null) {
                $this->outbox->skipped($message, $this->clock->now(), 'gone');
                return null;
            }
            $answer = $this->transport->send($this->request($message, $connection, $data));
        } catch (TransportException $exception) {
            $this->postpone($message, 0, $exception->getMessage());
            return self::PAUSE;
        } catch (\Throwable $exception) {
            // Messages of exceptions can hold names and addresses.
            $this->logger->error('Regulars: a change cannot be read', $this->named($message, get_class($exception)));
            $this->postpone($message, 0, 'cannot be read: ' . get_class($exception));
            return null;
        }
        return $this->settle($message, $answer);
    }

    /**
     * Acts on an answer.
     *
     * @param Message $message
     * @param Answer $answer
     * @return int|null Seconds for which its website is to be left alone, if it is
     */
    private function settle(Message $message, Answer $answer): ?int
    {
        $now = $this->clock->now();
        if ($answer->isAccepted()) {
            $this->outbox->sent($message, $now);
            return null;
        }
        $error = 'HTTP ' . $answer->status;
        if ($answer->isRefused()) {
            $this->outbox->failed($message, $now, $error);
            $this->logger->error('Regulars: a change was refused', $this->named($message, $error));
            return null;
        }
        $asked = min($answer->retryAfter($now) ?? 0, self::RETRY_AFTER_MOST);
        $this->postpone($message, $asked, $error);
        return max($asked, self::PAUSE);
    }

    /**
     * Puts a message off by its back-off or longer, or gives it up if it is too old.
     *
     * @param Message $message
     * @param int $atLeast Seconds
     * @param string $error
     * @return void
     */
    private function postpone(Message $message, int $atLeast, string $error): void
    {
        if ($this->isTooOld($message)) {
            $this->giveUp($message, $error);
            return;
        }
        $wait = max($atLeast, $this->backOff->seconds($message->attempts + 1));
        $this->outbox->retry($message, $this->clock->now() + $wait, $error);
    }

    /**
     * Whether a message is not tried any more once a try has failed.
     *
     * @param Message $message
     * @return bool
     */
    private function isTooOld(Message $message): bool
    {
        return $this->clock->now() - $message->occurredAt >= $this->config->givesUpAfter();
    }

    /**
     * Ends a message that has not arrived.
     *
     * @param Message $message
     * @param string $error
     * @return void
     */
    private function giveUp(Message $message, string $error): void
    {
        $this->outbox->failed($message, $this->clock->now(), $error);
        $this->logger->error('Regulars: a change was given up', $this->named($message, $error));
    }

    /**
     * A message's request.
     *
     * @param Message $message
     * @param Connection $connection
     * @param array $data
     * @return Request
     * @throws \JsonException
     */
    private function request(
        Message $message,
        Connection $connection,
        array $data
    ): Request {
        $attempt = $message->attempts + 1;
        $envelope = new Envelope($message->deliveryId, $message->topic, $message->occurredAt, $data, $attempt);
        return $this->requests->make($connection, self::PATH, $envelope, self::TIMEOUT);
    }

    /**
     * What a log line may say of a message.
     *
     * @param Message $message
     * @param string $error
     * @return array
     */
    private function named(Message $message, string $error): array
    {
        return [
            'delivery' => $message->deliveryId,
            'topic' => $message->topic,
            'entity_id' => $message->entityId,
            'error' => $error,
        ];
    }
}
