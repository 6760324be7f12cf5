//! What a plain loyalty programme owes each customer, worked out from the orders and not from any plugin:
//!
//! - 50 points for signing up.
//! - One point for each whole 1.00 of an order once it is paid: its items after discount, without tax, without gift
//!   cards and shipping. Test orders earn nothing.
//! - With E earned on a basis of B, refunds of that basis R in all take back floor(E x R / B): many small ones take
//!   exactly what one large one does.

use super::{
    Shop,
    model::{Line, Order},
};

/// The settings of `loyalty-points` under which that is so: points are there at once, however many a day brings. A season
/// in seconds has more balances to show than the platform's rate limit lets through.
pub const SETTINGS: &str = r#"{"pending_days": 0, "max_points_per_day": 0, "balance_metafield": false}"#;

/// Points for signing up.
pub const SIGN_UP: i64 = 50;
/// Minor units that earn one point.
const MINOR_PER_POINT: i64 = 100;

/// What one customer is owed once all is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub sign_up: i64,
    pub earned: i64,
    /// Taken back, zero or positive.
    pub reversed: i64,
}

impl Expected {
    pub fn balance(&self) -> i64 {
        self.sign_up + self.earned - self.reversed
    }

    pub(super) fn add(&mut self, order: Points) {
        self.earned += order.earned;
        self.reversed += order.reversed;
    }
}

/// Points of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points {
    pub earned: i64,
    pub reversed: i64,
}

/// The points of one order once all is done.
pub fn points(shop: &Shop, order: &Order) -> Points {
    if order.test || order.paid.is_none() {
        return Points::default();
    }
    let without_tax = |amount: i64, tax: i64| if shop.taxes_included { amount - tax } else { amount };
    let eligible = |line: &Line| !line.product.gift_card;
    let basis: i64 =
        order.lines.iter().filter(|line| eligible(line)).map(|line| without_tax(line.net(), line.tax)).sum();
    if basis <= 0 {
        return Points::default();
    }
    let earned = basis / MINOR_PER_POINT;
    let refund_lines = order.refunds.iter().flat_map(|refund| &refund.lines);
    let refunded: i64 = refund_lines
        .filter(|refunded| eligible(&order.lines[refunded.line]))
        .map(|refunded| without_tax(refunded.subtotal, refunded.tax))
        .sum();
    Points { earned, reversed: earned * refunded / basis }
}
