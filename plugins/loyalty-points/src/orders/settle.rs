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
    let kind = match change {
        ..0 => Kind::Reverse,
        _ if record.earned > before.earned => Kind::Earn,
        _ => Kind::Restore,
    };
    let entry = Entry::new(kind, change).about(&order.id);
    let points = match change {
        0 => 0,
        1.. => {
            let (points, per) = (record.terms.earn_points, record.terms.per);
            let earned_on = Some(EarnedOn { eligible: basis.eligible, points, per });
            give(event, cx, settings, book, record, Entry { earned_on, ..entry })?
        }
        _ => take(event, cx, settings, book, record, entry)?,
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
    let day = match (bounds, settings.max_points_per_day) {
        (Bounds::BudgetOnly, _) | (Bounds::All, 0) => None,
        (Bounds::All, most) => Some((cx.date_of(order.placed_at), i64::from(most))),
    };
    let granted = day.map_or(wanted, |(day, most)| wanted.min((most - account.earned_on(day)).max(0)));
    // Refused, nothing is given: the merchant's bound is never passed.
    if granted == 0 || cx.spend("points", granted.unsigned_abs()).is_err() {
        return 0;
    }
    if let Some((day, _)) = day {
        account.count_day(day, granted);
    }
    granted
}

/// Gives the points of `entry`, less what had been left to the customer. Returns how many.
fn give(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    record: &mut OrderRecord,
    entry: Entry,
) -> Result<i64> {
    let kept = entry.points.min(record.forgiven);
    record.forgiven -= kept;
    let points = entry.points - kept;
    if points == 0 {
        return Ok(0);
    }
    let now = cx.now();
    let from = record.available_at.filter(|at| *at > now);
    let expires_at = expiry::expires_at(cx, settings, from.unwrap_or(now));
    match from {
        Some(from) => book.account.add_pending(points, from, expires_at, entry.about.as_deref()),
        None => book.account.add(points, expires_at),
    }
    if entry.kind == Kind::Earn {
        book.account.touch(now, settings.inactivity_days());
    }
    ledger::append(event, cx, book, Entry { points, available_at: from, expires_at, ..entry })?;
    Ok(points)
}

/// Takes points back as far as the policy lets. Returns how many, below zero.
fn take(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    record: &mut OrderRecord,
    entry: Entry,
) -> Result<i64> {
    let order = entry.about.as_deref().unwrap_or_default();
    let taken = book.account.take_back(-entry.points, order, settings.refund_policy);
    record.forgiven += -entry.points - taken;
    if taken > 0 {
        cx.give_back("points", taken.unsigned_abs());
        ledger::append(event, cx, book, Entry { points: -taken, ..entry })?;
    }
    Ok(-taken)
}

/// Takes over what banks have said of the order's payments.
pub fn heed_disputes(cx: &mut Context, order: &str, record: &mut OrderRecord) -> Result {
    let disputes: record::Disputes = cx.state().get(&record::disputes_key(order))?.unwrap_or_default();
    record.lost = disputes.iter().any(|(_, lost, _)| *lost);
    Ok(())
}
