//! Brings an order's points in line with what is known of it.
//!
//! What an order has earned and what has to be taken back is worked out anew from the order and all of its refunds as they
//! are known, not from what has just arrived: events may come in any order, twice, or before the payment.

use regulars_sdk::{Context, Event, Failure, Order, Result};

use super::record::{self, OrderRecord};
use crate::{
    account::Account,
    basis::Basis,
    expiry,
    ledger::{self, Book, EarnedOn, Entry, Kind},
    settings::Settings,
};

/// What a settlement has done.
pub struct Settled {
    /// By how much the balance has changed.
    pub points: i64,
    /// Earned and not given, by this settlement.
    pub withheld: i64,
    /// To be taken back and left to the customer, by this settlement.
    pub forgiven: i64,
    pub eligible: i64,
}

/// How bounds on what is given apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    All,
    /// An order of the past is given its points once, however many there were on its day.
    BudgetOnly,
}

/// Changes record and account to what the order calls for. Both are the caller's to save.
pub fn settle(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    record: &mut OrderRecord,
    order: &Order,
    bounds: Bounds,
) -> Result<Settled> {
    let before = record.clone();
    let too_large = || Failure::reject("the order's amounts do not fit 64 bits");
    record.weigh_added(cx, settings, order);
    let refunds = cx.refunds_of(&order.id);
    let basis = Basis::of(order, &refunds, record.terms, |line| record.weight(line)).ok_or_else(too_large)?;
    let worth = record.terms.points(basis.weighed).ok_or_else(too_large)?;
    let growth = (worth - record.withheld - record.earned).max(0);
    let granted = grant(cx, settings, &mut book.account, order, growth, bounds);
    record.withheld += growth - granted;
    record.earned = (worth - record.withheld).max(0);
    record.reversed = match record.lost || order.cancelled_at.is_some() {
        true => record.earned,
        false => basis.reversed(record.earned).ok_or_else(too_large)?,
    };
    let change = (record.earned - record.reversed) - (before.earned - before.reversed);
    match granted - change.max(0) {
        0 => {}
        // What has gone already was counted in vain.
        1.. => cx.give_back("points", (granted - change.max(0)).unsigned_abs()),
        // What was taken back is the customer's, whatever the bound.
        _ => _ = cx.spend("points", (change - granted).unsigned_abs()),
    }
    let points = match change {
        0 => 0,
        1.. => give(event, cx, settings, book, record, order, change, &basis, before.earned)?,
        _ => take(event, cx, settings, book, record, order, -change)?,
    };
    Ok(Settled {
        points,
        withheld: record.withheld - before.withheld,
        forgiven: record.forgiven - before.forgiven,
        eligible: basis.eligible,
    })
}

/// How many of `wanted` new points the bounds let through.
fn grant(
    cx: &mut Context,
    settings: &Settings,
    account: &mut Account,
    order: &Order,
    wanted: i64,
    bounds: Bounds,
) -> i64 {
    if wanted == 0 {
        return 0;
    }
    let granted = match bounds {
        Bounds::BudgetOnly => wanted,
        Bounds::All => account.within_day(cx.date_of(order.placed_at), wanted, settings.max_points_per_day),
    };
    // Refused, nothing is given: the merchant's bound is never passed.
    match cx.spend("points", granted.unsigned_abs()) {
        Ok(()) => granted,
        Err(_) => 0,
    }
}

#[expect(clippy::too_many_arguments, reason = "an entry names all that led to it")]
fn give(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    record: &mut OrderRecord,
    order: &Order,
    points: i64,
    basis: &Basis,
    earned_before: i64,
) -> Result<i64> {
    // What had been left to the customer is not given a second time.
    let kept = points.min(record.forgiven);
    record.forgiven -= kept;
    let points = points - kept;
    if points == 0 {
        return Ok(0);
    }
    let now = cx.now();
    let from = record.available_at.map_or(now, |at| at.max(now));
    let expires_at = expiry::expires_at(cx, settings, from);
    let is_pending = from > now;
    let kind = if record.earned > earned_before { Kind::Earn } else { Kind::Restore };
    let terms = record.terms;
    let entry = Entry {
        earned_on: Some(EarnedOn { eligible: basis.eligible, points: terms.earn_points, per: terms.per }),
        available_at: is_pending.then_some(from),
        expires_at,
        ..Entry::new(kind, points).about(&order.id)
    };
    ledger::append(event, cx, book, entry)?;
    match is_pending {
        true => book.account.add_pending(points, from, expires_at, Some(&order.id)),
        false => book.account.add(points, expires_at),
    }
    if kind == Kind::Earn {
        book.account.touch(now, settings.inactivity_days());
    }
    Ok(points)
}

fn take(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    record: &mut OrderRecord,
    order: &Order,
    points: i64,
) -> Result<i64> {
    let taken = book.account.take_back(points, &order.id, settings.refund_policy);
    record.forgiven += points - taken;
    if taken == 0 {
        return Ok(0);
    }
    cx.give_back("points", taken.unsigned_abs());
    ledger::append(event, cx, book, Entry::new(Kind::Reverse, -taken).about(&order.id))?;
    Ok(-taken)
}

/// Takes over what banks have said of the order's payments.
pub fn heed_disputes(cx: &mut Context, order: &str, record: &mut OrderRecord) -> Result {
    let disputes: record::Disputes = cx.state().get(&record::disputes_key(order))?.unwrap_or_default();
    record.lost = disputes.iter().any(|(_, lost, _)| *lost);
    Ok(())
}
