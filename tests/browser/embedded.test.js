// The admin page inside a shop's admin, with an App Bridge that is played: Shopify's own is on its own address alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openPage, openingShop, press, showPlugin, startApp, text, told } from './stage.js';

const host = await startApp();

/** Adds the session token to what the page asks for, and answers for the merchant, one of `answers` after the other. */
function appBridge(token, answers) {
  const own = globalThis.fetch;
  globalThis.fetch = (path, options = {}) =>
    own(path, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
  const optional = ['read_all_orders', 'read_store_credit_accounts', 'write_gift_cards',
    'write_store_credit_account_transactions'];
  let granted = ['write_orders'];
  globalThis.asked = [];
  const query = async () => ({ required: ['write_orders'], optional, granted });
  const request = async (scopes) => {
    globalThis.asked.push(scopes);
    if (answers.shift() !== 'yes') return { result: 'declined-all', detail: await query() };
    granted = [...new Set([...granted, ...scopes])];
    return { result: 'granted-all', detail: await query() };
  };
  globalThis.shopify = { scopes: { query, request } };
}

async function openApp(t, answers) {
  const shop = openingShop(host);
  const script = `(${appBridge})(${JSON.stringify(shop.token)}, ${JSON.stringify(answers)});`;
  const played = async (page) => {
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      const isBridge = request.url().startsWith('https://cdn.shopify.com/');
      return isBridge ? request.respond({ contentType: 'text/javascript', body: script }) : request.continue();
    });
  };
  return { page: await openPage(t, shop.url, played), enabled: shop.enabled };
}

const CREDIT = 'Rewards as store credit cannot be given.';

test("after a merchant's no the plugin is on, what does not work is told, and can be allowed later", async (t) => {
  const { page, enabled } = await openApp(t, ['no', 'yes']);
  assert.equal(await text(page, '#guide-title'), 'Switch on your first plugin');
  await showPlugin(page, 'Referral vouchers');
  assert.deepEqual(await page.evaluate('asked'), [], 'looking asks for nothing');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  const wanted = ['write_store_credit_account_transactions', 'read_store_credit_accounts', 'read_all_orders'];
  assert.deepEqual(await page.evaluate('asked'), [wanted]);
  assert.deepEqual(await enabled(), ['referral-vouchers']);
  assert.ok((await text(page, '#dialog-body')).includes(CREDIT));
  await press(page, 'Allow it');
  await page.waitForFunction(() => !document.querySelector('dialog .notice'));
  assert.equal((await page.evaluate('asked')).length, 2);
});

test('nobody is asked for what a plugin does not need', async (t) => {
  const { page } = await openApp(t, ['yes']);
  await showPlugin(page, 'Birthday mail');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  assert.deepEqual(await page.evaluate('asked'), [['read_all_orders']], 'its milestones count orders');
  assert.equal(await page.$('dialog .notice'), null);
});

test('the page says nothing of how the host is run, and looks again by itself', async (t) => {
  const { page } = await openApp(t, []);
  const shown = await page.$eval('body', (body) => body.innerText);
  assert.doesNotMatch(shown, /webhook|regulars (store|plugin|event)|\bhost\b/i);
  assert.equal(await page.$eval('#counters', (counters) => counters.checkVisibility()), false);
  for (let looks = 0; looks < 2; looks += 1) {
    await page.waitForResponse((response) => response.url().includes('/activity?'));
  }
});
