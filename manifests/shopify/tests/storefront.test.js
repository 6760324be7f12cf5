// The scripts of the theme app extension, in a browser's document.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import axe from 'axe-core';
import { JSDOM } from 'jsdom';

const SHOP = 'https://fern.example/pages/rewards';

/** As the host answers at the app proxy. */
const page = (parts = '') => `<!doctype html><html lang="en"><body><main data-regulars="panel"><h1>Fern</h1>${parts}
  <section>
    <h2>Your points</h2>
    <dl class="figure"><dt>Balance</dt><dd>120</dd></dl>
    <form method="post" action="actions/loyalty-points/redeem?locale=en">
      <input type="hidden" name="regulars-key" value="k-1">
      <input type="hidden" name="action" value="a field may be named as the form's own parts are">
      <p class="field"><label for="k-1-1">Note</label><input id="k-1-1" name="note"></p>
      <button type="submit">Redeem</button>
    </form>
  </section></main></body></html>`;

const source = (name) => readFileSync(new URL(`../extensions/storefront/assets/${name}`, import.meta.url), 'utf8');

/** A document with the block in it and a shop that gives these answers, one after the other. */
function shop(body, script, answers, url = SHOP) {
  const { window } = new JSDOM(`<!doctype html><html lang="en"><title>Fern</title><body><main>${body}</main>`, {
    url,
    runScripts: 'outside-only',
    pretendToBeVisual: true,
  });
  const asked = [];
  window.fetch = async (address, options) => {
    asked.push({
      address: new URL(address, url).href,
      method: options.method ?? 'GET',
      body: options.body?.toString(),
    });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return { ok: true, url: new URL(address, url).href, ...answer, text: async () => answer.html };
  };
  const globals = new Set(Object.keys(window));
  window.eval(source(script));
  const leaked = Object.keys(window).filter((name) => !globals.has(name));
  assert.deepEqual(leaked, [], 'the script leaves nothing behind in the page');
  return { window, asked };
}

const BLOCK = `<div><h2>Points and rewards</h2>
  <regulars-panel data-address="/apps/regulars/panel?locale=en" data-label="Points" data-style="/panel.css" data-loading="Loading"
    data-shown="Shown" data-failed="Not here" data-not-sent="Not sent">
    <p><a href="/apps/regulars/panel?locale=en">See your points</a></p></regulars-panel></div>`;

async function panel(answers) {
  const { window, asked } = shop(BLOCK, 'regulars-panel.js', answers);
  const element = window.document.querySelector('regulars-panel');
  const root = element.shadowRoot;
  assert.ok(root.querySelector('slot'), 'what the block holds shows through from the beginning');
  assert.equal(root.querySelector('[role]'), null, 'nothing moves before there are rules for it');
  root.querySelector('link').dispatchEvent(new window.Event('load'));
  await settled();
  return { window, asked, element, root, status: root.querySelector('[role="status"]') };
}

/** Whatever an answer leads to has been done. */
async function settled() {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

function submit({ window, root }) {
  root.querySelector('form').dispatchEvent(new window.Event('submit', { bubbles: true, cancelable: true }));
  return settled();
}

test('the panel is fetched from the shop itself, and its sections are shown with what a screen reader needs', async () => {
  const { window, asked, root, status } = await panel([{ html: page() }]);
  assert.deepEqual(asked, [
    { address: 'https://fern.example/apps/regulars/panel?locale=en', method: 'GET', body: undefined },
  ]);
  assert.equal(root.querySelector('dd').textContent, '120');
  assert.equal(root.querySelector('h1'), null, 'the shop is named by its own page');
  assert.equal(status.textContent, 'Shown');
  assert.equal(root.querySelector('[aria-busy]'), null);
  window.eval(axe.source);
  // jsdom draws nothing, so that contrast cannot be told.
  const { violations } = await window.axe.run(window.document, { rules: { 'color-contrast': { enabled: false } } });
  assert.deepEqual(
    Array.from(violations, ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`),
    [],
  );
});

test('until the panel is there, and where it cannot be fetched, the link to its own page is', async () => {
  for (const answer of [{ ok: false, html: '' }, { html: '<main>Password</main>' }, new TypeError('offline')]) {
    const { element, root, status } = await panel([answer]);
    assert.ok(root.querySelector('slot'), 'what the block holds shows through');
    assert.equal(element.querySelector('a').textContent, 'See your points');
    assert.equal(status.textContent, 'Not here');
  }
});

test('a form is sent where the page would send it, and what came of it is read out', async () => {
  const taken = page('<p class="notice" role="status">Thank you.</p>');
  const shown = await panel([{ html: page() }, { html: taken }]);
  shown.root.querySelector('#k-1-1').value = 'a & b';
  await submit(shown);
  const { address, method, body } = shown.asked[1];
  assert.equal(address, 'https://fern.example/apps/regulars/actions/loyalty-points/redeem?locale=en');
  assert.equal(method, 'POST');
  assert.deepEqual(
    [...new URLSearchParams(body)],
    [
      ['regulars-key', 'k-1'],
      ['action', "a field may be named as the form's own parts are"],
      ['note', 'a & b'],
    ],
  );
  assert.equal(shown.status.textContent, 'Thank you.');
  assert.equal(shown.root.activeElement, shown.status, 'the button that had the focus is gone');
});

test('a form that could not be sent stays as it was filled in, under the key that counts once', async () => {
  const shown = await panel([{ html: page() }, new TypeError('offline'), { html: page() }]);
  shown.root.querySelector('#k-1-1').value = 'kept';
  await submit(shown);
  assert.equal(shown.status.textContent, 'Not sent');
  assert.equal(shown.root.querySelector('#k-1-1').value, 'kept');
  await submit(shown);
  assert.equal(shown.asked[1].body, shown.asked[2].body);
});

test('a form that is on its way is not sent again', async () => {
  const shown = await panel([{ html: page() }, { html: page() }]);
  await Promise.all([submit(shown), submit(shown)]);
  assert.equal(shown.asked.length, 2);
});

const EMBED = '<div id="regulars-referrals" data-cart="/de/cart/update.js" hidden></div>';

test('a shared link is noted on the cart once, and leaves the address', async () => {
  const url = 'https://fern.example/?utm_source=chat&regulars_link=K3JQ7PZ2MA';
  const { window, asked } = shop(EMBED, 'regulars-referrals.js', [{}], url);
  await settled();
  assert.deepEqual(asked, [
    {
      address: 'https://fern.example/de/cart/update.js',
      method: 'POST',
      body: '{"attributes":{"regulars_link":"K3JQ7PZ2MA"}}',
    },
  ]);
  assert.equal(window.location.href, 'https://fern.example/?utm_source=chat');
});

test('where the cart cannot be reached the link stays in the address', async () => {
  const url = 'https://fern.example/?regulars_link=K3JQ7PZ2MA';
  for (const answer of [{ ok: false }, new TypeError('offline')]) {
    const { window, asked } = shop(EMBED, 'regulars-referrals.js', [answer], url);
    await settled();
    assert.equal(asked.length, 1);
    assert.equal(window.location.href, url);
  }
});

test('an address without a link, or with what can be none, asks for nothing', async () => {
  for (const query of ['', '?regulars_link=', '?regulars_link=%3Cscript%3E', `?regulars_link=${'a'.repeat(65)}`]) {
    const { asked } = shop(EMBED, 'regulars-referrals.js', [], `https://fern.example/${query}`);
    await settled();
    assert.deepEqual(asked, [], query);
  }
});
