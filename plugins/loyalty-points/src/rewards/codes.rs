//! Codes after they have been made: returned by the shopper, ended unused, refused by the platform, used by an order.

use std::time::Duration;

use regulars_sdk::{Action, Context, EffectId, Event, Failure, Order, Result, Timestamp};
use serde::Deserialize;

use super::{Redemption, bring_back, redemption, set_redemption};
use crate::{
    account::{Account, LiveCode},
    basis::spent_share,
    due,
    ledger::{self, Book},
    mails,
    notes::note,
    settings::{ReturnSpent, Settings},
};

/// How long after a code's end its points come back: an order of the last minute is told of by then.
const LATE: Duration = Duration::from_secs(86_400);

/// How soon it is looked at again whether a code has been disabled.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The input of the action `return`.
#[derive(Deserialize)]
struct Return {
    code: String,
}

/// The shopper's action `return`: the code is disabled first, and its points come back once it is. One that has not been
/// made yet may be under way.
pub fn action(cx: &mut Context, book: &mut Book, action: &Action) -> Result {
    let effect = action.input().ok().and_then(|Return { code }| cx.effect_of_code(&code));
    let found = match &effect {
        Some(effect) => redemption(cx, effect)?,
        None => None,
    };
    let own = found.filter(|it| ledger::survivor(cx, &it.customer) == book.customer);
    let (Some(effect), Some(redemption)) = (effect, own) else {
        return note(cx, "Nothing returned: the customer has no such code", &[], 0, Some(&book.account));
    };
    let fields = [("reward", redemption.reward.as_str())];
    let live = book.account.codes.iter().position(|code| code.effect == effect);
    let refused = match live.map(|at| &book.account.codes[at]) {
        _ if !redemption.returnable => Some("Nothing returned: the reward's points do not come back"),
        None => Some("Nothing returned: the code is not live any more"),
        Some(code) if code.returning.is_some() => Some("Nothing returned: the code is being returned already"),
        Some(_) if is_used(cx, &effect) => Some("Nothing returned: the code has been used"),
        Some(_) => None,
    };
    if let Some(reason) = refused {
        return note(cx, reason, &fields, 0, Some(&book.account));
    }
    let disabling = cx.disable_discount(&effect)?;
    for code in book.account.codes.iter_mut().filter(|code| code.effect == effect) {
        code.returning = Some(disabling.clone());
    }
    note(cx, "Code is being disabled: its points come back once it is", &fields, 0, Some(&book.account))
}

fn is_used(cx: &Context, code: &EffectId) -> bool {
    cx.code_standing(code).is_some_and(|standing| standing.used > 0)
}

