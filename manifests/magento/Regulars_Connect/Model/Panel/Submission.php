<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Panel;

/**
 * A form of the panel, as a shopper sent it.
 */
class Submission
{
    public const PLUGIN = 'regulars-plugin';
    public const ACTION = 'regulars-action';

    private const NAME = '/^[a-z0-9][a-z0-9_-]{0,63}$/D';
    private const FIELDS = 64;
    private const BYTES = 16384;

    /**
     * @param string $plugin
     * @param string $action
     * @param array[] $fields Pairs of a name and a value, in the order of the form
     */
    private function __construct(
        public readonly string $plugin,
        public readonly string $action,
        public readonly array $fields
    ) {
    }

    /**
     * Reads what was posted; null if no form of a panel is like that.
     *
     * @param array $posted
     * @return self|null
     */
    public static function read(array $posted): ?self
    {
        $plugin = $posted[self::PLUGIN] ?? null;
        $action = $posted[self::ACTION] ?? null;
        foreach ([$plugin, $action] as $name) {
            if (!is_string($name) || !preg_match(self::NAME, $name)) {
                return null;
            }
        }
        $own = array_flip([self::PLUGIN, self::ACTION, 'form_key']);
        $fields = self::flat(array_diff_key($posted, $own));
        $bytes = array_sum(array_map(static fn (array $field): int => strlen($field[0]) + strlen($field[1]), $fields));
        return count($fields) > self::FIELDS || $bytes > self::BYTES ? null : new self($plugin, $action, $fields);
    }

    /**
     * Pairs under the names that the form gave them: PHP has made `day[month]` an array.
     *
     * @param array $values
     * @param string $within
     * @return array[]
     */
    private static function flat(array $values, string $within = ''): array
    {
        $pairs = [];
        foreach ($values as $key => $value) {
            $name = $within === '' ? (string)$key : $within . '[' . $key . ']';
            $more = is_array($value) ? self::flat($value, $name) : [[$name, (string)$value]];
            array_push($pairs, ...$more);
        }
        return $pairs;
    }
}
