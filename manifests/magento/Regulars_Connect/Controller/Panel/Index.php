<?php

declare(strict_types=1);

namespace Regulars\Connect\Controller\Panel;

use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\Result\Json;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Panel\PanelClient;
use Regulars\Connect\Model\Panel\Responder;

/**
 * The panel of whoever is signed in, for the page's script.
 */
class Index implements HttpGetActionInterface
{
    /**
     * @param Responder $responder
     * @param PanelClient $client
     */
    public function __construct(
        private readonly Responder $responder,
        private readonly PanelClient $client
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(): Json
    {
        return $this->responder->respond(
            fn (Connection $connection, int $customerId, string $locale): Answer
                => $this->client->show($connection, $customerId, $locale)
        );
    }
}