/// What is known of a code whose time has come, or that is being returned.
enum Fate {
    Waits,
    Used,
    /// It cannot be used any more: why its points come back.
    Void(&'static str),
    /// It could not be disabled.
    Stays,
}

fn fate(cx: &Context, code: &LiveCode) -> Fate {
    let is_used = || is_used(cx, &code.effect);
    let is_over = code.ends_at + LATE <= cx.now();
    let disabling = code.returning.as_ref().and_then(|effect| cx.effect_standing(effect)).map(|it| it.status);
    match disabling.as_deref() {
        // The platform disables no code that has been used, and takes no disabled one.
        Some("done") => return Fate::Void("Points given back: the code was returned"),
        Some("dead" | "dropped") if is_used() => return Fate::Used,
        Some("dead" | "dropped") if !is_over => return Fate::Stays,
        _ => {}
    }
    match is_over {
        false => Fate::Waits,
        true if is_used() => Fate::Used,
        true => Fate::Void("Points given back: the code has ended unused"),
    }
}

/// Sees to the account's codes that have ended or been disabled.
pub fn settle(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book) -> Result {
    let mut kept = Vec::new();
    for mut code in std::mem::take(&mut book.account.codes) {
        match fate(cx, &code) {
            Fate::Waits => kept.push(code),
            Fate::Used => {}
            Fate::Stays => {
                code.returning = None;
                kept.push(code);
                let reason = "Nothing returned: the code could not be disabled";
                note(cx, reason, &[], 0, Some(&book.account))?;
            }
            Fate::Void(reason) => give_back(event, cx, settings, book, &code.effect, reason)?,
        }
    }
    book.account.codes = kept;
    Ok(())
}

/// Gives back all points of a code that nobody can use.
fn give_back(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    effect: &EffectId,
    reason: &str,
) -> Result {
    let Some(redemption) = redemption(cx, effect)?.filter(|it| it.order.is_none() && !it.void && it.returnable) else {
        return Ok(());
    };
    let mut redemption = Redemption { void: true, ..redemption };
    let cost = redemption.cost;
    let points = bring_back(event, cx, settings, book, &mut redemption, cost)?;
    set_redemption(cx, effect, &redemption)?;
    let mailed = mails::returned(cx, settings, &book.customer, points, &book.account)?;
    note(cx, reason, &[("reward", &redemption.reward), ("mail", mailed)], points, Some(&book.account))
}

/// When a code of the account has to be looked at next.
pub fn next(account: &Account, now: Timestamp) -> Option<Timestamp> {
    let look = |code: &LiveCode| if code.returning.is_some() { now + LOOK_AGAIN } else { code.ends_at + LATE };
    account.codes.iter().map(look).min()
}

/// Gives the points back for what could not be made. The entry names the one that it takes back.
pub fn failed(event: &Event, cx: &mut Context) -> Result {
    let Some(failed) = cx.ended_effect(event)? else { return Ok(()) };
    // A mail that failed takes no points, and stays to be tried again: only what is made up for is noted.
    let Some(redemption) = redemption(cx, &failed.effect)?.filter(|it| !it.void) else { return Ok(()) };
    let settings: Settings = cx.settings()?;
    // The customer may have been merged with another since.
    let customer = ledger::survivor(cx, &redemption.customer);
    let mut book = due::open(event, cx, &settings, &customer)?;
    let mut redemption = Redemption { void: true, ..redemption };
    let cost = redemption.cost;
    let points = bring_back(event, cx, &settings, &mut book, &mut redemption, cost)?;
    set_redemption(cx, &failed.effect, &redemption)?;
    book.account.codes.retain(|code| code.effect != failed.effect);
    let fields = [("because", failed.reason.as_str())];
    note(cx, "Points given back: the code could not be made", &fields, points, Some(&book.account))?;
    due::close(cx, &settings, book)
}

/// Brings the points spent on an order's codes in line with what has become of the order: its refunded share of them comes
/// back. A code that is used although its points have come back costs them again.
pub fn used_by(event: &Event, cx: &mut Context, settings: &Settings, order: &Order) -> Result {
    for code in order.discount_codes.iter().filter(|_| !order.test) {
        let Some(effect) = cx.effect_of_code(code) else { continue };
        let Some(found) = redemption(cx, &effect)? else { continue };
        // Platforms that count no cancelled order let the code be used again.
        let other = found.order.as_ref().filter(|it| **it != order.id).and_then(|it| cx.order_by_id(it));
        if other.is_some_and(|other| other.cancelled_at.is_none()) {
            continue;
        }
        let mut redemption = Redemption { order: Some(order.id.clone()), ..found.clone() };
        let share = match (settings.return_spent_on_refund, order.cancelled_at) {
            (ReturnSpent::None, _) => 0,
            (ReturnSpent::Proportional, Some(_)) => redemption.cost,
            (ReturnSpent::Proportional, None) => spent_share(redemption.cost, order, &cx.refunds_of(&order.id))
                .ok_or_else(|| Failure::reject("the order's amounts do not fit 64 bits"))?,
        };
        let customer = ledger::survivor(cx, &redemption.customer);
        let mut book = due::open(event, cx, settings, &customer)?;
        book.account.codes.retain(|code| code.effect != effect);
        let points = bring_back(event, cx, settings, &mut book, &mut redemption, share)?;
        if redemption != found {
            set_redemption(cx, &effect, &redemption)?;
        }
        let fields = [("order", order.name.as_str()), ("reward", &redemption.reward)];
        match points {
            0 => {}
            1.. => note(
                cx,
                "Points spent on the order given back by its refunded share",
                &fields,
                points,
                Some(&book.account),
            )?,
            _ => note(
                cx,
                "Points spent on the order taken again: its code was used",
                &fields,
                points,
                Some(&book.account),
            )?,
        }
        due::close(cx, settings, book)?;
    }
    Ok(())
}
