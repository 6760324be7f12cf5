<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Delivery;

use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Address;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\Answer;
use Regulars\Connect\Model\Delivery\Envelope;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\Signer;
use Regulars\Connect\Test\Unit\Fixtures;

final class RequestTest extends TestCase
{
    public function testHeadersSayWhatTheBodySaysAndTheBodyIsSigned(): void
    {
        $connection = new Connection('https://regulars.example.com', 'shop', 'secret');
        $envelope = new Envelope('11111111-2222-4333-8444-555555555555', 'customer.deleted', 0, ['id' => '4'], 3);
        $request = (new SignedRequestFactory(new Signer(), Fixtures::clock(1700000000)))
            ->make($connection, '/webhooks/magento', $envelope, 10.0);

        $this->assertSame('https://regulars.example.com/webhooks/magento', $request->url);
        $this->assertSame([
            'version' => 1,
            'id' => '11111111-2222-4333-8444-555555555555',
            'topic' => 'customer.deleted',
            'store' => 'shop',
            'occurred_at' => '1970-01-01T00:00:00Z',
            'data' => ['id' => '4'],
        ], json_decode($request->body, true));
        $this->assertSame([
            'Content-Type' => 'application/json',
            'User-Agent' => 'Regulars_Connect/1.0.0',
            'X-Regulars-Signature' => 'v1=' . hash_hmac('sha256', '1700000000.' . $request->body, 'secret'),
            'X-Regulars-Timestamp' => '1700000000',
            'X-Regulars-Delivery' => '11111111-2222-4333-8444-555555555555',
            'X-Regulars-Topic' => 'customer.deleted',
            'X-Regulars-Store' => 'shop',
            'X-Regulars-Attempt' => '3',
        ], $request->headers);
    }

    public function testTextThatIsNoUtf8DoesNotStopADelivery(): void
    {
        $body = (new Envelope('1', 'x', 0, ['name' => "Ren\xe9e / \u{1F381}"]))->body('shop');
        $this->assertSame("Ren\u{fffd}e / \u{1F381}", json_decode($body, true)['data']['name']);
    }

    public function testASecretIsNotShown(): void
    {
        $connection = new Connection('https://regulars.example.com', 'shop', 'not-to-be-seen');
        ob_start();
        var_dump($connection);
        $this->assertStringNotContainsString('not-to-be-seen', (string)ob_get_clean());
        $this->assertStringNotContainsString('not-to-be-seen', (string)json_encode($connection));
    }

    /**
     * @dataProvider addresses
     */
    public function testSignedBodiesGoToEncryptedAddressesAlone(string $text, ?string $read): void
    {
        $this->assertSame($read, (new Address())->read($text));
    }

    public static function addresses(): array
    {
        return [
            'a plain one' => ['https://regulars.example.com', 'https://regulars.example.com'],
            'with a path' => [' https://example.com:8443/regulars/ ', 'https://example.com:8443/regulars'],
            'this machine' => ['http://127.0.0.1:7400', 'http://127.0.0.1:7400'],
            'unencrypted' => ['http://regulars.example.com', null],
            'looks like this machine' => ['http://localhost.example.com', null],
            'with a name' => ['https://me:word@example.com', null],
            'with a query' => ['https://example.com/?a=b', null],
            'with a fragment' => ['https://example.com/#a', null],
            'with a line break' => ["https://example.com/\r\nX-A: b", null],
            'another scheme' => ['file:///etc/passwd', null],
            'nothing' => ['', null],
        ];
    }

    public function testAnAnswerTellsWhetherItIsOfUseToTryAgain(): void
    {
        $this->assertTrue((new Answer(204))->isAccepted());
        $this->assertFalse((new Answer(302))->isAccepted());
        $this->assertTrue((new Answer(422))->isRefused());
        foreach ([401, 404, 429, 500] as $status) {
            $this->assertFalse((new Answer($status))->isRefused(), "a setting that is put right mends $status");
        }
        $this->assertSame(120, (new Answer(503, '', '120'))->retryAfter(0));
        $this->assertSame(60, (new Answer(503, '', 'Thu, 01 Jan 1970 00:01:00 GMT'))->retryAfter(0));
        $this->assertSame(0, (new Answer(503, '', 'Thu, 01 Jan 1970 00:01:00 GMT'))->retryAfter(600));
        $this->assertNull((new Answer(503, '', 'soon, please'))->retryAfter(0));
        $this->assertNull((new Answer(503))->retryAfter(0));
    }
}
