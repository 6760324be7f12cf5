//! Where each kind of record lives: one function for each key and each range.

use super::{Key, Position, Table, budget::Counter};
use crate::domain::{
    CheckoutId, ContactId, CustomerId, Effect, EffectId, EffectStage, EventId, FulfillmentId, Mail, OrderId,
    PluginName, ProductId, RefundId, Signal, StoreId, Timestamp, Topic,
};

pub use super::due::{Due, DueQueue, due_of_store, due_queue};

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

/// All rows of one table of a store.
pub fn of_table(store: StoreId, table: Table) -> Key {
    Key::of(store, table).end()
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

/// When the order of a key of [`customer_orders`] was placed, and which it is.
pub fn order_of_customer(key: &Key) -> Option<(Timestamp, OrderId)> {
    let mut parts = key.parts();
    parts.text()?;
    Some((parts.time()?, parts.text()?.into()))
}

/// An order that names a code and is not cancelled.
pub fn order_by_code(store: StoreId, code: &str, order: &OrderId) -> Key {
    Key::of(store, Table::OrderByCode).text(code).text(order.as_str()).end()
}

pub fn orders_by_code(store: StoreId, code: &str) -> Key {
    Key::of(store, Table::OrderByCode).text(code).end()
}

/// The order of a key of [`orders_by_code`].
pub fn order_of_code(key: &Key) -> Option<OrderId> {
    let mut parts = key.parts();
    parts.text()?;
    parts.text().map(Into::into)
}

/// An order with an e-mail address or a telephone number.
pub fn order_by_signal(store: StoreId, signal: &Signal, placed_at: Timestamp, order: &OrderId) -> Key {
    let place = Key::of(store, Table::OrderBySignal).small(signal.kind as u8).hash(signal.key());
    place.time(placed_at).text(order.as_str()).end()
}

pub fn orders_by_signal(store: StoreId, signal: &Signal) -> Key {
    Key::of(store, Table::OrderBySignal).small(signal.kind as u8).hash(signal.key()).end()
}

/// When the order of a key of [`orders_by_signal`] was placed, and which it is.
pub fn order_of_signal(key: &Key) -> Option<(Timestamp, OrderId)> {
    let mut parts = key.parts();
    parts.small()?;
    parts.hash()?;
    Some((parts.time()?, parts.text()?.into()))
}

/// A customer that was merged into another.
pub fn absorbed(store: StoreId, kept: &CustomerId, removed: &CustomerId) -> Key {
    Key::of(store, Table::Absorbed).text(kept.as_str()).text(removed.as_str()).end()
}

pub fn all_absorbed(store: StoreId, kept: &CustomerId) -> Key {
    Key::of(store, Table::Absorbed).text(kept.as_str()).end()
}

/// Whom a key of [`all_absorbed`] says was merged into the other.
pub fn absorbed_of(key: &Key) -> Option<CustomerId> {
    let mut parts = key.parts();
    parts.text()?;
    parts.text().map(Into::into)
}

/// That a customer is forgotten in its orders as well.
pub fn redacted(store: StoreId, customer: &CustomerId) -> Key {
    Key::of(store, Table::Redacted).text(customer.as_str()).end()
}

/// That whoever placed an order is forgotten in it, whoever that is.
pub fn redacted_order(store: StoreId, order: &OrderId) -> Key {
    Key::of(store, Table::RedactedOrder).text(order.as_str()).end()
}

pub fn product(store: StoreId, id: &ProductId) -> Key {
    Key::of(store, Table::Product).text(id.as_str()).end()
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

pub fn fulfillments(store: StoreId, order: &OrderId) -> Key {
    Key::of(store, Table::Fulfillment).text(order.as_str()).end()
}

pub fn checkout(store: StoreId, id: &CheckoutId) -> Key {
    Key::of(store, Table::Checkout).text(id.as_str()).end()
}

/// A checkout of a customer, or of the guest of its address.
pub fn customer_checkout(store: StoreId, holder: &CustomerId, id: &CheckoutId) -> Key {
    Key::of(store, Table::CustomerCheckout).text(holder.as_str()).text(id.as_str()).end()
}

pub fn customer_checkouts(store: StoreId, holder: &CustomerId) -> Key {
    Key::of(store, Table::CustomerCheckout).text(holder.as_str()).end()
}

/// The checkout of a key of [`customer_checkouts`].
pub fn checkout_of(key: &Key) -> Option<CheckoutId> {
    let mut parts = key.parts();
    parts.text()?;
    parts.text().map(Into::into)
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

/// A settings version that its plugin has still to be told of.
pub fn unpublished_setting(store: StoreId, plugin: &PluginName, version: u32) -> Key {
    Key::of(store, Table::UnpublishedSettings).text(plugin.as_str()).number(u64::from(version)).end()
}

pub fn unpublished_settings(store: StoreId) -> Key {
    Key::of(store, Table::UnpublishedSettings).end()
}

/// The plugin and the version of a key of [`all_settings`] or [`unpublished_settings`].
pub fn settings_of(key: &Key) -> Option<(PluginName, u32)> {
    let mut parts = key.parts();
    Some((parts.text()?.into(), parts.number()?.try_into().ok()?))
}

/// A link that a customer shares, by its name, whatever the store.
pub fn link(name: &str) -> Key {
    Key::system(Table::Link).text(name).end()
}

/// All stores' links.
pub fn all_links() -> Key {
    Key::system(Table::Link).end()
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

/// When a topic was last heard of from somebody.
pub fn heard(store: StoreId, topic: &Topic, by: &str) -> Key {
    Key::of(store, Table::Heard).text(topic.as_str()).text(by).end()
}

pub fn all_heard(store: StoreId) -> Key {
    Key::of(store, Table::Heard).end()
}

/// The topic of a key of [`all_heard`], and from whom it was heard.
pub fn heard_of(key: &Key) -> Option<(Topic, String)> {
    let mut parts = key.parts();
    Some((parts.text()?.into(), parts.text()?))
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

/// How far a store's past has been read.
pub fn history(store: StoreId) -> Key {
    Key::of(store, Table::History).end()
}

/// What was counted in a store last.
pub fn counts(store: StoreId) -> Key {
    Key::of(store, Table::Counts).end()
}

/// How far a store's products have been read.
pub fn products_read(store: StoreId) -> Key {
    Key::of(store, Table::ProductsRead).end()
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

/// The effect that makes a code, by the code in the form of [`super::codes::lookup`].
pub fn code(store: StoreId, code: &str) -> Key {
    Key::of(store, Table::Code).text(code).end()
}

/// The effect that ends the code that an effect makes.
pub fn code_end(store: StoreId, made_by: &EffectId) -> Key {
    Key::of(store, Table::CodeEnd).text(made_by.as_str()).end()
}

/// An offer of a customer's, by the effect that makes its code.
pub fn offer(store: StoreId, customer: &CustomerId, made_by: &EffectId) -> Key {
    Key::of(store, Table::Offer).text(customer.as_str()).text(made_by.as_str()).end()
}

pub fn offers(store: StoreId, customer: &CustomerId) -> Key {
    Key::of(store, Table::Offer).text(customer.as_str()).end()
}

/// The effect of a key of [`offers`].
pub fn offer_of(key: &Key) -> Option<EffectId> {
    let mut parts = key.parts();
    parts.text()?;
    parts.text().map(Into::into)
}

pub fn under_way(store: StoreId, effect: &EffectId) -> Key {
    Key::of(store, Table::UnderWay).text(effect.as_str()).end()
}

/// The last change of a value that a plugin shows on a customer.
pub fn last_change(store: StoreId, plugin: &PluginName, customer: &CustomerId, field: &str) -> Key {
    Key::of(store, Table::LastChange).text(plugin.as_str()).text(customer.as_str()).text(field).end()
}

pub fn task(store: StoreId, plugin: &PluginName, key: &str) -> Key {
    Key::of(store, Table::Task).text(plugin.as_str()).text(key).end()
}

pub fn tasks_of(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Task).text(plugin.as_str()).end()
}

/// Open tasks of all plugins.
pub fn tasks(store: StoreId) -> Key {
    Key::of(store, Table::Task).end()
}

/// The plugin and the key of a task of a key of [`tasks`].
pub fn task_of(key: &Key) -> Option<(PluginName, String)> {
    let mut parts = key.parts();
    Some((parts.text()?.into(), parts.text()?))
}

/// The bounds on what a plugin gives away.
pub fn budget(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::Budget).text(plugin.as_str()).end()
}

/// What a plugin has given away of one kind in one period.
pub fn budget_spent(store: StoreId, plugin: &PluginName, kind: &str, counter: Counter) -> Key {
    let place = Key::of(store, Table::BudgetSpent).text(plugin.as_str()).text(kind);
    place.small(counter.period as u8).number(counter.number).end()
}

/// What an effect counts for.
pub fn budget_counted(store: StoreId, effect: &EffectId) -> Key {
    Key::of(store, Table::BudgetCounted).text(effect.as_str()).end()
}

pub fn contact(store: StoreId, contact: ContactId) -> Key {
    Key::of(store, Table::Contact).rest(&contact.0)
}

/// The contact of a key of the table.
pub fn contact_of(key: &Key) -> Option<ContactId> {
    key.parts().rest().try_into().ok().map(ContactId)
}

/// The row by which a suppressed address is listed.
pub fn suppressed_at(store: StoreId, since: Timestamp, contact: ContactId) -> Key {
    Key::of(store, Table::Suppressed).time(since).rest(&contact.0)
}

/// Suppressed addresses, in order of their suppression.
pub fn suppressed(store: StoreId) -> Key {
    Key::of(store, Table::Suppressed).end()
}

/// The contact of a key of [`suppressed`].
pub fn suppressed_of(key: &Key) -> Option<ContactId> {
    let mut parts = key.parts();
    parts.time()?;
    parts.rest().try_into().ok().map(ContactId)
}

/// The row by which a marketing mail waits among its customer's others: higher purposes first, then older ones.
pub fn waiting_mail(store: StoreId, mail: &Mail, effect: &Effect) -> Key {
    let place = Key::of(store, Table::WaitingMail).text(mail.customer.as_str()).small(mail.purpose as u8);
    place.time(effect.queued_at).text(effect.id.as_str()).end()
}

pub fn waiting_mails(store: StoreId, customer: &CustomerId) -> Key {
    Key::of(store, Table::WaitingMail).text(customer.as_str()).end()
}

/// The purpose's number, the time of queueing and the effect of a key of [`waiting_mails`]: the order in which they go.
pub fn waiting_mail_of(key: &Key) -> Option<(u8, Timestamp, EffectId)> {
    let mut parts = key.parts();
    parts.text()?;
    Some((parts.small()?, parts.time()?, parts.text()?.into()))
}

/// Orders of a customer that were placed at an instant or later come after this key, and earlier ones before it.
pub fn customer_orders_from(store: StoreId, customer: &CustomerId, from: Timestamp) -> Key {
    Key::of(store, Table::CustomerOrder).text(customer.as_str()).time(from).end()
}

/// One version of what a merchant has put in place of a plugin's mail in one language.
pub fn template_override(store: StoreId, plugin: &PluginName, template: &str, locale: &str, version: u32) -> Key {
    let place = Key::of(store, Table::TemplateOverride).text(plugin.as_str()).text(template).text(locale);
    place.number(u64::from(version)).end()
}

pub fn template_overrides_of(store: StoreId, plugin: &PluginName, template: &str, locale: &str) -> Key {
    Key::of(store, Table::TemplateOverride).text(plugin.as_str()).text(template).text(locale).end()
}

/// All versions of what a merchant has put in place of a plugin's mails, the latest of each mail and language last.
pub fn template_overrides(store: StoreId, plugin: &PluginName) -> Key {
    Key::of(store, Table::TemplateOverride).text(plugin.as_str()).end()
}

/// The mail, the language and the version of a key of [`template_overrides`].
pub fn template_override_of(key: &Key) -> Option<(String, String, u32)> {
    let mut parts = key.parts();
    parts.text()?;
    Some((parts.text()?, parts.text()?, parts.number()?.try_into().ok()?))
}

pub fn letterhead(store: StoreId) -> Key {
    Key::of(store, Table::Letterhead).end()
}

pub fn store_terms(store: StoreId) -> Key {
    Key::of(store, Table::StoreTerms).end()
}

/// An entry of the audit trail; the number tells those of one instant apart.
pub fn audit(at: Timestamp, number: u64) -> Key {
    Key::system(Table::Audit).time(at).number(number).end()
}

/// Entries of one instant.
pub fn audit_at(at: Timestamp) -> Key {
    Key::system(Table::Audit).time(at).end()
}

/// The whole audit trail, oldest first.
pub fn audit_trail() -> Key {
    Key::system(Table::Audit).end()
}

/// When what a key of [`audit_trail`] holds was done.
pub fn audited_at(key: &Key) -> Option<Timestamp> {
    key.parts().time()
}

pub fn adobe_services(store: StoreId) -> Key {
    Key::of(store, Table::AdobeServices).end()
}
