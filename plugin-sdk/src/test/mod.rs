//! A host in miniature: the plugin's own `handle`, natively, in an ordinary `#[test]`.
//!
//! The bench keeps the host's promises: a failed delivery leaves nothing behind, an event counts once, effect ids, codes
//! and chance follow from the event, time stands still during a delivery, what is not granted is refused. The
//! repository's `tests/it/equality` holds it to the sandbox, delivery by delivery.
//!
//! It is handed facts, not webhooks, and does without what takes the real host: settings are not checked against the
//! schema, templates not rendered, fuel not metered, effects done only when a test says so, mails neither capped nor
//! kept back, budgets without periods, time zones without rules. An event that names an order which is not known is
//! delivered at once, where the host waits some hours for the order.
//!
//! ```
//! use regulars_sdk::{Context, Event, Result, Timestamp};
//! use regulars_sdk::test::{Bench, Incoming, order};
//!
//! fn handle(event: &Event, cx: &mut Context) -> Result {
//!     match event.topic.as_str() {
//!         "order.paid" => cx.schedule("thanks", cx.now().plus_days(3), b"")?,
//!         "timer.fired" => cx.note("Time to say thanks", &[])?,
//!         _ => {}
//!     }
//!     Ok(())
//! }
//!
//! let mut shop = Bench::new(handle);
//! shop.deliver(Incoming::order_paid(order("1001").line(1999, 1))).unwrap();
//! let fired = shop.advance_days(3).unwrap();
//! assert_eq!(fired[0].calls.notes().next().unwrap().reason, "Time to say thanks");
//! ```

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    Birthday, Context, Customer, EffectId, EffectStanding, EndedEffect, Event, Failure, Fulfillment, Order, Product,
    Refund, Result, Similarity, StoreInfo, Task, Timer, Timestamp,
    panel::{Block, View},
};

mod calls;
pub(crate) mod host;
mod incoming;
mod manifest;
mod samples;
mod shop;

pub use calls::{Call, Calls, Note};
pub use incoming::Incoming;
pub use samples::{OrderBuilder, RefundBuilder, customer, fulfillment, order, refund};
use shop::{Delivered, Pending, Shop};

/// Where a bench's clock starts: 1 January 2026, noon UTC.
pub const START: Timestamp = Timestamp(1_767_268_800_000);

/// The permanent domain of a bench's shop: effects' ids, and codes with them, follow from it.
pub const DOMAIN: &str = "bench.myshopify.com";

const EUR: &str = "EUR";

/// What a merchant grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// `mail`: write to customers.
    Mail,
    /// `discounts`: create discount codes, and end them.
    Discounts,
    /// `store-credit`: give store credit, and take it.
    StoreCredit,
    /// `gift-cards`: create gift cards.
    GiftCards,
    /// `tags`: change customers' tags.
    Tags,
    /// `orders`: add notes, tags and gifts to orders.
    Orders,
    /// `metafields`: show values on customers at the platform.
    Metafields,
    /// `birthdays`: read and set customers' birthdays.
    Birthdays,
    /// `identity`: learn whether two customers may be one person.
    Identity,
    /// `links`: give customers links to share.
    Links,
    /// `tasks`: ask the merchant to decide.
    Tasks,
}

impl Capability {
    const ALL: [Self; 11] = [
        Self::Mail,
        Self::Discounts,
        Self::StoreCredit,
        Self::GiftCards,
        Self::Tags,
        Self::Orders,
        Self::Metafields,
        Self::Birthdays,
        Self::Identity,
        Self::Links,
        Self::Tasks,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Discounts => "discounts",
            Self::StoreCredit => "store-credit",
            Self::GiftCards => "gift-cards",
            Self::Tags => "tags",
            Self::Orders => "orders",
            Self::Metafields => "metafields",
            Self::Birthdays => "birthdays",
            Self::Identity => "identity",
            Self::Links => "links",
            Self::Tasks => "tasks",
        }
    }
}

