//! What the gifts of a civil month have cost, in money and in pieces, and what is left. Where anything about it is in
//! doubt, nothing is left.

use regulars_sdk::{Context, Money, Result, key};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// What has been given in a month and not been given back: `month/<yyyy-mm>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    pub spent: Money,
    pub pieces: u32,
}

/// A month and its bounds.
#[derive(Clone, Debug)]
pub struct Budget {
    /// As in `2026-03`.
    pub name: String,
    month: Month,
    money: Money,
    pieces: u32,
}

/// The present month's budget; the reason where there is none.
pub fn now(cx: &mut Context, settings: &Settings) -> Result<Result<Budget, String>> {
    let currency = cx.store().currency;
    let money = match Money::parse(&settings.monthly_budget, currency) {
        Ok(money) => money,
        Err(error) => return Ok(Err(format!("the monthly budget does not read: {error}"))),
    };
    let date = cx.date_of(cx.now());
    let name = date.to_string()[..7].to_owned();
    let empty = Month { spent: Money::zero(currency), pieces: 0 };
    let month = cx.state().get(&month_key(&name))?.unwrap_or(empty);
    if month.spent.currency != currency {
        return Ok(Err(format!("the month has been counted in {} so far", month.spent.currency)));
    }
    Ok(Ok(Budget { name, month, money, pieces: settings.monthly_pieces }))
}

impl Budget {
    /// The month after one more piece at this cost; `None` past a bound.
    fn after(&self, cost: Money) -> Option<Month> {
        let spent = self.month.spent.plus(cost).ok()?;
        let pieces = self.month.pieces.checked_add(1)?;
        (cost.minor >= 0 && spent.minor <= self.money.minor && pieces <= self.pieces).then_some(Month { spent, pieces })
    }

    pub fn allows(&self, cost: Money) -> bool {
        self.after(cost).is_some()
    }

    /// Counts one piece. False past a bound: nothing is counted, and nothing is to be given.
    pub fn spend(&mut self, cx: &mut Context, cost: Money) -> Result<bool> {
        let Some(after) = self.after(cost) else { return Ok(false) };
        cx.state().set(&month_key(&self.name), &after)?;
        self.month = after;
        Ok(true)
    }

    /// As the merchant reads it: `12.50 EUR of 50.00 EUR, 4 of 50 pieces`.
    pub fn standing(&self) -> String {
        format!("{} of {}, {} of {} pieces", self.month.spent, self.money, self.month.pieces, self.pieces)
    }
}

/// Takes one piece out of the month in which it was counted.
pub fn give_back(cx: &mut Context, name: &str, cost: Money) -> Result {
    let Some(month) = cx.state().get::<Month>(&month_key(name))? else { return Ok(()) };
    let after = Month { spent: month.spent.minus(cost)?, pieces: month.pieces.saturating_sub(1) };
    Ok(cx.state().set(&month_key(name), &after)?)
}

pub fn month_key(name: &str) -> String {
    key(&["month", name])
}
