//! Points for orders, taken back as they go back.
//!
//! - `award`: which orders earn, and when.
//! - `settle`: what has to be given or taken now.
//! - `record`: what is kept of an order.
//! - `history`: orders of the time before the programme.

use regulars_sdk::{Context, Event, Failure, Money, Order, Result};

use crate::{
    due,
    ledger::{self, Book},
    mails,
    notes::note,
    rewards::codes,
    settings::{AwardOn, Settings},
};
use award::Verdict;
use record::OrderRecord;
use settle::{Bounds, Settled, settle};

pub mod award;
pub mod history;
pub mod record;
pub mod settle;

/// `order.paid`.
pub fn paid(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let settings: Settings = cx.settings()?;
    codes::used_by(event, cx, &settings, &order)?;
    match record::load(cx, &order.id)? {
        Some(record) => adjust(event, cx, &settings, &order, record, "The order's points were given before"),
        None => earn(event, cx, &settings, &order, true),
    }
}

/// `order.fulfilled`, `fulfillment.created`, `fulfillment.updated`.
pub fn shipped(event: &Event, cx: &mut Context) -> Result {
    let settings: Settings = cx.settings()?;
    if settings.award_on == AwardOn::Paid {
        return note(cx, "Nothing changes: points are earned when an order is paid", &[], 0, None);
    }
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    match record::load(cx, &order.id)? {
        Some(record) => adjust(event, cx, &settings, &order, record, "The order's points were given before"),
        None => earn(event, cx, &settings, &order, false),
    }
}

/// `order.edited`, `order.updated`.
pub fn edited(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let settings: Settings = cx.settings()?;
    codes::used_by(event, cx, &settings, &order)?;
    let Some(record) = record::load(cx, &order.id)? else {
        return note(cx, "Nothing changes: the order has earned no points", &[("order", &order.name)], 0, None);
    };
    adjust(event, cx, &settings, &order, record, "Nothing changes: the order is worth the same points")
}

