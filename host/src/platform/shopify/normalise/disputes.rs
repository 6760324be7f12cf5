//! Disputes: payments that a shopper's bank questions.

use serde::Deserialize;

use super::wire::{Amount, Id, Text, currency_or, id_if_any, money, owned, parse, required_id};
use crate::{
    domain::{Change, Dispute},
    platform::{Context, Problem, Unreadable},
};

#[derive(Deserialize)]
struct WireDispute<'a> {
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    order_id: Option<Id<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
}

/// A dispute of a payment that is no order's changes nothing.
pub fn dispute(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireDispute<'_> = parse(body)?;
    let id = required_id("id", "ShopifyPaymentsDispute", None, wire.id.as_ref())?;
    let Some(order) = id_if_any("Order", None, wire.order_id.as_ref()) else { return Ok(Change::None) };
    let currency = currency_or(wire.currency.as_ref(), context.currency)?;
    Ok(Change::Dispute(Dispute {
        id: id.into(),
        order: order.into(),
        status: owned(wire.status.as_ref()).ok_or_else(|| Problem::Missing.at("status"))?,
        amount: money("amount", None, wire.amount, currency)?.ok_or_else(|| Problem::Missing.at("amount"))?,
    }))
}
