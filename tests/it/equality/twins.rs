//! The same events for the host and for the bench, and what has to be equal after each of them.

use std::collections::{BTreeMap, BTreeSet};

use regulars::{
    domain::{
        self, Attempt, Change, Customer, Effect, EffectStatus, Event, Order, Origin, Outcome, Product, ReadEvent,
        Refund,
    },
    platform,
    store::{Key, Position, Record, Table, TaskRecord, TimerRecord, budget::Budget, decode, keys},
};
use regulars_sdk::{
    EffectId, EffectStanding, Failure, Timer, Timestamp,
    test::{Bench, Delivery, Incoming, Status},
};
use serde_json::Value;

use super::{
    calls, facts,
    house::{House, STORE},
};

pub struct Twins {
    pub house: House,
    /// Taken out only while it is changed.
    bench: Option<Bench>,
    /// Up to where the inbox has been followed.
    seen: Position,
    /// Events whose deliveries wait for their order.
    waiting: Vec<Position>,
    /// A setting that has been saved and not been told of yet.
    published: Option<(String, Value)>,
    /// Facts that the bench has been handed, as their rows were.
    handed: BTreeMap<Key, Vec<u8>>,
    /// Effects that have been compared, as their rows were.
    compared: BTreeMap<Key, Vec<u8>>,
    timers_fired: u64,
    /// Why deliveries were refused by the plugin.
    pub rejected: Vec<String>,
    /// Fuel of each delivery, by topic.
    pub fuel: BTreeMap<String, Vec<u64>>,
}

fn instant(at: domain::Timestamp) -> Timestamp {
    Timestamp(at.0)
}

fn effect_id(id: &domain::EffectId) -> EffectId {
    serde_json::from_value(Value::String(id.to_string())).expect("a text is an id")
}

fn refs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(kind, key)| (kind.as_str(), key.as_str())).collect()
}

fn read<T: Record>(bytes: &[u8]) -> T {
    decode(bytes).expect("a record reads")
}

impl Twins {
    pub async fn new(house: House, bench: Bench) -> Self {
        let mut twins = Self {
            house,
            bench: Some(bench),
            seen: Position(0),
            waiting: Vec::new(),
            published: None,
            handed: BTreeMap::new(),
            compared: BTreeMap::new(),
            timers_fired: 0,
            rejected: Vec::new(),
            fuel: BTreeMap::new(),
        };
        twins.catch_up().await;
        twins
    }

    pub fn bench(&self) -> &Bench {
        self.bench.as_ref().expect("it is put back after each change")
    }

    fn change(&mut self, change: impl FnOnce(Bench) -> Bench) {
        self.bench = self.bench.take().map(change);
    }

    fn deliver(&mut self, incoming: Incoming) -> regulars_sdk::Result<Delivery> {
        self.bench.as_mut().expect("it is put back after each change").deliver(incoming)
    }

    pub async fn append(&mut self, event: &Event) {
        self.house.append(event).await;
        self.catch_up().await;
    }

    pub async fn publish(&mut self, key: &str, value: Value) {
        if !self.house.publish(key, value.clone()).await {
            return;
        }
        self.published = Some((key.into(), value));
        self.catch_up().await;
        if self.published.is_some() {
            // The plugin is not told; the bench has to know all the same.
            let delivery = self.publish_in_bench().expect("nothing runs");
            assert_eq!(delivery.status, Status::Unwanted);
        }
    }

    fn publish_in_bench(&mut self) -> regulars_sdk::Result<Delivery> {
        let (key, value) = self.published.take().expect("a setting has been saved");
        self.bench.as_mut().expect("it is put back after each change").publish(&key, value)
    }

    pub async fn end(&mut self, id: &domain::EffectId, status: EffectStatus) {
        if self.house.end(id, status).await {
            return self.catch_up().await;
        }
        // The plugin is not told; the bench has to know all the same.
        let delivery = self.end_in_bench(id).expect("nothing runs");
        assert_eq!(delivery.status, Status::Unwanted, "{id}");
        self.compare_kept(id.as_str());
    }

