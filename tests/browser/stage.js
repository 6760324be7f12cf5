// The real host, a browser on its admin page, and a Shopify that is played where the page stands in a shop's admin.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

import puppeteer from 'puppeteer-core';

const { BROWSER, FIXTURES, PLUGINS, REGULARS } = process.env;
export const OFFICIAL = ['birthday-mail', 'loyalty-points', 'parcel-surprise', 'referral-vouchers', 'vip-tiers'];

/** Starts a host with the official plugins installed; it ends with the tests of the file. */
export async function startHost(config = '') {
  const folder = mkdtempSync(join(tmpdir(), 'regulars-browser-'));
  const file = join(folder, 'regulars.toml');
  const data = join(folder, 'data');
  writeFileSync(file, `data_dir = "${data}"\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n${config}`);
  const child = spawn(REGULARS, ['serve', '--config', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise((end) => child.once('exit', end));
  after(async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });
  const listening = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, name, url] = line.split(' ');
    if (word === 'listening') listening[name] = url;
    if (word === 'ready') break;
  }
  child.stdout.resume();
  const ask = async (path, options = {}) => {
    const answer = await fetch(`${listening.admin}/v1${path}`, options);
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  };
  for (const name of OFFICIAL) {
    await ask('/plugins', { method: 'POST', body: readFileSync(join(PLUGINS, `${name}.wasm`)) });
  }
  return { ...listening, ask };
}

let shops = 0;

const newShop = () => `fern-${++shops}.myshopify.com`;

/** What the host knows of a shop. */
const known = ({ ask }, domain) => ({
  settings: async (plugin) => (await ask(`/stores/${domain}/plugins/${plugin}/settings`)).settings,
  enabled: async () => (await ask(`/stores/${domain}/plugins`)).map(({ name }) => name),
});

/** A new store without a plugin; `url` is the page for it. */
export async function addShop({ admin, webhooks, ask }) {
  const domain = newShop();
  const store = { domain, name: 'Fern & Fable', currency: 'EUR', secrets: ['hush'] };
  const headers = { 'content-type': 'application/json' };
  await ask('/stores', { method: 'POST', headers, body: JSON.stringify(store) });
  const send = async (topic, fixture) => {
    const body = readFileSync(join(FIXTURES, `${fixture}.json`));
    const signed = { topic, 'shop-domain': domain, 'api-version': '2026-04', 'webhook-id': fixture,
      'hmac-sha256': createHmac('sha256', 'hush').update(body).digest('base64') };
    const headers = Object.fromEntries(Object.entries(signed).map(([name, value]) => [`x-shopify-${name}`, value]));
    const answer = await fetch(`${webhooks}/webhooks/shopify`, { method: 'POST', headers, body });
    assert.equal(answer.status, 200);
  };
  return { url: `${admin}/#store=${domain}`, ask, send, ...known({ ask }, domain) };
}

/** A page of a browser; what goes wrong in it fails the test. */
export async function openPage(t, url, prepare = async () => {}) {
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await puppeteer.launch({ executablePath: BROWSER, pipe: true, args: root });
  const page = await browser.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  t.after(async () => {
    const live = await text(page, '#live');
    await browser.close();
    assert.deepEqual([live, wrong], ['Live', []]);
  });
  page.setDefaultTimeout(20_000);
  await page.setViewport({ width: 1200, height: 900 });
  await prepare(page);
  await page.goto(url);
  await page.waitForSelector('#plugins .plugin');
  return page;
}

// ---- What people do on the page ----

export const text = (page, selector) => page.$eval(selector, (node) => node.textContent);

export async function showPlugin(page, title) {
  await page.locator(`::-p-aria(${title}[role="button"])`).click();
  await page.waitForSelector('#dialog-foot:not([hidden])');
}

/** Presses a button of the dialog. */
export const press = (page, name) => page.locator(`dialog ::-p-aria(${name}[role="button"])`).click();

/** Waits until the dialog has said that. */
export const told = (page, expected) => page.waitForFunction(
  (wanted) => document.getElementById('dialog-told').textContent.includes(wanted), {}, expected);

/** The control of a setting, by its label. */
export const control = (page, label) => page.waitForSelector(`dialog ::-p-aria(${label})`);

export async function write(page, label, value) {
  const input = await control(page, label);
  await input.evaluate((node) => node.select());
  if (value === '') await input.press('Backspace');
  else await input.type(value);
}

export const valueOf = async (page, label) => (await control(page, label)).evaluate((node) => node.value);

/** What stands below a setting because it does not fit. */
export const problemOf = async (page, label) => (await control(page, label)).evaluate((node) => {
  const place = document.getElementById(`${node.id}-problem`);
  return node.getAttribute('aria-invalid') === 'true' && !place.hidden ? place.textContent : null;
});

// ---- Shopify ----

const APP = { id: 'regulars-in-a-browser', secret: 'hush-hush' };

/** What the host asks of Shopify to install a shop. */
async function startShopify() {
  const server = createServer((request, response) => {
    const isToken = request.url.endsWith('/oauth/access_token');
    const shop = { name: 'Fern & Fable', primaryDomain: { url: 'https://fern.example' }, currencyCode: 'EUR',
      ianaTimezone: 'Europe/Berlin' };
    const answer = isToken ? { access_token: 'token', scope: 'write_orders', expires_in: 3600 } : { data: { shop } };
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A host that is an app of Shopify's. */
export async function startApp() {
  const api = await startShopify();
  return startHost(`[shopify]\nclient_id = "${APP.id}"\nclient_secrets = ["${APP.secret}"]\napi_url = "${api}"\n`);
}

/** A shop that opens the app for the first time; `url` is what Shopify puts in its frame. */
export function openingShop({ webhooks, ask }) {
  const domain = newShop();
  const token = sessionToken(domain);
  const url = `${webhooks}/shopify/app?embedded=1&shop=${domain}&id_token=${token}`;
  return { url, token, ...known({ ask }, domain) };
}

/** Somebody who works in the shop, by a token that is as Shopify's. */
function sessionToken(shop) {
  const now = Math.floor(Date.now() / 1000);
  const dest = `https://${shop}`;
  const claims = { iss: `${dest}/admin`, dest, aud: APP.id, sub: '42', exp: now + 600, nbf: now - 5 };
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${createHmac('sha256', APP.secret).update(signed).digest('base64url')}`;
}
