//! What outlives a delivery in a bench: facts, state, timers, and what has become of effects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Call, Calls, Capability, Incoming, START, host, incoming, samples};
use crate::{
    Birthday, Customer, EffectId, EffectStanding, EndedEffect, Fulfillment, Order, Product, Refund, Signal, Similarity,
    StoreInfo, Task, Timestamp,
};

/// A fact and when the event that brought it happened.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) as_of: Timestamp,
    pub(super) fact: T,
}

/// Which event has queued an effect, and when.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) event: String,
    pub(super) at: Timestamp,
}

/// A timer that has not fired.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) due: Timestamp,
    pub(super) payload: Vec<u8>,
    /// Tells it from others of its key and time: each firing is an event of its own.
    pub(super) number: u64,
}

/// What the bench remembers of an event.
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    pub(super) attempts: u32,
    /// Handled, or rejected for good.
    pub(super) settled: bool,
    pub(super) now: Timestamp,
}

/// Everything that outlives a delivery.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    /// The plugin's name.
    pub(super) plugin: String,
    /// The store's number.
    pub(super) number: u32,
    pub(super) store: StoreInfo,
    pub(super) utc_offset_minutes: i32,
    pub(super) now: Timestamp,
    pub(super) settings: Map<String, Value>,
    pub(super) settings_version: u32,
    /// The manifest's schema of them.
    pub(super) schema: Option<Value>,
    pub(super) granted: BTreeSet<Capability>,
    /// `None` where no manifest says which there are.
    pub(super) templates: Option<BTreeSet<String>>,
    /// `None` where no manifest says which are wanted.
    pub(super) topics: Option<BTreeSet<String>>,
    pub(super) customers: BTreeMap<String, Known<Customer>>,
    pub(super) orders: BTreeMap<String, Known<Order>>,
    pub(super) refunds: BTreeMap<String, Refund>,
    pub(super) fulfillments: BTreeMap<String, Fulfillment>,
    pub(super) products: BTreeMap<String, Product>,
    pub(super) birthdays: BTreeMap<String, Birthday>,
    pub(super) customer_signals: BTreeMap<String, Vec<Signal>>,
    pub(super) order_signals: BTreeMap<String, Vec<Signal>>,
    pub(super) similarities: BTreeMap<(String, String), Similarity>,
    /// Links by name, and whose they are.
    pub(super) links: BTreeMap<String, String>,
    /// Questions to the merchant that are open.
    pub(super) tasks: BTreeMap<String, Task>,
    /// The merchant's bounds on what may be given of each kind, and what has been.
    pub(super) budgets: BTreeMap<String, u64>,
    pub(super) spent: BTreeMap<String, i128>,
    /// Absorbed customers, and by whom.
    pub(super) merges: BTreeMap<String, String>,
    /// Customers who are deleted; true for those who are forgotten in their orders as well.
    pub(super) forgotten: BTreeMap<String, bool>,
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) timers: BTreeMap<String, Pending>,
    /// Timers set so far.
    pub(super) timers_set: u64,
    pub(super) events: BTreeMap<String, Delivered>,
    pub(super) actions: u64,
    pub(super) effects: BTreeMap<EffectId, Queued>,
    /// Effects that are not pending any more.
    pub(super) ended: BTreeMap<EffectId, EffectStanding>,
    pub(super) calls: Calls,
}

/// Replaces a fact, unless what is known is newer.
pub(super) fn learn<T>(facts: &mut BTreeMap<String, Known<T>>, id: String, fact: T, as_of: Timestamp) {
    if facts.get(&id).is_none_or(|known| known.as_of <= as_of) {
        facts.insert(id, Known { as_of, fact });
    }
}

/// A customer of whom nothing but the id is known.
fn nobody(id: &str) -> Customer {
    Customer { locale: None, created_at: None, ..samples::customer(id) }
}