    fn end_in_bench(&mut self, id: &domain::EffectId) -> regulars_sdk::Result<Delivery> {
        let effect: Effect = self.house.read(&keys::effect(STORE, id)).expect("it is there");
        let at = instant(effect.updated_at);
        self.change(|bench| bench.at(at));
        let bench = self.bench.as_mut().expect("it has just been put back");
        match effect.status {
            EffectStatus::Done { .. } => bench.finish(&effect_id(id)),
            EffectStatus::Dead { reason } => bench.fail(&effect_id(id), &reason),
            other => panic!("{id} ends with {other:?}"),
        }
    }

    /// Moves the clock on and fires what is due on the way, each timer at its time.
    pub async fn move_to(&mut self, to: domain::Timestamp) {
        while let Some((key, timer)) = self.next_timer().filter(|(_, timer)| timer.due <= to) {
            self.house.move_to(timer.due.max(self.house.now()));
            self.timers_fired += 1;
            let plugin = self.house.plugin.clone();
            let event = Event {
                id: format!("timer/{plugin}/{key}/{}/{}", timer.due.0, self.timers_fired).into(),
                store: STORE,
                origin: Origin::Timer { plugin, key, due: timer.due },
                occurred_at: timer.due,
                received_at: self.house.now(),
                body: timer.payload.into(),
            };
            self.append(&event).await;
        }
        self.house.move_to(to);
    }

    /// The links that customers share, and whose they are.
    pub fn links(&self) -> impl Iterator<Item = (String, domain::CustomerId)> {
        let rows = self.house.rows(Key::system(Table::Link).end());
        rows.into_iter().filter_map(|(key, bytes)| {
            Some((key.parts().text()?, read::<regulars::store::SharedLink>(&bytes).customer))
        })
    }

    /// Effects that have not come to their end.
    pub fn pending(&self) -> Vec<domain::EffectId> {
        let listed = self.house.rows(keys::effects_listed(STORE, domain::EffectStage::Pending));
        listed.iter().filter_map(|(key, _)| keys::effect_of(key)).map(|(_, id)| id).collect()
    }

    fn timers(&self) -> BTreeMap<String, TimerRecord> {
        let named = |(key, bytes): (Key, Vec<u8>)| {
            let mut parts = key.parts();
            let (Some(_), Some(name)) = (parts.text(), parts.text()) else { panic!("{key:?} names no timer") };
            (name, read(&bytes))
        };
        self.house.rows(keys::timers(STORE)).into_iter().map(named).collect()
    }

    fn next_timer(&self) -> Option<(String, TimerRecord)> {
        self.timers().into_iter().min_by(|(one, first), (other, second)| (first.due, one).cmp(&(second.due, other)))
    }

    /// Hands the bench whatever has come into the inbox and been applied since, and compares.
    pub async fn catch_up(&mut self) {
        let last = self.house.settle().await;
        while self.seen < last {
            self.seen = self.seen.next();
            self.follow(self.seen);
        }
        for position in std::mem::take(&mut self.waiting) {
            match self.house.is_released(position).await {
                true => self.follow(position),
                false => self.waiting.push(position),
            }
        }
        self.compare_kept("everything until now");
    }

