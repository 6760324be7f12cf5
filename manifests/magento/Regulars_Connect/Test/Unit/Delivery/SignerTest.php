<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Delivery;

use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Delivery\Signer;

final class SignerTest extends TestCase
{
    public function testTheTimestampAndTheBodyAreSignedTogether(): void
    {
        $signed = (new Signer())->sign('key', 1700000000, '{"a":"ü/"}');
        // printf '1700000000.{"a":"ü/"}' | openssl dgst -sha256 -hmac key
        $this->assertSame('v1=01ca229e30728c48e1143b1089b8137e8aa87dc95bab9acbfd79820cbad7882c', $signed);
        $this->assertNotSame($signed, (new Signer())->sign('key', 1700000001, '{"a":"ü/"}'));
        $this->assertNotSame($signed, (new Signer())->sign('other', 1700000000, '{"a":"ü/"}'));
    }

    public function testTheReferenceVectorIsReached(): void
    {
        $file = dirname(__DIR__, 7) . '/shared/corpus/magento/vectors/hmac-modules.json';
        if (!is_file($file)) {
            $this->markTestSkipped('the reference vectors are not beside this repository');
        }
        $vector = json_decode(file_get_contents($file), true)['proposed_own_module'];
        $signed = (new Signer())->sign($vector['secret'], (int)$vector['timestamp'], $vector['body']);
        $this->assertSame('v1=' . $vector['signature'], $signed);
    }
}
