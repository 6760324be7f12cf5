//! Shoppers and their orders as they came to be: what bodies are rendered from and the oracle reads.
//!
//! Amounts are minor units of the shop's currency.

use std::time::Duration;

/// Time since the season's opening.
pub type Moment = Duration;

/// An invented person.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    pub id: u64,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub email: String,
    pub locale: &'static str,
    pub joined: Moment,
    /// When the profile was changed.
    pub updates: Vec<Moment>,
}

/// One order with all that becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: u64,
    pub number: u64,
    /// Index of the customer; none for a guest.
    pub customer: Option<usize>,
    pub placed: Moment,
    pub paid: Option<Moment>,
    pub cancelled: Option<Moment>,
    /// Through a test gateway.
    pub test: bool,
    /// Paid in the shop's second currency.
    pub foreign_money: bool,
    /// The order-wide discount code used.
    pub code: Option<&'static str>,
    pub lines: Vec<Line>,
    /// As stated: with tax where prices include it.
    pub shipping: i64,
    pub shipping_tax: i64,
    /// In order of time.
    pub refunds: Vec<Refund>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub id: u64,
    pub product: &'static Product,
    pub quantity: u32,
    /// This line's share of the order-wide discount, on all units.
    pub discount: i64,
    /// On all units, after discount.
    pub tax: i64,
}

#[derive(Debug, PartialEq)]
pub struct Product {
    pub id: u64,
    pub title: &'static str,
    pub sku: &'static str,
    pub price: i64,
    pub gift_card: bool,
    pub grams: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Refund {
    pub id: u64,
    pub at: Moment,
    pub lines: Vec<RefundLine>,
    /// As stated on the order; given back whole or not at all.
    pub shipping: i64,
    pub shipping_tax: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RefundLine {
    pub id: u64,
    /// Index of the order's line.
    pub line: usize,
    pub quantity: u32,
    /// After discount; with tax where prices include it.
    pub subtotal: i64,
    pub tax: i64,
}

impl Line {
    /// All units after discount; with tax where prices include it.
    pub fn net(&self) -> i64 {
        self.product.price * i64::from(self.quantity) - self.discount
    }
}

impl Order {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(Line::net).sum()
    }

    pub fn tax(&self) -> i64 {
        self.lines.iter().map(|line| line.tax).sum::<i64>() + self.shipping_tax
    }

    pub fn discount(&self) -> i64 {
        self.lines.iter().map(|line| line.discount).sum()
    }

    /// Refunds made by `at`.
    pub fn refunds_by(&self, at: Moment) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(move |refund| refund.at <= at)
    }

    /// Units of a line given back by `at`.
    pub fn returned_units(&self, line: usize, at: Moment) -> u32 {
        let lines = self.refunds_by(at).flat_map(|refund| &refund.lines);
        lines.filter(|refunded| refunded.line == line).map(|refunded| refunded.quantity).sum()
    }

    /// A refund of `quantity` more units of a line: shares are cut so that they add up to the line exactly.
    pub(super) fn refund_line(&self, id: u64, line: usize, quantity: u32) -> RefundLine {
        let before = self.returned_units(line, Moment::MAX);
        let sold = &self.lines[line];
        let share = |total: i64, units: u32| total * i64::from(units) / i64::from(sold.quantity);
        let part = |total: i64| share(total, before + quantity) - share(total, before);
        RefundLine { id, line, quantity, subtotal: part(sold.net()), tax: part(sold.tax) }
    }
}
