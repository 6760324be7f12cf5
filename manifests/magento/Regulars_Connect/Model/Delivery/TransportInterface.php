<?php

declare(strict_types=1);

namespace Regulars\Connect\Model\Delivery;

/**
 * Carries a request, within its time and without following redirects.
 */
interface TransportInterface
{
    /**
     * Sends a request.
     *
     * @param Request $request
     * @return Answer
     * @throws TransportException if there is no answer
     */
    public function send(Request $request): Answer;
}