    fn follow(&mut self, position: Position) {
        let event = self.house.event(position).expect("nothing is let go");
        let context =
            platform::Context { currency: self.house.entry().context.currency, occurred_at: event.occurred_at };
        let read = event.origin.platform_topic().map(|(platform, topic)| {
            platform::read(platform, topic, &event.body, &context).expect("the corpus can be read")
        });
        self.hand_facts();
        let record = self.house.record(position);
        let is_repeat = record.is_none();
        let waits = |at: &Position| self.house.event(*at).is_some_and(|it| it.id == event.id);
        if is_repeat && self.waiting.iter().any(waits) {
            return;
        }
        let topic = record.as_ref().map(|record| record.topic.to_string()).unwrap_or_default();
        let attempt = record.and_then(|record| {
            assert!(record.deliveries.len() <= 1 && record.unreadable.is_none(), "{record:?}");
            record.deliveries.into_iter().next()
        });
        if attempt.as_ref().is_some_and(|attempt| attempt.attempt == 0) {
            return self.waiting.push(position);
        }
        self.change(|bench| bench.at(instant(event.received_at)));
        let delivered = match &event.origin {
            Origin::EffectEnded { effect, .. } => self.end_in_bench(effect),
            Origin::SettingsPublished { version: 2.., .. } => self.publish_in_bench(),
            _ => {
                let incoming = self.incoming(&event, read.as_ref());
                let incoming = incoming.id(event.id.to_string()).at(instant(event.occurred_at));
                let body = String::from_utf8_lossy(&event.body).into_owned();
                self.deliver(if read.is_some() { incoming.payload(body) } else { incoming })
            }
        };
        if let Some(attempt) = &attempt {
            self.fuel.entry(topic).or_default().push(attempt.fuel);
        }
        self.compare(&event, attempt, delivered);
    }

    /// An event as the bench takes it.
    fn incoming(&self, event: &Event, read: Option<&ReadEvent>) -> Incoming {
        let text = || String::from_utf8_lossy(&event.body).into_owned();
        let json = || serde_json::from_slice::<Value>(&event.body).expect("the body is JSON");
        let Some(read) = read else {
            return match &event.origin {
                Origin::Timer { key, due, .. } => {
                    Incoming::timer_fired(Timer { key: key.clone(), payload: event.body.to_vec() }, instant(*due))
                }
                Origin::Action { customer, name, .. } => Incoming::action(name, customer.as_str(), json()),
                Origin::MerchantAction { customer, name, .. } => {
                    Incoming::merchant_action(name, customer.as_ref().map(|it| it.as_str()), json())
                }
                Origin::VisitorAction { name, .. } => Incoming::visitor_action(name, json()),
                Origin::Visit { customer, link, .. } => {
                    Incoming::link_visited(link, customer.as_str(), &[]).payload(text())
                }
                Origin::SettingsPublished { version, .. } => Incoming::settings_published(*version),
                Origin::Merge { merge, .. } => Incoming::customer_merged(merge.kept.as_str(), merge.removed.as_str()),
                other => panic!("the corpus has no {other:?}"),
            };
        };
        let topic = read.topic.as_str();
        let known = |id: &domain::CustomerId| {
            let known = self.house.read::<Customer>(&keys::customer(STORE, id));
            facts::customer(&known.unwrap_or_else(|| Customer::nobody(id.clone())))
        };
        let ordered = |id| self.house.read::<Order>(&keys::order(STORE, id)).expect("the order is known");
        match &read.change {
            Change::Order { order, .. } => Incoming::order(topic, facts::order(&ordered(&order.id))),
            Change::OrderEdit(edit) => Incoming::order(topic, facts::order(&ordered(&edit.order))),
            Change::Refund(refund) => Incoming::order_refunded(facts::refund(refund)),
            Change::Customer(customer) => Incoming::customer(topic, known(&customer.id)),
            Change::CustomerDeleted(id) | Change::CustomerRedacted { customer: id, .. } => {
                Incoming::customer(topic, known(id))
            }
            Change::Consent(consent) => Incoming::customer(topic, known(&consent.customer)),
            Change::Merge(merge) => Incoming::customer_merged(merge.kept.as_str(), merge.removed.as_str()),
            Change::Fulfillment(it) => Incoming::fulfillment(topic, facts::fulfillment(it)),
            Change::Dispute(it) => Incoming::order_disputed(facts::dispute(it)),
            Change::Product(it) => Incoming::other(topic, it.id.as_str(), text()),
            other => panic!("the corpus has no {other:?}"),
        }
    }

    /// The rows of a table of facts that have changed since they were handed over.
    fn news(&mut self, table: Table) -> Vec<Vec<u8>> {
        let rows = self.house.rows(Key::of(STORE, table).end());
        let is_new = |(key, bytes): &(Key, Vec<u8>)| self.handed.get(key) != Some(bytes);
        let news: Vec<_> = rows.into_iter().filter(is_new).collect();
        self.handed.extend(news.iter().cloned());
        news.into_iter().map(|(_, bytes)| bytes).collect()
    }

