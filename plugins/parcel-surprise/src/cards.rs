//! Codes for cards that the merchant prints and lays into parcels: made many at once, ended together. Such a card is a gift
//! like any other, with the number of cards as its stock.

use regulars_sdk::{Action, Benefit, Context, Currency, Event, Money, NewDiscount, Result};
use serde::Deserialize;

use crate::asked;

/// The readable beginning of codes where the merchant names none.
const PREFIX: &str = "CARD";

/// The input of the merchant's action `cards`. Either the percentage or the amount is named.
#[derive(Deserialize)]
struct Cards {
    count: u32,
    percent: Option<u32>,
    /// A decimal amount in the shop's currency, as the next one.
    amount: Option<String>,
    min_basket: Option<String>,
    /// From today on; none for no end.
    valid_days: Option<u64>,
    prefix: Option<String>,
}

impl Cards {
    /// What each code is, or why there is none such.
    fn discount(&self, cx: &Context) -> Result<NewDiscount, &'static str> {
        let currency: Currency = cx.store().currency;
        let money = |amount: &String| Money::parse(amount, currency).map_err(|_| "an amount does not read");
        let benefit = match (self.percent, &self.amount) {
            (Some(percent @ 1..=100), None) => Benefit::BasisPoints(percent * 100),
            (None, Some(amount)) => Benefit::Amount(money(amount)?),
            _ => return Err("name a percentage from 1 to 100 or an amount"),
        };
        let mut discount = NewDiscount::open(self.prefix.as_deref().unwrap_or(PREFIX), benefit).uses(1);
        discount.minimum_subtotal = self.min_basket.as_ref().map(money).transpose()?;
        discount.ends_at = self.valid_days.map(|days| cx.now().plus_days(days));
        Ok(discount)
    }
}

/// Makes codes for cards. Each event counts once, also if it is replayed.
pub fn make(event: &Event, cx: &mut Context, action: &Action) -> Result {
    let Ok(cards) = action.input::<Cards>() else {
        return Ok(cx.note("No codes made: name the number of cards and what each is worth", &[])?);
    };
    if asked::was_done(event, cx)? {
        return Ok(cx.note("No codes made: that was done before", &[])?);
    }
    let discount = match cards.discount(cx) {
        Ok(discount) => discount,
        Err(because) => return Ok(cx.note("No codes made", &[("because", because)])?),
    };
    match cx.create_discounts(discount, cards.count) {
        Ok(issued) => {
            asked::is_done(event, cx)?;
            let (count, first) = (cards.count.to_string(), issued.codes.first().map_or("", String::as_str));
            Ok(cx.note("Codes for cards are being made", &[("cards", &count), ("first code", first)])?)
        }
        Err(refusal) => Ok(cx.note("No codes made", &[("because", &refusal.to_string())])?),
    }
}

/// The input of the merchant's action `end-cards`: one of the codes that were made together.
#[derive(Deserialize)]
struct EndCards {
    code: String,
}

/// Ends codes for cards, all that were made together.
pub fn end(cx: &mut Context, action: &Action) -> Result {
    let Ok(EndCards { code }) = action.input() else {
        return Ok(cx.note("No codes ended: name one of them", &[])?);
    };
    let Some(effect) = cx.effect_of_code(&code) else {
        return Ok(cx.note("No codes ended: this plugin has made no such code", &[])?);
    };
    match cx.disable_discount(&effect) {
        Ok(_) => Ok(cx.note("The codes that were made with it end", &[("code", &code)])?),
        Err(refusal) => Ok(cx.note("No codes ended", &[("because", &refusal.to_string())])?),
    }
}
