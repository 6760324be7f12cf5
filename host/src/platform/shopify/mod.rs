//! Shopify: webhooks in, Admin GraphQL out.

pub mod admin;
pub mod headers;
pub mod normalise;
pub mod oauth;
pub mod scopes;
pub mod session_token;
pub mod signature;
pub mod signed_query;
mod throttle;

pub use admin::AdminClient;
