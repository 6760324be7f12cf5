<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Delivery;

use GuzzleHttp\Client;
use GuzzleHttp\ClientFactory;
use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Psr7\Request as HttpRequest;
use GuzzleHttp\Psr7\Response;
use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Delivery\GuzzleTransport;
use Regulars\Connect\Model\Delivery\Request;
use Regulars\Connect\Model\Delivery\TransportException;

final class GuzzleTransportTest extends TestCase
{
    private MockHandler $server;
    private GuzzleTransport $transport;

    protected function setUp(): void
    {
        if (!class_exists(Client::class)) {
            $this->markTestSkipped('Guzzle is not installed (php-guzzlehttp-guzzle)');
        }
        $this->server = new MockHandler();
        $client = new Client(['handler' => HandlerStack::create($this->server)]);
        $this->transport = new GuzzleTransport(new ClientFactory($client));
    }

    public function testTheBytesGoOutAsTheyWereSigned(): void
    {
        $this->server->append(new Response(202, ['Retry-After' => '7'], 'yes'));
        $answer = $this->transport->send($this->request());
        $sent = $this->server->getLastRequest();
        $this->assertSame('{"ü":"/"}', (string)$sent->getBody());
        $this->assertSame('v1=1', $sent->getHeaderLine('X-Regulars-Signature'));
        $this->assertSame([202, 'yes', 7], [$answer->status, $answer->body, $answer->retryAfter(0)]);
        $this->assertSame(3.0, $this->server->getLastOptions()['timeout']);
    }

    public function testARedirectIsAnAnswerAndIsNotFollowed(): void
    {
        $this->server->append(new Response(307, ['Location' => 'https://elsewhere.example.com/']));
        $this->assertSame(307, $this->transport->send($this->request())->status);
        $this->assertSame('regulars.example.com', $this->server->getLastRequest()->getUri()->getHost());
    }

    public function testAServerThatIsAwayIsToldWithoutItsAddress(): void
    {
        $request = new HttpRequest('POST', 'https://x/');
        $failure = new ConnectException('Failed to connect to regulars.example.com', $request);
        $this->server->append($failure);
        $this->expectException(TransportException::class);
        $this->expectExceptionMessageMatches('/^no answer$/');
        $this->transport->send($this->request());
    }

    public function testAnAnswerWithoutEndIsGivenUp(): void
    {
        $this->server->append(new Response(200, [], str_repeat('x', 600000)));
        $this->expectException(TransportException::class);
        $this->transport->send($this->request());
    }

    private function request(): Request
    {
        return new Request('https://regulars.example.com/a', ['X-Regulars-Signature' => 'v1=1'], '{"ü":"/"}', 3.0);
    }
}
