<?php

/**
 * Stands in for Magento's database adapter, on SQLite: the statements of the module are really run.
 */

declare(strict_types=1);

namespace Magento\Framework\DB {
    class Select
    {
        private string $table = '';
        private array $columns = ['*'];
        private array $conditions = [];
        private string $tail = '';

        public function __construct(private \Magento\Framework\DB\Adapter\Sqlite $adapter)
        {
        }

        public function from(string $table, array $columns = ['*']): self
        {
            $this->table = $table;
            $this->columns = [];
            foreach ($columns as $alias => $column) {
                $this->columns[] = is_string($alias) ? "$column AS $alias" : $column;
            }
            return $this;
        }

        public function where(string $condition, $value): self
        {
            $this->conditions[] = $this->adapter->condition($condition, $value);
            return $this;
        }

        public function group(string $column): self
        {
            $this->tail .= " GROUP BY $column";
            return $this;
        }

        public function order(string|array $order): self
        {
            $this->tail .= ' ORDER BY ' . implode(', ', (array)$order);
            return $this;
        }

        public function limit(int $limit): self
        {
            $this->tail .= " LIMIT $limit";
            return $this;
        }

        public function __toString(): string
        {
            $where = $this->conditions === [] ? '' : ' WHERE ' . implode(' AND ', $this->conditions);
            return 'SELECT ' . implode(', ', $this->columns) . " FROM $this->table$where$this->tail";
        }
    }
}

namespace Magento\Framework\DB\Adapter {
    interface AdapterInterface
    {
    }

    class Sqlite implements AdapterInterface
    {
        /** @var int Statements that changed something. */
        public int $writes = 0;

        /** @var int How many of the next writes are to fail. */
        public int $failures = 0;

        private \PDO $pdo;

        public function __construct()
        {
            $this->pdo = new \PDO('sqlite::memory:', null, null, [\PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION]);
        }

        public function run(string $sql): int
        {
            if ($this->failures > 0) {
                $this->failures--;
                throw new \RuntimeException('SQLSTATE[40001]: deadlock; probe@example.com');
            }
            $this->writes++;
            return (int)$this->pdo->exec($sql);
        }

        public function select(): \Magento\Framework\DB\Select
        {
            return new \Magento\Framework\DB\Select($this);
        }

        public function fetchAll($select): array
        {
            return $this->pdo->query((string)$select)->fetchAll(\PDO::FETCH_ASSOC);
        }

        public function fetchCol($select): array
        {
            return $this->pdo->query((string)$select)->fetchAll(\PDO::FETCH_COLUMN);
        }

        public function insertOnDuplicate($table, array $data, array $fields = []): int
        {
            $columns = implode(', ', array_keys($data[0]));
            $list = fn (array $row): string => '(' . implode(', ', array_map([$this, 'quote'], $row)) . ')';
            $rows = array_map($list, $data);
            $same = implode(', ', array_map(static fn (string $field): string => "$field = $field", $fields));
            $values = implode(', ', $rows);
            return $this->run("INSERT INTO $table ($columns) VALUES $values ON CONFLICT DO UPDATE SET $same");
        }

        public function update($table, array $bind, $where = []): int
        {
            $sets = [];
            foreach ($bind as $column => $value) {
                $sets[] = "$column = " . $this->quote($value);
            }
            return $this->run("UPDATE $table SET " . implode(', ', $sets) . $this->conditions($where));
        }

        public function delete($table, $where = []): int
        {
            return $this->run("DELETE FROM $table" . $this->conditions($where));
        }

        public function condition(string $condition, $value): string
        {
            $list = implode(', ', array_map([$this, 'quote'], (array)$value));
            return str_replace('?', $list, $condition);
        }

        private function conditions(array $where): string
        {
            $parts = array_map([$this, 'condition'], array_keys($where), $where);
            return $parts === [] ? '' : ' WHERE ' . implode(' AND ', $parts);
        }

        private function quote($value): string
        {
            return match (true) {
                $value === null => 'NULL',
                is_int($value) => (string)$value,
                default => $this->pdo->quote((string)$value),
            };
        }
    }
}
