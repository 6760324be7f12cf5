<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\System\Message;

use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Notification\MessageInterface;
use Regulars\Connect\Model\Outbox\OutboxInterface;
use Regulars\Connect\Model\Outbox\State;

/**
 * Tells merchants that changes could not be delivered.
 */
class FailedDeliveries implements MessageInterface
{
    private const RESOURCE = 'Regulars_Connect::config';

    /** @var int|null */
    private ?int $failed = null;

    /**
     * @param OutboxInterface $outbox
     * @param AuthorizationInterface $authorization
     */
    public function __construct(
        private readonly OutboxInterface $outbox,
        private readonly AuthorizationInterface $authorization
    ) {
    }

    /**
     * @inheritDoc
     */
    public function getIdentity()
    {
        return 'regulars_connect_failed_deliveries';
    }

    /**
     * @inheritDoc
     */
    public function isDisplayed()
    {
        return $this->authorization->isAllowed(self::RESOURCE) && $this->failed() > 0;
    }

    /**
     * @inheritDoc
     */
    public function getText()
    {
        return (string)__(
            'Regulars: %1 changes could not be delivered. See "bin/magento regulars:outbox".',
            $this->failed()
        );
    }

    /**
     * @inheritDoc
     */
    public function getSeverity()
    {
        return self::SEVERITY_MAJOR;
    }

    /**
     * How many, counted once for a page.
     *
     * @return int
     */
    private function failed(): int
    {
        return $this->failed ??= $this->outbox->counts()[State::FAILED];
    }
}
