//! Carts, which become checkouts as soon as they say whose they are.

use serde::Deserialize;

use super::super::wire::{currency_or, decimal_if_any, flag, id, required_id, text, time};
use crate::{
    domain::{Change, Checkout},
    platform::{
        Context, Problem, Unreadable,
        json::{Loose, parse},
    },
};

#[derive(Deserialize)]
struct WireCart<'a> {
    /// As REST names it.
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    /// As dumps name it.
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    is_active: Option<Loose<'a>>,
    #[serde(borrow)]
    items_count: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_id: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_email: Option<Loose<'a>>,
    #[serde(borrow)]
    customer: Option<Loose<'a>>,
    #[serde(borrow)]
    billing_address: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency_code: Option<Loose<'a>>,
    #[serde(borrow)]
    base_grand_total: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
}

#[derive(Default, Deserialize)]
struct WireBuyer<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    email: Option<Loose<'a>>,
}

/// A cart; one that is empty, or of which nobody knows whose it is, changes nothing.
pub fn cart(body: &str, context: &Context) -> Result<Change, Unreadable> {
    let wire: WireCart<'_> = parse(body.as_bytes())?;
    let buyer: WireBuyer<'_> = wire.customer.and_then(Loose::read).unwrap_or_default();
    let address: WireBuyer<'_> = wire.billing_address.and_then(Loose::read).unwrap_or_default();
    let checkout = match wire.id {
        Some(id) => required_id("id", Some(id)),
        None => required_id("entity_id", wire.entity_id),
    }?;
    let customer = id(wire.customer_id).or_else(|| id(buyer.id));
    let email = [wire.customer_email, buyer.email, address.email].into_iter().find_map(text);
    if text(wire.items_count).is_some_and(|count| count == "0") || (customer.is_none() && email.is_none()) {
        return Ok(Change::None);
    }
    let is_active = wire.is_active.ok_or_else(|| Problem::Missing.at("is_active"))?;
    let created_at = time("created_at", wire.created_at)?;
    let updated_at = time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at);
    let currency = currency_or("base_currency_code", wire.base_currency_code, context.currency)?;
    let total = decimal_if_any("base_grand_total", wire.base_grand_total)?;
    let total = total.map(|total| total.money(currency)).transpose();
    Ok(Change::Checkout(Box::new(Checkout {
        id: checkout.into(),
        customer: customer.map(Into::into),
        email,
        recovery_url: None,
        total: total.map_err(|problem| problem.at("base_grand_total"))?,
        // A cart that is no longer active has been ordered.
        completed_at: (!flag(Some(is_active))).then_some(updated_at),
        updated_at,
    })))
}
