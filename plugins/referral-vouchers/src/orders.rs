//! What happens to orders: paid, refunded, cancelled, edited, shipped, questioned.

use std::collections::BTreeMap;

use regulars_sdk::{Context, Event, Failure, Order, Result};

use crate::{
    advocates, attribution,
    claim::{self, Claim, Dispute, Status},
    course,
    settings::Settings,
};

pub fn paid(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    advocates::learn(cx, &order)?;
    if let Some(mut claim) = claim::get(cx, &order.id)? {
        claim.paid_at = claim.paid_at.min(event.occurred_at);
        return course::proceed(cx, claim);
    }
    if order.test {
        return nothing(cx, "No referral: it is a test order", &order);
    }
    let settings: Settings = cx.settings()?;
    let Some(owed) = attribution::of(cx, &order, settings.attribution_days)? else {
        return nothing(cx, "No referral: the order names no link and no friend's code", &order);
    };
    let claim = Claim {
        order: order.id,
        name: order.name,
        advocate: owed.advocate,
        friend: order.customer_id,
        via: owed.via,
        settings: cx.settings_version(),
        terms: settings.terms(cx.store().currency)?,
        placed_at: order.placed_at,
        paid_at: event.occurred_at,
        status: Status::Held,
        findings: Vec::new(),
        review: None,
        decision: None,
        payout: None,
        aftermath: None,
        announced: false,
        withdrawn: false,
        signals: Vec::new(),
        is_listed: false,
        forgotten: false,
        disputes: BTreeMap::new(),
        tries: 0,
    };
    course::proceed(cx, claim)
}

pub fn refunded(cx: &mut Context) -> Result {
    let order = cx.refund().map(|it| it.order_id);
    again(cx, order, "No referral hangs on the refunded order")
}

/// The order was cancelled or edited.
pub fn changed(cx: &mut Context) -> Result {
    let order = cx.order();
    if let Some(order) = &order {
        advocates::learn(cx, order)?;
    }
    again(cx, order.map(|it| it.id), "No referral hangs on the order")
}

pub fn shipped(cx: &mut Context) -> Result {
    let order = cx.fulfillment().map(|it| it.order_id);
    again(cx, order, "No referral hangs on the shipped order")
}

pub fn disputed(cx: &mut Context) -> Result {
    let Some(dispute) = cx.dispute() else { return Ok(cx.note("Nothing done: the dispute is not known", &[])?) };
    let Some(mut claim) = claim::get(cx, &dispute.order_id)? else {
        return again(cx, None, "No referral hangs on the order whose payment is in dispute");
    };
    let state = match dispute.status.as_str() {
        "won" | "warning_closed" => Dispute::Won,
        "lost" | "charge_refunded" | "accepted" => Dispute::Lost,
        _ => Dispute::Open,
    };
    // What is decided stays so, whichever word comes last.
    let known = claim.disputes.entry(dispute.id).or_insert(state);
    if *known == Dispute::Open {
        *known = state;
    }
    course::proceed(cx, claim)
}

/// Looks anew at the claim on an order; `idle` is the reason where there is none.
fn again(cx: &mut Context, order: Option<String>, idle: &str) -> Result {
    let claim = match &order {
        Some(order) => claim::get(cx, order)?,
        None => None,
    };
    match claim {
        Some(claim) => course::proceed(cx, claim),
        None => Ok(cx.note(idle, &[("order", order.as_deref().unwrap_or("unknown"))])?),
    }
}

fn nothing(cx: &mut Context, reason: &str, order: &Order) -> Result {
    Ok(cx.note(reason, &[("order", &order.name)])?)
}
