//! What of an order earns points, and what a refund gives back of it. Pure arithmetic, exact in minor units.
//!
//! A refund is judged by the rule under which its order earned, whatever the merchant has set since.

use regulars_sdk::{Order, Refund};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// The part of the settings, and of the order's own terms, that decides which amounts count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// True where the order's prices contain tax.
    pub taxes_included: bool,
    pub include_tax: bool,
    pub include_shipping: bool,
}

impl Rule {
    pub fn of(settings: &Settings, order: &Order) -> Self {
        Self {
            taxes_included: order.taxes_included,
            include_tax: settings.include_tax,
            include_shipping: settings.include_shipping,
        }
    }

    /// What counts of an amount as the order states it.
    fn counted(self, amount: i128, tax: i128) -> i128 {
        match (self.taxes_included, self.include_tax) {
            (true, false) => amount - tax,
            (false, true) => amount + tax,
            _ => amount,
        }
    }

    /// What was paid for an amount as the order states it.
    fn gross(self, amount: i128, tax: i128) -> i128 {
        if self.taxes_included { amount } else { amount + tax }
    }
}

/// What of an order counts, in minor units of the shop's currency. Never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub rule: Rule,
    /// Everything that counts.
    pub eligible: i64,
    /// What was paid for it, tax and all.
    pub gross: i64,
    /// Shipping's part of `eligible`.
    shipping: i64,
    /// The price of that shipping without tax: the terms in which refunds state it.
    shipping_net: i64,
}

impl Basis {
    /// `None` where the amounts do not fit.
    pub fn of(order: &Order, rule: Rule) -> Option<Self> {
        let (mut eligible, mut gross, mut line_tax) = (0, 0, 0);
        for line in &order.lines {
            let tax = i128::from(line.tax.minor);
            line_tax += tax;
            if !line.gift_card {
                let amount =
                    i128::from(line.unit_price.minor) * i128::from(line.quantity) - i128::from(line.discount.minor);
                eligible += rule.counted(amount, tax);
                gross += rule.gross(amount, tax);
            }
        }
        let (mut shipping, mut shipping_net) = (0, 0);
        if rule.include_shipping {
            let amount = i128::from(order.shipping.minor);
            let tax = (i128::from(order.tax.minor) - line_tax).max(0);
            shipping = rule.counted(amount, tax).max(0);
            shipping_net = if rule.taxes_included { amount - tax } else { amount };
            eligible += shipping;
            gross += rule.gross(amount, tax);
        }
        let fit = |amount: i128| i64::try_from(amount.max(0)).ok();
        Some(Self {
            rule,
            eligible: fit(eligible)?,
            gross: fit(gross)?,
            shipping: fit(shipping)?,
            shipping_net: fit(shipping_net)?,
        })
    }

    /// What refunds have given back of `eligible` in all. Sums are taken before anything is rounded, so that neither
    /// the refunds' order nor their number matters; one more refund never lowers the sum.
    ///
    /// Money given back beyond lines and shipping counts by its share of what was paid.
    pub fn refunded(&self, refunds: &[Refund]) -> i64 {
        let (mut goods, mut shipping, mut adjustment) = (0, 0, 0);
        for refund in refunds {
            for line in refund.lines.iter().filter(|line| !line.gift_card) {
                goods += self.rule.counted(i128::from(line.subtotal.minor), i128::from(line.tax.minor)).max(0);
            }
            shipping += refund.shipping.map_or(0, |it| i128::from(it.minor.max(0)));
            adjustment += refund.adjustment.map_or(0, |it| i128::from(it.minor.max(0)));
        }
        let refunded =
            goods + share(shipping, self.shipping, self.shipping_net) + share(adjustment, self.eligible, self.gross);
        i64::try_from(refunded.clamp(0, i128::from(self.eligible))).unwrap_or(self.eligible)
    }
}

/// `floor(amount * part / whole)`, with `amount` no less than zero and no more than `whole`.
fn share(amount: i128, part: i64, whole: i64) -> i128 {
    let whole = i128::from(whole);
    if whole == 0 { 0 } else { amount.clamp(0, whole) * i128::from(part) / whole }
}

/// Points for an eligible amount: rounded down once for the whole order.
pub fn points_for(eligible: i64, minor_per_unit: i64, settings: &Settings) -> Option<i64> {
    let per = i128::from(settings.earn_per) * i128::from(minor_per_unit);
    let points = (i128::from(eligible.max(0)) * i128::from(settings.earn_points)).checked_div(per)?;
    i64::try_from(points).ok()
}

/// How many of the points that `eligible` earned are to be taken back once `refunded` of it has been given back.
pub fn points_to_reverse(earned: i64, eligible: i64, refunded: i64) -> i64 {
    i64::try_from(share(i128::from(refunded), earned, eligible)).unwrap_or(earned)
}
