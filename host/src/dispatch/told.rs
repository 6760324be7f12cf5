//! What plugins have been told of an order, by webhooks and by reads, so that each step counts once.
//!
//! A read repeats no step that a webhook has told of; a webhook that comes after a read has made up for it delivers
//! nothing. Two webhooks of one step are both delivered, as ever: their ids tell whether they are the same.

use crate::{
    domain::{Change, Event, Order, OrderId, Origin, ReadEvent, Refund, Step, StoreId, Timestamp},
    platform,
    store::{Error, Store, Told, Transaction, decode, keys},
};

/// The bit of a step that happens once; `None` for refunds and updates, of which there are many.
fn bit(step: &Step) -> Option<u8> {
    match step {
        Step::Placed => Some(1),
        Step::Paid => Some(2),
        Step::Fulfilled => Some(4),
        Step::Cancelled => Some(8),
        Step::Refunded(_) | Step::Updated => None,
    }
}

/// Whether an event tells of what had become of a person or a purchase before the store was added. That is learnt and told to
/// nobody: no webhook would have told of it, and nobody earns on it.
///
/// A step that is shown by a later save has no time of its own: it is as old as its order.
pub(super) fn is_past(added_at: Timestamp, event: &Event, read: &ReadEvent) -> bool {
    match (&event.origin, &read.change) {
        (Origin::Read { .. }, Change::Order { .. } | Change::Refund(_) | Change::Customer(_)) => {
            event.occurred_at < added_at
        }
        (Origin::Webhook { platform, topic, .. }, Change::Order { order, .. }) => {
            platform::is_shown_step(*platform, topic) && order.placed_at < added_at
        }
        _ => false,
    }
}

/// Whether an event is to be delivered; remembers that it has been. Asked before its facts are written.
pub(super) fn is_news(transaction: &mut Transaction, event: &Event, read: &ReadEvent) -> Result<bool, Error> {
    let by_read = match event.origin {
        Origin::Webhook { .. } => false,
        Origin::Read { .. } => true,
        _ => return Ok(true),
    };
    let (Some(step), Some(order)) = (Step::of(read), read.change.order()) else { return Ok(true) };
    let key = keys::told(event.store, order);
    let told = transaction.get::<Told>(&key)?.unwrap_or_default();
    let mut now = told.clone();
    let news = match (&step, bit(&step), &read.change) {
        (_, Some(bit), _) if by_read => {
            now.by_read |= bit & !told.by_webhook;
            (told.by_webhook | told.by_read) & bit == 0
        }
        (_, Some(bit), _) => {
            now.by_webhook |= bit & !told.by_read;
            told.by_read & bit == 0
        }
        (Step::Refunded(id), ..) if by_read => {
            let known = transaction.contains(&keys::refund(event.store, order, id))?;
            if !known {
                now.refunds_by_read.push(id.clone());
            }
            !known
        }
        (Step::Refunded(id), ..) => !told.refunds_by_read.contains(id),
        (_, _, Change::Order { order: fact, .. }) if by_read => {
            let known = transaction.get::<Order>(&keys::order(event.store, order))?;
            let newer = known.is_none_or(|known| known.updated_at < fact.updated_at);
            if newer {
                now.updates_until = now.updates_until.max(Some(fact.updated_at));
            }
            newer
        }
        (_, _, Change::Order { order: fact, .. }) => told.updates_until.is_none_or(|until| until < fact.updated_at),
        _ => true,
    };
    if now != told {
        transaction.put(key, &now);
    }
    Ok(news)
}

/// What is known of an order, for one that compares it with what the platform knows.
#[derive(Debug)]
pub struct Known {
    told: Told,
    updated_at: Option<Timestamp>,
}

impl Known {
    pub fn of(store: &dyn Store, id: StoreId, order: &OrderId) -> Result<Self, Error> {
        let told = store.get(&keys::told(id, order))?.map(|value| decode::<Told>(&value.bytes)).transpose()?;
        let fact = store.get(&keys::order(id, order))?.map(|value| decode::<Order>(&value.bytes)).transpose()?;
        Ok(Self { told: told.unwrap_or_default(), updated_at: fact.map(|order| order.updated_at) })
    }

    /// Whether plugins have been told of a step, or will be without our doing.
    pub fn has(
        &self,
        store: &dyn Store,
        (id, order): (StoreId, &OrderId),
        step: &Step,
        updated_at: Timestamp,
    ) -> Result<bool, Error> {
        Ok(match (step, bit(step)) {
            (_, Some(bit)) => (self.told.by_webhook | self.told.by_read) & bit != 0,
            (Step::Refunded(refund), _) => {
                let known = store.get(&keys::refund(id, order, refund))?;
                known.map(|value| decode::<Refund>(&value.bytes)).transpose()?.is_some()
            }
            _ => self.updated_at.is_some_and(|known| known >= updated_at),
        })
    }
}
