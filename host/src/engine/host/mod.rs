//! What a plugin may call: one file for each WIT interface.
//!
//! A function answers `Ok(Err(refusal))` when the plugin asked for something it may not have, and `Err` only when the
//! host itself failed: that ends the delivery, to be tried again.

mod clock;
mod convert;
mod decision;
mod discounts;
mod events;
mod facts;
mod mail;
mod random;
mod schedule;
mod settings;
mod state;
mod tags;
