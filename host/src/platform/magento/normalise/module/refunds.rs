//! Refunds.

use serde::Deserialize;

use super::{
    super::{
        goods::Goods,
        refunds::{Told, change},
        wire::{currency_or, flag, required_decimal, required_id, time},
    },
    Amount, amount, data, required_amount,
};
use crate::{
    domain::Change,
    platform::{
        Context, Problem, Unreadable,
        json::{Loose, each},
    },
};

#[derive(Deserialize)]
struct WireRefund<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    order_id: Option<Loose<'a>>,
    #[serde(borrow)]
    refunded_at: Option<Loose<'a>>,
    #[serde(borrow)]
    base_currency: Option<Loose<'a>>,
    #[serde(borrow)]
    prices_include_tax: Option<Loose<'a>>,
    #[serde(borrow)]
    totals: Option<WireTotals<'a>>,
    #[serde(borrow)]
    lines: Option<Vec<WireLine<'a>>>,
}

#[derive(Deserialize)]
struct WireTotals<'a> {
    #[serde(borrow)]
    subtotal: Option<Amount<'a>>,
    #[serde(borrow)]
    shipping: Option<Amount<'a>>,
    #[serde(borrow)]
    adjustment_positive: Option<Amount<'a>>,
    #[serde(borrow)]
    adjustment_negative: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct WireLine<'a> {
    #[serde(borrow)]
    line_id: Option<Loose<'a>>,
    #[serde(borrow)]
    quantity: Option<Loose<'a>>,
    #[serde(borrow)]
    unit_price: Option<Amount<'a>>,
    #[serde(borrow)]
    unit_price_incl_tax: Option<Amount<'a>>,
    #[serde(borrow)]
    discount: Option<Amount<'a>>,
    #[serde(borrow)]
    discount_tax_compensation: Option<Amount<'a>>,
    #[serde(borrow)]
    tax: Option<Amount<'a>>,
}

pub fn refund(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireRefund<'_> = data(body)?;
    read(&wire, context).map_err(|error| error.within("data"))
}

fn read(wire: &WireRefund<'_>, context: &Context) -> Result<Change, Unreadable> {
    let totals = wire.totals.as_ref().ok_or_else(|| Problem::Missing.at("totals"))?;
    let within = |error: Unreadable| error.within("totals");
    let given = amount("adjustment_positive", totals.adjustment_positive.as_ref()).map_err(within)?;
    let kept = amount("adjustment_negative", totals.adjustment_negative.as_ref()).map_err(within)?;
    change(Told {
        id: required_id("id", wire.id)?,
        order: required_id("order_id", wire.order_id)?,
        refunded_at: time("refunded_at", wire.refunded_at)?.unwrap_or(context.occurred_at),
        currency: currency_or("base_currency", wire.base_currency, context.currency)?,
        prices_include_tax: wire.prices_include_tax.map(|value| flag(Some(value))),
        subtotal: required_amount("subtotal", totals.subtotal.as_ref()).map_err(within)?,
        shipping: amount("shipping", totals.shipping.as_ref()).map_err(within)?,
        adjustment: given.minus(kept),
        lines: each("lines", wire.lines.as_deref(), line)?,
    })
}

fn line(wire: &WireLine<'_>) -> Result<(String, Goods), Unreadable> {
    let goods = Goods {
        quantity: required_decimal("quantity", wire.quantity)?,
        unit_price: required_amount("unit_price", wire.unit_price.as_ref())?,
        unit_price_incl_tax: amount("unit_price_incl_tax", wire.unit_price_incl_tax.as_ref())?,
        discount: amount("discount", wire.discount.as_ref())?,
        compensation: amount("discount_tax_compensation", wire.discount_tax_compensation.as_ref())?,
        tax: amount("tax", wire.tax.as_ref())?,
    };
    Ok((required_id("line_id", wire.line_id)?, goods))
}
