//! Checkouts.

use serde::Deserialize;

use super::{
    customers::WireCustomer,
    wire::{Amount, Id, Text, currency_or, id_if_any, money, owned, parse, time},
};
use crate::{
    domain::{Change, Checkout, CheckoutId},
    platform::{Context, Problem, Unreadable},
};

/// What names a checkout. API versions before 2026-04 send both, later ones the token alone with a checkout and the id
/// alone with its deletion; the id, where there is one, fits together most often.
#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    token: Option<Id<'a>>,
}

impl Name<'_> {
    fn read(&self) -> Result<CheckoutId, Unreadable> {
        let either = self.id.as_ref().or(self.token.as_ref()).ok_or_else(|| Problem::Missing.at("token"))?;
        let id = id_if_any("Checkout", None, Some(either));
        id.map(Into::into).ok_or_else(|| Problem::shape("neither id nor token names a checkout").at("token"))
    }
}

#[derive(Deserialize)]
struct WireCheckout<'a> {
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    token: Option<Id<'a>>,
    #[serde(borrow)]
    customer: Option<WireCustomer<'a>>,
    #[serde(borrow)]
    email: Option<Text<'a>>,
    #[serde(borrow)]
    abandoned_checkout_url: Option<Text<'a>>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
    #[serde(borrow)]
    total_price: Option<Amount<'a>>,
    #[serde(borrow)]
    completed_at: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
}

pub fn checkout(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireCheckout<'_> = parse(body)?;
    let currency = currency_or(wire.currency.as_ref(), context.currency)?;
    let updated_at = match time("updated_at", wire.updated_at.as_ref())? {
        Some(instant) => instant,
        None => time("created_at", wire.created_at.as_ref())?.unwrap_or(context.occurred_at),
    };
    let customer = wire.customer.as_ref();
    Ok(Change::Checkout(Box::new(Checkout {
        id: Name { id: wire.id, token: wire.token }.read()?,
        customer: customer.and_then(WireCustomer::id),
        email: owned(wire.email.as_ref()).or_else(|| owned(customer?.email.as_ref())),
        recovery_url: owned(wire.abandoned_checkout_url.as_ref()),
        total: money("total_price", None, wire.total_price, currency)?,
        completed_at: time("completed_at", wire.completed_at.as_ref())?,
        updated_at,
    })))
}

pub fn deletion(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: Name<'_> = parse(body)?;
    wire.read().map(Change::CheckoutDeleted)
}
