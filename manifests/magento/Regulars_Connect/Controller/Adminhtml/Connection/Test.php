<?php

declare(strict_types=1);

namespace Regulars\Connect\Controller\Adminhtml\Connection;

use Magento\Backend\App\Action;
use Magento\Backend\App\Action\Context;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\Result\Json;
use Magento\Framework\Controller\Result\JsonFactory;
use Magento\Framework\Phrase;
use Regulars\Connect\Model\ConnectionTest;
use Regulars\Connect\Model\Delivery\TransportException;

/**
 * The button that tests a connection.
 */
class Test extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Regulars_Connect::config';

    /**
     * @param Context $context
     * @param JsonFactory $jsonFactory
     * @param ConnectionTest $connectionTest
     */
    public function __construct(
        Context $context,
        private readonly JsonFactory $jsonFactory,
        private readonly ConnectionTest $connectionTest
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): Json
    {
        $websiteId = (int)$this->getRequest()->getParam('website');
        [$works, $text] = $this->outcome($websiteId ?: null);
        return $this->jsonFactory->create()->setData(['works' => $works, 'text' => (string)$text]);
    }

    /**
     * Whether it works, and what a merchant is told.
     *
     * @param int|null $websiteId
     * @return array{bool, Phrase}
     */
    private function outcome(?int $websiteId): array
    {
        try {
            $answer = $this->connectionTest->run($websiteId);
        } catch (TransportException $exception) {
            return [false, __('There is no answer: %1. Check the address.', $exception->getMessage())];
        }
        if ($answer === null) {
            return [false, __('Save an address, a store and a secret first.')];
        }
        if ($answer->isAccepted()) {
            return [true, __('It works.')];
        }
        return match ($answer->status) {
            401 => [false, __('The secret is not the one that Regulars has.')],
            404 => [false, __('Regulars knows no such store.')],
            default => [false, __('Regulars answered with status %1.', $answer->status)],
        };
    }
}
