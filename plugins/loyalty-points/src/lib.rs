//! Points for orders, taken back exactly on refunds, redeemable for discount codes.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets.
//! - `basis`: what of an order earns points and what a refund gives back of it. Pure arithmetic.
//! - `ledger`: accounts and their append-only entries.
//! - `orders`, `members`, `rewards`: what happens on each topic.
//! - `notes`: the why of each delivery.

use regulars_sdk::{Context, Event, Result};

mod basis;
mod ledger;
mod members;
mod notes;
mod orders;
mod rewards;
mod settings;

regulars_sdk::export!(handle);

fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "order.paid" => orders::paid(event, cx),
        "order.refunded" => orders::refunded(event, cx),
        "order.cancelled" => orders::cancelled(event, cx),
        "customer.created" => members::created(event, cx),
        "customer.merged" => members::merged(event, cx),
        "shopper.action" => rewards::action(event, cx),
        "effect.failed" => rewards::failed(event, cx),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
