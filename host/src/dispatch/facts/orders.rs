//! Orders, and where they are listed under their customers.

use super::forgetting::is_redacted;
use crate::{
    domain::{Order, Signal, SignalKind, StoreId},
    privacy::bare,
    store::{Error, Key, Transaction, keys, survivor},
};

/// Takes over what a platform says of an order, whether it is newer or older than what is known.
pub(super) fn learn(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<(), Error> {
    let known = transaction.get::<Order>(&keys::order(store, &order.id))?;
    let learnt = match &known {
        Some(known) if is_later(known, order) => completed(known.clone(), order),
        Some(known) => completed(order.clone(), known),
        None => order.clone(),
    };
    let holder = learnt.customer.clone().map(|id| survivor(transaction, store, id)).transpose()?;
    let learnt = match &holder {
        Some(holder) if is_redacted(transaction, store, holder)? => {
            // Its shipments may have come before it told whose they are.
            bare::strip_shipments(transaction, store, &learnt)?;
            bare::order(learnt)
        }
        _ => learnt,
    };
    if known.as_ref() == Some(&learnt) {
        return Ok(());
    }
    let listed = match &known {
        Some(known) => listing(transaction, store, known)?,
        None => None,
    };
    let listing = holder.map(|holder| keys::customer_order(store, &holder, learnt.placed_at, &learnt.id));
    if listed != listing {
        if let Some(listed) = listed {
            transaction.delete(listed);
        }
        if let Some(listing) = listing {
            transaction.put_bytes(listing, learnt.id.as_str().as_bytes().to_vec());
        }
    }
    transaction.put_order(store, known.as_ref(), &learnt);
    Ok(())
}

/// Whether one telling of an order is later than another. Platforms tell of changes to the second, in which an order can take
/// several steps: of two tellings of one second the later is the one in which the order has come further.
fn is_later(one: &Order, other: &Order) -> bool {
    (one.updated_at, progress(one)) > (other.updated_at, progress(other))
}

/// How far an order has come, by what does not go back: its end, its payment, its shipments, and units taken back or off.
fn progress(order: &Order) -> (bool, u8, u8, u32) {
    let payment = match order.financial_status.as_deref() {
        Some("partially_paid") => 1,
        Some("paid") => 2,
        Some("partially_refunded") => 3,
        Some("refunded" | "voided") => 4,
        _ => 0,
    };
    let shipments = match order.fulfillment_status.as_deref() {
        Some("partial") => 1,
        Some("fulfilled") => 2,
        _ => 0,
    };
    let gone = order.lines.iter().map(|line| line.quantity.saturating_sub(line.current_quantity)).sum();
    (order.cancelled_at.is_some(), payment, shipments, gone)
}

/// The newer of two tellings of an order, with what it leaves out and the older one has: whose the order is, and the
/// browser's own name. That is told by webhooks and not by reads, and stays as long as the IP address is the same.
fn completed(newer: Order, older: &Order) -> Order {
    let mut signals = newer.signals;
    let is_ip = |signal: &&Signal| signal.kind == SignalKind::Ip;
    let ip = signals.iter().find(is_ip);
    if ip.is_some() && ip == older.signals.iter().find(is_ip) {
        signals.extend(older.signals.iter().filter(|signal| signal.kind == SignalKind::IpAgent));
        signals.sort_unstable();
        signals.dedup();
    }
    Order { customer: newer.customer.or_else(|| older.customer.clone()), signals, ..newer }
}

/// Where an order is listed under its customer, merges followed; `None` for an order of nobody's.
fn listing(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<Option<Key>, Error> {
    let Some(customer) = &order.customer else { return Ok(None) };
    let holder = survivor(transaction, store, customer.clone())?;
    Ok(Some(keys::customer_order(store, &holder, order.placed_at, &order.id)))
}
