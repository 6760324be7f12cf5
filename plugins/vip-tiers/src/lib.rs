//! Tiers by spend and orders, kept for their term, with perks that begin and end with them.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets. `ladder`: the part of it that decides on tiers, as figures.
//! - `calendar`: civil days. `worth`: what an order counts for. `sums`: dated sums. `standing`: which tier, and until
//!   when. Pure arithmetic, all of them.
//! - `member`: what is kept of a customer. `history`: orders as they are counted.
//! - `settle`: brings a customer's tier, perks, mails and timer in line.
//! - `perks`, `rewards`, `mails`: what a tier brings.
//! - `orders`, `people`, `merchant`: what happens on each topic. `walk`: all customers, page by page.
//! - `panel`, `texts`: what a customer sees.

use regulars_sdk::{Context, Event, Result};

mod calendar;
mod history;
mod ladder;
mod mails;
mod member;
mod merchant;
mod orders;
mod panel;
mod people;
mod perks;
mod rewards;
mod settings;
mod settle;
mod standing;
mod sums;
mod texts;
mod walk;
mod worth;

regulars_sdk::export!(handle, panel = panel::render);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "order.paid" | "order.edited" | "order.updated" | "order.refunded" | "order.cancelled" => {
            orders::changed(event, cx)
        }
        "order.disputed" => orders::disputed(event, cx),
        "customer.created" | "customer.updated" => people::known(cx),
        "customer.merged" => people::merged(cx),
        "customer.redacted" | "customer.deleted" => people::forgotten(cx),
        "merchant.action" => merchant::action(cx),
        "settings.published" => walk::published(cx),
        "timer.fired" => match cx.timer() {
            Some(timer) if walk::is_timer(&timer.key) => walk::page(cx, &timer.key),
            Some(timer) => people::due(cx, &timer),
            None => Ok(()),
        },
        "effect.failed" => rewards::failed(event, cx),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
