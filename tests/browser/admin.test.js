// The admin page on the machine of the host: plugins are switched on, set and brought back as people do it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import axe from 'axe-core';

import {
  OFFICIAL, addShop, control, openPage, press, problemOf, showPlugin, startHost, text, told, valueOf, write,
} from './stage.js';

const host = await startHost();

test('a store without a plugin is led to its first, which is on with what its form says', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  assert.equal(await text(page, '#guide-title'), 'Switch on your first plugin');
  await showPlugin(page, 'Loyalty points');
  assert.match(await text(page, '#dialog-body'), /you agree that it may.*write mails to customers/s);
  assert.deepEqual(await shop.enabled(), [], 'looking agrees to nothing');
  await write(page, 'Points earned', '3');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  assert.deepEqual(await shop.enabled(), ['loyalty-points']);
  assert.equal((await shop.settings('loyalty-points')).earn_points, 3);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.getElementById('guide-title').textContent.startsWith('Waiting for'));
  assert.match(await text(page, '#plugins'), /Loyalty points ?on/);
});

test('what happens in the shop appears, with what a plugin decided, and can be looked at closely', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'Loyalty points');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  await page.keyboard.press('Escape');
  await shop.send('orders/paid', 'order_placed');
  await page.waitForSelector('#customers .customer');
  assert.match(await text(page, '#feed'), /points earned for order #/);
  await page.locator('#customers .open').click();
  await page.waitForSelector('dialog .ledger');
  assert.match(await text(page, '#dialog-body'), /Loyalty points, balance/);
  assert.ok(await page.$eval('#dialog-foot', (foot) => foot.hidden), 'the buttons are those of plugins');
});

test('a plugin is switched off by whoever says so twice', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'VIP tiers');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  await press(page, 'Switch off');
  await told(page, 'Are you sure?');
  assert.deepEqual(await shop.enabled(), ['vip-tiers']);
  await press(page, 'Yes, switch it off');
  await told(page, 'It is off.');
  assert.deepEqual(await shop.enabled(), []);
});

test('what does not fit is told beside its setting, and nothing is saved until it is written otherwise', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'Loyalty points');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  await write(page, 'Points earned', 'many');
  await write(page, 'Beginning of codes', 'no spaces');
  await press(page, 'Save');
  await told(page, '2 settings have to be written otherwise.');
  assert.equal(await problemOf(page, 'Points earned'), 'Write a whole number from 1 to 10,000.');
  assert.equal(await problemOf(page, 'Beginning of codes'), 'It cannot be written like this.');
  assert.equal(await problemOf(page, 'Birthday points'), null);
  assert.ok(await (await control(page, 'Points earned')).evaluate((node) => node === document.activeElement));
  assert.equal((await shop.settings('loyalty-points')).earn_points, 1);
  await write(page, 'Points earned', '2');
  assert.equal(await problemOf(page, 'Points earned'), null, 'it is being mended');
  await write(page, 'Beginning of codes', 'FERN');
  await press(page, 'Save');
  await told(page, 'Saved. Version 2 is in force.');
  const { earn_points, code_prefix } = await shop.settings('loyalty-points');
  assert.deepEqual([earn_points, code_prefix], [2, 'FERN']);
});

test('an earlier version is brought back as a new one', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'Loyalty points');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  await write(page, 'Points earned', '9');
  await press(page, 'Save');
  await told(page, 'Version 2 is in force.');
  await page.locator('dialog ::-p-text(Earlier versions)').click();
  await press(page, 'Bring back version 1');
  await told(page, 'Version 1 is in force again, as version 3.');
  assert.equal(await valueOf(page, 'Points earned'), '1');
  assert.equal((await shop.settings('loyalty-points')).earn_points, 1);
});

test('money is in the currency of the store and written as people there write it', async (t) => {
  const shop = await addShop(host);
  const german = async (opened) => {
    const session = await opened.createCDPSession();
    await session.send('Emulation.setLocaleOverride', { locale: 'de-DE' });
  };
  const page = await openPage(t, shop.url, german);
  await showPlugin(page, 'Referral vouchers');
  assert.equal(await valueOf(page, "The advocate's reward"), '10,00');
  const reward = await control(page, "The advocate's reward");
  assert.equal(await reward.evaluate((node) => node.nextElementSibling.textContent), 'EUR');
  await write(page, "The advocate's reward", '7,50 €');
  await write(page, 'Smallest order that counts', '1.234,50');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  const { advocate_amount, min_order } = await shop.settings('referral-vouchers');
  assert.deepEqual([advocate_amount, min_order], ['7.50', '1234.50']);
});