/// What came of handing an event over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event's id.
    pub event_id: String,
    /// Whether `handle` ran.
    pub status: Status,
    /// What it did.
    pub calls: Calls,
}

/// Whether `handle` ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did.
    Handled,
    /// The event had been settled before, or is of a timer that is not pending any more.
    Repeated,
    /// The manifest does not list the topic.
    Unwanted,
}

/// One store with one plugin enabled.
#[derive(Clone, Debug)]
pub struct Bench {
    handle: fn(&Event, &mut Context) -> Result,
    shop: Arc<Shop>,
}

impl Bench {
    /// A shop in EUR and UTC at [`START`], everything granted, no settings.
    pub fn new(handle: fn(&Event, &mut Context) -> Result) -> Self {
        let store = StoreInfo {
            currency: EUR.parse().expect("EUR is a currency"),
            time_zone: "Etc/UTC".into(),
            locale: "en".into(),
        };
        let shop = Shop::new(store);
        Self { handle, shop: Arc::new(shop) }
    }

    /// Takes the plugin's name, the defaults of the settings, the topics, the capabilities and the names of templates from
    /// the plugin's manifest: `.manifest(include_str!("../../manifests/plugins/my-plugin.toml"))`.
    ///
    /// # Panics
    /// If it is not TOML, or declares an unknown capability.
    pub fn manifest(mut self, toml: &str) -> Self {
        let manifest = manifest::read(toml);
        let shop = self.shop();
        shop.plugin = manifest.name;
        shop.granted = manifest.capabilities;
        shop.templates = Some(manifest.templates);
        shop.topics = Some(manifest.topics);
        shop.settings = manifest::filled(&manifest.settings, Map::new());
        shop.schema = Some(manifest.settings);
        self
    }

