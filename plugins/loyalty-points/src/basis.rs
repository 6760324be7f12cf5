//! What of an order earns points, and what has gone of it since. Pure arithmetic, exact in minor units.
//!
//! An order is judged by the terms under which it earned, whatever the merchant has set since. Amounts are weighed: a
//! line's multiplier is its weight, in hundredths of a percent.

use regulars_sdk::{LineItem, Order, Refund};
use serde::{Deserialize, Serialize};

use crate::settings::{Rounding, Settings};

/// The weight of a line without a product rule, and the multiplier of a customer without a tier.
pub const WHOLE: u32 = 10_000;

/// The part of the settings, and of the order's own terms, that decides how many points an order earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub earn_points: u32,
    /// Minor units that earn `earn_points`.
    pub per: i64,
    pub rounding: Rounding,
    /// The most that one order earns; 0 for any number.
    pub most: u32,
    /// True where the order's prices contain tax.
    pub taxes_included: bool,
    pub include_tax: bool,
    pub include_shipping: bool,
    pub include_tips: bool,
    pub subtract_discounts: bool,
    /// What the customer's tier makes of points, in hundredths of a percent.
    #[serde(default = "whole")]
    pub multiplier: u32,
}

fn whole() -> u32 {
    WHOLE
}

impl Terms {
    pub fn of(settings: &Settings, order: &Order, multiplier: u32) -> Self {
        Self {
            earn_points: settings.earn_points,
            per: i64::from(settings.earn_per) * order.subtotal.currency.minor_per_unit(),
            rounding: settings.rounding,
            most: settings.max_points_per_order,
            taxes_included: order.taxes_included,
            include_tax: settings.include_tax,
            include_shipping: settings.include_shipping,
            include_tips: settings.include_tips,
            subtract_discounts: settings.subtract_discounts,
            multiplier,
        }
    }

    /// What counts of an amount as the order states it.
    fn counted(self, amount: i128, tax: i128) -> i128 {
        let counted = match (self.taxes_included, self.include_tax) {
            (true, false) => amount - tax,
            (false, true) => amount + tax,
            _ => amount,
        };
        counted.max(0)
    }

    /// What was paid for an amount as the order states it.
    fn gross(self, amount: i128, tax: i128) -> i128 {
        if self.taxes_included { amount } else { amount + tax }
    }

    /// Points for a weighed amount: rounded once for the whole order. `None` where they do not fit.
    pub fn points(self, weighed: i128) -> Option<i64> {
        let earned = weighed.max(0).checked_mul(self.earn_points.into())?.checked_mul(self.multiplier.into())?;
        // A share of a line's weight and one of the customer's multiplier.
        let per = i128::from(self.per) * i128::from(WHOLE) * i128::from(WHOLE);
        let points = match self.rounding {
            Rounding::Floor => earned.checked_div(per)?,
            Rounding::HalfUp => earned.checked_mul(2)?.checked_add(per)?.checked_div(2 * per)?,
        };
        let points = i64::try_from(points).ok()?;
        Some(if self.most == 0 { points } else { points.min(self.most.into()) })
    }
}

/// What of an order counts, and what of that has gone. In minor units of the shop's currency, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Everything that counts, as it is priced.
    pub eligible: i64,
    /// The same, weighed.
    pub weighed: i128,
    /// What refunds have given back and edits have taken out, weighed: at most `weighed`.
    pub gone: i128,
}

