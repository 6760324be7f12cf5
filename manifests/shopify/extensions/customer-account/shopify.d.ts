// Shopify CLI writes this file anew from shopify.extension.toml: the `shopify` that each module of a target is given.
import '@shopify/ui-extensions';

//@ts-ignore
declare module './src/profile.jsx' {
  const shopify: import('@shopify/ui-extensions/customer-account.profile.block.render').Api;
  const globalThis: { shopify: typeof shopify };
}

//@ts-ignore
declare module './src/orderStatus.jsx' {
  const shopify: import('@shopify/ui-extensions/customer-account.order-status.block.render').Api;
  const globalThis: { shopify: typeof shopify };
}
