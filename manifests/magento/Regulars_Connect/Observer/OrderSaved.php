<?php

declare(strict_types=1);

namespace Regulars\Connect\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Magento\Sales\Model\Order;
use Regulars\Connect\Model\Record\OrderSteps;
use Regulars\Connect\Model\Record\Recorder;
use Regulars\Connect\Model\Websites;

/**
 * Tells what has become of an order.
 */
class OrderSaved implements ObserverInterface
{
    /**
     * @param Recorder $recorder
     * @param OrderSteps $steps
     * @param Websites $websites
     */
    public function __construct(
        private readonly Recorder $recorder,
        private readonly OrderSteps $steps,
        private readonly Websites $websites
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->recorder->record(function () use ($observer): array {
            /** @var Order $order */
            $order = $observer->getData('order');
            return $this->steps->take($order, $this->websites->ofStore((int)$order->getStoreId()));
        });
    }
}
