<?php

declare(strict_types=1);

namespace Regulars\Connect\Test\Unit\Panel;

use PHPUnit\Framework\TestCase;
use Regulars\Connect\Model\Connection;
use Regulars\Connect\Model\Delivery\SignedRequestFactory;
use Regulars\Connect\Model\Delivery\Signer;
use Regulars\Connect\Model\Panel\Markup;
use Regulars\Connect\Model\Panel\PanelClient;
use Regulars\Connect\Model\Panel\Submission;
use Regulars\Connect\Test\Unit\Fixtures;
use Regulars\Connect\Test\Unit\WireSchema;

final class PanelTest extends TestCase
{
    private const ACT = 'https://shop.example.com/regulars/panel/act/';

    public function testThePanelIsAskedForByASignedRequest(): void
    {
        $transport = Fixtures::transport();
        $this->client($transport)->show($this->connection(), 4, 'nl-NL');
        [$request] = $transport->requests;
        $this->assertSame('https://regulars.example.com/magento/panel', $request->url);
        $this->assertSame('panel.show', $request->headers['X-Regulars-Topic']);
        $signed = 'v1=' . hash_hmac('sha256', Fixtures::NOW . '.' . $request->body, Fixtures::SECRET);
        $this->assertSame($signed, $request->headers['X-Regulars-Signature']);
        $this->assertSame(['customer_id' => '4', 'locale' => 'nl-NL'], json_decode($request->body, true)['data']);
        $this->assertLessThanOrEqual(5.0, $request->timeout);
        WireSchema::accepts($request->body);
    }

    public function testAnActionIsPassedOnForWhomTheSessionNamesAndNobodyElse(): void
    {
        $submission = Submission::read([
            'regulars-plugin' => 'loyalty-points',
            'regulars-action' => 'redeem',
            'form_key' => 'k',
            'customer_id' => '5',
            'regulars-key' => 'abc-1',
            'day' => ['day' => '29', 'month' => '2'],
        ]);
        $transport = Fixtures::transport();
        $this->client($transport)->act($this->connection(), 4, 'de-DE', $submission);
        $data = json_decode($transport->requests[0]->body, true)['data'];
        $this->assertSame('4', $data['customer_id']);
        $this->assertSame(['loyalty-points', 'redeem'], [$data['plugin'], $data['action']]);
        $fields = [['customer_id', '5'], ['regulars-key', 'abc-1'], ['day[day]', '29'], ['day[month]', '2']];
        $this->assertSame($fields, $data['fields'], 'a field of that name is the form\'s own');
        WireSchema::accepts($transport->requests[0]->body);
    }

    public function testWhatIsNoFormOfAPanelIsRefused(): void
    {
        $form = ['regulars-plugin' => 'a', 'regulars-action' => 'b'];
        $this->assertNotNull(Submission::read($form));
        $this->assertNull(Submission::read(['regulars-plugin' => 'a']));
        $this->assertNull(Submission::read(['regulars-plugin' => '../a'] + $form));
        $this->assertNull(Submission::read(['regulars-action' => ['b']] + $form));
        $many = array_map(static fn (int $field): string => "f$field", range(1, 65));
        $this->assertNull(Submission::read($form + array_fill_keys($many, '')));
        $this->assertNull(Submission::read($form + ['f' => str_repeat('x', 16385)]));
    }

    public function testThePageOfRegularsBecomesAFragmentOfTheShops(): void
    {
        $html = '<!doctype html><html><head><title>T</title><style>body{}</style></head><body><main>'
            . '<section aria-label="P">'
            . '<h2>340 Punkte</h2><dl class="figure"><dt>Café &amp; <b>Küche</b></dt><dd>3,4 €</dd></dl>'
            . '<progress id="p" value="3" max="5"></progress><a href="https://a.example.com/?b=1&amp;c=2">x</a>'
            . '</section></main><footer>no</footer></body></html>';
        $this->assertSame(
            '<section aria-label="P"><h2>340 Punkte</h2>'
            . '<dl class="regulars-figure"><dt>Café &amp; Küche</dt><dd>3,4 €</dd></dl>'
            . '<progress value="3" max="5" id="regulars-p"></progress>'
            . '<a href="https://a.example.com/?b=1&amp;c=2" rel="noopener">x</a></section>',
            $this->fragment($html)
        );
    }

    public function testAFormPostsToTheShopWithItsKeyAndSaysWhatFor(): void
    {
        $html = '<main><form method="post" action="plugins/loyalty-points/actions/redeem?locale=de">'
            . '<input type="hidden" name="regulars-key" value="k-1">'
            . '<input type="hidden" name="form_key" value="forged">'
            . '<label for="f">A</label><input id="f" name="a" type="number" required onfocus="x()">'
            . '<button formaction="https://evil.example.com" onclick="x()">Go</button></form></main>';
        $this->assertSame(
            '<form method="post" action="' . self::ACT . '"><input type="hidden" name="form_key" value="KEY">'
            . '<input type="hidden" name="regulars-plugin" value="loyalty-points">'
            . '<input type="hidden" name="regulars-action" value="redeem">'
            . '<input type="hidden" name="regulars-key" value="k-1"><label for="regulars-f">A</label>'
            . '<input type="number" name="a" required="" id="regulars-f"><button type="submit">Go</button></form>',
            $this->fragment($html)
        );
    }

    /**
     * @dataProvider hostile
     */
    public function testNothingFromElsewhereRunsOrLoadsInTheShop(string $html): void
    {
        $fragment = $this->fragment("<main>$html<p>kept</p></main>");
        $this->assertStringContainsString('kept', $fragment);
        $this->assertDoesNotMatchRegularExpression(
            '/<(script|img|svg|iframe|style|link|object|base|meta|form)|[ "\']on\w+=|javascript:|style=|evil/i',
            $fragment
        );
    }

    public static function hostile(): array
    {
        return [
            ['<script>evil()</script>'],
            ['<img src=x onerror=evil()>'],
            ['<svg><script>evil()</script></svg>'],
            ['<svg onload=evil()></svg>'],
            ['<math><mtext><img src=x onerror=evil()></mtext></math>'],
            ['<iframe srcdoc="<script>evil()</script>"></iframe>'],
            ['<p onclick="evil()" style="position:fixed">a</p>'],
            ['<a href="javascript:evil()">a</a>'],
            ['<a href=" java&#x0a;script:evil()">a</a>'],
            ['<a href="data:text/html,evil">a</a>'],
            ['<form method="post" action="https://evil.example.com/"><button>Go</button></form>'],
            ['<form method="get" action="plugins/evil/actions/b"></form>'],
            ['<input type="image" src="https://evil.example.com/">'],
            ['<style>@import "https://evil.example.com"</style>'],
            ['<link rel="stylesheet" href="https://evil.example.com"><base href="https://evil.example.com">'],
            ['<template><script>evil()</script></template>'],
            ['<noscript><p title="</noscript><img src=x onerror=evil()>"></noscript>'],
        ];
    }

    public function testNothingIsNoPanel(): void
    {
        $this->assertSame('', $this->fragment('<main></main>'));
        $this->assertSame('plain', strip_tags($this->fragment('plain')));
    }

    private function fragment(string $html): string
    {
        return (new Markup())->fragment($html, self::ACT, 'KEY');
    }

    private function connection(): Connection
    {
        return new Connection('https://regulars.example.com', 'shop', Fixtures::SECRET);
    }

    private function client($transport): PanelClient
    {
        $clock = Fixtures::clock();
        $requests = new SignedRequestFactory(new Signer(), $clock);
        return new PanelClient($requests, $transport, Fixtures::identity(), $clock);
    }
}
