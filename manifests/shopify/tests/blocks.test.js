// The theme's blocks as Liquid draws them. Pages of a shop are kept in caches, so that no customer may stand in one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { JSDOM } from 'jsdom';
import { Liquid } from 'liquidjs';

const root = new URL('../extensions/storefront/', import.meta.url);
const text = (path) => readFileSync(new URL(path, root), 'utf8');
const words = JSON.parse(text('locales/en.default.json'));

/** What of Shopify's Liquid the blocks use beyond the language itself. */
function shopify() {
  const engine = new Liquid({ strictFilters: true });
  engine.registerFilter('t', (key) => key.split('.').reduce((found, part) => found[part], words));
  engine.registerFilter('asset_url', (name) => `https://cdn.example/${name}`);
  engine.registerTag('schema', {
    parse(_, rest) {
      while (rest.shift()?.name !== 'endschema');
    },
    render: () => '',
  });
  return engine;
}

async function drawn(block, { settings = {}, customer } = {}) {
  const html = await shopify().parseAndRender(text(`blocks/${block}.liquid`), {
    block: { settings: { height: 600, path: '/apps/regulars', ...settings }, shopify_attributes: '' },
    customer,
    request: { locale: { iso_code: 'de' } },
    routes: { account_login_url: '/account/login', cart_update_url: '/de/cart/update' },
  });
  return { html, document: new JSDOM(html).window.document };
}

const MIRA = { id: 4217, email: 'mira@example.com', first_name: 'Mira', last_name: 'Okonjo' };

test('who is signed in does not stand in the page, only where to ask', async () => {
  const { html, document } = await drawn('panel', { customer: MIRA });
  for (const known of Object.values(MIRA)) assert.ok(!html.includes(known), `${known}`);
  const panel = document.querySelector('regulars-panel');
  assert.equal(panel.dataset.address, '/apps/regulars/panel?locale=de');
  assert.equal(panel.dataset.style, 'https://cdn.example/regulars-panel.css');
  assert.equal(panel.querySelector('a').getAttribute('href'), panel.dataset.address, 'the same without a script');
  assert.equal(panel.style.blockSize, '600px', 'its place is kept');
  assert.equal(document.querySelector('script'), null);
});

test('whoever is not signed in is shown the way, and nothing is fetched', async () => {
  const { document } = await drawn('panel');
  assert.equal(document.querySelector('regulars-panel'), null);
  assert.equal(document.querySelector('a').getAttribute('href'), '/account/login');
});

test('what a merchant writes is text, and colours count in pairs', async () => {
  const settings = { heading: '<b>Ours</b>', path: '/tools/"club', button: '#123456' };
  const { document } = await drawn('panel', { customer: MIRA, settings });
  assert.equal(document.querySelector('h2').textContent.trim(), '<b>Ours</b>');
  const panel = document.querySelector('regulars-panel');
  assert.equal(panel.dataset.address, '/tools/"club/panel?locale=de');
  assert.equal(panel.style.getPropertyValue('--regulars-button'), '', 'a colour alone could hide its text');
  const both = await drawn('panel', { customer: MIRA, settings: { button: '#123456', button_text: '#ffffff' } });
  const { style } = both.document.querySelector('regulars-panel');
  assert.deepEqual(
    ['', '-text'].map((end) => style.getPropertyValue(`--regulars-button${end}`).trim()),
    ['#123456', '#ffffff'],
  );
  assert.equal((await drawn('panel')).document.querySelector('h2').textContent.trim(), words.panel.heading);
});

test('the embed says where the cart of this language is, and shows nothing', async () => {
  const { document } = await drawn('referrals');
  const embed = document.getElementById('regulars-referrals');
  assert.equal(embed.dataset.cart, '/de/cart/update.js');
  assert.ok(embed.hidden);
});