impl Basis {
    /// Sums are taken over all refunds before anything is rounded, so that neither their order nor their number
    /// matters. `None` where the amounts do not fit.
    ///
    /// Units that have left the order without a refund that names them count by their share of the line. Money given
    /// back beyond lines and shipping counts by its share of what was paid.
    pub fn of(order: &Order, refunds: &[Refund], terms: Terms, weight: impl Fn(&LineItem) -> u32) -> Option<Self> {
        let (mut eligible, mut weighed, mut gone, mut gross, mut line_tax) = (0, 0, 0, 0, 0);
        for line in &order.lines {
            let tax = i128::from(line.tax.minor);
            line_tax += tax;
            let weight = i128::from(weight(line));
            if line.gift_card || weight == 0 {
                continue;
            }
            let counted = Line::of(line, refunds, terms);
            eligible += counted.full;
            weighed += counted.full.checked_mul(weight)?;
            gone += counted.gone * weight;
            gross += terms.gross(net(line), tax);
        }
        if terms.include_shipping {
            let amount = i128::from(order.shipping.minor);
            let tax = (i128::from(order.tax.minor) - line_tax).max(0);
            let shipping = terms.counted(amount, tax);
            // Refunds state shipping without its tax.
            let without_tax = if terms.taxes_included { amount - tax } else { amount };
            let refunded = sum(refunds, |refund| refund.shipping);
            eligible += shipping;
            weighed += shipping * i128::from(WHOLE);
            gone += share(refunded, shipping, without_tax)? * i128::from(WHOLE);
            gross += terms.gross(amount, tax);
        }
        if terms.include_tips {
            let tip = i128::from(order.tip.minor).max(0);
            eligible += tip;
            weighed += tip * i128::from(WHOLE);
            gross += tip;
        }
        gone += share(sum(refunds, |refund| refund.adjustment), weighed, gross)?;
        Some(Self { eligible: i64::try_from(eligible).ok()?, weighed, gone: gone.clamp(0, weighed) })
    }

    /// How many of the points that the whole earned are to be taken back: `floor(earned x gone / weighed)`, so that any
    /// number of partial refunds takes exactly what one full refund does. `None` where it does not fit.
    pub fn reversed(&self, earned: i64) -> Option<i64> {
        let reversed = share(self.gone, earned.into(), self.weighed)?;
        i64::try_from(reversed).ok()
    }
}

/// What of one line counts.
struct Line {
    full: i128,
    gone: i128,
}

impl Line {
    fn of(line: &LineItem, refunds: &[Refund], terms: Terms) -> Self {
        let (tax, discount) = (i128::from(line.tax.minor), i128::from(line.discount.minor));
        let paid = terms.counted(net(line), tax);
        let full = if terms.subtract_discounts { paid } else { terms.counted(net(line) + discount, tax) };
        let (mut units, mut back) = (0u32, 0);
        for it in refunds.iter().flat_map(|refund| &refund.lines).filter(|it| it.line_id == line.id) {
            units = units.saturating_add(it.quantity);
            back += terms.counted(it.subtotal.minor.into(), it.tax.minor.into());
        }
        let ordered = i128::from(line.quantity.max(1));
        let removed = line.quantity.saturating_sub(line.current_quantity);
        let gone = if paid > 0 {
            let unnamed = i128::from(removed.saturating_sub(units));
            let back = (back + paid * unnamed / ordered).min(paid);
            full * back / paid
        } else {
            full * i128::from(removed.max(units).min(line.quantity)) / ordered
        };
        Self { full, gone }
    }
}

fn net(line: &LineItem) -> i128 {
    i128::from(line.unit_price.minor) * i128::from(line.quantity) - i128::from(line.discount.minor)
}

fn sum(refunds: &[Refund], of: impl Fn(&Refund) -> Option<regulars_sdk::Money>) -> i128 {
    refunds.iter().filter_map(of).map(|money| i128::from(money.minor.max(0))).sum()
}

/// `floor(amount * part / whole)`, with `amount` no less than zero and no more than `whole`; `None` where it does not fit.
fn share(amount: i128, part: i128, whole: i128) -> Option<i128> {
    if whole <= 0 { Some(0) } else { amount.clamp(0, whole).checked_mul(part)?.checked_div(whole) }
}

/// How many of the points that were spent on an order come back: its refunded share of them, rounded down; all of them once
/// everything has gone.
///
/// The share is that of what was paid for goods; of an order whose goods cost nothing, that of their number.
pub fn spent_share(cost: i64, order: &Order, refunds: &[Refund]) -> Option<i64> {
    let terms = Terms {
        earn_points: 1,
        per: 1,
        rounding: Rounding::Floor,
        most: 0,
        taxes_included: order.taxes_included,
        include_tax: true,
        include_shipping: false,
        include_tips: false,
        subtract_discounts: true,
        multiplier: WHOLE,
    };
    let basis = Basis::of(order, refunds, terms, |_| WHOLE)?;
    if basis.weighed > 0 {
        return basis.reversed(cost);
    }
    let undiscounted = Basis::of(order, refunds, Terms { subtract_discounts: false, ..terms }, |_| WHOLE)?;
    undiscounted.reversed(cost)
}
