<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit;

use PHPUnit\Framework\TestCase;

/**
 * What Magento reads of the module besides its code.
 */
final class ModuleFilesTest extends TestCase
{
    private const LOCALES = ['en_US', 'de_DE', 'fr_FR', 'es_ES', 'nl_NL', 'ja_JP'];

    public function testEveryXmlFileIsWellFormedAndNamesItsSchema(): void
    {
        foreach ($this->files('xml') as $file) {
            $document = new \DOMDocument();
            $this->assertTrue($document->load($file), $file);
            if (str_contains($file, '/etc/') || str_contains($file, '/layout/')) {
                $schema = $document->documentElement->getAttribute('xsi:noNamespaceSchemaLocation');
                $this->assertMatchesRegularExpression('/^urn:magento:(framework|module:\w+):.+\.xsd$/', $schema, $file);
            }
        }
    }

    public function testEveryClassThatAFileNamesIsThere(): void
    {
        $named = [];
        foreach ([...$this->files('xml'), ...$this->files('php')] as $file) {
            if (!str_contains($file, '/Test/')) {
                preg_match_all('/Regulars\\\\Connect(?:\\\\\w+)+/', file_get_contents($file), $found);
                $named += array_flip($found[0]);
            }
        }
        $this->assertGreaterThan(50, count($named));
        foreach (array_keys($named) as $class) {
            // Magento generates proxies.
            $path = str_replace('\\', '/', substr($class, strlen('Regulars\Connect\\')));
            $path = preg_replace('/\/Proxy$/', '', $path);
            $this->assertTrue(is_file($this->root() . "/$path.php") || is_dir($this->root() . "/$path"), $class);
        }
    }

    public function testTheWhitelistHoldsExactlyTheTable(): void
    {
        $table = simplexml_load_file($this->root() . '/etc/db_schema.xml')->table;
        $whitelist = json_decode(file_get_contents($this->root() . '/etc/db_schema_whitelist.json'), true);
        $names = static function (\SimpleXMLElement $parts, string $attribute): array {
            $names = [];
            foreach ($parts as $part) {
                $names[] = (string)$part[$attribute];
            }
            return $names;
        };
        $this->assertSame(['regulars_connect_outbox'], array_keys($whitelist));
        $listed = array_map('array_keys', $whitelist['regulars_connect_outbox']);
        $this->assertSame($names($table->column, 'name'), $listed['column']);
        $this->assertSame($names($table->index, 'referenceId'), $listed['index']);
        $this->assertSame($names($table->constraint, 'referenceId'), $listed['constraint']);
    }

    public function testNumbersOfEntriesDoNotRunOut(): void
    {
        $schema = simplexml_load_file($this->root() . '/etc/db_schema.xml');
        $types = $schema->xpath('table/column[@identity="true"]/@xsi:type');
        $this->assertSame(['bigint'], array_map('strval', $types));
    }

    public function testIndexesAreNamedAsMagentoNamesThem(): void
    {
        $table = simplexml_load_file($this->root() . '/etc/db_schema.xml')->table;
        foreach ($table->xpath('index|constraint[@xsi:type="unique"]') as $index) {
            $name = 'regulars_connect_outbox';
            foreach ($index->xpath('column') as $column) {
                $name .= '_' . $column['name'];
            }
            $this->assertSame(strtoupper($name), (string)$index['referenceId']);
        }
    }

    /**
     * @dataProvider locales
     */
    public function testEveryPhraseIsTranslated(string $locale): void
    {
        $translated = [];
        $file = fopen($this->root() . "/i18n/$locale.csv", 'rb');
        while (($row = fgetcsv($file)) !== false) {
            $this->assertCount(2, $row, (string)json_encode($row));
            $this->assertArrayNotHasKey($row[0], $translated, 'once each');
            preg_match_all('/%\d/', $row[0], $placeholders);
            foreach ($placeholders[0] as $placeholder) {
                $this->assertStringContainsString($placeholder, $row[1]);
            }
            $this->assertNotSame('', $row[1]);
            $translated[$row[0]] = $row[1];
        }
        $phrases = $this->phrases();
        $this->assertGreaterThan(40, count($phrases));
        $this->assertSame([], array_diff($phrases, array_keys($translated)), 'missing');
        $this->assertSame([], array_diff(array_keys($translated), $phrases), 'of no use');
    }

