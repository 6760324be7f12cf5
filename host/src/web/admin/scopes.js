// Optional scopes: what Shopify asks the merchant before the app may do it. App Bridge asks, inside a shop's admin.

const OF_CAPABILITY = {
  "store-credit": {
    scopes: ["write_store_credit_account_transactions", "read_store_credit_accounts"],
    lacking: "Rewards as store credit cannot be given.",
  },
  "gift-cards": { scopes: ["write_gift_cards"], lacking: "Rewards as gift cards cannot be given." },
  orders: {
    scopes: ["write_merchant_managed_fulfillment_orders"],
    lacking: "Orders cannot be given a time by which they are to be sent.",
  },
};

const HISTORY = { scopes: ["read_all_orders"], lacking: "Orders that are older than 60 days cannot be looked up." };

function wantsOf(plugin) {
  const wants = plugin.capabilities.flatMap((capability) => OF_CAPABILITY[capability] ?? []);
  return plugin.topics.includes("order.paid") ? [...wants, HISTORY] : wants;
}

/** What does not work, and whether the app's configuration lets it ask for that. */
const lackingOf = (wants, { optional, granted }) => wants
  .map(({ scopes, lacking }) => ({ lacking, scopes: scopes.filter((scope) => !granted.includes(scope)) }))
  .filter(({ scopes }) => scopes.length)
  .map(({ scopes, lacking }) => ({ lacking, canAsk: scopes.some((scope) => optional.includes(scope)) }));

/** What of a plugin does not work because the merchant has not allowed it; outside a shop's admin nothing is known. */
export async function lackingFor(plugin) {
  const wants = wantsOf(plugin);
  if (!globalThis.shopify?.scopes || !wants.length) return [];
  return lackingOf(wants, await shopify.scopes.query());
}

/** Asks the merchant for what a plugin needs, who may say no. */
export async function askFor(plugin) {
  const wants = wantsOf(plugin);
  if (!globalThis.shopify?.scopes || !wants.length) return;
  const { optional } = await shopify.scopes.query();
  const scopes = wants.flatMap((want) => want.scopes).filter((scope) => optional.includes(scope));
  // Also for what is said to be granted: development stores say so of scopes that nobody has been asked for, and where
  // all are granted nobody is asked.
  if (scopes.length) await shopify.scopes.request(scopes);
}