impl Shop {
    /// A shop that nothing has happened in yet; everything is granted.
    pub(super) fn new(store: StoreInfo) -> Self {
        Self {
            plugin: "plugin".into(),
            number: 1,
            store,
            utc_offset_minutes: 0,
            now: START,
            settings: Map::new(),
            settings_version: 1,
            schema: None,
            granted: Capability::ALL.into(),
            templates: None,
            topics: None,
            customers: BTreeMap::new(),
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
            fulfillments: BTreeMap::new(),
            products: BTreeMap::new(),
            birthdays: BTreeMap::new(),
            customer_signals: BTreeMap::new(),
            order_signals: BTreeMap::new(),
            similarities: BTreeMap::new(),
            links: BTreeMap::new(),
            tasks: BTreeMap::new(),
            budgets: BTreeMap::new(),
            spent: BTreeMap::new(),
            merges: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            state: BTreeMap::new(),
            timers: BTreeMap::new(),
            timers_set: 0,
            events: BTreeMap::new(),
            actions: 0,
            effects: BTreeMap::new(),
            ended: BTreeMap::new(),
            calls: Calls::default(),
        }
    }

    pub(super) fn learn(&mut self, incoming: &Incoming, as_of: Timestamp) {
        match &incoming.change {
            incoming::Change::Order(order) => self.learn_order((**order).clone(), as_of),
            incoming::Change::Refund(refund) => {
                self.refunds.insert(refund.id.clone(), (**refund).clone());
            }
            incoming::Change::Fulfillment(it) => self.learn_fulfillment((**it).clone()),
            incoming::Change::Ended(it) => self.end(it),
            incoming::Change::Customer(it) => match incoming.topic.as_str() {
                "customer.deleted" => self.delete(&it.id, as_of),
                "customer.redacted" => self.redact(&it.id, as_of),
                _ => self.learn_customer((**it).clone(), as_of),
            },
            incoming::Change::Merge(it) => self.merge(&it.kept_id, &it.absorbed_id),
            incoming::Change::Timer(_)
            | incoming::Change::Action(_)
            | incoming::Change::Dispute(_)
            | incoming::Change::About(_)
            | incoming::Change::None => {}
        }
    }

    pub(super) fn learn_fulfillment(&mut self, mut it: Fulfillment) {
        let customer = self.orders.get(&it.order_id).and_then(|order| order.fact.customer_id.as_deref());
        if customer.is_some_and(|id| self.forgotten.get(self.survivor(id)) == Some(&true)) {
            strip(&mut it);
        }
        if self.fulfillments.get(&it.id).is_none_or(|known| known.updated_at <= it.updated_at) {
            self.fulfillments.insert(it.id.clone(), it);
        }
    }

    /// Makes two customers one, unless that would lead in a circle.
    pub(super) fn merge(&mut self, kept: &str, absorbed: &str) {
        if self.leads_through(kept, absorbed) {
            return;
        }
        self.merges.insert(absorbed.into(), kept.into());
        let left = self.survivor(kept).to_owned();
        let named = Known { as_of: Timestamp(0), fact: nobody(&left) };
        self.customers.entry(left).or_insert(named);
    }

