//! The course of a claim: on hold while the order can come back, with the merchant where a flag was raised, and then paid
//! or void.
//!
//! Whatever happens, a claim is looked at anew from all that is known: events may come in any order, twice, or late. Only
//! when the hold is over, or where nothing can change it any more, is there a verdict.

use regulars_sdk::{Context, Refusal, Result, Task, Timestamp, key};

use crate::{
    advocates,
    checks::Weight,
    claim::{self, Because, Claim, Review, Status, left},
    customers, examine, mails, notes, payout,
    settings::{HoldFrom, ReviewDefault, Settings},
};

/// The event `timer.fired`.
pub fn due(cx: &mut Context) -> Result {
    let Some(timer) = cx.timer() else { return Ok(cx.note("Nothing done: the timer is not known", &[])?) };
    let named = String::from_utf8_lossy(&timer.payload);
    if timer.key.starts_with(advocates::RETIRE) {
        return advocates::retire(cx, &named);
    }
    let Some(claim) = claim::get(cx, &named)? else {
        return Ok(cx.note("Nothing done: there is no such referral", &[("order", &named)])?);
    };
    proceed(cx, claim)
}

/// Brings a claim to where the facts call for it.
pub fn proceed(cx: &mut Context, mut claim: Claim) -> Result {
    let settings: Settings = cx.settings()?;
    customers::forget_people(cx, &mut claim)?;
    match claim.status {
        Status::Paid => return payout::aftermath(cx, &settings, claim),
        Status::Void(_) => {
            claim::set(cx, &claim)?;
            return notes::about(cx, notes::settled_reason(&claim), &claim, &[]);
        }
        Status::Held | Status::Review | Status::Owed => {}
    }
    examine::examine(cx, &settings, &mut claim)?;
    if let Some(last) = claim.findings.iter().map(|it| it.check).find(|it| it.is_final()) {
        return void(cx, &settings, claim, Because::Check(last));
    }
    let release = hold_ends_at(cx, &claim);
    if cx.now() < release {
        return hold(cx, &settings, claim, release);
    }
    if let Some(check) = claim.obstacle() {
        return void(cx, &settings, claim, Because::Check(check));
    }
    if claim.is_approved() || claim.flags().next().is_none() {
        return payout::pay(cx, &settings, claim, "The reward is given");
    }
    review(cx, &settings, claim)
}

/// When the hold ends: so many days after all parcels were delivered, or after the payment where the merchant wants that
/// or where no carrier tells.
pub fn hold_ends_at(cx: &Context, claim: &Claim) -> Timestamp {
    let after_paid = claim.paid_at.plus_days(claim.terms.hold_paid_days.into());
    if claim.terms.hold_from == HoldFrom::Paid {
        return after_paid;
    }
    let mut parcels = cx.fulfillments_of(&claim.order);
    parcels.retain(|it| it.status.as_deref() != Some("cancelled"));
    let last = parcels.iter().map(|it| it.updated_at).max();
    match last.filter(|_| parcels.iter().all(|it| it.is_delivered())) {
        Some(delivered) => delivered.plus_days(claim.terms.hold_delivered_days.into()),
        None => after_paid,
    }
}

fn hold(cx: &mut Context, settings: &Settings, mut claim: Claim, release: Timestamp) -> Result {
    claim.status = Status::Held;
    let is_open_question = claim.decision.is_none() && claim.flags().next().is_some();
    let asked = if is_open_question {
        ask(cx, settings, &mut claim, release)?
    } else {
        withdraw_question(cx, &mut claim);
        "no"
    };
    let is_welcome = claim.findings.iter().all(|it| it.check.weight() == Weight::Flag);
    let mailed = match is_welcome && !claim.announced {
        true => mails::friend_bought(cx, settings, &mut claim, release)?,
        false => "not sent",
    };
    look_again(cx, &claim.order, release)?;
    let reason = match claim.obstacle() {
        Some(_) => "On hold; as it stands nothing will be paid",
        None => "On hold until the order can no longer come back",
    };
    let until = cx.date_of(release).to_string();
    claim::set(cx, &claim)?;
    notes::about(cx, reason, &claim, &[("until", &until), ("review", asked), ("mail", mailed)])
}

