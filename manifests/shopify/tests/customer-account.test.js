// The customer-account extension, bundled as Shopify CLI bundles it and run against a host that is played here.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { JSDOM } from 'jsdom';

const HOST = 'https://regulars.example';
const root = new URL('../extensions/customer-account/', import.meta.url);
const words = (name) => JSON.parse(readFileSync(new URL(`locales/${name}.json`, root), 'utf8'));

/** Bytes that Shopify allows a UI extension's bundle, compressed. */
const BUNDLE_BYTES = 64_000;

async function bundle(module, options = {}) {
  const built = await build({
    entryPoints: [fileURLToPath(new URL(module, root))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'extension',
    target: 'es6',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.js': 'jsx' },
    define: { 'process.env.REGULARS_URL': JSON.stringify(HOST), 'process.env.NODE_ENV': '"production"' },
    ...options,
  });
  assert.deepEqual(built.warnings, []);
  return built.outputFiles[0].text;
}

const BUNDLES = { profile: await bundle('src/profile.jsx'), orderStatus: await bundle('src/orderStatus.jsx') };

/** What plugins show: a block of each kind. */
const BLOCKS = [
  { kind: 'heading', title: 'Your points', text: 'They lapse in a year.' },
  { kind: 'text', text: 'Welcome back.' },
  { kind: 'figure', title: 'Balance', value: '120' },
  { kind: 'progress', title: 'To the next reward', progress: { done: 120, of: 200 } },
  {
    kind: 'list',
    title: 'Rewards',
    rows: [
      {
        title: '5.00 off',
        value: '100 points',
        button: { action: 'redeem', label: 'Redeem', input: [['reward', 'five']] },
      },
      { title: '10.00 off', value: '200 points', detail: '80 points missing' },
    ],
  },
  { kind: 'code', title: 'Your code', value: 'K3JQ-7PZ2' },
  { kind: 'link', title: 'Your link', value: 'https://regulars.example/l/K3JQ' },
  { kind: 'link', title: 'No link', value: 'javascript:alert(1)' },
  {
    kind: 'form',
    title: 'Your birthday',
    fields: [
      { name: 'day', label: 'Birthday', kind: 'day-month', required: true },
      { name: 'email', label: 'E-mail', kind: 'email', required: false },
      {
        name: 'gift',
        label: 'Gift',
        kind: 'choice',
        choices: [
          ['tea', 'Tea'],
          ['soap', 'Soap'],
        ],
        required: false,
      },
      { name: 'note', label: 'Note', kind: 'text', value: 'as it was', required: false },
    ],
    button: { action: 'birthday', label: 'Save', input: [['source', 'panel']] },
  },
  { kind: 'of tomorrow', title: 'New', text: 'Unknown kinds show what they say.' },
];
const PANEL = [
  { plugin: 'loyalty-points', title: 'Loyalty points', blocks: BLOCKS },
  { plugin: 'vip-tiers', title: 'VIP tiers' },
];

/** The block of a target, drawn, with a host that gives these answers one after the other. */
async function shown(answers, { target = 'profile', locale = 'en', ...more } = {}) {
  const { window } = new JSDOM('<!doctype html><html><body>', {
    url: 'https://extensions.example/',
    runScripts: 'outside-only',
  });
  const texts = words(locale === 'en' ? 'en.default' : locale);
  const asked = [];
  let keys = 0;
  Object.defineProperty(window, 'crypto', { value: { randomUUID: () => `drawing-${(keys += 1)}` } });
  // Frames of no length, so that nothing here waits for a clock.
  window.requestAnimationFrame = (draw) => window.setTimeout(draw);
  window.cancelAnimationFrame = (frame) => window.clearTimeout(frame);
  window.fetch = async (address, { method = 'GET', headers, body }) => {
    asked.push({ method, address, headers: { ...headers }, body: body && JSON.parse(body) });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const { status = 200, json = [] } = answer;
    return { ok: status < 300, status, json: async () => json };
  };
  window.shopify = {
    extension: {},
    i18n: {
      translate(key, values = {}) {
        assert.ok(key in texts, `${key} is no word of ${locale}`);
        return texts[key].replace(/{{(\w+)}}/g, (_, name) => values[name]);
      },
    },
    localization: { language: { value: { isoCode: locale } } },
    sessionToken: { get: async () => 'a-session-token' },
    ...more,
  };
  window.eval(`${BUNDLES[target]}; extension.default();`);
  await settled();
  const { body } = window.document;
  const all = (selector) => [...body.querySelectorAll(selector)];
  const one = (selector) => body.querySelector(selector);
  const status = () => one('[accessibilityrole="status"]').textContent;
  const buttons = () => all('s-button').map((button) => button.textContent);
  const submit = async (form) => {
    form.dispatchEvent(new window.Event('submit'));
    await settled();
  };
  const fill = async (field, value) => {
    field.value = value;
    field.dispatchEvent(new window.Event('change'));
    await settled();
  };
  return { window, asked, all, one, status, buttons, submit, fill };
}

/** Whatever an answer leads to has been done; Preact draws in a timer of its own. */
async function settled() {
  for (let turns = 0; turns < 8; turns += 1) {
    await turn();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

test('every kind of block is drawn, and a part that cannot be shown hides no other', async () => {
  const { asked, all, one, buttons, window } = await shown([{ json: PANEL }]);
  assert.deepEqual(asked, [
    {
      method: 'GET',
      address: `${HOST}/shopify/account/panel?locale=en`,
      headers: { Accept: 'application/json', Authorization: 'Bearer a-session-token' },
      body: undefined,
    },
  ]);
  assert.equal(one('s-heading').textContent, 'Your points');
  const progress = one('s-progress');
  assert.deepEqual(
    ['value', 'max', 'accessibilitylabel'].map((name) => progress.getAttribute(name)),
    ['120', '200', 'To the next reward'],
  );
  assert.deepEqual(
    all('s-link').map((link) => link.getAttribute('href')),
    ['https://regulars.example/l/K3JQ'],
  );
  assert.deepEqual(
    all('s-clipboard-item').map((item) => item.getAttribute('text')),
    ['K3JQ-7PZ2', 'https://regulars.example/l/K3JQ', 'javascript:alert(1)'],
  );
  assert.deepEqual(buttons(), ['Redeem', 'Copy', 'Copy', 'Copy', 'Save']);
  const text = window.document.body.textContent;
  for (const part of ['Welcome back.', '120 of 200', 'Unknown kinds', words('en.default').partMissing]) {
    assert.ok(text.includes(part), part);
  }
});

test('whatever can be filled in or pressed says what it is', async () => {
  const { all } = await shown([{ json: PANEL }]);
  for (const field of all('s-text-field, s-email-field, s-number-field, s-select')) {
    assert.ok(field.getAttribute('label'), field.outerHTML);
  }
  assert.deepEqual(
    all('s-button').map((button) => button.getAttribute('accessibilitylabel')),
    ['Redeem: 5.00 off', 'Copy K3JQ-7PZ2', 'Copy https://regulars.example/l/K3JQ', 'Copy javascript:alert(1)', null],
  );
});

test('a button asks for its action under a key of its own, and the panel is drawn anew', async () => {
  const { asked, one, status, submit } = await shown([
    { json: PANEL },
    { status: 202 },
    { json: PANEL },
    { status: 202 },
    {},
  ]);
  await submit(one('s-form'));
  await submit(one('s-form'));
  const [, first, , second] = asked;
  assert.equal(`${first.method} ${first.address}`, `POST ${HOST}/shopify/account/actions`);
  assert.equal(first.headers.Authorization, 'Bearer a-session-token');
  assert.deepEqual(first.body, {
    plugin: 'loyalty-points',
    action: 'redeem',
    input: { reward: 'five' },
    idempotency_key: 'drawing-1-0-4-0',
  });
  assert.equal(second.body.idempotency_key, 'drawing-2-0-4-0', 'what was drawn anew can be asked for anew');
  assert.equal(asked.length, 5);
  assert.equal(status(), words('en.default').taken);
});

test('an action that may not have arrived is sent again under the same key', async () => {
  const { asked, one, status, submit } = await shown([
    { json: PANEL },
    new TypeError('offline'),
    { status: 200 },
    { json: PANEL },
  ]);
  await submit(one('s-form'));
  assert.equal(status(), words('en.default').unreachable);
  await submit(one('s-form'));
  assert.deepEqual(asked[1].body, asked[2].body);
  assert.equal(status(), words('en.default').taken);
});

test('a form sends what was filled in, and says at the field what is missing', async () => {
  const { asked, all, submit, fill } = await shown([{ json: PANEL }, { status: 202 }, { json: PANEL }]);
  const form = all('s-form')[1];
  const [day, month] = all('s-number-field');
  await submit(form);
  assert.equal(day.getAttribute('error'), words('en.default').required);
  await fill(day, '30');
  await fill(month, '2');
  await submit(form);
  assert.equal(day.getAttribute('error'), words('en.default').noDay);
  assert.equal(asked.length, 1, 'nothing is sent that is known to be wrong');
  await fill(day, '29');
  await submit(form);
  assert.deepEqual(
    asked[1].body.input,
    { source: 'panel', day: '02-29', note: 'as it was' },
    'what is empty is left out',
  );
});

test('each way to fail has words that help, and can be tried again', async () => {
  const failures = [
    [new TypeError('offline'), 'unreachable'],
    [{ status: 401 }, 'signIn'],
    [{ status: 429 }, 'busy'],
    [{ status: 503 }, 'failed'],
  ];
  for (const [failure, word] of failures) {
    const { window, one, all } = await shown([failure, { json: PANEL }]);
    assert.equal(one('s-banner').textContent, words('en.default')[word]);
    one('s-button').dispatchEvent(new window.Event('click'));
    await settled();
    assert.equal(all('s-banner').length, 0);
    assert.equal(one('s-heading').textContent, 'Your points');
  }
});

test('where there is nothing to show the block is not there, but for the merchant who places it', async () => {
  const { window } = await shown([{ json: [] }]);
  assert.equal(window.document.body.textContent, '');
  const { one } = await shown([{ json: [] }], { extension: { editor: { type: 'checkout' } } });
  assert.equal(one('s-paragraph').textContent, words('en.default').empty);
});

test('an order’s page shows nothing of anybody who has not signed in', async () => {
  let logins = 0;
  const asking = { target: 'orderStatus', requireLogin: async () => void (logins += 1) };
  const stranger = await shown([], { ...asking, authenticationState: { value: 'pre_authenticated' } });
  assert.deepEqual(stranger.asked, []);
  stranger.one('s-button').dispatchEvent(new stranger.window.Event('click'));
  assert.equal(logins, 1);
  const customer = await shown([{ json: PANEL }], { ...asking, authenticationState: { value: 'fully_authenticated' } });
  assert.equal(customer.one('s-heading').textContent, 'Your points');
});

test('the panel speaks each language that the host does', async () => {
  const locales = readdirSync(new URL('locales/', root)).map((file) => file.replace(/(\.default)?\.json$/, ''));
  assert.deepEqual(locales.sort(), ['de', 'en', 'es', 'fr', 'ja', 'nl']);
  for (const locale of locales) {
    const { asked, one } = await shown([{ json: PANEL }], { locale });
    assert.equal(asked[0].address, `${HOST}/shopify/account/panel?locale=${locale}`);
    assert.equal(one('s-section').getAttribute('heading'), words(locale === 'en' ? 'en.default' : locale).heading);
  }
});

test('a bundle stays within what Shopify allows', async () => {
  for (const module of ['src/profile.jsx', 'src/orderStatus.jsx']) {
    const minified = await bundle(module, { minify: true });
    assert.ok(minified.length < BUNDLE_BYTES, `${module}: ${minified.length}`);
  }
});
