<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Setup;

use Magento\Customer\Setup\CustomerSetup;
use Magento\Customer\Setup\CustomerSetupFactory;
use Magento\Framework\Setup\ModuleDataSetupInterface;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Setup\Patch\Data\AddCustomerAttributes;

final class AddCustomerAttributesTest extends TestCase
{
    public function testWhatRegularsWritesOfCustomersHasAnAttributeThatRestTellsAndGoesWithTheModule(): void
    {
        $setup = new CustomerSetup();
        $data = $this->createStub(ModuleDataSetupInterface::class);
        $patch = new AddCustomerAttributes($data, new CustomerSetupFactory($setup));
        $patch->apply();
        $expected = ['regulars_tags', 'regulars_loyalty_points_points_balance', 'regulars_vip_tiers_vip_tier'];
        $codes = array_map(static fn (string $code): string => "customer/$code", $expected);
        $this->assertSame($codes, array_keys($setup->attributes));
        foreach ($setup->attributes as $code => $attribute) {
            $this->assertSame(['text', false, false], [
                $attribute['type'],
                $attribute['required'],
                $attribute['system'],
            ], $code);
        }
        $patch->revert();
        $this->assertSame([], $setup->attributes);
    }
}