/// `order.refunded`.
pub fn refunded(event: &Event, cx: &mut Context) -> Result {
    let (Some(refund), order) = (cx.refund(), cx.order()) else {
        return note(cx, "Nothing taken back: the refund is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    if let Some(order) = &order {
        codes::used_by(event, cx, &settings, order)?;
    }
    match (record::load(cx, &refund.order_id)?, &order) {
        (Some(record), Some(order)) => {
            let idle = "Nothing taken back: the refund gives back nothing that earned points";
            adjust(event, cx, &settings, order, record, idle)
        }
        _ => unearned(event, cx, &settings, "Nothing taken back: the order has earned no points", order.as_ref()),
    }
}

/// `order.cancelled`.
pub fn cancelled(event: &Event, cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let settings: Settings = cx.settings()?;
    codes::used_by(event, cx, &settings, &order)?;
    match record::load(cx, &order.id)? {
        Some(record) => {
            let idle = "Nothing taken back: no points of the cancelled order are left";
            adjust(event, cx, &settings, &order, record, idle)
        }
        None => {
            let reason = "Nothing taken back: the cancelled order has earned no points";
            unearned(event, cx, &settings, reason, Some(&order))
        }
    }
}

/// `order.disputed`: a payment that is lost takes all points back, one that is won gives them again.
pub fn disputed(event: &Event, cx: &mut Context) -> Result {
    let Some(dispute) = cx.dispute() else {
        return note(cx, "Nothing changes: the dispute is not known", &[], 0, None);
    };
    let fields = [("dispute", dispute.status.as_str())];
    let lost = match dispute.status.as_str() {
        "lost" | "accepted" | "charge_refunded" => true,
        "won" | "prevented" => false,
        _ => return note(cx, "Nothing changes: the dispute is not decided", &fields, 0, None),
    };
    let key = record::disputes_key(&dispute.order_id);
    let mut disputes: record::Disputes = cx.state().get(&key)?.unwrap_or_default();
    match disputes.iter_mut().find(|(id, ..)| *id == dispute.id) {
        Some((_, _, at)) if *at > event.occurred_at => {
            return note(cx, "Nothing changes: a later word on the dispute is known", &fields, 0, None);
        }
        Some(known) => (known.1, known.2) = (lost, event.occurred_at),
        None => disputes.push((dispute.id.clone(), lost, event.occurred_at)),
    }
    cx.state().set(&key, &disputes)?;
    let (Some(mut record), Some(order)) = (record::load(cx, &dispute.order_id)?, cx.order()) else {
        return note(cx, "Nothing changes: the disputed order has earned no points", &fields, 0, None);
    };
    let settings: Settings = cx.settings()?;
    settle::heed_disputes(cx, &order.id, &mut record)?;
    record::save(cx, &order.id, &record)?;
    adjust(event, cx, &settings, &order, record, "Nothing changes: the order's points are as the dispute leaves them")
}

/// Gives an order its points, if it earns any.
fn earn(event: &Event, cx: &mut Context, settings: &Settings, order: &Order, paid: bool) -> Result {
    let mut record = match award::judge(cx, settings, order, paid, cx.now())? {
        Verdict::Earns(record) => *record,
        Verdict::Nothing(reason) => return unearned(event, cx, settings, reason, Some(order)),
        Verdict::Excluded(tag) => {
            let book = open(event, cx, settings, order)?;
            let fields = [("order", order.name.as_str()), ("tag", &tag)];
            let account = book.as_ref().map(|book| &book.account);
            note(cx, "No points: customers with this tag are excluded", &fields, 0, account)?;
            return book.map_or(Ok(()), |book| due::close(cx, settings, book));
        }
    };
    settle::heed_disputes(cx, &order.id, &mut record)?;
    let mut book = due::open(event, cx, settings, &record.customer)?;
    due::extend_claim(cx, settings, &mut book);
    let done = settle(event, cx, settings, &mut book, &mut record, order, Bounds::All)?;
    record::save(cx, &order.id, &record)?;
    let mailed = match done.points {
        1.. => mails::earned(cx, settings, &book.customer, order, done.points, record.available_at, &book.account)?,
        _ => "no points to write about",
    };
    told(cx, order, &record, &done, &book, mailed)?;
    due::close(cx, settings, book)
}

/// The note about an order that has been judged for the first time.
fn told(cx: &mut Context, order: &Order, record: &OrderRecord, done: &Settled, book: &Book, mailed: &str) -> Result {
    let eligible = Money::new(done.eligible, order.subtotal.currency).to_string();
    let withheld = done.withheld.to_string();
    let available_on = record.available_at.map(|at| cx.date_of(at).to_string());
    let mut fields = vec![("order", order.name.as_str()), ("eligible", &eligible), ("mail", mailed)];
    if done.withheld > 0 {
        fields.push(("withheld", &withheld));
    }
    if done.points > 0 {
        fields.extend(available_on.as_deref().map(|day| ("available_on", day)));
    }
    let reason = match (done.points, done.withheld) {
        (0, 1..) => "No points: the day's bound or the shop's budget for points is used up",
        (0, _) if done.eligible == 0 => "No points: nothing on the order is eligible",
        (0, _) if record.earned == 0 => "No points: the eligible amount is worth less than one",
        (_, 1..) => "Points earned up to the day's bound",
        _ if record.reversed > 0 => "Points earned on what has not been refunded already",
        _ => "Points earned",
    };
    note(cx, reason, &fields, done.points, Some(&book.account))
}

/// Brings the points of an order that was judged before in line with what is known; `idle` is the reason where they are.
fn adjust(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    order: &Order,
    mut record: OrderRecord,
    idle: &str,
) -> Result {
    let before = record.clone();
    let holder = ledger::survivor(cx, &record.customer);
    let mut book = due::open(event, cx, settings, &holder)?;
    let done = settle(event, cx, settings, &mut book, &mut record, order, Bounds::All)?;
    if record != before {
        record::save(cx, &order.id, &record)?;
    }
    let forgiven = done.forgiven.to_string();
    let mut fields = vec![("order", order.name.as_str())];
    if done.forgiven > 0 {
        fields.push(("left_to_customer", &forgiven));
    }
    let reason = match done.points {
        0 if done.forgiven > 0 => "Nothing taken back: the refund policy leaves the points to the customer",
        0 => idle,
        1.. if record.earned > before.earned => "Points added: the order was edited",
        1.. => "Points given again: what was taken back is the customer's",
        _ if order.cancelled_at.is_some() => "Points taken back: the order was cancelled",
        _ if record.lost => "Points taken back: the payment was lost to a dispute",
        _ if event.topic == "order.refunded" => "Points taken back: the order was refunded",
        _ => "Points taken back: the order was refunded or edited",
    };
    note(cx, reason, &fields, done.points, Some(&book.account))?;
    due::close(cx, settings, book)
}

/// A note about an order that has no record here and may not even be known.
fn unearned(event: &Event, cx: &mut Context, settings: &Settings, reason: &str, order: Option<&Order>) -> Result {
    let Some(order) = order else { return note(cx, reason, &[], 0, None) };
    let book = open(event, cx, settings, order)?;
    note(cx, reason, &[("order", &order.name)], 0, book.as_ref().map(|book| &book.account))?;
    book.map_or(Ok(()), |book| due::close(cx, settings, book))
}

/// The account of an order's customer.
fn open(event: &Event, cx: &mut Context, settings: &Settings, order: &Order) -> Result<Option<Book>> {
    order.customer_id.as_deref().map(|customer| due::open(event, cx, settings, customer)).transpose()
}
