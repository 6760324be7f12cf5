//! What an order counts for: goods after discounts, less what has been given back of them. Exact in minor units, and derived
//! from the order and all its refunds, so that neither their order nor their number matters.

use regulars_sdk::{LineItem, Money, Order, Refund};
use serde::{Deserialize, Serialize};

use crate::{settings::Settings, sums::Total};

/// The part of the settings by which an order is judged. An order keeps its own, whatever the merchant has set since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub tax: bool,
    pub shipping: bool,
}

impl Terms {
    pub fn of(settings: &Settings) -> Self {
        Self { tax: settings.include_tax, shipping: settings.include_shipping }
    }

    /// What counts of an amount as the order states it.
    fn counted(self, order: &Order, amount: i128, tax: i128) -> i128 {
        let counted = match (order.taxes_included, self.tax) {
            (true, false) => amount - tax,
            (false, true) => amount + tax,
            _ => amount,
        };
        counted.max(0)
    }
}

/// Nothing for a test, a cancelled order, or one that was given back whole.
pub fn of(order: &Order, refunds: &[Refund], terms: Terms) -> Total {
    if order.test || order.cancelled_at.is_some() || is_all_back(order, refunds) {
        return Total::default();
    }
    let goods = order.lines.iter().filter(|line| !line.gift_card);
    let (full, left) = goods.fold((0, 0), |(full, left), line| {
        let (of_line, left_of_line) = line_of(order, line, refunds, terms);
        (full + of_line, left + left_of_line)
    });
    let (shipping, shipping_left) = if terms.shipping { shipping(order, refunds, terms) } else { (0, 0) };
    let adjusted: i128 = refunds.iter().filter_map(|it| it.adjustment).map(minor).sum();
    let left = (left + shipping_left - adjusted).max(0);
    // An order that costs nothing is an order; one that was paid and given back is none.
    if full + shipping > 0 && left == 0 {
        return Total::default();
    }
    Total { spent: i64::try_from(left).unwrap_or(i64::MAX), orders: 1 }
}

/// What a line counts for, and what is left of that.
fn line_of(order: &Order, line: &LineItem, refunds: &[Refund], terms: Terms) -> (i128, i128) {
    let net = i128::from(line.unit_price.minor) * i128::from(line.quantity) - i128::from(line.discount.minor);
    let full = terms.counted(order, net, line.tax.minor.into());
    let back = refunds.iter().flat_map(|it| &it.lines).filter(|it| it.line_id == line.id);
    let (units, back) = back.fold((0u32, 0), |(units, back), it| {
        let amount = terms.counted(order, it.subtotal.minor.into(), it.tax.minor.into());
        (units.saturating_add(it.quantity), back + amount)
    });
    // Units that edits have taken out count by their share; those that a refund names, by what it gives back.
    let edited = line.quantity.saturating_sub(line.current_quantity).saturating_sub(units);
    let edited = full * i128::from(edited) / i128::from(line.quantity.max(1));
    (full, (full - back - edited).max(0))
}

fn shipping(order: &Order, refunds: &[Refund], terms: Terms) -> (i128, i128) {
    let line_tax: i128 = order.lines.iter().map(|it| i128::from(it.tax.minor)).sum();
    let tax = (i128::from(order.tax.minor) - line_tax).max(0);
    let amount = minor(order.shipping);
    let full = terms.counted(order, amount, tax);
    // Refunds state shipping without its tax.
    let without_tax = if order.taxes_included { amount - tax } else { amount };
    let back: i128 = refunds.iter().filter_map(|it| it.shipping).map(minor).sum();
    let gone = if without_tax > 0 { full * back.min(without_tax) / without_tax } else { 0 };
    (full, full - gone)
}

fn is_all_back(order: &Order, refunds: &[Refund]) -> bool {
    let is_back = |line: &LineItem| {
        let named = refunds.iter().flat_map(|it| &it.lines).filter(|it| it.line_id == line.id);
        let units = named.fold(0u32, |units, it| units.saturating_add(it.quantity));
        units.max(line.quantity.saturating_sub(line.current_quantity)) >= line.quantity
    };
    !order.lines.is_empty() && order.lines.iter().all(is_back)
}

fn minor(money: Money) -> i128 {
    i128::from(money.minor.max(0))
}
