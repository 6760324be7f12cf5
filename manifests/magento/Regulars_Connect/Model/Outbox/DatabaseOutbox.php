<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Outbox;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DataObject\IdentityGeneratorInterface;
use Magento\Framework\DB\Adapter\AdapterInterface;
use Magento\Framework\Serialize\Serializer\Json;

/**
 * The outbox as a table of the shop's own database. It holds ids and states, and no person's data but the address of
 * a newsletter subscription that was deleted, until that is sent.
 */
class DatabaseOutbox implements OutboxInterface
{
    private const TABLE = 'regulars_connect_outbox';

    /** Seconds until a claim lapses: well over the time a run takes. */
    private const CLAIM = 900;

    /** Rows deleted with one statement, so that it locks none for long. */
    private const CLEAN_BATCH = 5000;

    private const ERROR_LENGTH = 255;

    /**
     * @param ResourceConnection $resource
     * @param IdentityGeneratorInterface $identity
     * @param Json $json
     */
    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly IdentityGeneratorInterface $identity,
        private readonly Json $json
    ) {
    }

    /**
     * @inheritDoc
     */
    public function add(array $changes, int $now): void
    {
        if ($changes === []) {
            return;
        }
        $rows = [];
        foreach ($changes as $change) {
            $rows[] = [
                'delivery_id' => $this->identity->generateId(),
                'website_id' => $change->websiteId,
                'store_id' => $change->storeId,
                'topic' => $change->topic,
                'entity_id' => $change->entityId,
                'context' => $change->context === [] ? null : $this->json->serialize($change->context),
                'pending_key' => $change->pendingKey(),
                'once_key' => $change->onceKey(),
                'state' => State::WAITING,
                'occurred_at' => $this->text($now),
                'due_at' => $this->text($now),
            ];
        }
        // A row with the same key has the same topic: the update changes nothing, and other errors are not hidden.
        $this->connection()->insertOnDuplicate($this->table(), $rows, ['topic']);
    }

    /**
     * @inheritDoc
     */
    public function news(array $changes): array
    {
        if ($changes === []) {
            return [];
        }
        $keys = array_map(static fn (Change $change): ?string => $change->onceKey(), $changes);
        $select = $this->connection()->select()->from($this->table(), ['once_key'])->where('once_key IN (?)', $keys);
        $known = array_flip($this->connection()->fetchCol($select));
        return array_values(
            array_filter($changes, static fn (Change $change): bool => !isset($known[$change->onceKey()]))
        );
    }

    /**
     * @inheritDoc
     */
    public function websitesDue(int $now): array
    {
        $select = $this->connection()->select()
            ->from($this->table(), ['website_id'])
            ->where('state IN (?)', State::OPEN)
            ->where('due_at <= ?', $this->text($now))
            ->group('website_id');
        return array_map('intval', $this->connection()->fetchCol($select));
    }

    /**
     * @inheritDoc
     */
    public function claim(int $websiteId, int $limit, int $now): array
    {
        $connection = $this->connection();
        $select = $connection->select()
            ->from($this->table())
            ->where('state IN (?)', State::OPEN)
            ->where('due_at <= ?', $this->text($now))
            ->where('website_id = ?', $websiteId)
            ->order(['attempts ASC', 'entry_id ASC'])
            ->limit($limit);
        $rows = $connection->fetchAll($select);
        if ($rows === []) {
            return [];
        }
        // From here on a further change gets a row of its own: what is read now may not hold it.
        $connection->update(
            $this->table(),
            ['state' => State::SENDING, 'pending_key' => null, 'due_at' => $this->text($now + self::CLAIM)],
            ['entry_id IN (?)' => array_column($rows, 'entry_id')]
        );
        return array_map(fn (array $row): Message => $this->message($row), $rows);
    }

    /**
     * @inheritDoc
     */
    public function begin(Message $message): void
    {
        $begun = ['attempts' => $message->attempts + 1, 'last_error' => self::NOT_ENDED];
        $this->change([$message->entryId], $begun);
    }

    /**
     * @inheritDoc
     */
    public function sent(Message $message, int $now): void
    {
        $this->end([$message->entryId], State::SENT, $now, null);
    }

    /**
     * @inheritDoc
     */
    public function skipped(Message $message, int $now, string $reason): void
    {
        $this->end([$message->entryId], State::SKIPPED, $now, $reason);
    }

    /**
     * @inheritDoc
     */
    public function failed(Message $message, int $now, string $error): void
    {
        $this->end([$message->entryId], State::FAILED, $now, $error, ['attempts' => $message->attempts + 1]);
    }

    /**
     * @inheritDoc
     */
    public function retry(Message $message, int $dueAt, string $error): void
    {
        $this->change([$message->entryId], [
            'state' => State::WAITING,
            'attempts' => $message->attempts + 1,
            'due_at' => $this->text($dueAt),
            'last_error' => $this->shortened($error),
        ]);
    }

    /**
     * @inheritDoc
     */
    public function release(array $messages, int $dueAt): void
    {
        if ($messages === []) {
            return;
        }
        $ids = array_map(static fn (Message $message): int => $message->entryId, $messages);
        $this->change($ids, ['state' => State::WAITING, 'due_at' => $this->text($dueAt)]);
    }

    /**
     * @inheritDoc
     */
    public function counts(): array
    {
        $select = $this->connection()->select()
            ->from($this->table(), ['state', 'entries' => 'COUNT(*)'])
            ->group('state');
        $counts = array_fill_keys(State::ALL, 0);
        foreach ($this->connection()->fetchAll($select) as $row) {
            $counts[$row['state']] = (int)$row['entries'];
        }
        return $counts;
    }

    /**
     * @inheritDoc
     */
    public function entries(string $state, int $limit): array
    {
        $columns = [
            'delivery_id',
            'topic',
            'entity_id',
            'website_id',
            'attempts',
            'occurred_at',
            'due_at',
            'ended_at',
            'last_error',
        ];
        $select = $this->connection()->select()
            ->from($this->table(), $columns)
            ->where('state = ?', $state)
            ->order('entry_id DESC')
            ->limit($limit);
        return $this->connection()->fetchAll($select);
    }

    /**
     * @inheritDoc
     */
    public function reopenFailed(int $now): int
    {
        return $this->connection()->update(
            $this->table(),
            [
                'state' => State::WAITING,
                'attempts' => 0,
                'due_at' => $this->text($now),
                'ended_at' => null,
            ],
            ['state = ?' => State::FAILED]
        );
    }

    /**
     * @inheritDoc
     */
    public function clean(int $doneBefore, int $failedBefore): int
    {
        return $this->delete(State::DONE, $doneBefore) + $this->delete([State::FAILED], $failedBefore);
    }

    /**
     * Deletes what ended in one of the states before a time.
     *
     * @param string[] $states
     * @param int $before
     * @return int
     */
    private function delete(array $states, int $before): int
    {
        $connection = $this->connection();
        $select = $connection->select()
            ->from($this->table(), ['entry_id'])
            ->where('state IN (?)', $states)
            ->where('ended_at < ?', $this->text($before))
            ->limit(self::CLEAN_BATCH);
        $deleted = 0;
        do {
            $ids = $connection->fetchCol($select);
            $deleted += $ids === [] ? 0 : $connection->delete($this->table(), ['entry_id IN (?)' => $ids]);
        } while (count($ids) === self::CLEAN_BATCH);
        return $deleted;
    }

    /**
     * Ends entries.
     *
     * @param int[] $ids
     * @param string $state
     * @param int $now
     * @param string|null $error
     * @param array $more
     * @return void
     */
    private function end(array $ids, string $state, int $now, ?string $error, array $more = []): void
    {
        $values = ['state' => $state, 'ended_at' => $this->text($now), 'last_error' => $this->shortened($error)];
        // What failed may be sent yet, and needs what only its moment knew.
        $this->change($ids, $values + ($state === State::FAILED ? [] : ['context' => null]) + $more);
    }

    /**
     * Changes entries that are being sent.
     *
     * @param int[] $ids
     * @param array $values
     * @return void
     */
    private function change(array $ids, array $values): void
    {
        $this->connection()->update(
            $this->table(),
            $values,
            ['entry_id IN (?)' => $ids, 'state = ?' => State::SENDING]
        );
    }

    /**
     * Reads a row.
     *
     * @param array $row
     * @return Message
     */
    private function message(array $row): Message
    {
        return new Message(
            (int)$row['entry_id'],
            (string)$row['delivery_id'],
            (string)$row['topic'],
            (int)$row['entity_id'],
            (int)$row['website_id'],
            (int)$row['store_id'],
            $row['context'] === null ? [] : (array)$this->json->unserialize($row['context']),
            (int)$row['attempts'],
            (int)strtotime($row['occurred_at'] . ' UTC'),
            $row['state'] === State::SENDING && $row['last_error'] === self::NOT_ENDED
        );
    }

    /**
     * An error that fits its column.
     *
     * @param string|null $error
     * @return string|null
     */
    private function shortened(?string $error): ?string
    {
        return $error === null ? null : mb_substr($error, 0, self::ERROR_LENGTH);
    }

    /**
     * A time as the table has it, in UTC.
     *
     * @param int $time
     * @return string
     */
    private function text(int $time): string
    {
        return gmdate('Y-m-d H:i:s', $time);
    }

    /**
     * The table's name with the installation's prefix.
     *
     * @return string
     */
    private function table(): string
    {
        return $this->resource->getTableName(self::TABLE);
    }

    /**
     * The shop's database.
     *
     * @return AdapterInterface
     */
    private function connection(): AdapterInterface
    {
        return $this->resource->getConnection();
    }
}
