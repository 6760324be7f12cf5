//! Requests to forget a person, with the orders that this is about.

use serde::Deserialize;

use super::{
    customers::WireCustomer,
    wire::{Id, each, parse, required_id},
};
use crate::{
    domain::{Change, CustomerId},
    platform::{Context, Problem, Unreadable},
};

#[derive(Deserialize)]
struct WireRedaction<'a> {
    #[serde(borrow)]
    customer: Option<WireCustomer<'a>>,
    #[serde(borrow)]
    orders_to_redact: Option<Vec<Id<'a>>>,
}

/// Whoever has no customer record is named by an address alone.
pub fn redaction(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireRedaction<'_> = parse(body)?;
    let customer = wire.customer.ok_or_else(|| Problem::Missing.at("customer"))?;
    let guest = || CustomerId::of_guest(customer.email.as_ref()?.as_str());
    Ok(Change::CustomerRedacted {
        customer: customer.id().or_else(guest).ok_or_else(|| Problem::Missing.at("customer.id"))?,
        orders: each("orders_to_redact", wire.orders_to_redact.as_deref(), |id| {
            required_id("id", "Order", None, Some(id)).map(Into::into)
        })?,
    })
}