    fn hand_facts(&mut self) {
        let plugin = self.house.plugin.clone();
        let now = instant(self.house.now());
        self.change(|bench| bench.at(now));
        let customers = self.news(Table::Customer);
        for it in customers.iter().map(|bytes| read::<Customer>(bytes)) {
            let signals = facts::signals(&it.signals(), &plugin);
            self.change(|bench| match &it.merged_into {
                // Whoever has been told of a guest is told of the merge by an event, which comes next.
                Some(kept) => bench.with_merge(kept.as_str(), it.id.as_str()),
                None => bench.with_customer(facts::customer(&it)),
            });
            self.change(|bench| bench.with_customer_signals(it.id.as_str(), &refs(&signals)));
            if let Some(birthday) = it.birthday {
                self.change(|bench| bench.with_birthday(it.id.as_str(), facts::birthday(birthday)));
            }
        }
        if !customers.is_empty() {
            self.hand_similarities();
        }
        for it in self.news(Table::Order).iter().map(|bytes| read::<Order>(bytes)) {
            let signals = facts::signals(&it.signals, &plugin);
            self.change(|bench| bench.with_order(facts::order(&it)));
            self.change(|bench| bench.with_order_signals(it.id.as_str(), &refs(&signals)));
        }
        for it in self.news(Table::Refund).iter().map(|bytes| read::<Refund>(bytes)) {
            self.change(|bench| bench.with_refund(facts::refund(&it)));
        }
        for it in self.news(Table::Fulfillment).iter().map(|bytes| read::<domain::Fulfillment>(bytes)) {
            self.change(|bench| bench.with_fulfillment(facts::fulfillment(&it)));
        }
        for it in self.news(Table::Product).iter().map(|bytes| read::<Product>(bytes)) {
            self.change(|bench| bench.with_product(facts::product(&it)));
        }
    }

