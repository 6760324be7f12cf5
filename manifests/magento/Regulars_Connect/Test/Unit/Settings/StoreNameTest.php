<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Settings;

use Magento\Framework\App\Cache\TypeListInterface;
use Magento\Framework\Exception\ValidatorException;
use Magento\Framework\Model\Context;
use Magento\Framework\Registry;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Config\Backend\StoreName as Setting;
use Regulars\Connect\Model\StoreName;
use Regulars\Connect\Test\Unit\Fixtures;

final class StoreNameTest extends TestCase
{
    /**
     * @dataProvider names
     */
    public function testAStoreIsSavedAsTheHostNameThatItIs(string $entered, string $saved): void
    {
        $this->assertSame($saved, $this->saved($entered));
    }

    public static function names(): array
    {
        return [
            'a name' => ['shop.example.com', 'shop.example.com'],
            'as people copy it' => [' https://Shop.Example.com/ ', 'shop.example.com'],
            'none' => ['  ', '  '],
        ];
    }

    /**
     * @dataProvider others
     */
    public function testWhatNamesNoStoreIsNotSaved(string $entered): void
    {
        $this->expectException(ValidatorException::class);
        $this->saved($entered);
    }

    /**
     * @dataProvider others
     */
    public function testWhatNamesNoStoreIsNoConnectionHoweverItCameIntoTheSettings(string $entered): void
    {
        $this->assertNull(Fixtures::config(['connection/store' => $entered])->connection(1));
    }

    public static function others(): array
    {
        $texts = [
            'My shop',
            'localhost',
            'shop.example.com/nl',
            'https://shop.example.com/nl/',
            'shop_1.example.com',
            '-shop.example.com',
            '127.0.0.1',
            "shop.example.com\nX: y",
            str_repeat('a', 64) . '.example.com',
        ];
        return array_map(static fn (string $text): array => [$text], $texts);
    }

    private function saved(string $entered): string
    {
        $config = Fixtures::scopeConfig([]);
        $setting = new Setting(new Context(), new Registry(), $config, new TypeListInterface(), new StoreName());
        $setting->setValue($entered);
        $setting->beforeSave();
        return $setting->getValue();
    }
}
