//! Birthdays, anniversaries and milestones, each congratulated once.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets. `calendar`: days of the year, and when a year's mail is due.
//! - `people`: what is kept of a customer, and the one timer of each.
//! - `birthdays`: how a birthday comes to be known, and who may change it. `purchases`: orders and what they add up to.
//! - `occasions`: what is due, and the mail for it. `rewards`: the codes in it.
//! - `backfill`: everybody who was there before, page by page.
//! - `panel`: what a customer sees. `texts`: its words.

use regulars_sdk::{Context, Event, Result};

mod backfill;
mod birthdays;
mod calendar;
mod input;
mod occasions;
mod panel;
mod people;
mod purchases;
mod rewards;
mod settings;
mod texts;

regulars_sdk::export!(handle, panel = panel::render);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "customer.created" | "customer.updated" => birthdays::told_by_platform(cx),
        "customer.merged" => people::merged(cx),
        "customer.redacted" | "customer.deleted" => people::forgotten(cx),
        "order.paid" => purchases::paid(cx),
        "order.cancelled" | "order.refunded" => purchases::changed(cx),
        "shopper.action" | "merchant.action" => birthdays::action(event, cx),
        "settings.published" => backfill::begin(cx),
        "timer.fired" => match cx.timer() {
            Some(timer) if timer.key == backfill::TIMER => backfill::page(cx, &timer),
            Some(timer) => occasions::due(cx, &timer),
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
