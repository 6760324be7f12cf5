//! Where each kind of record lives: one function for each key and each range.

use super::{Key, Position, Table};
use crate::domain::{
    CheckoutId, CustomerId, EffectId, EventId, FulfillmentId, OrderId, PluginName, RefundId, StoreId, Timestamp,
};

pub fn meta(name: &str) -> Key {
    Key::system(Table::Meta).text(name).end()
}

pub fn store(id: StoreId) -> Key {
    Key::system(Table::Store).store(id).end()
}

pub fn all_stores() -> Key {
    Key::system(Table::Store).end()
}

pub fn plugin(name: &PluginName) -> Key {
    Key::system(Table::Plugin).text(name.as_str()).end()
}

pub fn all_plugins() -> Key {
    Key::system(Table::Plugin).end()
}

/// Everything of one store begins with this.
pub fn all_of(store: StoreId) -> Key {
    Key::from_bytes(store.0.to_be_bytes().to_vec())
}

pub fn event_id(store: StoreId, id: &EventId) -> Key {
    Key::of(store, Table::EventId).text(id.as_str()).end()
}

pub fn event(store: StoreId, position: Position) -> Key {
    Key::of(store, Table::Event).number(position.0).end()
}

pub fn events(store: StoreId) -> Key {
    Key::of(store, Table::Event).end()
}

pub fn customer_event(store: StoreId, customer: &CustomerId, position: Position) -> Key {
    Key::of(store, Table::CustomerEvent).text(customer.as_str()).number(position.0).end()
}

pub fn customer_events(store: StoreId, customer: &CustomerId) -> Key {
    Key::of(store, Table::CustomerEvent).text(customer.as_str()).end()
}

pub fn customer(store: StoreId, id: &CustomerId) -> Key {
    Key::of(store, Table::Customer).text(id.as_str()).end()
}

pub fn customers(store: StoreId) -> Key {
    Key::of(store, Table::Customer).end()
}

pub fn customer_email(store: StoreId, normalised: &str) -> Key {
    Key::of(store, Table::CustomerEmail).text(normalised).end()
}

pub fn order(store: StoreId, id: &OrderId) -> Key {
    Key::of(store, Table::Order).text(id.as_str()).end()
}

pub fn orders(store: StoreId) -> Key {
    Key::of(store, Table::Order).end()
}

pub fn customer_order(store: StoreId, customer: &CustomerId, placed_at: Timestamp, order: &OrderId) -> Key {
    Key::of(store, Table::CustomerOrder).text(customer.as_str()).time(placed_at).text(order.as_str()).end()
}

pub fn customer_orders(store: StoreId, customer: &CustomerId) -> Key {
    Key::of(store, Table::CustomerOrder).text(customer.as_str()).end()
}

pub fn refund(store: StoreId, order: &OrderId, refund: &RefundId) -> Key {
    Key::of(store, Table::Refund).text(order.as_str()).text(refund.as_str()).end()
}

pub fn refunds(store: StoreId, order: &OrderId) -> Key {
    Key::of(store, Table::Refund).text(order.as_str()).end()
}

pub fn fulfillment(store: StoreId, order: &OrderId, id: &FulfillmentId) -> Key {
    Key::of(store, Table::Fulfillment).text(order.as_str()).text(id.as_str()).end()
}

pub fn checkout(store: StoreId, id: &CheckoutId) -> Key {
    Key::of(store, Table::Checkout).text(id.as_str()).end()
}

pub fn enabled(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Enabled).text(plugin.as_str()).end()
}

pub fn all_enabled(store: StoreId) -> Key {
    Key::of(store, Table::Enabled).end()
}

pub fn settings(store: StoreId, plugin: &PluginName, version: u32) -> Key {
    Key::of(store, Table::Settings).text(plugin.as_str()).number(u64::from(version)).end()
}

pub fn all_settings(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Settings).text(plugin.as_str()).end()
}

/// A key of a plugin's state, or the beginning of several.
pub fn state(store: StoreId, plugin: &PluginName, key: &str) -> Key {
    Key::of(store, Table::State).text(plugin.as_str()).rest(key.as_bytes())
}

pub fn state_usage(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::StateUsage).text(plugin.as_str()).end()
}

pub fn timer(store: StoreId, plugin: &PluginName, key: &str) -> Key {
    Key::of(store, Table::Timer).text(plugin.as_str()).text(key).end()
}

