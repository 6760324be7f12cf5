//! What people ask of the shop, with the orders that this is about: to be forgotten, and to be told what is kept.

use serde::Deserialize;

use super::{
    customers::WireCustomer,
    wire::{Id, each, owned, parse, required_id},
};
use crate::{
    domain::{Change, CustomerId, OrderId},
    platform::{Context, Problem, Unreadable},
};

#[derive(Deserialize)]
struct WireRequest<'a> {
    #[serde(borrow)]
    customer: Option<WireCustomer<'a>>,
    #[serde(borrow)]
    orders_to_redact: Option<Vec<Id<'a>>>,
    #[serde(borrow)]
    orders_requested: Option<Vec<Id<'a>>>,
}

/// Who asks. Whoever has no customer record is named by an address alone, as the guest of it.
struct Asking {
    customer: CustomerId,
    email: Option<String>,
}

fn asking(customer: Option<&WireCustomer<'_>>) -> Result<Asking, Unreadable> {
    let customer = customer.ok_or_else(|| Problem::Missing.at("customer"))?;
    let email = owned(customer.email.as_ref());
    let guest = email.as_deref().and_then(CustomerId::of_guest);
    let id = customer.id().or(guest).ok_or_else(|| Problem::Missing.at("customer.id"))?;
    Ok(Asking { customer: id, email })
}

fn orders(field: &str, ids: Option<&[Id<'_>]>) -> Result<Vec<OrderId>, Unreadable> {
    each(field, ids, |id| required_id("id", "Order", None, Some(id)).map(Into::into))
}

pub fn redaction(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireRequest<'_> = parse(body)?;
    let Asking { customer, email } = asking(wire.customer.as_ref())?;
    let orders = orders("orders_to_redact", wire.orders_to_redact.as_deref())?;
    Ok(Change::CustomerRedacted { customer, email, orders })
}

pub fn data_request(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireRequest<'_> = parse(body)?;
    let Asking { customer, email } = asking(wire.customer.as_ref())?;
    let orders = orders("orders_requested", wire.orders_requested.as_deref())?;
    Ok(Change::DataRequested { customer, email, orders })
}
