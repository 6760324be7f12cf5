//! What a plugin may call: one file for each WIT interface.
//!
//! A function answers `Ok(Err(refusal))` when the plugin asked for something it may not have, and `Err` only when the
//! host itself failed: that ends the delivery, to be tried again.

mod birthdays;
mod budget;
mod clock;
mod convert;
mod decision;
mod discounts;
mod events;
mod facts;
mod gift_cards;
mod identity;
mod links;
mod mail;
mod metafields;
mod orders;
mod outbox;
mod random;
mod schedule;
mod settings;
mod state;
mod store_credit;
mod tags;
mod tasks;