/// A flagged claim whose hold is over waits for the merchant until the deadline.
fn review(cx: &mut Context, settings: &Settings, mut claim: Claim) -> Result {
    let now = cx.now();
    let asked = ask(cx, settings, &mut claim, now)?;
    let until = claim.review.as_ref().map_or(now, |it| it.until);
    if now >= until {
        return match settings.review_default {
            ReviewDefault::Withhold => void(cx, settings, claim, Because::Deadline),
            ReviewDefault::Pay => payout::pay(cx, settings, claim, "The reward is given: nobody decided in time"),
        };
    }
    claim.status = Status::Review;
    look_again(cx, &claim.order, until)?;
    let date = cx.date_of(until).to_string();
    claim::set(cx, &claim)?;
    notes::about(cx, "The hold is over; the merchant has to decide", &claim, &[("until", &date), ("review", asked)])
}

/// Asks the merchant about a flagged claim, unless that was done about the same flags. Says what came of it.
fn ask(cx: &mut Context, settings: &Settings, claim: &mut Claim, release: Timestamp) -> Result<&'static str> {
    let checks: Vec<_> = claim.flags().collect();
    if let Some(review) = &claim.review
        && checks.iter().all(|it| review.checks.contains(it))
    {
        return Ok("asked before");
    }
    let until = cx.now().plus_days(settings.review_deadline_days.into()).max(release);
    let by_default = match settings.review_default {
        ReviewDefault::Withhold => "nothing is paid",
        ReviewDefault::Pay => "the reward is paid",
    };
    let mut task = Task::new(task_key(&claim.order), ["Is the referral of order ", &claim.name, " real?"].concat())
        .detail("Reward", claim.terms.amount.to_string())
        .detail("Order", &claim.name)
        .customer(left(cx, &claim.advocate))
        .order(&claim.order)
        .due(until);
    for finding in &claim.findings {
        task = task.detail(finding.check.label(), &finding.evidence);
    }
    let task = task
        .detail("Without an answer", by_default)
        .choice("approve", "Pay the reward")
        .choice("reject", "Pay nothing")
        .choice("ban", "Pay nothing and ban the advocate");
    claim.review = Some(Review { until, checks });
    match cx.open_task(task) {
        Ok(()) => Ok("asked"),
        Err(Refusal::NotGranted) => Ok("not asked: the capability `tasks` is not granted"),
        Err(Refusal::Other(_)) => Ok("not asked: the budget for tasks is used up"),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Takes the question back where there is nothing to ask any more.
pub fn withdraw_question(cx: &mut Context, claim: &mut Claim) {
    let was_asked = claim.review.take().is_some() || claim.tries > 0;
    if was_asked {
        cx.close_task(&task_key(&claim.order));
    }
}

/// Pays nothing. The advocate is told only where a friend's order that they know of came back.
pub fn void(cx: &mut Context, settings: &Settings, mut claim: Claim, because: Because) -> Result {
    claim.status = Status::Void(because);
    withdraw_question(cx, &mut claim);
    cx.cancel(&timer_key(&claim.order));
    let mailed = mails::reward_void(cx, settings, &mut claim, because)?;
    claim::set(cx, &claim)?;
    notes::about(cx, notes::void_reason(because), &claim, &[("mail", mailed)])
}

/// Looks at a claim again at an instant.
pub fn look_again(cx: &mut Context, order: &str, at: Timestamp) -> Result {
    Ok(cx.schedule(&timer_key(order), at, order.as_bytes())?)
}

pub fn timer_key(order: &str) -> String {
    key(&["claim", order])
}

pub fn task_key(order: &str) -> String {
    key(&["review", order])
}
