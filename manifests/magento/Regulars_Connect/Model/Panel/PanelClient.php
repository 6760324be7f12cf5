<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Panel;

use Magento\Framework\DataObject\IdentityGeneratorInterface;
use Regulars\Connect\Model\ClockInterface;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\Envelope;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\TransportException;
use Regulars\Connect\Model\Delivery\TransportInterface;

/**
 * Fetches a customer's panel, and passes on what they do in it. Whose panel it is, the shop's session says.
 */
class PanelClient
{
    private const PANEL = '/magento/panel';
    private const ACTIONS = '/magento/panel/actions';

    private const SHOW_SECONDS = 4.0;

    /** An action's answer waits until it is decided. */
    private const ACT_SECONDS = 8.0;

    /**
     * @param SignedRequestFactory $requests
     * @param TransportInterface $transport
     * @param IdentityGeneratorInterface $identity
     * @param ClockInterface $clock
     */
    public function __construct(
        private readonly SignedRequestFactory $requests,
        private readonly TransportInterface $transport,
        private readonly IdentityGeneratorInterface $identity,
        private readonly ClockInterface $clock
    ) {
    }

    /**
     * The panel as HTML.
     *
     * @param Connection $connection
     * @param int $customerId
     * @param string $locale
     * @return Answer
     * @throws TransportException
     */
    public function show(Connection $connection, int $customerId, string $locale): Answer
    {
        $data = ['customer_id' => (string)$customerId, 'locale' => $locale];
        return $this->post($connection, self::PANEL, 'panel.show', $data, self::SHOW_SECONDS);
    }

    /**
     * The panel as HTML after an action.
     *
     * @param Connection $connection
     * @param int $customerId
     * @param string $locale
     * @param Submission $submission
     * @return Answer
     * @throws TransportException
     */
    public function act(Connection $connection, int $customerId, string $locale, Submission $submission): Answer
    {
        $data = [
            'customer_id' => (string)$customerId,
            'locale' => $locale,
            'plugin' => $submission->plugin,
            'action' => $submission->action,
            'fields' => $submission->fields,
        ];
        return $this->post($connection, self::ACTIONS, 'panel.act', $data, self::ACT_SECONDS);
    }

    /**
     * Sends a request.
     *
     * @param Connection $connection
     * @param string $path
     * @param string $topic
     * @param array $data
     * @param float $timeout
     * @return Answer
     * @throws TransportException
     */
    private function post(Connection $connection, string $path, string $topic, array $data, float $timeout): Answer
    {
        $envelope = new Envelope($this->identity->generateId(), $topic, $this->clock->now(), $data);
        return $this->transport->send($this->requests->make($connection, $path, $envelope, $timeout));
    }
}