    public static function locales(): array
    {
        return array_map(static fn (string $locale): array => [$locale], array_combine(self::LOCALES, self::LOCALES));
    }

    public function testEveryDefaultHasAFieldThatSetsIt(): void
    {
        $defaults = simplexml_load_file($this->root() . '/etc/config.xml')->default->regulars_connect;
        $section = simplexml_load_file($this->root() . '/etc/adminhtml/system.xml')->system->section;
        $paths = [];
        foreach ($defaults->children() as $group) {
            foreach ($group->children() as $field) {
                $path = "group[@id='{$group->getName()}']/field[@id='{$field->getName()}']";
                $this->assertCount(1, $section->xpath($path), $path);
                $paths[] = $group->getName() . '/' . $field->getName();
            }
        }
        $unset = ['connection/url', 'connection/store', 'connection/secret', 'connection/test'];
        $fields = [];
        foreach ($section->xpath('group/field') as $field) {
            $fields[] = $field->xpath('..')[0]['id'] . '/' . $field['id'];
        }
        $this->assertEqualsCanonicalizing($fields, [...$paths, ...$unset]);
    }

    public function testTheWireIsDescribedWithEveryTopic(): void
    {
        $page = file_get_contents($this->root() . '/docs/wire.md');
        foreach (WireSchema::topics() as $topic) {
            $this->assertStringContainsString("`$topic`", $page);
        }
    }

    public function testTheCodeKeepsToWhatMagentoAsksOfModules(): void
    {
        foreach ($this->files('php') as $file) {
            $code = file_get_contents($file);
            $this->assertStringContainsString('declare(strict_types=1);', $code, $file);
            $this->assertLessThanOrEqual(600, substr_count($code, "\n"), $file);
            if (!str_contains($file, '/Test/')) {
                $forbidden = '/ObjectManager|^\s*final |\bcurl_\w+\(|\bdie\b|\bexit\b/m';
                $this->assertDoesNotMatchRegularExpression($forbidden, $code, $file);
            }
        }
        foreach ($this->files('phtml') as $file) {
            preg_match_all('/<\?=\s*(.*?)\?>/s', file_get_contents($file), $outputs);
            foreach ($outputs[1] as $output) {
                $this->assertStringStartsWith('$escaper->', $output, $file);
            }
        }
    }

    /** What is shown to people: phrases of code and templates, and labels of XML files. */
    private function phrases(): array
    {
        $phrases = [];
        foreach ([...$this->files('php'), ...$this->files('phtml')] as $file) {
            if (!str_contains($file, '/Test/')) {
                preg_match_all("/\\b__\\(\\s*'((?:[^'\\\\]|\\\\.)*)'/", file_get_contents($file), $found);
                array_push($phrases, ...array_map('stripslashes', $found[1]));
            }
        }
        foreach ($this->files('xml') as $file) {
            $document = simplexml_load_file($file);
            foreach ($document->xpath('//*[@translate]') as $element) {
                $parts = preg_split('/[ ,]+/', (string)$element['translate']);
                $own = array_intersect($parts, ['true']) === [] ? [] : [(string)$element];
                $attribute = in_array('title', $parts, true) ? [(string)$element['title']] : [];
                array_push($phrases, ...$own, ...$attribute);
                foreach (array_diff($parts, ['true', 'title']) as $child) {
                    $phrases[] = (string)$element->$child;
                }
            }
        }
        return array_values(array_unique(array_filter($phrases)));
    }

    /** @return string[] */
    private function files(string $ending): array
    {
        $all = new \RecursiveIteratorIterator(
            new \RecursiveDirectoryIterator($this->root(), \FilesystemIterator::SKIP_DOTS)
        );
        $files = [];
        foreach ($all as $file) {
            if ($file->getExtension() === $ending) {
                $files[] = $file->getPathname();
            }
        }
        $this->assertNotSame([], $files);
        return $files;
    }

    private function root(): string
    {
        return dirname(__DIR__, 2);
    }
}