    /// Whether `id` is `other` or was absorbed by it, at whatever remove.
    fn leads_through<'a>(&'a self, mut id: &'a str, other: &str) -> bool {
        while id != other {
            match self.merges.get(id) {
                Some(kept) => id = kept,
                None => return false,
            }
        }
        true
    }

    /// The customer that is left of `id` after all merges.
    pub(super) fn survivor<'a>(&'a self, mut id: &'a str) -> &'a str {
        while let Some(kept) = self.merges.get(id) {
            id = kept;
        }
        id
    }

    /// What is learnt of a customer who is deleted brings nobody back.
    pub(super) fn learn_customer(&mut self, customer: Customer, as_of: Timestamp) {
        if !self.forgotten.contains_key(&customer.id) {
            learn(&mut self.customers, customer.id.clone(), customer, as_of);
        }
    }

    /// Platforms send an order's customer with it: one not known yet becomes known.
    pub(super) fn learn_order(&mut self, mut order: Order, as_of: Timestamp) {
        if let Some(id) = &order.customer_id {
            let named = || Known { as_of: Timestamp(0), fact: samples::customer(id) };
            self.customers.entry(id.clone()).or_insert_with(named);
            if self.forgotten.get(self.survivor(id)) == Some(&true) {
                order.attributes.clear();
                self.fulfillments.values_mut().filter(|it| it.order_id == order.id).for_each(strip);
            }
        }
        learn(&mut self.orders, order.id.clone(), order, as_of);
    }

    /// Leaves nothing of a customer but the id.
    fn delete(&mut self, id: &str, as_of: Timestamp) {
        let fact = Customer { accepts_marketing: Some(false), ..nobody(id) };
        self.customers.insert(id.into(), Known { as_of, fact });
        self.birthdays.remove(id);
        self.customer_signals.remove(id);
        self.forgotten.entry(id.into()).or_insert(false);
    }

    /// Forgets a customer and all who were absorbed by it, in their orders as well.
    fn redact(&mut self, id: &str, as_of: Timestamp) {
        let left = self.survivor(id).to_owned();
        let absorbed: Vec<_> = self.merges.keys().filter(|id| self.survivor(id) == left).cloned().collect();
        for id in absorbed.into_iter().chain([left.clone()]) {
            self.delete(&id, as_of);
            self.forgotten.insert(id, true);
        }
        let is_theirs = |order: &Order| order.customer_id.as_deref().is_some_and(|id| self.survivor(id) == left);
        let orders: Vec<_> =
            self.orders.iter().filter(|(_, it)| is_theirs(&it.fact)).map(|(id, _)| id.clone()).collect();
        for id in orders {
            self.orders.entry(id.clone()).and_modify(|it| it.fact.attributes.clear());
            self.order_signals.remove(&id);
            self.fulfillments.values_mut().filter(|it| it.order_id == id).for_each(strip);
        }
    }

    /// An effect has come to its end; what it was counted for in vain is given back.
    fn end(&mut self, ended: &EndedEffect) {
        let reason = (ended.status != "done").then(|| ended.reason.clone());
        self.ended.insert(ended.effect.clone(), EffectStanding { status: ended.status.clone(), reason });
        let call = self.calls.iter().find(|call| call.effect() == Some(&ended.effect));
        if let Some((kind, amount)) = call.and_then(Call::cost).filter(|_| ended.status != "done") {
            let spent = self.spent.entry(kind.into()).or_default();
            *spent -= i128::from(amount).min(*spent);
        }
    }

    /// Keeps what a successful delivery wrote and queued.
    pub(super) fn keep(&mut self, run: &host::Written, event: &str, now: Timestamp) {
        for (key, value) in &run.state {
            match value {
                Some(value) => self.state.insert(key.clone(), value.clone()),
                None => self.state.remove(key),
            };
        }
        for (key, timer) in &run.timers {
            match timer {
                Some((due, payload)) => {
                    self.timers_set += 1;
                    let pending = Pending { due: *due, payload: payload.clone(), number: self.timers_set };
                    self.timers.insert(key.clone(), pending)
                }
                None => self.timers.remove(key),
            };
        }
        self.links.extend(run.links.clone());
        for (kind, amount) in &run.spent {
            *self.spent.entry(kind.clone()).or_default() += amount;
        }
        for call in &run.calls {
            let queued = Queued { event: event.into(), at: now };
            if call.effect().is_none_or(|id| self.effects.insert(id.clone(), queued).is_none()) {
                self.keep_call(call);
                self.calls.0.push(call.clone());
            }
        }
        self.ended.extend(run.ended.clone());
    }

    fn keep_call(&mut self, call: &Call) {
        match call {
            Call::OpenTask(task) => {
                self.tasks.insert(task.key.clone(), task.clone());
            }
            Call::CloseTask { key } => {
                self.tasks.remove(key);
            }
            _ => {}
        }
    }
}

/// Takes the way to a parcel out of a shipment: a carrier's page may tell whom it went to.
fn strip(shipment: &mut Fulfillment) {
    shipment.tracking_number = None;
    shipment.tracking_url = None;
}
