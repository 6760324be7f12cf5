//! Events that name an order which is not known yet: their deliveries wait for it.
//!
//! Platforms promise no order among webhooks: a refund, an edit or a shipment may come before the order that it names,
//! and the order's own webhook may be late or lost. What it says is kept as a fact at once; plugins see it when the order
//! is known. An event that names a customer needs no such wait, for it brings what it says of the customer.
//!
//! A delivery that waits is one at attempt 0, due at the end of the longest wait: the queue of due deliveries bounds it.
//! The order keeps a list of the events that wait for it, and the commit that makes it known makes them due. The commit
//! of the waiting event has read that the order is not there, so that the two cannot miss each other.

use std::time::Duration;

use super::Pipeline;
use crate::{
    catalog::Enabled,
    domain::{Attempt, Change, Note, Order, OrderId, Outcome, ReadEvent, StoreId, Timestamp},
    store::{Error, EventRecord, Position, Transaction, keys, keys::Due, survivor},
};

/// The order that an event needs and that is not known yet.
pub(super) fn unknown_order(
    transaction: &mut Transaction,
    store: StoreId,
    read: &ReadEvent,
) -> Result<Option<OrderId>, Error> {
    let order = match &read.change {
        Change::Refund(refund) => &refund.order,
        Change::OrderEdit(edit) => &edit.order,
        Change::Fulfillment(fulfillment) => &fulfillment.order,
        Change::Dispute(dispute) => &dispute.order,
        _ => return Ok(None),
    };
    Ok((!transaction.contains(&keys::order(store, order))?).then(|| order.clone()))
}

/// A plugin's delivery before its first attempt, and its place in the queue.
pub(super) fn wait(
    pipeline: &Pipeline,
    transaction: &mut Transaction,
    (store, position): (StoreId, Position),
    enabled: &Enabled,
    order: &OrderId,
) -> Attempt {
    let now = pipeline.clock.now();
    let due = now + pipeline.wait_for_order;
    let plugin = enabled.name().clone();
    transaction.put_bytes(Due::Delivery { store, position, plugin: plugin.clone() }.key(due), Vec::new());
    Attempt {
        plugin,
        component: enabled.installed.record.component,
        settings_version: enabled.record.settings_version,
        attempt: 0,
        at: now,
        fuel: 0,
        outcome: Outcome::Retrying { due, reason: format!("the order {order} is not known yet") },
        notes: Vec::new(),
        reads: Vec::new(),
        effects: Vec::new(),
    }
}

/// Whether a delivery has been waiting for its order.
pub(super) fn is_waiting(delivery: &Attempt) -> bool {
    delivery.attempt == 0 && matches!(delivery.outcome, Outcome::Retrying { .. })
}

/// Adds an event to those that wait for an order.
pub(super) fn enlist(
    transaction: &mut Transaction,
    store: StoreId,
    order: &OrderId,
    position: Position,
) -> Result<(), Error> {
    let key = keys::waiting_for(store, order);
    let mut waiting = transaction.get::<Vec<Position>>(&key)?.unwrap_or_default();
    waiting.push(position);
    transaction.put(key, &waiting);
    Ok(())
}

/// Takes an event off the list of its order: it has waited long enough.
pub(super) fn strike(transaction: &mut Transaction, store: StoreId, record: &EventRecord) -> Result<(), Error> {
    let Some(order) = &record.order else { return Ok(()) };
    let key = keys::waiting_for(store, order);
    let Some(mut waiting) = transaction.get::<Vec<Position>>(&key)? else { return Ok(()) };
    waiting.retain(|position| *position != record.position);
    match waiting.is_empty() {
        true => transaction.delete(key),
        false => transaction.put(key, &waiting),
    }
    Ok(())
}

/// What a delivery says that was made without its order.
pub(super) fn note(waited: Duration) -> Note {
    let waited = vec![("waited_seconds".into(), waited.as_secs().to_string())];
    Note { reason: "The order is not known: delivered without it".into(), fields: waited }
}

/// Makes what waits for an order due now: called in the commit that makes the order known. Returns how many deliveries.
pub(super) fn release(
    transaction: &mut Transaction,
    store: StoreId,
    order: &OrderId,
    now: Timestamp,
) -> Result<usize, Error> {
    let list = keys::waiting_for(store, order);
    let Some(waiting) = transaction.get::<Vec<Position>>(&list)? else { return Ok(0) };
    transaction.delete(list);
    let customer = transaction.get::<Order>(&keys::order(store, order))?.and_then(|order| order.customer);
    let customer = customer.map(|id| survivor(transaction, store, id)).transpose()?;
    let mut released = 0;
    for position in waiting {
        let key = keys::event(store, position);
        let Some(mut record) = transaction.get::<EventRecord>(&key)? else { continue };
        if let Some(customer) = &customer {
            transaction.put_bytes(keys::customer_event(store, customer, position), Vec::new());
        }
        record.customer.clone_from(&customer);
        for delivery in record.deliveries.iter_mut().filter(|delivery| is_waiting(delivery)) {
            let Outcome::Retrying { due, .. } = &mut delivery.outcome else { continue };
            let row = Due::Delivery { store, position, plugin: delivery.plugin.clone() };
            transaction.delete(row.key(*due));
            transaction.put_bytes(row.key(now), Vec::new());
            *due = now;
            released += 1;
        }
        transaction.put(key, &record);
    }
    Ok(released)
}
