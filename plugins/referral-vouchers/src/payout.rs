//! The advocate's reward: given as store credit or as a code, tried again where it could not be given, and looked at once
//! more where the order comes back.

use regulars_sdk::{Benefit, Context, Event, NewDiscount, Result, Task};

use crate::{
    advocates,
    claim::{self, Aftermath, Claim, Payout, Status, count_in_month, left, month_of},
    course,
    effects::{self, Use},
    index, mails, net, notes,
    settings::{RewardKind, Settings},
};

/// Days on which a reward that could not be given is tried again: a monthly budget begins anew within them.
const TRIES: u32 = 35;

/// What giving a reward came to.
enum Given {
    Payout(Payout),
    /// It could not be given, because of this.
    Refused(String),
}

pub fn pay(cx: &mut Context, settings: &Settings, claim: Claim, reason: &str) -> Result {
    let kind = claim.terms.reward;
    give(cx, settings, claim, kind, reason)
}

fn give(cx: &mut Context, settings: &Settings, mut claim: Claim, kind: RewardKind, reason: &str) -> Result {
    let advocate = left(cx, &claim.advocate);
    // Who has no customer record can hold no credit.
    let is_guest = cx.customer_by_id(&advocate).is_some_and(|it| it.guest);
    let given = match kind {
        RewardKind::StoreCredit if !is_guest => match credit(cx, &claim, &advocate) {
            Given::Payout(payout) => Given::Payout(payout),
            Given::Refused(because) => or_else(code(cx, settings, &claim, &advocate, is_guest), &because),
        },
        _ => code(cx, settings, &claim, &advocate, is_guest),
    };
    match given {
        Given::Payout(payout) => {
            course::withdraw_question(cx, &mut claim);
            effects::set(cx, &payout.effect, &Use::Reward { order: claim.order.clone() })?;
            count_in_month(cx, &advocate, &payout.month, 1)?;
            let friend = claim.friend.as_ref().map(|it| left(cx, it));
            index::set_rewarded(cx, &claim, friend.as_deref())?;
            let mailed = mails::reward_paid(cx, settings, &claim, &payout)?;
            let way = if payout.code.is_some() { "code" } else { "store credit" };
            claim.payout = Some(payout);
            claim.status = Status::Paid;
            cx.cancel(&course::timer_key(&claim.order));
            claim::set(cx, &claim)?;
            notes::about(cx, reason, &claim, &[("as", way), ("mail", mailed)])
        }
        Given::Refused(because) => owe(cx, claim, &because),
    }
}

fn or_else(given: Given, before: &str) -> Given {
    match given {
        Given::Payout(payout) => Given::Payout(payout),
        Given::Refused(because) => Given::Refused(["store credit: ", before, "; code: ", &because].concat()),
    }
}

fn credit(cx: &mut Context, claim: &Claim, advocate: &str) -> Given {
    let at = cx.now();
    let ends_at = claim.terms.ends_at(at);
    match cx.credit(advocate, claim.terms.amount, ends_at) {
        Ok(effect) => Given::Payout(Payout {
            effect,
            amount: claim.terms.amount,
            at,
            ends_at,
            code: None,
            month: month_of(cx, claim.placed_at),
        }),
        Err(refusal) => Given::Refused(refusal.to_string()),
    }
}

/// A code that the advocate can use once. One for a guest is bound to nobody: there is no record to bind it to.
fn code(cx: &mut Context, settings: &Settings, claim: &Claim, advocate: &str, is_guest: bool) -> Given {
    let at = cx.now();
    let ends_at = claim.terms.ends_at(at);
    let (prefix, benefit) = (&settings.reward_code_prefix, Benefit::Amount(claim.terms.amount));
    let discount = match is_guest {
        true => NewDiscount::open(prefix, benefit).uses(1),
        false => NewDiscount::new(advocate, prefix, benefit),
    };
    match cx.create_discount(NewDiscount { ends_at, ..discount }) {
        Ok(issued) => Given::Payout(Payout {
            effect: issued.effect,
            amount: claim.terms.amount,
            at,
            ends_at,
            code: Some(issued.code),
            month: month_of(cx, claim.placed_at),
        }),
        Err(refusal) => Given::Refused(refusal.to_string()),
    }
}

