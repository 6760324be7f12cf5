<?php

declare(strict_types=1);

namespace Regulars\Connect\Setup;

use Magento\Framework\Setup\ModuleContextInterface;
use Magento\Framework\Setup\SchemaSetupInterface;
use Magento\Framework\Setup\UninstallInterface;

/**
 * Takes everything of this module away: the outbox and the settings, the secret among them.
 */
class Uninstall implements UninstallInterface
{
    /**
     * @inheritDoc
     */
    public function uninstall(SchemaSetupInterface $setup, ModuleContextInterface $context)
    {
        $connection = $setup->getConnection();
        $connection->dropTable($setup->getTable('regulars_connect_outbox'));
        $connection->delete($setup->getTable('core_config_data'), ['path LIKE ?' => 'regulars_connect/%']);
    }
}
