//! What the merchant decides: approve, reject, ban, lift a ban.

use regulars_sdk::{Action, Context, Result};
use serde::Deserialize;

use crate::{
    advocates, bans,
    claim::{self, Because, Claim, Decision, Status, left},
    course, notes,
    settings::Settings,
};

/// Characters of a reason that are kept.
const REASON: usize = 300;

/// Bytes of the longest id of a customer.
const ID_BYTES: usize = 128;

/// The input of every action: an answer to a task, or the order or customer that is meant.
#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    task: Option<String>,
    #[serde(default)]
    order: Option<String>,
    #[serde(default)]
    customer: Option<String>,
    #[serde(default)]
    reason: String,
}

pub fn action(cx: &mut Context) -> Result {
    let Some(action) = cx.action() else { return Ok(cx.note("Nothing done: the action is not known", &[])?) };
    let name = advocates::shortened(&action.name);
    let Ok(input) = action.input::<Input>() else {
        return Ok(cx.note("Nothing done: the action's input does not read", &[("action", &name)])?);
    };
    let reason: String = input.reason.chars().take(REASON).collect();
    match action.name.as_str() {
        "approve" | "reject" => {
            let Some(claim) = claim_of(cx, &input)? else {
                return Ok(cx.note("Nothing decided: there is no such referral", &[("action", &name)])?);
            };
            if action.name == "approve" { approve(cx, claim, reason) } else { reject(cx, claim, reason) }
        }
        "ban" => ban(cx, &action, &input, &reason),
        "unban" => unban(cx, &action, &input, &reason),
        _ => Ok(cx.note("Nothing done: there is no such action", &[("action", &name)])?),
    }
}

fn claim_of(cx: &mut Context, input: &Input) -> Result<Option<Claim>> {
    let named = input.task.as_deref().map(|task| task.strip_prefix("review/").unwrap_or(task));
    match named.or(input.order.as_deref()) {
        Some(order) => claim::get(cx, order),
        None => Ok(None),
    }
}

/// Lifts every block and flag. Bars stay: the hold, a cancelled order, the advocate's own order, the limits.
fn approve(cx: &mut Context, mut claim: Claim, reason: String) -> Result {
    if claim.status == Status::Paid {
        return notes::about(cx, "Nothing to approve: the reward is paid", &claim, &[("reason", &reason)]);
    }
    claim.decision = Some(Decision { approved: true, reason: reason.clone(), at: cx.now() });
    claim.status = Status::Held;
    course::withdraw_question(cx, &mut claim);
    claim.tries = 0;
    notes::about(cx, "The merchant approves the referral", &claim, &[("reason", &reason)])?;
    course::proceed(cx, claim)
}

fn reject(cx: &mut Context, mut claim: Claim, reason: String) -> Result {
    if claim.status == Status::Paid {
        let idle = "Nothing to reject: the reward is paid, and stays so";
        return notes::about(cx, idle, &claim, &[("reason", &reason)]);
    }
    claim.decision = Some(Decision { approved: false, reason: reason.clone(), at: cx.now() });
    notes::about(cx, "The merchant rejects the referral", &claim, &[("reason", &reason)])?;
    let settings: Settings = cx.settings()?;
    course::void(cx, &settings, claim, Because::Rejected)
}

fn ban(cx: &mut Context, action: &Action, input: &Input, reason: &str) -> Result {
    let claim = claim_of(cx, input)?;
    let Some(customer) = whom(cx, action, input, claim.as_ref()) else {
        return Ok(cx.note("Nobody banned: the action names no customer", &[])?);
    };
    let is_new = bans::add(cx, &customer, reason)?;
    advocates::end_code(cx, &customer)?;
    let what = if is_new { "The customer is banned" } else { "The customer was banned before" };
    cx.note(what, &[("customer", &customer), ("reason", reason)])?;
    match claim {
        Some(claim) if claim.status != Status::Paid => reject(cx, claim, reason.to_owned()),
        _ => Ok(()),
    }
}

fn unban(cx: &mut Context, action: &Action, input: &Input, reason: &str) -> Result {
    let Some(customer) = whom(cx, action, input, None) else {
        return Ok(cx.note("No ban lifted: the action names no customer", &[])?);
    };
    let what = match bans::lift(cx, &customer)? {
        true => "The ban is lifted; the next visit or the customer's own wish makes a new code",
        false => "No ban lifted: the customer is not banned",
    };
    Ok(cx.note(what, &[("customer", &customer), ("reason", reason)])?)
}

/// Who is meant: named by the input, by the referral that the task is about, or by the action.
fn whom(cx: &Context, action: &Action, input: &Input, claim: Option<&Claim>) -> Option<String> {
    let named = input.customer.as_deref().or(claim.map(|it| it.advocate.as_str()));
    let named = named.or(action.customer_id.as_deref());
    named.filter(|it| (1..=ID_BYTES).contains(&it.len())).map(|it| left(cx, it))
}