    fn hand_similarities(&mut self) {
        let all: Vec<Customer> = self.house.records(keys::customers(STORE));
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                if let Some(likeness) = facts::similarity(one, other) {
                    let (one, other) = (one.id.as_str(), other.id.as_str());
                    self.change(|bench| bench.with_similarity(one, other, likeness.name, likeness.email));
                }
            }
        }
    }

    /// One delivery on both sides: how it ended, why, and what it queued.
    fn compare(&mut self, event: &Event, attempt: Option<Attempt>, delivered: regulars_sdk::Result<Delivery>) {
        let id = &event.id;
        let Some(attempt) = attempt else {
            let idle = delivered.unwrap_or_else(|failure| panic!("{id} fails in the bench alone: {failure}"));
            assert_ne!(idle.status, Status::Handled, "{id} runs in the bench alone: {:?}", idle.calls);
            return;
        };
        match (attempt.outcome, delivered) {
            (Outcome::Done, Ok(delivery)) => {
                assert_eq!(delivery.status, Status::Handled, "{id} runs in the host alone: {:?}", attempt.notes);
                let told: Vec<_> = delivery.calls.notes().map(|it| (it.reason.clone(), it.fields.clone())).collect();
                let noted: Vec<_> = attempt.notes.into_iter().map(|it| (it.reason, it.fields)).collect();
                for (index, (noted, told)) in noted.iter().zip(&told).enumerate() {
                    assert_eq!(noted, told, "note {index} of {id}: the host, then the bench");
                }
                assert_eq!(noted.len(), told.len(), "notes of {id}: the host, then the bench");
                let queued = |id: &domain::EffectId| {
                    let effect: Effect = self.house.read(&keys::effect(STORE, id)).expect("it is queued");
                    (effect.id, effect.kind, effect.after)
                };
                let (bench, plugin) = (self.bench(), &self.house.plugin);
                let expected: Vec<_> = attempt.effects.iter().map(queued).collect();
                let calls = delivery.calls.iter();
                let calls: Vec<_> =
                    calls.filter_map(|call| calls::effect(bench, plugin, event.received_at, call)).collect();
                assert_eq!(expected, calls, "what {id} queues: the host, then the bench");
            }
            (Outcome::Dead { reason }, Err(Failure::Reject(told))) => {
                assert_eq!(reason, format!("the plugin refuses the event: {told}"), "{id}");
                self.rejected.push(told);
            }
            (outcome, delivered) => panic!("{id} ends otherwise: {outcome:?} in the host, {delivered:?} in the bench"),
        }
    }

    /// All that is kept in the end, what has not changed for long as well.
    pub fn compare_all(&mut self) {
        self.compared.clear();
        self.compare_kept("the season");
    }

    /// All that outlives a delivery: state, timers, tasks, what has become of effects, what has been given.
    fn compare_kept(&mut self, after: &str) {
        let rows = self.house.rows(keys::effects(STORE));
        let changed: Vec<_> = rows.into_iter().filter(|(key, bytes)| self.compared.get(key) != Some(bytes)).collect();
        self.compare_effects(changed.iter().map(|(_, bytes)| read(bytes)), after);
        self.compared.extend(changed);
        self.compare_tasks(after);
        let (house, bench, plugin) = (&self.house, self.bench(), &self.house.plugin);
        let begin = keys::state(STORE, plugin, "").as_bytes().len();
        let state: BTreeMap<_, Value> = house
            .rows(keys::state(STORE, plugin, ""))
            .iter()
            .map(|(key, value)| {
                let key = String::from_utf8_lossy(&key.as_bytes()[begin..]).into_owned();
                (key, serde_json::from_slice(value).expect("plugins keep JSON"))
            })
            .collect();
        for key in state.keys().map(String::as_str).chain(bench.state_keys("")).collect::<BTreeSet<_>>() {
            assert_eq!(
                state.get(key),
                bench.state::<Value>(key).as_ref(),
                "`{key}` after {after}: the host, then the bench"
            );
        }
        let timers: Vec<_> =
            self.timers().into_iter().map(|(key, timer)| (key, instant(timer.due), timer.payload)).collect();
        let pending: Vec<_> = bench.timers().map(|(key, due, payload)| (key.into(), due, payload.to_vec())).collect();
        assert_eq!(timers, pending, "the timers after {after}: the host, then the bench");
        let budget = Budget { store: STORE, plugin, zone: &jiff::tz::TimeZone::UTC };
        for standing in budget.standing(&mut house.transaction(), house.now()).expect("the store answers") {
            let kind = &standing.bound.kind;
            assert_eq!(i128::from(standing.used), bench.spent(kind), "the budget for {kind} after {after}");
        }
    }

    fn compare_effects(&self, effects: impl Iterator<Item = Effect>, after: &str) {
        for effect in effects {
            let status = effect.status.stage().word().to_owned();
            let reason = match effect.status {
                EffectStatus::Dead { reason } | EffectStatus::Dropped { reason } => Some(reason),
                EffectStatus::Pending { .. } | EffectStatus::Done { .. } => None,
            };
            let told = self.bench().standing(&effect_id(&effect.id));
            assert_eq!(Some(EffectStanding { status, reason }), told, "{} after {after}", effect.id);
        }
    }

    fn compare_tasks(&self, after: &str) {
        let rows = self.house.rows(keys::tasks_of(STORE, &self.house.plugin));
        let open = |(key, bytes): &(Key, Vec<u8>)| {
            let (_, name) = keys::task_of(key).expect("the key names a task");
            let TaskRecord { title, details, customer, order, choices, due, opened_at: _ } = read(bytes);
            regulars_sdk::Task {
                key: name,
                title,
                details,
                customer_id: customer.map(|id| id.to_string()),
                order_id: order.map(|id| id.to_string()),
                choices,
                due: due.map(instant),
            }
        };
        let open: Vec<_> = rows.iter().map(open).collect();
        let asked: Vec<_> = self.bench().tasks().values().cloned().collect();
        assert_eq!(open, asked, "the open tasks after {after}: the host, then the bench");
    }
}
