//! Simulated peers and the harness that runs the host among them: for tests, the demo and the benchmarks alike.
//!
//! Here belongs what the host meets in the world, and what drives it from outside:
//!
//! - [`shopify_admin`]: Shopify's Admin GraphQL API, judging every call by the schema.
//! - [`magento_rest`]: Magento's REST API, judging every call by its document.
//! - [`name_server`]: a name server that knows a handful of names.
//! - [`smtp_sink`]: a mail server that keeps what it is sent and judges it.
//! - [`population`]: shoppers with a season of orders as a stream of webhooks, and what a loyalty programme owes them.
//! - [`sender`]: posts webhooks as the storefront does.
//! - [`storm`]: posts them to a host that may be gone at any moment, and keeps the record of what was acknowledged.
//! - [`audit`]: compares a host with that record: nothing lost, nothing counted twice.
//! - [`world`]: the host, set up, among its peers.
//! - [`random`]: numbers that follow from a seed.
//! - [`guest`]: plugins written as WebAssembly text.
//! - [`host`]: runs the real binary as a child process, kills it, starts it again.
//! - [`otlp`]: a collector of OpenTelemetry traces that keeps what it is sent.
//! - [`corpus`]: where the reference data is that the peers judge by.
//!
//! Peers are independent judges: nothing here depends on the host's crate, and no peer is lenient to please a test.

use std::time::Duration;

pub mod audit;
pub mod corpus;
pub mod guest;
pub mod host;
pub mod magento_rest;
pub mod name_server;
pub mod otlp;
mod peer;
pub mod population;
pub mod random;
pub mod sender;
pub mod shopify_admin;
pub mod smtp_sink;
pub mod storm;
pub mod world;

/// How long a test waits for what must happen: reached only when something is broken.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What was waited for has not happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing of the kind within {after:?}")]
pub struct TimedOut {
    pub after: Duration,
}
