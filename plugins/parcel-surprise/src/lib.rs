//! Gifts in parcels that nobody expects, within a budget that fails closed.
//!
//! # Layout
//!
//! - `settings`: what the merchant sets.
//! - `rules`: whether an order gets a gift. `choice`: which one. Both decide on what they are given and nothing else.
//! - `draw`: chance that follows from the order.
//! - `people`, `orders`, `stock`, `budget`, `asked`: what is kept, and the only places that write it.
//! - `giving`, `returning`, `thanks`, `counting`: what happens on each topic.
//! - `cards`: codes for cards that the merchant prints.
//! - `panel`: what a customer sees, after delivery.

use regulars_sdk::{Context, Event, Result};

mod asked;
mod budget;
mod cards;
mod choice;
mod counting;
mod draw;
mod giving;
mod orders;
mod panel;
mod people;
mod returning;
mod rules;
mod settings;
mod stock;
mod texts;
mod thanks;

regulars_sdk::export!(handle, panel = panel::render);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "order.paid" => giving::paid(cx),
        "order.cancelled" | "order.refunded" | "order.edited" => returning::changed(cx),
        "order.fulfilled" | "fulfillment.created" | "fulfillment.updated" => thanks::shipped(cx),
        "timer.fired" => thanks::due(cx),
        "effect.done" => returning::effect_done(event, cx),
        "effect.failed" => returning::effect_failed(event, cx),
        "customer.merged" => people::merged(cx),
        "customer.redacted" | "customer.deleted" => people::forgotten(cx),
        "settings.published" => counting::published(cx),
        "merchant.action" => match cx.action() {
            Some(action) if action.name == "give" => giving::by_hand(event, cx, &action),
            Some(action) if action.name == "restock" => counting::restock(event, cx, &action),
            Some(action) if action.name == "cards" => cards::make(event, cx, &action),
            Some(action) if action.name == "end-cards" => cards::end(cx, &action),
            _ => Ok(cx.note("Nothing done: there is no such action", &[])?),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
