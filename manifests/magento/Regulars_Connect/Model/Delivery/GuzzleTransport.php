<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

use GuzzleHttp\ClientFactory;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\RequestOptions;

/**
 * Carries requests by Guzzle, which Magento ships.
 */
class GuzzleTransport implements TransportInterface
{
    private const CONNECT_SECONDS = 2.0;

    /** A panel's page is a few kilobytes. */
    private const ANSWER_BYTES = 524288;

    /**
     * @param ClientFactory $clientFactory
     */
    public function __construct(private readonly ClientFactory $clientFactory)
    {
    }

    /**
     * @inheritDoc
     */
    public function send(Request $request): Answer
    {
        try {
            $response = $this->clientFactory->create()->request('POST', $request->url, [
                RequestOptions::HEADERS => $request->headers,
                RequestOptions::BODY => $request->body,
                RequestOptions::CONNECT_TIMEOUT => min(self::CONNECT_SECONDS, $request->timeout),
                RequestOptions::TIMEOUT => $request->timeout,
                // A signed body is for the address that the merchant has set, and for no other.
                RequestOptions::ALLOW_REDIRECTS => false,
                RequestOptions::HTTP_ERRORS => false,
                RequestOptions::PROGRESS => static function ($total, $received): void {
                    if (max($total, $received) > self::ANSWER_BYTES) {
                        throw new TransportException('the answer is too large');
                    }
                },
            ]);
            $body = (string)$response->getBody();
        } catch (GuzzleException $exception) {
            throw new TransportException($this->reason($exception), 0, $exception);
        }
        if (strlen($body) > self::ANSWER_BYTES) {
            throw new TransportException('the answer is too large');
        }
        return new Answer($response->getStatusCode(), $body, $response->getHeaderLine('Retry-After'));
    }

    /**
     * Why there was no answer, by curl's number: its words can hold the address.
     *
     * @param GuzzleException $exception
     * @return string
     */
    private function reason(GuzzleException $exception): string
    {
        $context = method_exists($exception, 'getHandlerContext') ? $exception->getHandlerContext() : [];
        return isset($context['errno']) ? 'no answer (curl ' . (int)$context['errno'] . ')' : 'no answer';
    }
}