    /// Changes one top-level setting; the manifest's defaults fill in what its value leaves out.
    ///
    /// # Panics
    /// If the manifest's settings have no such property.
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.set(key, value.into());
        self
    }

    fn set(&mut self, key: &str, value: Value) {
        let shop = self.shop();
        shop.settings.insert(key.into(), value);
        if let Some(schema) = &shop.schema {
            assert!(schema["properties"].get(key).is_some(), "the manifest has no setting `{key}`");
            shop.settings = manifest::filled(schema, std::mem::take(&mut shop.settings));
        }
    }

    /// The merchant saves one setting as a new version of all, and the plugin is told by `settings.published`.
    ///
    /// # Errors
    /// As [`Bench::deliver`].
    ///
    /// # Panics
    /// If the manifest's settings have no such property.
    pub fn publish(&mut self, key: &str, value: impl Into<Value>) -> Result<Delivery> {
        self.set(key, value.into());
        self.shop().settings_version += 1;
        let (plugin, version) = (&self.shop.plugin, self.shop.settings_version);
        let id = format!("settings/{plugin}/{version}");
        self.deliver(Incoming::settings_published(version).id(id))
    }

    /// The merchant lets the plugin give `limit` of `kind` in all: "mails", "money", "gifts", "tasks", or what the plugin
    /// counts itself.
    pub fn budget(mut self, kind: &str, limit: u64) -> Self {
        self.shop().budgets.insert(kind.into(), limit);
        self
    }

    /// The merchant does not grant `capability`, or takes it back.
    pub fn withhold(mut self, capability: Capability) -> Self {
        self.shop().granted.remove(&capability);
        self
    }

    /// The shop's currency.
    ///
    /// # Panics
    /// If `code` is not one.
    pub fn currency(mut self, code: &str) -> Self {
        self.shop().store.currency = code.parse().expect("an ISO 4217 code");
        self
    }

    /// The shop's time zone, and the offset from UTC that civil dates use: the bench has no time zone rules.
    pub fn time_zone(mut self, name: &str, utc_offset_minutes: i32) -> Self {
        self.shop().store.time_zone = name.into();
        self.shop().utc_offset_minutes = utc_offset_minutes;
        self
    }

    /// Sets the clock, without firing timers.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.shop().now = now;
        self
    }

    /// Sets the store's number, from which random numbers follow besides the plugin's name and the event.
    pub fn seed(mut self, seed: u32) -> Self {
        self.shop().number = seed;
        self
    }

    /// Makes a customer known.
    pub fn with_customer(mut self, customer: Customer) -> Self {
        let now = self.shop.now;
        self.shop().learn_customer(customer, now);
        self
    }

    /// Makes an order known without an event.
    pub fn with_order(mut self, order: impl Into<Order>) -> Self {
        let now = self.shop.now;
        self.shop().learn_order(order.into(), now);
        self
    }

    /// Makes a refund known without an event.
    pub fn with_refund(mut self, refund: impl Into<Refund>) -> Self {
        let refund = refund.into();
        self.shop().refunds.insert(refund.id.clone(), refund);
        self
    }

    /// Makes a shipment known without an event.
    pub fn with_fulfillment(mut self, fulfillment: Fulfillment) -> Self {
        self.shop().learn_fulfillment(fulfillment);
        self
    }

    /// Makes two customers one without telling the plugin: so it is with guests of whom nobody has been told before.
    pub fn with_merge(mut self, kept_id: &str, absorbed_id: &str) -> Self {
        self.shop().merge(kept_id, absorbed_id);
        self
    }

    /// Makes a product known.
    pub fn with_product(mut self, product: Product) -> Self {
        self.shop().products.insert(product.id.clone(), product);
        self
    }

    /// Makes a customer's birthday known, as the platform's own field has it.
    pub fn with_birthday(mut self, customer_id: &str, birthday: Birthday) -> Self {
        self.shop().birthdays.insert(customer_id.into(), birthday);
        self
    }

    /// What other records may share with a customer, as kinds and keys.
    pub fn with_customer_signals(mut self, customer_id: &str, signals: &[(&str, &str)]) -> Self {
        self.shop().customer_signals.insert(customer_id.into(), samples::signals(signals));
        self
    }

    /// What other records may share with an order, as kinds and keys.
    pub fn with_order_signals(mut self, order_id: &str, signals: &[(&str, &str)]) -> Self {
        self.shop().order_signals.insert(order_id.into(), samples::signals(signals));
        self
    }

    /// How alike two customers' names and addresses are, from 0 to 1000.
    pub fn with_similarity(mut self, one: &str, other: &str, name: u32, email: u32) -> Self {
        self.shop().similarities.insert((one.into(), other.into()), Similarity { name, email });
        self
    }

    /// The questions to the merchant that are open, by key.
    pub fn tasks(&self) -> &BTreeMap<String, Task> {
        &self.shop.tasks
    }

    /// How much has been counted against budgets of `kind`.
    pub fn spent(&self, kind: &str) -> i128 {
        self.shop.spent.get(kind).copied().unwrap_or_default()
    }

    /// The codes that have been queued, in order, each with the effect that makes it.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &EffectId)> {
        self.calls().iter().flat_map(|call| {
            let codes = match call {
                Call::Discount { code, .. } => std::slice::from_ref(code),
                Call::Discounts { codes, .. } => codes,
                _ => &[],
            };
            codes.iter().map(String::as_str).zip(std::iter::repeat(call.effect()).flatten())
        })
    }

    /// Draws the panel. Nothing of what that would write is kept.
    ///
    /// # Errors
    /// The plugin's [`Failure`].
    pub fn render(&self, render: fn(&View, &mut Context) -> Result<Vec<Block>>, view: &View) -> Result<Vec<Block>> {
        let run = host::Run::new(Arc::clone(&self.shop), "panel".into(), self.shop.now, Incoming::panel());
        run.during(|| render(view, &mut Context::new())).1
    }

    /// An effect has been done; the plugin is told by `effect.done`, if its manifest lists that.
    ///
    /// # Errors
    /// As [`Bench::deliver`].
    ///
    /// # Panics
    /// If no delivery has queued the effect.
    pub fn finish(&mut self, effect: &EffectId) -> Result<Delivery> {
        let id = format!("effect/{effect}/done");
        self.end(effect, id, "done", "receipt")
    }

    /// An effect has been given up; the plugin is told by `effect.failed`, if its manifest lists that.
    ///
    /// # Errors
    /// As [`Bench::deliver`].
    ///
    /// # Panics
    /// If no delivery has queued the effect.
    pub fn fail(&mut self, effect: &EffectId, reason: &str) -> Result<Delivery> {
        let id = format!("effect/{effect}/failed/{}", self.now().0);
        self.end(effect, id, "dead", reason)
    }

    fn end(&mut self, effect: &EffectId, event_id: String, status: &str, reason: &str) -> Result<Delivery> {
        let call = self.calls().iter().find(|call| call.effect() == Some(effect));
        let call = call.unwrap_or_else(|| panic!("no delivery has queued `{effect}`"));
        let made_by = call.made_by();
        let code =
            |made_by: &EffectId| self.codes().find(|(_, effect)| *effect == made_by).map(|(code, _)| code.into());
        let ended = EndedEffect {
            effect: effect.clone(),
            kind: call.kind().into(),
            status: status.into(),
            reason: reason.into(),
            event: self.shop.effects[effect].event.clone(),
            customer_id: call.customer().map(Into::into),
            order_id: call.order().map(Into::into),
            made_by: made_by.cloned(),
            code: made_by.and_then(code),
        };
        self.deliver(Incoming::effect_ended(ended).id(event_id))
    }

    /// How far an effect has come; `None` if no delivery has queued it.
    pub fn standing(&self, effect: &EffectId) -> Option<EffectStanding> {
        let ended = || self.shop.ended.get(effect).cloned();
        let pending = || EffectStanding { status: "pending".into(), reason: None };
        self.shop.effects.contains_key(effect).then(|| ended().unwrap_or_else(pending))
    }

    /// The bench's time.
    pub fn now(&self) -> Timestamp {
        self.shop.now
    }

    /// Everything the plugin did in deliveries that succeeded, each effect once.
    pub fn calls(&self) -> &Calls {
        &self.shop.calls
    }

    /// The value of a state key; `None` if it has none.
    ///
    /// # Panics
    /// If it does not read as `T`.
    pub fn state<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let bytes = self.shop.state.get(key)?;
        Some(serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("`{key}` does not read: {error}")))
    }

    /// The state keys that begin with `prefix`, in byte order.
    pub fn state_keys(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.shop.state.keys().map(String::as_str).filter(move |key| key.starts_with(prefix))
    }

    /// Gives a state key these bytes, whatever they are.
    pub fn with_state(mut self, key: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.shop().state.insert(key.into(), bytes.into());
        self
    }

    /// The pending timers, by key: when each is due and what it carries.
    pub fn timers(&self) -> impl Iterator<Item = (&str, Timestamp, &[u8])> {
        self.shop.timers.iter().map(|(key, pending)| (key.as_str(), pending.due, pending.payload.as_slice()))
    }

    /// When the pending timer of `key` is due.
    pub fn due(&self, key: &str) -> Option<Timestamp> {
        self.shop.timers.get(key).map(|pending| pending.due)
    }

    /// Hands an event over. One that was handled or rejected before is ignored; one that asked for a retry runs again.
    ///
    /// # Errors
    /// The plugin's [`Failure`]; nothing of what the delivery queued or wrote is kept.
    pub fn deliver(&mut self, incoming: Incoming) -> Result<Delivery> {
        self.hand_over(incoming, false)
    }

    /// Hands an event over even if it was settled before: what a replay does. Its effects keep their ids, and those
    /// already queued count once.
    ///
    /// # Errors
    /// As [`Bench::deliver`].
    pub fn deliver_again(&mut self, incoming: Incoming) -> Result<Delivery> {
        self.hand_over(incoming, true)
    }

    /// Moves the clock to `instant` and fires the timers due until then, each at its time, in order.
    ///
    /// # Errors
    /// The first [`Failure`]; the clock stays at that timer, which fires again at the next call if it asked for a retry.
    pub fn advance_to(&mut self, instant: Timestamp) -> Result<Vec<Delivery>> {
        let mut deliveries = Vec::new();
        loop {
            let first = self.shop.timers.iter().min_by_key(|(key, pending)| (pending.due, *key));
            let Some((key, pending)) = first.filter(|(_, pending)| pending.due <= instant) else { break };
            let (key, Pending { due, payload, number }) = (key.clone(), pending.clone());
            self.shop().now = self.shop.now.max(due);
            let id = format!("timer.fired/{key}@{}/{number}", due.0);
            deliveries.push(self.deliver(Incoming::timer_fired(Timer { key, payload }, due).id(id))?);
        }
        self.shop().now = self.shop.now.max(instant);
        Ok(deliveries)
    }

    /// [`Bench::advance_to`] `days` times 24 hours from now.
    ///
    /// # Errors
    /// As [`Bench::advance_to`].
    pub fn advance_days(&mut self, days: u64) -> Result<Vec<Delivery>> {
        self.advance_to(self.shop.now.plus_days(days))
    }

    fn hand_over(&mut self, incoming: Incoming, again: bool) -> Result<Delivery> {
        let shop = self.shop();
        let event_id = incoming.id.clone().unwrap_or_else(|| {
            shop.actions += 1;
            format!("{}/{}", incoming.topic, shop.actions)
        });
        let occurred_at = incoming.occurred_at.unwrap_or(shop.now);
        let idle = |status| Ok(Delivery { event_id: event_id.clone(), status, calls: Calls::default() });
        let now = shop.now;
        let known = shop.events.entry(event_id.clone()).or_insert(Delivered { attempts: 0, settled: false, now });
        if known.settled && !again {
            return idle(Status::Repeated);
        }
        if let incoming::Change::Timer(timer) = &incoming.change
            && shop.timers.get(&timer.key).is_none_or(|pending| pending.due != occurred_at)
        {
            return idle(Status::Repeated);
        }
        known.attempts += 1;
        let (attempt, now) = (known.attempts, known.now);
        shop.learn(&incoming, occurred_at);
        if shop.topics.as_ref().is_some_and(|topics| !topics.contains(&incoming.topic)) {
            return idle(Status::Unwanted);
        }
        let event = Event {
            id: event_id.clone(),
            topic: incoming.topic.clone(),
            platform: incoming.platform().into(),
            occurred_at,
            attempt,
        };
        let fired = match &incoming.change {
            incoming::Change::Timer(timer) => Some((timer.key.clone(), occurred_at)),
            _ => None,
        };
        let run = host::Run::new(Arc::clone(&self.shop), event_id.clone(), now, incoming);
        let (written, outcome) = run.during(|| (self.handle)(&event, &mut Context::new()));

        let shop = self.shop();
        let settled = !matches!(outcome, Err(Failure::Retry(_)));
        shop.events.entry(event_id.clone()).and_modify(|event| event.settled = settled);
        if let Some((key, due)) = fired.filter(|_| settled)
            && shop.timers.get(&key).is_some_and(|pending| pending.due == due)
        {
            shop.timers.remove(&key);
        }
        outcome?;
        shop.keep(&written, &event_id, now);
        Ok(Delivery { event_id, status: Status::Handled, calls: Calls(written.calls) })
    }

    fn shop(&mut self) -> &mut Shop {
        Arc::make_mut(&mut self.shop)
    }
}

#[cfg(test)]
mod tests;
