//! Customers invite friends by link or code. The friend's order is held, checked and reviewed before the advocate is
//! rewarded.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets.
//! - `claim`: what is kept of one referred order. `index`: how claims are found by what they share.
//! - `advocates`: who invites: links, friends' codes, visits. `bans`: who may not.
//! - `attribution`: which advocate an order is owed to.
//! - `checks`: what speaks against a claim. `people` compares the two persons, `examine` looks at everything else. `net`
//!   is what counts of an order.
//! - `orders`, `customers`, `merchant`: what happens on each topic.
//! - `course`: brings a claim to where the facts call for it: hold, review, verdict.
//! - `payout`: the advocate's reward, and what becomes of it afterwards.
//! - `panel`, `texts`, `wording`: what shoppers read. `mails` and `notes`: what advocates and merchants are told.

use regulars_sdk::{Context, Event, Result};

mod advocates;
mod attribution;
mod bans;
mod checks;
mod claim;
mod course;
mod customers;
mod effects;
mod examine;
mod index;
mod mails;
mod merchant;
mod net;
mod notes;
mod orders;
mod panel;
mod payout;
mod people;
mod settings;
mod texts;
mod wording;

regulars_sdk::export!(handle, panel = panel::render);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "order.paid" => orders::paid(event, cx),
        "order.refunded" => orders::refunded(cx),
        "order.cancelled" | "order.edited" => orders::changed(cx),
        "order.disputed" => orders::disputed(cx),
        "fulfillment.created" | "fulfillment.updated" => orders::shipped(cx),
        "link.visited" => advocates::visited(event, cx),
        "shopper.action" => advocates::action(cx),
        "merchant.action" => merchant::action(cx),
        "timer.fired" => course::due(cx),
        "customer.merged" => customers::merged(cx),
        "customer.redacted" => customers::redacted(cx),
        "effect.failed" => payout::failed(event, cx),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
