<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Payload;

/**
 * Items into lines, of which each thing bought has one.
 *
 * Magento keeps an item for a configurable or a bundle and one for each child. A configurable's child carries no money;
 * of a bundle with its children's prices, both carry money, but discounts are on the children alone.
 */
class Lines
{
    /**
     * Items of the first rank, each with its children.
     *
     * @param iterable|null $items
     * @param callable $id Item's id
     * @param callable $parent Id of its parent, 0 for none
     * @return array<int, array{item: object, children: object[]}>
     */
    public function families(?iterable $items, callable $id, callable $parent): array
    {
        $families = [];
        foreach ($items ?? [] as $item) {
            if (!(int)$parent($item)) {
                $families[(int)$id($item)] = ['item' => $item, 'children' => []];
            }
        }
        foreach ($items ?? [] as $item) {
            $of = (int)$parent($item);
            if ($of && isset($families[$of])) {
                $families[$of]['children'][] = $item;
            }
        }
        return $families;
    }

    /**
     * A value of an item and its children together.
     *
     * @param array{item: object, children: object[]} $family
     * @param string $getter
     * @return float
     */
    public function all(array $family, string $getter): float
    {
        return (float)$family['item']->$getter() + $this->children($family, $getter);
    }

    /**
     * A value of an item, or of its children together where the item has none.
     *
     * @param array{item: object, children: object[]} $family
     * @param string $getter
     * @return float
     */
    public function either(array $family, string $getter): float
    {
        $own = (float)$family['item']->$getter();
        return $own !== 0.0 ? $own : $this->children($family, $getter);
    }

    /**
     * A value of an item's children together.
     *
     * @param array{item: object, children: object[]} $family
     * @param string $getter
     * @return float
     */
    private function children(array $family, string $getter): float
    {
        $values = array_map(static fn (object $item): float => (float)$item->$getter(), $family['children']);
        return (float)array_sum($values);
    }
}
