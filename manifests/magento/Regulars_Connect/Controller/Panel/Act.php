<?php

declare(strict_types=1);

namespace Regulars\Connect\Controller\Panel;

use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\App\Request\Http;
use Magento\Framework\Controller\Result\Json;
use Magento\Framework\Data\Form\FormKey\Validator;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Panel\PanelClient;
use Regulars\Connect\Model\Panel\Responder;
use Regulars\Connect\Model\Panel\Submission;

/**
 * What whoever is signed in does in the panel.
 */
class Act implements HttpPostActionInterface
{
    /**
     * @param Http $request
     * @param Validator $formKeyValidator
     * @param Responder $responder
     * @param PanelClient $client
     */
    public function __construct(
        private readonly Http $request,
        private readonly Validator $formKeyValidator,
        private readonly Responder $responder,
        private readonly PanelClient $client
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(): Json
    {
        // Magento itself lets requests of scripts pass without a form key.
        if (!$this->formKeyValidator->validate($this->request)) {
            return $this->responder->status(403);
        }
        $submission = Submission::read($this->request->getPostValue());
        if ($submission === null) {
            return $this->responder->status(400);
        }
        return $this->responder->respond(
            fn (Connection $connection, int $customerId, string $locale): Answer
                => $this->client->act($connection, $customerId, $locale, $submission)
        );
    }
}
