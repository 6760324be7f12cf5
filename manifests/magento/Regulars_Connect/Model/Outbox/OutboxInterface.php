<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

/**
 * Changes between the moment they happen and the moment Regulars has them. Times are seconds since 1970.
 */
interface OutboxInterface
{
    /** The error of a try that was begun and has not ended: its sender may have died of it. */
    public const NOT_ENDED = 'the try did not end';

    /**
     * Puts changes in, all with one statement. What is in already, by its keys, stays as it is.
     *
     * @param Change[] $changes
     * @param int $now
     * @return void
     */
    public function add(array $changes, int $now): void;

    /**
     * Those of changes that are told once which are not in yet. Putting in what is in costs a number each time.
     *
     * @param Change[] $changes
     * @return Change[]
     */
    public function news(array $changes): array;

    /**
     * Websites of which something is due.
     *
     * @param int $now
     * @return int[]
     */
    public function websitesDue(int $now): array;

    /**
     * Takes what is due of a website: what was tried least, and of that the oldest first. A claim that nobody settles
     * lapses: its message is due again.
     *
     * @param int $websiteId
     * @param int $limit
     * @param int $now
     * @return Message[]
     */
    public function claim(int $websiteId, int $limit, int $now): array;

    /**
     * A try begins. It counts from here on, however it ends: what kills its sender moves behind all others.
     *
     * @param Message $message
     * @return void
     */
    public function begin(Message $message): void;

    /**
     * It has arrived.
     *
     * @param Message $message
     * @param int $now
     * @return void
     */
    public function sent(Message $message, int $now): void;

    /**
     * There is nothing to send any more.
     *
     * @param Message $message
     * @param int $now
     * @param string $reason
     * @return void
     */
    public function skipped(Message $message, int $now, string $reason): void;

    /**
     * A try has failed; the next is due at a time.
     *
     * @param Message $message
     * @param int $dueAt
     * @param string $error
     * @return void
     */
    public function retry(Message $message, int $dueAt, string $error): void;

    /**
     * No further try; a person may ask for one.
     *
     * @param Message $message
     * @param int $now
     * @param string $error
     * @return void
     */
    public function failed(Message $message, int $now, string $error): void;

    /**
     * Gives back what was claimed and not tried.
     *
     * @param Message[] $messages
     * @param int $dueAt
     * @return void
     */
    public function release(array $messages, int $dueAt): void;

    /**
     * How many entries there are in each state.
     *
     * @return array<string, int>
     */
    public function counts(): array;

    /**
     * Entries in a state, the newest first, as rows without their context.
     *
     * @param string $state
     * @param int $limit
     * @return array[]
     */
    public function entries(string $state, int $limit): array;

    /**
     * Lets everything that failed be tried once more.
     *
     * @param int $now
     * @return int
     */
    public function reopenFailed(int $now): int;

    /**
     * Deletes what ended before a time.
     *
     * @param int $doneBefore
     * @param int $failedBefore
     * @return int
     */
    public function clean(int $doneBefore, int $failedBefore): int;
}
