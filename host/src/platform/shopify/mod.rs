//! Shopify: webhooks in, Admin GraphQL out.

pub mod admin;
pub mod headers;
pub mod normalise;
pub mod signature;
mod throttle;

pub use admin::AdminClient;
