//! Points redeemed for discount codes.

use regulars_sdk::{Context, Event, Failure, Mail, Money, NewDiscount, Result};
use serde::Deserialize;

use crate::{
    ledger::{self, Kind, Redemption},
    notes::note,
    settings::{Reward, Settings},
};

/// The input of the action `redeem`.
#[derive(Deserialize)]
struct Redeem {
    reward: String,
}

pub fn action(event: &Event, cx: &mut Context) -> Result {
    let Some(action) = cx.action() else {
        return note(cx, "Nothing done: the action is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let account = ledger::account(cx, &action.customer_id)?;
    if action.name != "redeem" {
        return note(cx, "Nothing done: there is no such action", &[], 0, Some(&account));
    }
    let Ok(Redeem { reward: wanted }) = action.input() else {
        return note(cx, "Nothing redeemed: the request names no reward", &[], 0, Some(&account));
    };
    let Some(reward) = settings.rewards.iter().find(|reward| reward.id == wanted) else {
        return note(cx, "Nothing redeemed: there is no such reward", &[], 0, Some(&account));
    };
    let cost = reward.cost.to_string();
    let fields = [("reward", reward.id.as_str()), ("cost", &cost)];
    if account.balance < i64::from(reward.cost) {
        return note(cx, "Nothing redeemed: not enough points", &fields, 0, Some(&account));
    }
    redeem(event, cx, &settings, reward, &action.customer_id)
}

fn redeem(event: &Event, cx: &mut Context, settings: &Settings, reward: &Reward, customer: &str) -> Result {
    let value = Money::parse(&reward.value, cx.store().currency)
        .map_err(|error| Failure::reject(["the value of reward `", &reward.id, "`: ", &error.to_string()].concat()))?;
    let points = -i64::from(reward.cost);
    let account = ledger::append(event, cx, customer, Kind::Redeem, points, Some(&reward.id))?;

    let ends_at = cx.now().plus_days(reward.code_valid_days.into());
    let issued = cx.create_discount(NewDiscount::new(customer, &settings.code_prefix, value).ends_at(ends_at))?;
    let redemption =
        Redemption { customer: customer.into(), entry: account.entries, cost: reward.cost, given_back: false };
    ledger::set_redemption(cx, &issued.effect, &redemption)?;
    // Without the mail the shopper would never see the code: where it cannot be queued, the points stay.
    let mail = Mail::new(customer, "reward")
        .var("reward", &reward.title)
        .var("value", value.to_string())
        .var("code", issued.code)
        .var("ends_on", cx.date_of(ends_at).to_string())
        .var("points", reward.cost.to_string())
        .var("balance", account.shown().to_string())
        .after(&issued.effect);
    cx.send_mail(mail)?;
    let value = value.to_string();
    note(cx, "Points redeemed", &[("reward", &reward.id), ("value", &value)], points, Some(&account))
}

/// Gives the points back for a code that could not be made. The entry names the one that it takes back.
pub fn failed(event: &Event, cx: &mut Context) -> Result {
    let Some(failed) = cx.failed_effect(event)? else { return Ok(()) };
    // A mail that failed takes no points, and stays to be tried again: only what is made up for is noted.
    let Some(redemption) = ledger::redemption(cx, &failed.effect)?.filter(|it| !it.given_back) else { return Ok(()) };
    // The customer may have been merged with another since.
    let left = cx.customer_by_id(&redemption.customer);
    let customer = left.map_or_else(|| redemption.customer.clone(), |customer| customer.id);
    let points = i64::from(redemption.cost);
    let original = ledger::entry_key(&redemption.customer, redemption.entry);
    let account = ledger::append(event, cx, &customer, Kind::GiveBack, points, Some(&original))?;
    ledger::set_redemption(cx, &failed.effect, &Redemption { given_back: true, ..redemption })?;
    let fields = [("because", failed.reason.as_str())];
    note(cx, "Points given back: the code could not be made", &fields, points, Some(&account))
}

/// Tells a mail the balance, the best reward that it pays for (`ready`), and the next one (`next`, with the points still
/// `missing`). What there is none of is empty.
pub fn with_prospects(mail: Mail, settings: &Settings, balance: i64) -> Mail {
    let affordable = |reward: &&Reward| i64::from(reward.cost) <= balance;
    let ready = settings.rewards.iter().filter(affordable).max_by_key(|reward| reward.cost);
    let next = settings.rewards.iter().filter(|reward| !affordable(reward)).min_by_key(|reward| reward.cost);
    let title = |reward: Option<&Reward>| reward.map(|reward| reward.title.clone()).unwrap_or_default();
    let missing = next.map(|reward| (i64::from(reward.cost) - balance).to_string()).unwrap_or_default();
    mail.var("balance", balance.to_string()).var("ready", title(ready)).var("next", title(next)).var("missing", missing)
}
