//! What the merchant asks for: a tier by hand, the end of one, and who would move if tiers were others.

use regulars_sdk::{Action, Context, Result};
use serde::Deserialize;

use crate::{
    calendar::Day,
    history,
    member::Lock,
    settings::Settings,
    settle::{self, How},
    walk,
};

const REASON_CHARS: usize = 500;

#[derive(Deserialize)]
struct LockInput {
    tier: String,
    /// The last day of it, `2027-05-31`; empty for no end.
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
    /// With the entry reward and a mail.
    #[serde(default)]
    greet: bool,
}

pub fn action(cx: &mut Context) -> Result {
    let Some(action) = cx.action() else { return Ok(()) };
    match action.name.as_str() {
        "preview" => return walk::preview(cx, &action),
        "seen" => return Ok(cx.note("You have seen who moves", &[])?),
        "lock" | "unlock" => {}
        _ => return Ok(cx.note("Nothing done: there is no such action", &[])?),
    }
    let Some(customer) = action.customer_id.clone() else {
        return Ok(cx.note("Nothing done: no customer is named", &[])?);
    };
    if cx.customer_by_id(&customer).is_some_and(|it| it.guest) {
        return Ok(cx.note("Nothing done: a guest has no account that could have a tier", &[])?);
    }
    if action.name == "lock" { lock(cx, &action, &customer) } else { unlock(cx, &customer) }
}

fn lock(cx: &mut Context, action: &Action, customer: &str) -> Result {
    let Ok(input) = action.input::<LockInput>() else {
        return Ok(cx.note("Nothing locked: the request names no tier", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let reason = input.reason.trim();
    let last = Day::read(&input.until);
    let refused = if settings.tier(&input.tier).is_none() {
        Some("Nothing locked: there is no such tier")
    } else if reason.is_empty() || reason.chars().count() > REASON_CHARS {
        Some("Nothing locked: it needs a reason of at most 500 characters")
    } else if !input.until.trim().is_empty() && last.is_none() {
        Some("Nothing locked: the end is no date such as 2027-05-31")
    } else if last.is_some_and(|last| last < Day::today(cx)) {
        Some("Nothing locked: the end is over already")
    } else {
        None
    };
    if let Some(refused) = refused {
        return Ok(cx.note(refused, &[])?);
    }
    let mut member = history::known(cx, &settings, customer, None)?;
    member.lock = Some(Lock { tier: input.tier, until: last.map(|it| it.plus(1)), reason: reason.into() });
    let how = How { greets: input.greet, ..How::default() };
    let told = settle::settle(cx, &settings, customer, &mut member, how)?;
    settle::note(cx, &settings, &told, "The tier is locked as it is", &[("reason", reason)])
}

fn unlock(cx: &mut Context, customer: &str) -> Result {
    let settings: Settings = cx.settings()?;
    let mut member = history::known(cx, &settings, customer, None)?;
    if member.lock.take().is_none() {
        return Ok(cx.note("Nothing unlocked: the tier is not locked", &[])?);
    }
    let how = How { greets: true, ..How::default() };
    let told = settle::settle(cx, &settings, customer, &mut member, how)?;
    settle::note(cx, &settings, &told, "Unlocked: the tier stays by what was spent", &[])
}
