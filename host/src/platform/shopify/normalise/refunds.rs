//! Refunds.

use serde::Deserialize;

use super::wire::{Amount, Id, MoneySet, Text, add, each, money, parse, required_id, sum, time};
use crate::{
    domain::{Change, Currency, Money, Refund, RefundLine},
    platform::{Context, Problem, Unreadable},
};

#[derive(Deserialize)]
struct WireRefund<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    order_id: Option<Id<'a>>,
    #[serde(borrow)]
    processed_at: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    refund_line_items: Option<Vec<WireRefundLine<'a>>>,
    #[serde(borrow)]
    refund_shipping_lines: Option<Vec<WireShipping<'a>>>,
    #[serde(borrow)]
    order_adjustments: Option<Vec<WireAdjustment<'a>>>,
    #[serde(borrow)]
    total_duties_set: Option<MoneySet<'a>>,
}

#[derive(Deserialize)]
struct WireRefundLine<'a> {
    #[serde(borrow)]
    line_item_id: Option<Id<'a>>,
    #[serde(borrow)]
    line_item: Option<WireLine<'a>>,
    quantity: Option<u32>,
    #[serde(borrow)]
    subtotal: Option<Amount<'a>>,
    #[serde(borrow)]
    subtotal_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    total_tax: Option<Amount<'a>>,
    #[serde(borrow)]
    total_tax_set: Option<MoneySet<'a>>,
}

#[derive(Deserialize)]
struct WireLine<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    gift_card: Option<bool>,
}

#[derive(Deserialize)]
struct WireShipping<'a> {
    #[serde(borrow)]
    subtotal_amount: Option<Amount<'a>>,
    #[serde(borrow)]
    subtotal_amount_set: Option<MoneySet<'a>>,
}

#[derive(Deserialize)]
struct WireAdjustment<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    amount_set: Option<MoneySet<'a>>,
    #[serde(borrow)]
    tax_amount: Option<Amount<'a>>,
    #[serde(borrow)]
    tax_amount_set: Option<MoneySet<'a>>,
}

impl WireAdjustment<'_> {
    fn is_shipping(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.as_str() == "shipping_refund")
    }

    fn amount(&self, currency: Currency) -> Result<Option<Money>, Unreadable> {
        money("amount", self.amount_set.as_ref(), self.amount, currency)
    }

    fn amount_and_tax(&self, currency: Currency) -> Result<Option<Money>, Unreadable> {
        let tax = money("tax_amount", self.tax_amount_set.as_ref(), self.tax_amount, currency)?;
        match (self.amount(currency)?, tax) {
            (Some(amount), Some(tax)) => add(amount, tax).map(Some).map_err(|problem| problem.at("tax_amount")),
            (amount, tax) => Ok(amount.or(tax)),
        }
    }
}

/// Reads a refund.
///
/// Adjustments are signed from the order's side: an amount below zero leaves the order with less, which is money given
/// back. Shipping comes as lines in some versions and as adjustments of its own kind in others; the lines count if there
/// are any. Of the other adjustments only what they give back in all is told, tax included; money that the merchant kept
/// back from the lines' worth is zero here.
pub fn refund(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireRefund<'_> = parse(body)?;
    let currency = stated_currency(&wire).unwrap_or(context.currency);
    let adjustments = wire.order_adjustments.as_deref().unwrap_or_default();
    let shipping_lines = wire.refund_shipping_lines.as_deref().unwrap_or_default();
    let shipping = sum("refund_shipping_lines", shipping_lines, |line| {
        money("subtotal_amount", line.subtotal_amount_set.as_ref(), line.subtotal_amount, currency)
    })?;
    let shipping = match shipping {
        Some(shipping) => Some(shipping),
        None => sum("order_adjustments", adjustments, |adjustment| match adjustment.is_shipping() {
            true => adjustment.amount(currency),
            false => Ok(None),
        })?,
    };
    let adjustment = sum("order_adjustments", adjustments, |adjustment| match adjustment.is_shipping() {
        true => Ok(None),
        false => adjustment.amount_and_tax(currency),
    })?;
    let refunded_at = match time("processed_at", wire.processed_at.as_ref())? {
        Some(instant) => instant,
        None => time("created_at", wire.created_at.as_ref())?.unwrap_or(context.occurred_at),
    };
    let shipping = shipping.unwrap_or(Money::zero(currency));
    let adjustment = adjustment.unwrap_or(Money::zero(currency));
    Ok(Change::Refund(Box::new(Refund {
        id: required_id("id", "Refund", wire.admin_graphql_api_id.as_ref(), wire.id.as_ref())?.into(),
        order: required_id("order_id", "Order", None, wire.order_id.as_ref())?.into(),
        refunded_at,
        lines: each("refund_line_items", wire.refund_line_items.as_deref(), |line| refund_line(line, currency))?,
        // Lines state what was refunded as it is, adjustments below zero; either way it is shipping given back.
        shipping: Some(Money::new(shipping.minor.saturating_abs(), shipping.currency)),
        adjustment: Some(Money::new(adjustment.minor.saturating_neg().max(0), adjustment.currency)),
    })))
}

/// The currency that the refund itself names: refunds have no field for it, but their sets do.
fn stated_currency(wire: &WireRefund<'_>) -> Option<Currency> {
    let lines = wire.refund_line_items.iter().flatten().filter_map(|line| line.subtotal_set.as_ref());
    let adjustments = wire.order_adjustments.iter().flatten().filter_map(|adjustment| adjustment.amount_set.as_ref());
    lines.chain(adjustments).chain(wire.total_duties_set.as_ref()).find_map(MoneySet::currency)
}

fn refund_line(line: &WireRefundLine<'_>, currency: Currency) -> Result<RefundLine, Unreadable> {
    let whole = line.line_item.as_ref();
    let global = whole.and_then(|whole| whole.admin_graphql_api_id.as_ref());
    let id = line.line_item_id.as_ref().or_else(|| whole?.id.as_ref());
    let subtotal = money("subtotal", line.subtotal_set.as_ref(), line.subtotal, currency)?
        .ok_or_else(|| Problem::Missing.at("subtotal"))?;
    Ok(RefundLine {
        line: required_id("line_item_id", "LineItem", global, id)?.into(),
        quantity: line.quantity.ok_or_else(|| Problem::Missing.at("quantity"))?,
        subtotal,
        tax: money("total_tax", line.total_tax_set.as_ref(), line.total_tax, currency)?
            .unwrap_or(Money::zero(subtotal.currency)),
        gift_card: whole.and_then(|whole| whole.gift_card).unwrap_or(false),
    })
}
