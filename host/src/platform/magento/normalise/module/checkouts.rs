//! Checkouts that have been left.

use serde::Deserialize;

use super::{
    super::wire::{currency_or, decimal_if_any, id, required_id, text, time},
    Amount, data,
};
use crate::{
    domain::{Change, Checkout},
    platform::{Context, Unreadable, json::Loose},
};

#[derive(Deserialize)]
struct WireCheckout<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    customer_id: Option<Loose<'a>>,
    #[serde(borrow)]
    email: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency: Option<Loose<'a>>,
    #[serde(borrow)]
    grand_total: Option<Amount<'a>>,
    #[serde(borrow)]
    recovery_url: Option<Loose<'a>>,
}

pub fn checkout(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireCheckout<'_> = data(body)?;
    let read = || {
        let currency = currency_or("base_currency", wire.base_currency, context.currency)?;
        let total = decimal_if_any("grand_total", wire.grand_total.and_then(|total| total.base))?;
        let created_at = time("created_at", wire.created_at)?;
        Ok(Change::Checkout(Box::new(Checkout {
            id: required_id("id", wire.id)?.into(),
            customer: id(wire.customer_id).map(Into::into),
            email: text(wire.email),
            recovery_url: text(wire.recovery_url),
            total: total.map(|it| it.money(currency)).transpose().map_err(|problem| problem.at("grand_total"))?,
            completed_at: None,
            updated_at: time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at),
        })))
    };
    read().map_err(|error: Unreadable| error.within("data"))
}
