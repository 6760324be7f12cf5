<?php

declare(strict_types=1);

namespace Regulars\Connect\Setup\Patch\Data;

use Magento\Customer\Model\Customer;
use Magento\Customer\Setup\CustomerSetup;
use Magento\Customer\Setup\CustomerSetupFactory;
use Magento\Framework\Setup\ModuleDataSetupInterface;
use Magento\Framework\Setup\Patch\DataPatchInterface;
use Magento\Framework\Setup\Patch\PatchRevertableInterface;

/**
 * Makes the customer attributes that Regulars writes over REST: tags, and the values of the plugins that come with it.
 *
 * They stand on no form: a page that was opened before a value changed would write the old one back.
 */
class AddCustomerAttributes implements DataPatchInterface, PatchRevertableInterface
{
    private const LABELS = [
        'regulars_tags' => 'Regulars: tags',
        'regulars_loyalty_points_points_balance' => 'Regulars: points',
        'regulars_vip_tiers_vip_tier' => 'Regulars: tier',
    ];

    /**
     * @param ModuleDataSetupInterface $moduleDataSetup
     * @param CustomerSetupFactory $customerSetupFactory
     */
    public function __construct(
        private readonly ModuleDataSetupInterface $moduleDataSetup,
        private readonly CustomerSetupFactory $customerSetupFactory
    ) {
    }

    /**
     * @inheritDoc
     */
    public static function getDependencies()
    {
        return [];
    }

    /**
     * @inheritDoc
     */
    public function getAliases()
    {
        return [];
    }

    /**
     * @inheritDoc
     */
    public function apply()
    {
        $setup = $this->setup();
        foreach (self::LABELS as $code => $label) {
            $setup->addAttribute(Customer::ENTITY, $code, [
                'type' => 'text',
                'label' => $label,
                'input' => 'textarea',
                'required' => false,
                'visible' => false,
                // REST tells nothing of system attributes.
                'system' => false,
                'user_defined' => false,
            ]);
        }
        return $this;
    }

    /**
     * @inheritDoc
     */
    public function revert()
    {
        $setup = $this->setup();
        foreach (array_keys(self::LABELS) as $code) {
            $setup->removeAttribute(Customer::ENTITY, $code);
        }
    }

    /**
     * Changes attributes of customers.
     *
     * @return CustomerSetup
     */
    private function setup(): CustomerSetup
    {
        return $this->customerSetupFactory->create(['setup' => $this->moduleDataSetup]);
    }
}