pub fn timers(store: StoreId) -> Key {
    Key::of(store, Table::Timer).end()
}

/// A merge, by the position of its event, that a plugin has still to be told of.
pub fn untold_merge(store: StoreId, plugin: &PluginName, position: Position) -> Key {
    Key::of(store, Table::UntoldMerge).text(plugin.as_str()).number(position.0).end()
}

pub fn untold_merges(store: StoreId) -> Key {
    Key::of(store, Table::UntoldMerge).end()
}

/// What plugins have been told of an order.
pub fn told(store: StoreId, order: &OrderId) -> Key {
    Key::of(store, Table::Told).text(order.as_str()).end()
}

/// How far a store has been reconciled.
pub fn reconciliation(store: StoreId) -> Key {
    Key::of(store, Table::Reconciliation).end()
}

/// Positions of the events that wait for an order.
pub fn waiting_for(store: StoreId, order: &OrderId) -> Key {
    Key::of(store, Table::WaitingFor).text(order.as_str()).end()
}

pub fn effect(store: StoreId, id: &EffectId) -> Key {
    Key::of(store, Table::Effect).text(id.as_str()).end()
}

pub fn mail_copy(store: StoreId, id: &EffectId) -> Key {
    Key::of(store, Table::MailCopy).text(id.as_str()).end()
}

pub fn effects(store: StoreId) -> Key {
    Key::of(store, Table::Effect).end()
}

/// Something that falls due, for the one that looks what is due next across all stores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    Timer {
        store: StoreId,
        plugin: PluginName,
        key: String,
    },
    Delivery {
        store: StoreId,
        position: Position,
        plugin: PluginName,
    },
    Effect {
        store: StoreId,
        id: EffectId,
    },
    /// A dedupe id and an event's record, kept for the platform's retries and a margin.
    Expiry {
        store: StoreId,
        position: Position,
    },
}

/// The three queues of due things; each has a worker of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DueQueue {
    Timers = 1,
    Deliveries = 2,
    Effects = 3,
    Expiries = 4,
}

pub fn due_queue(queue: DueQueue) -> Key {
    Key::system(Table::Due).small(queue as u8).end()
}

impl Due {
    pub fn key(&self, at: Timestamp) -> Key {
        let begin = |queue: DueQueue, store| Key::system(Table::Due).small(queue as u8).time(at).store(store);
        match self {
            Self::Timer { store, plugin, key } => begin(DueQueue::Timers, *store).text(plugin.as_str()).text(key).end(),
            Self::Delivery { store, position, plugin } => {
                begin(DueQueue::Deliveries, *store).number(position.0).text(plugin.as_str()).end()
            }
            Self::Effect { store, id } => begin(DueQueue::Effects, *store).text(id.as_str()).end(),
            Self::Expiry { store, position } => begin(DueQueue::Expiries, *store).number(position.0).end(),
        }
    }

    /// Takes a key of the queue apart again; `None` if it is not one.
    pub fn read(key: &Key) -> Option<(Timestamp, Self)> {
        let mut parts = key.parts();
        let queue = parts.small()?;
        let at = parts.time()?;
        let store = parts.store()?;
        let due = match queue {
            queue if queue == DueQueue::Timers as u8 => {
                Self::Timer { store, plugin: parts.text()?.into(), key: parts.text()? }
            }
            queue if queue == DueQueue::Deliveries as u8 => {
                Self::Delivery { store, position: Position(parts.number()?), plugin: parts.text()?.into() }
            }
            queue if queue == DueQueue::Effects as u8 => Self::Effect { store, id: parts.text()?.into() },
            queue if queue == DueQueue::Expiries as u8 => Self::Expiry { store, position: Position(parts.number()?) },
            _ => return None,
        };
        Some((at, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_due_reads_back_from_its_key_and_sorts_by_time() {
        let store = StoreId(3);
        let dues = [
            Due::Timer { store, plugin: "points".into(), key: "expire/7".into() },
            Due::Delivery { store, position: Position(9), plugin: "points".into() },
            Due::Effect { store, id: "abc".into() },
            Due::Expiry { store, position: Position(9) },
        ];
        for due in dues {
            assert_eq!(Due::read(&due.key(Timestamp(5))), Some((Timestamp(5), due.clone())));
            assert!(due.key(Timestamp(5)) < due.key(Timestamp(6)));
        }
    }
}
