// What is asked of the host. A session token says who asks; the host takes the customer from it and from nothing else.

/**
 * @typedef {import('./types').Action} Action
 * @typedef {import('./types').Section} Section
 * @typedef {import('./types').Api['sessionToken']} Tokens
 */

/** The host's address, which the bundler puts here from the app's environment. */
const HOST = process.env.REGULARS_URL;

/** Milliseconds until an answer is no longer waited for. */
const PATIENCE = 10_000;

/** The host answered, and said no. */
export class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`the host answered ${status}`);
    this.status = status;
  }
}

/**
 * What each plugin shows to whoever is signed in.
 *
 * @param {Tokens} tokens
 * @param {string} locale IETF language tag
 * @returns {Promise<Section[]>}
 */
export async function panel(tokens, locale) {
  const answer = await ask(tokens, `/shopify/account/panel?locale=${encodeURIComponent(locale)}`, {});
  return answer.json();
}

/**
 * Asks a plugin for something.
 *
 * @param {Tokens} tokens
 * @param {Action} action
 */
export async function act(tokens, action) {
  await ask(tokens, '/shopify/account/actions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(action),
  });
}

/**
 * @param {Tokens} tokens
 * @param {string} path
 * @param {RequestInit & { headers?: Record<string, string> }} options
 */
async function ask(tokens, path, options) {
  // A token lives for minutes, so that each request gets its own; Shopify keeps it while it is good.
  const token = await tokens.get();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const headers = { ...options.headers, Accept: 'application/json', Authorization: `Bearer ${token}` };
    const answer = await fetch(`${HOST}${path}`, { ...options, headers, signal: patience.signal });
    if (!answer.ok) throw new Refused(answer.status);
    return answer;
  } finally {
    clearTimeout(timer);
  }
}
