//! What customers are written.

use regulars_sdk::{Context, Mail, Order, Purpose, Result, Timestamp};

use crate::{
    account::Account,
    expiry,
    notes::outcome,
    settings::{Reward, Settings},
};

const SWITCHED_OFF: &str = "switched off";

/// Points were given for signing up.
pub fn welcome(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    points: i64,
    account: &Account,
) -> Result<&'static str> {
    if !settings.mail_on_signup {
        return Ok(SWITCHED_OFF);
    }
    let mail = Mail::new(customer, "welcome", Purpose::Service).var("points", points.to_string());
    outcome(cx.send_mail(with_prospects(mail, settings, account)))
}

/// An order has earned points, available at once or later; a guest has until a date to claim them.
pub fn earned(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    order: &Order,
    points: i64,
    available_at: Option<Timestamp>,
    account: &Account,
) -> Result<&'static str> {
    if !settings.mail_on_earning {
        return Ok(SWITCHED_OFF);
    }
    let available_on = available_at.map(|at| cx.date_of(at).to_string()).unwrap_or_default();
    let claim_by = account.claim_by.map(|at| expiry::last_day(cx, at).to_string()).unwrap_or_default();
    let mail = Mail::new(customer, "earned", Purpose::Service)
        .var("points", points.to_string())
        .var("order", &order.name)
        .var("available_on", available_on)
        .var("claim_by", claim_by);
    outcome(cx.send_mail(with_prospects(mail, settings, account)))
}

/// Pending points have become available.
pub fn approved(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    points: i64,
    account: &Account,
) -> Result<&'static str> {
    if !settings.mail_on_approval {
        return Ok(SWITCHED_OFF);
    }
    let mail = Mail::new(customer, "approved", Purpose::Loyalty).var("points", points.to_string());
    outcome(cx.send_mail(with_prospects(mail, settings, account)))
}

/// Points are about to lapse.
pub fn expiring(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    points: i64,
    at: Timestamp,
    account: &Account,
) -> Result<&'static str> {
    let last_day = expiry::last_day(cx, at).to_string();
    let by_claim = if account.claim_by == Some(at) { "yes" } else { "" };
    let mail = Mail::new(customer, "expiring", Purpose::Service)
        .var("points", points.to_string())
        .var("last_day", last_day)
        .var("claim", by_claim)
        .valid_until(at);
    outcome(cx.send_mail(with_prospects(mail, settings, account)))
}

/// Points spent on a code have come back.
pub fn returned(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    points: i64,
    account: &Account,
) -> Result<&'static str> {
    let mail = Mail::new(customer, "returned", Purpose::Service).var("points", points.to_string());
    outcome(cx.send_mail(with_prospects(mail, settings, account)))
}

/// Tells a mail the balance, the best reward that it pays for (`ready`), and the next one (`next`, with the points still
/// `missing`). What there is none of is empty.
pub fn with_prospects(mail: Mail, settings: &Settings, account: &Account) -> Mail {
    let balance = account.available();
    let (ready, next) = prospects(settings, balance);
    let title = |reward: Option<&Reward>| reward.map(|reward| reward.title.clone()).unwrap_or_default();
    let missing = next.map(|reward| (i64::from(reward.least()) - balance).to_string()).unwrap_or_default();
    mail.var("balance", balance.to_string()).var("ready", title(ready)).var("next", title(next)).var("missing", missing)
}

/// The best reward that a balance pays for, and the next one.
pub fn prospects(settings: &Settings, balance: i64) -> (Option<&Reward>, Option<&Reward>) {
    let affordable = |reward: &&Reward| i64::from(reward.least()) <= balance;
    let ready = settings.rewards.iter().filter(affordable).max_by_key(|reward| reward.least());
    let next = settings.rewards.iter().filter(|reward| !affordable(reward)).min_by_key(|reward| reward.least());
    (ready, next)
}
