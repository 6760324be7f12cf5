//! Points for orders, taken back exactly on refunds, redeemable for rewards.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets.
//! - `basis`: what of an order earns points and what of that has gone. `account`: the lots that points lie in. Pure
//!   arithmetic, both.
//! - `ledger`: accounts and their append-only entries.
//! - `expiry`, `due`: when points become available or lapse, and what falls due by itself.
//! - `orders`, `rewards`, `gifts`, `birthday`, `members`, `merchant`: what happens on each topic.
//! - `notes`: the why of each delivery. `mails`: what customers are written.
//! - `panel`, `texts`: what shoppers see, in their language.

use regulars_sdk::{Context, Event, Result};

mod account;
mod basis;
mod birthday;
mod due;
mod expiry;
mod gifts;
mod input;
mod ledger;
mod mails;
mod members;
mod merchant;
mod notes;
mod orders;
mod panel;
mod rewards;
mod settings;
mod texts;

regulars_sdk::export!(handle, panel = panel::render);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "order.paid" => orders::paid(event, cx),
        "order.fulfilled" | "fulfillment.created" | "fulfillment.updated" => orders::shipped(event, cx),
        "order.edited" | "order.updated" => orders::edited(event, cx),
        "order.refunded" => orders::refunded(event, cx),
        "order.cancelled" => orders::cancelled(event, cx),
        "order.disputed" => orders::disputed(event, cx),
        "customer.created" => gifts::signed_up(event, cx),
        "customer.consent" => gifts::consented(event, cx),
        "review.approved" => gifts::reviewed(event, cx),
        "customer.merged" => members::merged(event, cx),
        "customer.redacted" => members::redacted(event, cx),
        "shopper.action" => rewards::action(event, cx),
        "merchant.action" => merchant::action(event, cx),
        "effect.failed" => rewards::codes::failed(event, cx),
        "settings.published" => orders::history::published(cx),
        "timer.fired" => timer(event, cx),
        _ => Ok(()),
    }
}

fn timer(event: &Event, cx: &mut Context) -> Result {
    let Some(timer) = cx.timer() else { return Ok(()) };
    if timer.key == orders::history::KEY {
        return orders::history::fired(event, cx);
    }
    match String::from_utf8(timer.payload) {
        Ok(customer) => due::fired(event, cx, &customer),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
