//! Where each kind of record lives: one function for each key and each range.

use super::{Key, Position, Table};
use crate::domain::{
    CheckoutId, CustomerId, Effect, EffectId, EffectStage, EventId, FulfillmentId, OrderId, PluginName, RefundId,
    StoreId, Timestamp,
};

pub use super::due::{Due, DueQueue, due_queue};

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

pub fn failed_event(store: StoreId, position: Position) -> Key {
    Key::of(store, Table::FailedEvent).number(position.0).end()
}

pub fn failed_events(store: StoreId) -> Key {
    Key::of(store, Table::FailedEvent).end()
}

/// The position at the end of a key of [`failed_events`] or [`all_waiting`].
pub fn position_of(key: &Key) -> Option<Position> {
    let bytes = key.as_bytes();
    let last = bytes.len().checked_sub(8).and_then(|begin| bytes.get(begin..))?;
    Some(Position(u64::from_be_bytes(last.try_into().ok()?)))
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

/// A customer who is known by an e-mail address.
pub fn customer_of_email(store: StoreId, normalised: &str, customer: &CustomerId) -> Key {
    Key::of(store, Table::CustomerEmail).text(normalised).text(customer.as_str()).end()
}

pub fn customer_email(store: StoreId, normalised: &str) -> Key {
    Key::of(store, Table::CustomerEmail).text(normalised).end()
}

/// The customer of a key of [`customer_email`]; `None` if it names the address alone.
pub fn customer_of(key: &Key) -> Option<CustomerId> {
    let mut parts = key.parts();
    parts.text()?;
    parts.text().map(Into::into)
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

/// The newest settings version that a plugin has still to be told of.
pub fn unpublished_settings(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::UnpublishedSettings).text(plugin.as_str()).end()
}

/// A link that a customer shares, by its name, whatever the store.
pub fn link(name: &str) -> Key {
    Key::system(Table::Link).text(name).end()
}

/// The name of the link that a customer shares.
pub fn customer_link(store: StoreId, plugin: &PluginName, customer: &CustomerId) -> Key {
    Key::of(store, Table::CustomerLink).text(plugin.as_str()).text(customer.as_str()).end()
}

pub fn paused(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Paused).text(plugin.as_str()).end()
}

pub fn waiting(store: StoreId, plugin: &PluginName, position: Position) -> Key {
    Key::of(store, Table::Waiting).text(plugin.as_str()).number(position.0).end()
}

pub fn all_waiting(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Waiting).text(plugin.as_str()).end()
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

/// The row by which an effect is listed.
pub fn effect_listed(store: StoreId, stage: EffectStage, effect: &Effect) -> Key {
    effect_listed_at(store, stage, effect.queued_at, &effect.id)
}

/// The same for an effect that is not at hand.
pub fn effect_listed_at(store: StoreId, stage: EffectStage, queued_at: Timestamp, id: &EffectId) -> Key {
    Key::of(store, Table::EffectListed).small(stage as u8).time(queued_at).text(id.as_str()).end()
}

/// Effects of one stage, in order of their queueing.
pub fn effects_listed(store: StoreId, stage: EffectStage) -> Key {
    Key::of(store, Table::EffectListed).small(stage as u8).end()
}

/// When the effect of a key of [`effects_listed`] was queued, and which it is.
pub fn effect_of(key: &Key) -> Option<(Timestamp, EffectId)> {
    let mut parts = key.parts();
    parts.small()?;
    Some((parts.time()?, parts.text()?.into()))
}
