<?php

declare(strict_types=1);

namespace Regulars\Connect\Model;

/**
 * Names under which Regulars knows shops: host names.
 */
class StoreName
{
    private const LENGTH_MAX = 253;

    /**
     * The name in lower case; null if the text is none. An address of the shop's first page is read as its host.
     *
     * @param string $text
     * @return string|null
     */
    public function read(string $text): ?string
    {
        $name = preg_replace('{^https?://([^/]*)/*$}D', '$1', strtolower(trim($text)));
        $label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
        $isName = strlen($name) <= self::LENGTH_MAX && preg_match("{^(?:$label\.)+(?=[a-z])$label\$}D", $name) === 1;
        return $isName ? $name : null;
    }
}
