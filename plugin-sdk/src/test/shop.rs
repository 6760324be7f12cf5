//! What outlives a delivery in a bench: facts, state, timers, and what has become of effects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Call, Calls, Capability, Incoming, START, host, incoming, samples};
use crate::{
    Birthday, Customer, EffectId, EffectStanding, Fulfillment, Order, Product, Refund, Signal, Similarity, StoreInfo,
    Task, Timestamp,
};

/// A fact and when the event that brought it happened.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) as_of: Timestamp,
    pub(super) fact: T,
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
    pub(super) store: StoreInfo,
    pub(super) utc_offset_minutes: i32,
    pub(super) now: Timestamp,
    pub(super) seed: u64,
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
    pub(super) state: BTreeMap<String, Vec<u8>>,
    pub(super) timers: BTreeMap<String, Pending>,
    /// Timers set so far.
    pub(super) timers_set: u64,
    pub(super) events: BTreeMap<String, Delivered>,
    pub(super) actions: u64,
    pub(super) effects: BTreeSet<EffectId>,
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

impl Shop {
    /// A shop that nothing has happened in yet; everything is granted.
    pub(super) fn new(store: StoreInfo) -> Self {
        Self {
            store,
            utc_offset_minutes: 0,
            now: START,
            seed: 0,
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
            state: BTreeMap::new(),
            timers: BTreeMap::new(),
            timers_set: 0,
            events: BTreeMap::new(),
            actions: 0,
            effects: BTreeSet::new(),
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
            incoming::Change::Fulfillment(it) => {
                self.fulfillments.insert(it.id.clone(), (**it).clone());
            }
            incoming::Change::Ended(it) => {
                let reason = (it.status != "done").then(|| it.reason.clone());
                self.ended.insert(it.effect.clone(), EffectStanding { status: it.status.clone(), reason });
            }
            incoming::Change::Customer(it) => learn(&mut self.customers, it.id.clone(), (**it).clone(), as_of),
            incoming::Change::Merge(it) => {
                if !self.leads_through(&it.kept_id, &it.absorbed_id) {
                    self.merges.insert(it.absorbed_id.clone(), it.kept_id.clone());
                    let kept = self.survivor(&it.kept_id).to_owned();
                    let named = Known { as_of: Timestamp(0), fact: samples::customer(&kept) };
                    self.customers.entry(kept).or_insert(named);
                }
            }
            incoming::Change::Timer(_)
            | incoming::Change::Action(_)
            | incoming::Change::Dispute(_)
            | incoming::Change::About(_)
            | incoming::Change::None => {}
        }
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

    /// Platforms send an order's customer with it: one not known yet becomes known.
    pub(super) fn learn_order(&mut self, order: Order, as_of: Timestamp) {
        if let Some(id) = &order.customer_id {
            let named = || Known { as_of: Timestamp(0), fact: samples::customer(id) };
            self.customers.entry(id.clone()).or_insert_with(named);
        }
        learn(&mut self.orders, order.id.clone(), order, as_of);
    }

    /// Keeps what a successful delivery wrote and queued.
    pub(super) fn keep(&mut self, run: &host::Written) {
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
            if call.effect().is_none_or(|id| self.effects.insert(id.clone())) {
                self.keep_call(call);
                self.calls.0.push(call.clone());
            }
        }
    }

    fn keep_call(&mut self, call: &Call) {
        match call {
            Call::OpenTask(task) => {
                self.tasks.insert(task.key.clone(), task.clone());
            }
            Call::CloseTask { key } => {
                self.tasks.remove(key);
            }
            Call::Withdraw { effect } => {
                let reason = Some("withdrawn by the plugin".into());
                self.ended.insert(effect.clone(), EffectStanding { status: "dropped".into(), reason });
            }
            // The platform's field needs a year.
            Call::Birthday { customer_id, birthday, .. } if birthday.year.is_some() => {
                self.birthdays.insert(customer_id.clone(), *birthday);
            }
            _ => {}
        }
    }
}
