<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

/**
 * Magento's notation into that of the wire: amounts, times and ids.
 */
class Format
{
    /** Digits that Magento keeps of an amount. */
    private const DIGITS = 4;

    /**
     * A decimal without needless zeros, such as `39.28`. What Magento has no value for is zero.
     *
     * @param string|float|int|null $value
     * @return string
     */
    public function decimal(string|float|int|null $value): string
    {
        // A database gives texts: they need no detour over floating point.
        $isPlain = is_string($value) && preg_match('/^-?\d+(\.\d{1,' . self::DIGITS . '})?$/D', $value);
        $text = $isPlain ? $value : number_format((float)$value, self::DIGITS, '.', '');
        if (str_contains($text, '.')) {
            $text = rtrim(rtrim($text, '0'), '.');
        }
        return $text === '-0' ? '0' : $text;
    }

    /**
     * An amount in the website's base currency and in the currency of the order.
     *
     * @param string|float|int|null $base
     * @param string|float|int|null $order
     * @return array{base: string, order: string}
     */
    public function amount(string|float|int|null $base, string|float|int|null $order): array
    {
        return ['base' => $this->decimal($base), 'order' => $this->decimal($order)];
    }

    /**
     * The same without its sign: Magento states discounts of orders below zero and those of items above.
     *
     * @param string|float|int|null $base
     * @param string|float|int|null $order
     * @return array{base: string, order: string}
     */
    public function discount(string|float|int|null $base, string|float|int|null $order): array
    {
        $amount = $this->amount($base, $order);
        return ['base' => ltrim($amount['base'], '-'), 'order' => ltrim($amount['order'], '-')];
    }

    /**
     * A time, which Magento keeps in UTC, by RFC 3339.
     *
     * @param string|null $value
     * @return string|null
     */
    public function time(?string $value): ?string
    {
        $isTime = $value !== null && preg_match('/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/D', $value, $parts);
        return $isTime && !str_starts_with($value, '0000') ? $parts[1] . 'T' . $parts[2] . 'Z' : null;
    }

    /**
     * A day, of which orders state the time of midnight as well.
     *
     * @param string|null $value
     * @return string|null
     */
    public function day(?string $value): ?string
    {
        $isDay = $value !== null && preg_match('/^\d{4}-\d\d-\d\d(?= |$)/', $value, $parts);
        return $isDay && !str_starts_with($value, '0000') ? $parts[0] : null;
    }

    /**
     * An id as text; null for none.
     *
     * @param string|int|null $value
     * @return string|null
     */
    public function id(string|int|null $value): ?string
    {
        return (int)$value === 0 ? null : (string)(int)$value;
    }

    /**
     * A text; null for an empty one.
     *
     * @param string|null $value
     * @return string|null
     */
    public function text(?string $value): ?string
    {
        $text = trim((string)$value);
        return $text === '' ? null : $text;
    }
}
