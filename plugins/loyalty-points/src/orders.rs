//! Points for paid orders, taken back as refunds and cancellations come in.
//!
//! What is to be taken back is computed from all refunds that the host knows, not from the one that has just arrived:
//! refunds may come in any order, twice, or before the payment.

use regulars_sdk::{Context, Event, Failure, Mail, Order, Result};

use crate::{
    basis::{Basis, Rule, points_for, points_to_reverse},
    ledger::{self, Account, Kind, OrderRecord},
    notes::{mail_if_granted, note},
    rewards::with_prospects,
    settings::Settings,
};

pub fn paid(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    if let Some(record) = ledger::order(cx, &order.id)? {
        return settle(event, cx, &order.id, record, "The order's points were given before");
    }
    let settings: Settings = cx.settings()?;
    let record = match judge(cx, &settings, &order)? {
        Verdict::Earns(record) => record,
        Verdict::Nothing(reason) => return nothing(cx, reason, &order, &[]),
        Verdict::Excluded(tag) => {
            return nothing(cx, "No points: customers with this tag are excluded", &order, &[("tag", &tag)]);
        }
    };
    ledger::set_order(cx, &order.id, &record)?;
    let account = ledger::append(event, cx, &record.customer, Kind::Earn, record.earned, Some(&order.id))?;
    let (account, reversed) = reverse(event, cx, &order.id, &record, account, false)?;

    let points = record.earned - reversed;
    let mail = || {
        let mail = Mail::new(&record.customer, "earned").var("points", points.to_string()).var("order", &order.name);
        with_prospects(mail, &settings, account.shown())
    };
    let mailed = match points {
        0 => "no points left to write about",
        _ => mail_if_granted(cx, settings.mail_on_earning, mail)?,
    };
    let reason = match reversed {
        0 => "Points earned",
        _ => "Points earned on what has not been refunded already",
    };
    let eligible = regulars_sdk::Money::new(record.basis.eligible, order.subtotal.currency).to_string();
    note(cx, reason, &[("order", &order.name), ("eligible", &eligible), ("mail", mailed)], points, Some(&account))
}

pub fn refunded(event: &Event, cx: &mut Context) -> Result {
    let Some(refund) = cx.refund() else {
        return note(cx, "Nothing taken back: the refund is not known", &[], 0, None);
    };
    match ledger::order(cx, &refund.order_id)? {
        Some(record) => settle(
            event,
            cx,
            &refund.order_id,
            record,
            "Nothing taken back: the refund gives back nothing that earned points",
        ),
        None => unearned(cx, "Nothing taken back: the order has earned no points"),
    }
}

pub fn cancelled(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let Some(record) = ledger::order(cx, &order.id)? else {
        return unearned(cx, "Nothing taken back: the cancelled order has earned no points");
    };
    let account = account_of(cx, &record)?;
    let (account, reversed) = reverse(event, cx, &order.id, &record, account, true)?;
    let reason = match reversed {
        0 => "Nothing taken back: no points of the cancelled order are left",
        _ => "Points taken back: the order was cancelled",
    };
    note(cx, reason, &[("order", &record.name)], -reversed, Some(&account))
}

enum Verdict {
    Earns(OrderRecord),
    Nothing(&'static str),
    /// The customer has this tag.
    Excluded(String),
}

fn judge(cx: &Context, settings: &Settings, order: &Order) -> Result<Verdict> {
    if order.test {
        return Ok(Verdict::Nothing("No points: it is a test order"));
    }
    if order.cancelled_at.is_some() {
        return Ok(Verdict::Nothing("No points: the order was cancelled"));
    }
    let Some(customer) = &order.customer_id else {
        return Ok(Verdict::Nothing("No points: a guest has no account to hold them"));
    };
    if let Some(known) = cx.customer_by_id(customer)
        && let Some(tag) = settings.excluded_tag(&known)
    {
        return Ok(Verdict::Excluded(tag.into()));
    }
    let too_large = || Failure::reject("the order's amounts do not fit 64 bits");
    let basis = Basis::of(order, Rule::of(settings, order)).ok_or_else(too_large)?;
    if basis.eligible == 0 {
        return Ok(Verdict::Nothing("No points: nothing on the order is eligible"));
    }
    let minor_per_unit = order.subtotal.currency.minor_per_unit();
    let earned = points_for(basis.eligible, minor_per_unit, settings).ok_or_else(too_large)?;
    if earned == 0 {
        return Ok(Verdict::Nothing("No points: the eligible amount is worth less than one"));
    }
    Ok(Verdict::Earns(OrderRecord { customer: customer.clone(), name: order.name.clone(), basis, earned, reversed: 0 }))
}

/// Takes back what the known refunds call for; `idle` is the reason where that is nothing more.
fn settle(event: &Event, cx: &mut Context, order_id: &str, record: OrderRecord, idle: &str) -> Result {
    let account = account_of(cx, &record)?;
    let (account, reversed) = reverse(event, cx, order_id, &record, account, false)?;
    let reason = if reversed == 0 { idle } else { "Points taken back: the order was refunded" };
    note(cx, reason, &[("order", &record.name)], -reversed, Some(&account))
}

/// Brings the points taken back up to what cancellation or the known refunds call for. Returns how many were taken now.
fn reverse(
    event: &Event,
    cx: &mut Context,
    order_id: &str,
    record: &OrderRecord,
    account: Account,
    cancelled: bool,
) -> Result<(Account, i64)> {
    let due = if cancelled {
        record.earned
    } else {
        let refunded = record.basis.refunded(&cx.refunds_of(order_id));
        points_to_reverse(record.earned, record.basis.eligible, refunded)
    };
    let now = due - record.reversed;
    if now <= 0 {
        return Ok((account, 0));
    }
    ledger::set_order(cx, order_id, &OrderRecord { reversed: due, ..record.clone() })?;
    let holder = ledger::holder(cx, record);
    let account = ledger::append(event, cx, &holder, Kind::Reverse, -now, Some(order_id))?;
    Ok((account, now))
}

/// The account that holds an order's points.
fn account_of(cx: &mut Context, record: &OrderRecord) -> Result<Account> {
    let holder = ledger::holder(cx, record);
    ledger::account(cx, &holder)
}

/// A note about an order that earns nothing.
fn nothing(cx: &mut Context, reason: &str, order: &Order, fields: &[(&str, &str)]) -> Result {
    let account = match &order.customer_id {
        Some(customer) => Some(ledger::account(cx, customer)?),
        None => None,
    };
    let mut all = vec![("order", order.name.as_str())];
    all.extend_from_slice(fields);
    note(cx, reason, &all, 0, account.as_ref())
}

/// A note about the event's order, which has no record here and may not even be known.
fn unearned(cx: &mut Context, reason: &str) -> Result {
    match cx.order() {
        Some(order) => nothing(cx, reason, &order, &[]),
        None => note(cx, reason, &[], 0, None),
    }
}
