<?php

declare(strict_types=1);

namespace Regulars\Connect\Block\Widget;

use Magento\Widget\Block\BlockInterface;
use Regulars\Connect\Block\Panel as PanelBlock;

/**
 * The panel as a widget, for any page or block.
 */
class Panel extends PanelBlock implements BlockInterface
{
}
