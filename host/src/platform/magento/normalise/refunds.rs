//! Credit memos as facts hold refunds, whichever shape told of them.

use super::{
    goods::{Goods, prices_of},
    wire::Decimal,
};
use crate::{
    domain::{Change, Currency, Refund, RefundLine, Timestamp},
    platform::{Problem, Unreadable},
};

/// What both shapes tell of a credit memo, in the base currency.
pub struct Told {
    pub id: String,
    pub order: String,
    pub refunded_at: Timestamp,
    pub currency: Currency,
    /// Whether the catalogue's prices include tax, if it is said.
    pub prices_include_tax: Option<bool>,
    pub subtotal: Decimal,
    pub shipping: Decimal,
    /// What is given back beyond lines and shipping, less what is kept back.
    pub adjustment: Decimal,
    pub lines: Vec<(String, Goods)>,
}

/// The refund. What the merchant has kept back is no adjustment below zero: the lines count as given back in whole.
pub fn change(told: Told) -> Result<Change, Unreadable> {
    let goods: Vec<_> = told.lines.iter().map(|(_, goods)| *goods).collect();
    let prices = prices_of(&goods, told.subtotal, told.prices_include_tax);
    let read = |(line, goods): &(String, Goods)| {
        let worth = goods.worth(prices, told.currency)?;
        Ok(RefundLine {
            line: line.as_str().into(),
            quantity: worth.quantity,
            subtotal: goods.net(prices).money(told.currency)?,
            tax: worth.tax,
            gift_card: false,
        })
    };
    let mut lines = Vec::with_capacity(told.lines.len());
    for (index, line) in told.lines.iter().enumerate() {
        lines.push(read(line).map_err(|problem: Problem| problem.at("amounts").within_item("lines", index))?);
    }
    let money = |field: &str, amount: Decimal| amount.money(told.currency).map_err(|problem| problem.at(field));
    Ok(Change::Refund(Box::new(Refund {
        shipping: Some(money("shipping", told.shipping)?),
        adjustment: Some(money("adjustment", told.adjustment.max(Decimal::default()))?),
        id: told.id.into(),
        order: told.order.into(),
        refunded_at: told.refunded_at,
        lines,
    })))
}
