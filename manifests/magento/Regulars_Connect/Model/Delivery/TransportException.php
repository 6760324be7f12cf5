<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * There was no answer. The message names no address and no content.
 */
class TransportException extends \RuntimeException
{
}