test('entries of a list are added, filled in, moved and removed', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'VIP tiers');
  await press(page, 'Add one: Tiers');
  await write(page, 'Title', 'Emerald');
  await press(page, 'Switch on');
  await told(page, '1 setting has to be written otherwise.');
  assert.equal(await problemOf(page, 'Short name'), 'Fill this in.');
  await write(page, 'Short name', 'emerald');
  await write(page, 'Spend to enter', '5000');
  await press(page, 'Move up: Emerald');
  await page.locator('dialog ::-p-text(Silver)').click();
  await press(page, 'Remove: Silver');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  const { tiers } = await shop.settings('vip-tiers');
  const kept = tiers.map(({ id, threshold }) => [id, threshold]);
  assert.deepEqual(kept, [['bronze', '0'], ['emerald', '5000'], ['gold', '1000']]);
});

test('what is written stays while the page looks again, and when the plugin is left and opened again', async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  await showPlugin(page, 'Birthday mail');
  await write(page, 'Days before the birthday', 'seven');
  for (let looks = 0; looks < 2; looks += 1) {
    await page.waitForResponse((response) => response.url().endsWith('/v1/status'));
  }
  assert.equal(await valueOf(page, 'Days before the birthday'), 'seven');
  await page.keyboard.press('Escape');
  await showPlugin(page, 'Birthday mail');
  assert.match(await text(page, '#dialog-body'), /not saved it yet/);
  assert.equal(await valueOf(page, 'Days before the birthday'), 'seven');
  await press(page, 'Discard');
  await told(page, 'Here is what is saved.');
  assert.equal(await valueOf(page, 'Days before the birthday'), '3');
});

test('a plugin that is paused tells why, and goes on when it is let', async (t) => {
  const shop = await addShop(host);
  const resumed = [];
  // No official plugin fails again and again: the host's answers are changed on their way.
  const paused = async (opened) => {
    await opened.setRequestInterception(true);
    opened.on('request', async (request) => {
      const { pathname } = new URL(request.url());
      const answer = (body) => request.respond({ contentType: 'application/json', body: JSON.stringify(body) });
      if (pathname.endsWith('/vip-tiers/resume')) {
        resumed.push(request.method());
        return answer({ waited: 4 });
      }
      if (!pathname.endsWith('/plugins') || !pathname.includes('/stores/')) return request.continue();
      const enabled = await (await fetch(request.url())).json();
      const pause = { since: 0, reason: 'it trapped', resumed_at: null, waiting: 4 };
      const status = resumed.length ? 'working' : 'paused';
      return answer(enabled.map((plugin) => ({ ...plugin, status, paused: resumed.length ? null : pause })));
    });
  };
  const page = await openPage(t, shop.url, paused);
  await showPlugin(page, 'VIP tiers');
  await press(page, 'Switch on');
  await told(page, 'It is on.');
  assert.match(await text(page, 'dialog .notice'), /paused since .*: it trapped. 4 events wait./);
  await press(page, 'Let it go on');
  await told(page, 'It goes on');
  assert.deepEqual(resumed, ['POST']);
  assert.equal(await page.$('dialog .notice'), null);
});

test("every plugin's form gives back the settings that it was given, in the order of the manifest", async (t) => {
  const shop = await addShop(host);
  const page = await openPage(t, shop.url);
  const titles = new Map((await shop.ask('/plugins')).map(({ name, title }) => [name, title]));
  for (const name of OFFICIAL) {
    const before = await shop.settings(name);
    await showPlugin(page, titles.get(name));
    await press(page, 'Switch on');
    await told(page, 'It is on.');
    assert.deepEqual(await shop.settings(name), before, name);
    await page.keyboard.press('Escape');
  }
  await showPlugin(page, 'Loyalty points');
  const labels = await page.$$eval('dialog .settings > .field label', (nodes) => nodes.map((node) => node.textContent));
  assert.deepEqual(labels.slice(0, 2), ['Points earned', 'For every … spent']);
});

test('the page and its forms are accessible, light and dark, wide and narrow', async (t) => {
  const shop = await addShop(host);
  // Scripts of the test are none that the page loads.
  const page = await openPage(t, shop.url, (opened) => opened.setBypassCSP(true));
  for (const [width, scheme] of [[1200, 'light'], [360, 'dark']]) {
    await page.setViewport({ width, height: 800 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    for (const title of [null, 'VIP tiers', 'Referral vouchers']) {
      if (title) await showPlugin(page, title);
      if (title) await page.$$eval('dialog details', (nodes) => nodes.forEach((node) => (node.open = true)));
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => axe.run());
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
      assert.deepEqual(found, [], `${title ?? 'the page'}, ${scheme}`);
      const [needed, has] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(needed <= has, `${title ?? 'the page'} is ${needed} px wide`);
      if (title) await page.keyboard.press('Escape');
    }
  }
});
