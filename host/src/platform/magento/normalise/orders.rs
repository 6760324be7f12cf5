//! Orders as facts hold them, whichever shape told of them.

use super::{
    goods::{Goods, prices_of},
    wire::Decimal,
};
use crate::{
    domain::{Change, Currency, Customer, LineItem, Order, Signal, Step, Timestamp},
    platform::{Problem, Unreadable},
};

/// What both shapes tell of an order, in the base currency.
pub struct Told {
    pub id: String,
    /// What people see; it counts anew in each store.
    pub number: String,
    /// Magento's fixed word, on which to decide; the status is the merchant's own.
    pub state: String,
    pub placed_at: Timestamp,
    pub updated_at: Timestamp,
    pub currency: Currency,
    /// Whether the catalogue's prices include tax, if it is said.
    pub prices_include_tax: Option<bool>,
    pub customer: Option<Customer>,
    pub email: Option<String>,
    pub country: Option<String>,
    pub signals: Vec<Signal>,
    pub discount_codes: Vec<String>,
    pub totals: Totals,
    pub lines: Vec<ToldLine>,
}

pub struct Totals {
    pub subtotal: Decimal,
    pub shipping: Decimal,
    pub tax: Decimal,
    pub grand_total: Decimal,
    pub paid: Decimal,
    pub refunded: Decimal,
}

pub struct ToldLine {
    pub id: String,
    pub product: Option<String>,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub title: String,
    pub product_type: Option<String>,
    pub goods: Goods,
    pub shipped: Decimal,
    pub refunded: Decimal,
    pub cancelled: Decimal,
}

/// The order with its customer. Amounts are without tax: what plugins are told of tax stands beside them.
pub fn change(told: Told) -> Result<Change, Unreadable> {
    let (currency, totals) = (told.currency, &told.totals);
    let goods: Vec<_> = told.lines.iter().map(|line| line.goods).collect();
    let prices = prices_of(&goods, totals.subtotal, told.prices_include_tax);
    let read = |line: &ToldLine| {
        let worth = line.goods.worth(prices, currency)?;
        let gone = line.refunded.plus(line.cancelled);
        Ok(LineItem {
            id: line.id.as_str().into(),
            product: line.product.as_deref().map(Into::into),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: worth.quantity,
            current_quantity: match gone >= line.goods.quantity {
                true => 0,
                false => worth.quantity - gone.whole().unwrap_or(0).min(worth.quantity),
            },
            gift_card: line.product_type.as_deref() == Some("giftcard"),
            unit_price: worth.unit_price,
            discount: worth.discount,
            tax: worth.tax,
        })
    };
    let mut lines = Vec::with_capacity(told.lines.len());
    for (index, line) in told.lines.iter().enumerate() {
        lines.push(read(line).map_err(|problem: Problem| problem.at("amounts").within_item("lines", index))?);
    }
    // The order's discount holds that on shipping; the lines' do not.
    let taken_off: Decimal = goods.iter().map(|goods| goods.discount.minus(goods.compensation)).sum();
    let money = |field: &str, amount: Decimal| amount.money(currency).map_err(|problem| problem.at(field));
    let order = Order {
        id: told.id.as_str().into(),
        customer: told.customer.as_ref().map(|customer| customer.id.clone()),
        email: told.email.clone(),
        test: false,
        source: None,
        tags: Vec::new(),
        financial_status: Some(financial_status(&told.state, totals).into()),
        fulfillment_status: fulfillment_status(&told).map(Into::into),
        placed_at: told.placed_at,
        // Magento keeps no time for it; nothing follows it but comments.
        cancelled_at: (told.state == CANCELLED).then_some(told.updated_at),
        updated_at: told.updated_at,
        taxes_included: false,
        lines,
        subtotal: money("subtotal", totals.subtotal.minus(taken_off))?,
        shipping: money("shipping", totals.shipping)?,
        tax: money("tax", totals.tax)?,
        tip: money("tip", Decimal::default())?,
        total: money("grand_total", totals.grand_total)?,
        name: told.number,
        discount_codes: told.discount_codes,
        country: told.country,
        attributes: Vec::new(),
        signals: told.signals,
    };
    Ok(Change::Order { order: Box::new(order), customer: told.customer.map(Box::new) })
}

const CANCELLED: &str = "canceled";

fn financial_status(state: &str, totals: &Totals) -> &'static str {
    let nothing = Decimal::default();
    match state {
        CANCELLED if totals.paid <= nothing => "voided",
        _ if totals.refunded > nothing && totals.refunded >= totals.paid => "refunded",
        _ if totals.refunded > nothing => "partially_refunded",
        _ if totals.paid >= totals.grand_total => "paid",
        _ if totals.paid > nothing => "partially_paid",
        _ => "pending",
    }
}

/// A virtual order is complete as soon as it is paid.
fn fulfillment_status(told: &Told) -> Option<&'static str> {
    let shipped = |line: &ToldLine| line.shipped > Decimal::default();
    let all = |line: &ToldLine| line.shipped.plus(line.cancelled) >= line.goods.quantity;
    match told.state.as_str() {
        "complete" => Some("fulfilled"),
        _ if !told.lines.iter().any(shipped) => None,
        _ if told.lines.iter().all(all) => Some("fulfilled"),
        _ => Some("partial"),
    }
}

/// The steps that an order's save shows, in the order in which they can have happened: one save may be several, and shows
/// those of earlier saves as well.
pub fn steps_of(order: &Order, is_new: bool) -> Vec<Step> {
    let is_cancelled = order.cancelled_at.is_some();
    let is_paid = !is_cancelled && order.financial_status.as_deref() == Some("paid");
    let is_fulfilled = is_paid && order.fulfillment_status.as_deref() == Some("fulfilled");
    let steps = [
        (is_new, Step::Placed),
        (is_paid, Step::Paid),
        (is_fulfilled, Step::Fulfilled),
        (is_cancelled, Step::Cancelled),
    ];
    steps.into_iter().filter_map(|(is_shown, step)| is_shown.then_some(step)).collect()
}
