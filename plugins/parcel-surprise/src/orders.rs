//! What is kept of an order, and what the facts say of it.

use regulars_sdk::{Context, EffectId, Money, Order, Refund, Result, key};
use serde::{Deserialize, Serialize};

/// `order/<order>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who placed it, as the order named them then.
    pub customer: Option<String>,
    /// Whether it is among the orders that the customer's count holds.
    pub counted: bool,
    /// The rules have been asked.
    pub judged: bool,
    /// The year of the anniversary whose first order it is.
    pub anniversary: Option<i16>,
    pub gift: Option<Given>,
}

/// A gift that was given to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub gift: String,
    pub title: String,
    pub cost: Money,
    /// The month whose budget it counts against.
    pub month: String,
    /// The count of the stock that it was taken from.
    pub counted_in: u32,
    /// Which of the customer's orders it was, where a rule for every nth one gave it.
    pub nth: Option<u32>,
    pub effect: EffectId,
    /// The variant that only the gift has put into the order.
    pub line: Option<String>,
    /// The tag put on the order; empty for none.
    pub tag: String,
    /// The version of the settings that it was given by.
    pub settings: u32,
    /// The platform has taken it in.
    pub added: bool,
    /// Stock and budget have it back. Final: it is never taken again.
    pub returned: bool,
    /// A parcel has left, and the thank-you mail has its time.
    pub shipped: bool,
    pub thanked: bool,
}

impl Record {
    /// The gift that is in the parcel, or on its way into it.
    pub fn held(&self) -> Option<&Given> {
        self.gift.as_ref().filter(|given| !given.returned)
    }
}

pub fn get(cx: &mut Context, order_id: &str) -> Result<Option<Record>> {
    Ok(cx.state().get(&order_key(order_id))?)
}

pub fn set(cx: &mut Context, order_id: &str, record: &Record) -> Result {
    Ok(cx.state().set(&order_key(order_id), record)?)
}

pub fn order_key(order_id: &str) -> String {
    key(&["order", order_id])
}

/// What the shipments of an order say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcels {
    /// Nothing has left.
    None,
    /// Some have left, or all without a word of their delivery.
    UnderWay,
    /// All that are to come have been handed over.
    Delivered,
}

pub fn parcels(cx: &Context, order: &Order) -> Parcels {
    let all = cx.fulfillments_of(&order.id);
    let mut sent = all.iter().filter(|it| !matches!(it.status.as_deref(), Some("cancelled" | "error" | "failure")));
    let status = order.fulfillment_status.as_deref();
    let none_sent = sent.clone().next().is_none();
    if none_sent {
        // Shipments that were all called off count for more than what the order said before.
        let shipped = all.is_empty() && matches!(status, Some("fulfilled" | "partial"));
        return if shipped { Parcels::UnderWay } else { Parcels::None };
    }
    if status != Some("partial") && sent.all(|it| it.is_delivered()) { Parcels::Delivered } else { Parcels::UnderWay }
}

/// Why nothing of the order is to be shipped any more; `None` where something is. `gift_line` is the variant that only the
/// gift has put into it.
pub fn why_void(cx: &Context, order: &Order, gift_line: Option<&str>) -> Option<&'static str> {
    if order.cancelled_at.is_some() {
        return Some("the order was cancelled");
    }
    let refunds = cx.refunds_of(&order.id);
    let paid_back = order.financial_status.as_deref() == Some("refunded") || gives_back_all_money(order, &refunds);
    (paid_back || gives_back_all_goods(order, &refunds, gift_line)).then_some("the order was refunded in full")
}

fn gives_back_all_goods(order: &Order, refunds: &[Refund], gift_line: Option<&str>) -> bool {
    let refunded = |line: &str| -> u64 {
        let lines = refunds.iter().flat_map(|it| &it.lines).filter(|it| it.line_id == line);
        lines.map(|it| u64::from(it.quantity)).sum()
    };
    let mut goods =
        order.lines.iter().filter(|it| gift_line.is_none() || it.variant_id.as_deref() != gift_line).peekable();
    goods.peek().is_some() && goods.all(|it| it.current_quantity == 0 || refunded(&it.id) >= u64::from(it.quantity))
}

fn gives_back_all_money(order: &Order, refunds: &[Refund]) -> bool {
    let minor = |money: Option<Money>| money.map_or(0, |it| i128::from(it.minor.max(0)));
    let of_lines = |refund: &Refund| -> i128 {
        let lines = refund.lines.iter();
        lines.map(|it| minor(Some(it.subtotal)) + if order.taxes_included { 0 } else { minor(Some(it.tax)) }).sum()
    };
    let back: i128 = refunds.iter().map(|it| of_lines(it) + minor(it.shipping) + minor(it.adjustment)).sum();
    order.total.minor > 0 && back >= i128::from(order.total.minor)
}

/// Whether the free line was in the order and is no more: the merchant has taken it out.
pub fn line_was_taken_out(order: &Order, given: &Given) -> bool {
    let Some(variant) = given.line.as_deref() else { return false };
    let mut lines = order.lines.iter().filter(|it| it.variant_id.as_deref() == Some(variant)).peekable();
    lines.peek().is_some() && lines.all(|it| it.current_quantity == 0)
}

/// Whether there is anything to pack: gift cards go by mail.
pub fn has_goods(order: &Order) -> bool {
    order.lines.iter().any(|it| !it.gift_card && it.current_quantity > 0)
}