/// The reward is due and could not be given: it is tried again every day, and the merchant is told.
fn owe(cx: &mut Context, mut claim: Claim, because: &str) -> Result {
    claim.status = Status::Owed;
    claim.tries += 1;
    if claim.tries == 1 {
        let title = ["The reward for order ", &claim.name, " could not be given"].concat();
        let task = Task::new(course::task_key(&claim.order), title)
            .detail("Reward", claim.terms.amount.to_string())
            .detail("Because", because)
            .customer(left(cx, &claim.advocate))
            .order(&claim.order)
            .choice("approve", "Try again now")
            .choice("reject", "Pay nothing");
        // Where the merchant cannot be asked, the note and the daily tries are all there is.
        let _ = cx.open_task(task);
    }
    let next = match claim.tries {
        ..=TRIES => {
            let tomorrow = cx.now().plus_days(1);
            course::look_again(cx, &claim.order, tomorrow)?;
            cx.date_of(tomorrow).to_string()
        }
        _ => "when the merchant says so".into(),
    };
    claim::set(cx, &claim)?;
    let fields = [("because", because), ("next try", &next)];
    notes::about(cx, "The reward is due and could not be given", &claim, &fields)
}

/// The event `effect.failed`.
pub fn failed(event: &Event, cx: &mut Context) -> Result {
    let Some(failed) = cx.ended_effect(event)? else { return Ok(()) };
    // Whatever else failed, such as a mail or the taking back of a reward, stays to be tried again by a person: only what
    // is made up for is noted.
    match effects::get(cx, failed.effect.as_str())? {
        None => Ok(()),
        Some(Use::FriendCode { advocate, .. }) => {
            let advocate = left(cx, &advocate);
            if let Some(mut known) = advocates::get(cx, &advocate)?
                && known.code.as_ref().is_some_and(|it| it.effect == failed.effect)
            {
                known.code = None;
                advocates::set(cx, &advocate, &known)?;
            }
            let fields = [("advocate", advocate.as_str()), ("because", failed.reason.as_str())];
            Ok(cx.note("A friends' code could not be made; the next visit tries again", &fields)?)
        }
        Some(Use::Reward { order }) => reward_failed(cx, &order, failed.effect.as_str(), &failed.reason),
    }
}

/// Credit that the platform does not give is made up for by a code; a code that it does not make is tried again.
fn reward_failed(cx: &mut Context, order: &str, effect: &str, because: &str) -> Result {
    let Some(mut claim) = claim::get(cx, order)? else { return Ok(()) };
    let Some(payout) = claim.payout.take().filter(|it| it.effect.as_str() == effect) else { return Ok(()) };
    let advocate = left(cx, &claim.advocate);
    count_in_month(cx, &advocate, &payout.month, -1)?;
    let settings: Settings = cx.settings()?;
    match payout.code {
        None => {
            let reason = "The reward is given as a code: store credit failed";
            give(cx, &settings, claim, RewardKind::Code, reason)
        }
        Some(_) => owe(cx, claim, because),
    }
}

/// A paid claim whose order comes back: noted, and taken back where the merchant wants that.
pub fn aftermath(cx: &mut Context, settings: &Settings, mut claim: Claim) -> Result {
    let Some(what) = what_came_back(cx, &claim) else {
        claim::set(cx, &claim)?;
        return notes::about(cx, notes::settled_reason(&claim), &claim, &[]);
    };
    if claim.aftermath.is_some() {
        return notes::about(cx, "Nothing more to do: that the order came back is known", &claim, &[("what", what)]);
    }
    claim.aftermath = Some(Aftermath::Logged);
    let Some(payout) = claim.payout.clone().filter(|_| settings.claw_back) else {
        claim::set(cx, &claim)?;
        return notes::about(
            cx,
            "The order came back after the reward was paid: it stays paid",
            &claim,
            &[("what", what)],
        );
    };
    let advocate = left(cx, &claim.advocate);
    let taken = match payout.code {
        Some(_) => cx.disable_discount(&payout.effect),
        None => cx.debit(&advocate, payout.amount),
    };
    match taken {
        Ok(effect) => {
            claim.aftermath = Some(Aftermath::TakenBack);
            let mailed = mails::reward_returned(cx, settings, &claim, &effect)?;
            claim::set(cx, &claim)?;
            let reason = "The order came back after the reward was paid: it is taken back";
            notes::about(cx, reason, &claim, &[("what", what), ("mail", mailed)])
        }
        Err(refusal) => {
            claim::set(cx, &claim)?;
            let because = refusal.to_string();
            let reason = "The order came back after the reward was paid, and it could not be taken back";
            notes::about(cx, reason, &claim, &[("what", what), ("because", &because)])
        }
    }
}

fn what_came_back(cx: &Context, claim: &Claim) -> Option<&'static str> {
    let Some(order) = cx.order_by_id(&claim.order) else { return Some("the order is gone") };
    if order.cancelled_at.is_some() {
        return Some("the order was cancelled");
    }
    let net = net::of(&order, &cx.refunds_of(&order.id));
    (net < claim.terms.min_order.minor).then_some("what is left is below the minimum")
}
