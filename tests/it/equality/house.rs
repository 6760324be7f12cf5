//! The real host in this process: catalog, dispatcher, engine and the compiled component, over a store in memory and a
//! clock that is moved by hand.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use regulars::{
    catalog::{Catalog, Folders, Keys, NewStore, StoreEntry},
    clock::{Clock, Manual},
    counters::Counters,
    dispatch::{Backlog, Concurrency, Dispatcher, Failures, Heard, Limits, Pipeline, Usage},
    domain::{
        AuditKey, Capability, CodeKey, Currency, Effect, EffectId, EffectStatus, Event, EventId, Origin, Platform,
        PluginName, StoreId, Timestamp,
    },
    effects,
    engine::{Engine, limits},
    ingest::{
        actions::{self, Action, By},
        settings,
    },
    retry::Schedule,
    store::{
        EventRecord, Inbox, Key, Position, Record, Scan, SealKey, Store, Transaction, Vault,
        budget::{Budget, BudgetBound, Period, give_back_effect},
        decode, keys,
        memory::{MemoryInbox, MemoryStore},
        outbox::due_of,
    },
};
use serde_json::{Map, Value};
use tokio::sync::Notify;

/// The number of the one store, which chance follows from.
pub const STORE: StoreId = StoreId(1);

/// Longer than anything here takes; reached only when something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

const LOOK: Duration = Duration::from_millis(1);

pub struct House {
    pub pipeline: Arc<Pipeline>,
    pub plugin: PluginName,
    clock: Manual,
    dispatcher: Dispatcher,
    settings: Map<String, Value>,
}

/// A store in which one plugin is to be switched on.
pub struct Shop<'a> {
    pub plugin: &'a str,
    pub currency: &'a str,
    pub settings: Map<String, Value>,
    /// How much of each kind the plugin may give in all.
    pub budgets: &'a [(&'a str, u64)],
    pub opens: Timestamp,
}

impl House {
    pub async fn open(shop: Shop<'_>, file: &Path, folder: &Path) -> Self {
        let clock = Manual::at(shop.opens);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let inbox: Arc<dyn Inbox> = Arc::new(MemoryInbox::default());
        let engine = Arc::new(Engine::new(limits::FUEL).expect("the sandbox starts"));
        let (files, artefacts) = (folder.to_owned(), folder.join("artefacts"));
        let (own_store, own_engine, own_clock) = (Arc::clone(&store), Arc::clone(&engine), Arc::clone(&shared));
        let url = "https://regulars.example".into();
        let (codes, vault) = (CodeKey::under(&[7; 32]), Vault::new(SealKey::new(&[7; 32]), Vec::new()));
        let audit = AuditKey::under(&[7; 32]);
        let keys = Keys { codes, audit, vault, shopify: Vec::new() };
        let catalog = Catalog::open(own_store, own_engine, own_clock, Folders { files, artefacts }, url, keys);
        let catalog = Arc::new(catalog.expect("an empty catalog opens"));
        let pipeline = Arc::new(Pipeline {
            catalog: Arc::clone(&catalog),
            inbox,
            store,
            engine,
            clock: shared,
            counters: Arc::new(Counters::default()),
            retries: Schedule { waits: vec![Duration::from_secs(60)], jitter: 0.0 },
            wait_for_order: Duration::from_secs(400 * 86_400),
            pause_after: 0,
            failures: Failures::default(),
            dedupe_for: Duration::from_secs(400 * 86_400),
            checkouts_for: Duration::from_secs(90 * 86_400),
            audit_for: Duration::from_secs(400 * 86_400),
            copies_for: Duration::from_secs(30 * 86_400),
            decisions_for: Duration::from_secs(400 * 86_400),
            due: Arc::new(Notify::new()),
            usage: Usage::default(),
            heard: Heard::default(),
            backlog: Arc::new(Backlog::new(Limits { in_all: 1_000_000, of_one_store: 1_000_000 })),
        });
        let installed = catalog.install(fs::read(file).expect("the plugin is built")).await.expect("it is a plugin");
        let new = NewStore {
            platform: Platform::Shopify,
            domain: regulars_sdk::test::DOMAIN.into(),
            name: "Fern & Fable".into(),
            url: "https://fern.example".into(),
            currency: shop.currency.parse::<Currency>().expect("a currency"),
            time_zone: "Etc/UTC".into(),
            locale: "en".into(),
            secrets: vec!["secret".into()],
            access: None,
            api_url: None,
        };
        assert_eq!(catalog.add_store(new).await.expect("the store is new").id(), STORE);
        let plugin = PluginName::from(shop.plugin);
        let grants: BTreeSet<Capability> = installed.package.manifest.capabilities.iter().copied().collect();
        let settings = Value::Object(shop.settings.clone());
        catalog.enable(regulars_sdk::test::DOMAIN, &plugin, grants, Some(&settings)).await.expect("it can work");
        let concurrency = Concurrency { in_flight: 1, threads: 1 };
        let dispatcher = Dispatcher::start(Arc::clone(&pipeline), concurrency).expect("the dispatcher starts");
        let house = Self { pipeline, plugin, clock, dispatcher, settings: shop.settings };
        house.bound(shop.budgets).await;
        settings::publish(&house.pipeline, &house.entry()).await.expect("the store answers");
        house
    }

    async fn bound(&self, budgets: &[(&str, u64)]) {
        let bound = |&(kind, limit): &(&str, u64)| BudgetBound { kind: kind.into(), period: Period::Ever, limit };
        let mut transaction = self.pipeline.transaction();
        let budget = Budget { store: STORE, plugin: &self.plugin, zone: &jiff::tz::TimeZone::UTC };
        budget.set_bounds(&mut transaction, &budgets.iter().map(bound).collect::<Vec<_>>());
        transaction.commit().await.expect("nothing else writes");
    }

    pub fn entry(&self) -> Arc<StoreEntry> {
        self.pipeline.catalog.store_named(regulars_sdk::test::DOMAIN).expect("the store is there")
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn move_to(&self, instant: Timestamp) {
        self.clock.advance(instant.since(self.clock.now()));
    }

    pub fn transaction(&self) -> Transaction {
        self.pipeline.transaction()
    }

    pub fn read<T: Record>(&self, key: &Key) -> Option<T> {
        self.pipeline.store.get(key).expect("the store answers").map(|it| decode(&it.bytes).expect("a record reads"))
    }

    /// All rows under a prefix.
    pub fn rows(&self, prefix: Key) -> Vec<(Key, Vec<u8>)> {
        let rows = self.pipeline.store.scan(&Scan::of(prefix, usize::MAX)).expect("the store answers");
        rows.into_iter().map(|(key, value)| (key, value.bytes)).collect()
    }

    pub fn records<T: Record>(&self, prefix: Key) -> Vec<T> {
        self.rows(prefix).iter().map(|(_, bytes)| decode(bytes).expect("a record reads")).collect()
    }

    pub fn event(&self, position: Position) -> Option<Event> {
        self.pipeline.inbox.get(position).expect("the inbox answers")
    }

    /// What was decided about an event; `None` where it repeats an earlier one.
    pub fn record(&self, position: Position) -> Option<EventRecord> {
        self.read(&keys::event(STORE, position))
    }

    /// Waits until everything in the inbox is applied, merges of guests told as well. Returns its end.
    pub async fn settle(&mut self) -> Position {
        loop {
            let last = *self.pipeline.inbox.durable().borrow();
            let mut reached = self.dispatcher.reached.clone();
            let applied = tokio::time::timeout(PATIENCE, reached.wait_for(|next| *next > last)).await;
            applied.expect("events are applied").expect("the dispatcher runs");
            let told = self.pipeline.tell_missed_merges(STORE).await.expect("the store answers");
            if told == 0 && *self.pipeline.inbox.durable().borrow() == last {
                return last;
            }
        }
    }

    /// Waits until a delivery has been made that waited for its order.
    pub async fn is_released(&self, position: Position) -> bool {
        let is_due = |record: &EventRecord| {
            record.deliveries.iter().any(|it| match &it.outcome {
                regulars::domain::Outcome::Retrying { due, .. } => it.attempt == 0 && *due <= self.now(),
                _ => false,
            })
        };
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let record = self.record(position).expect("it has been applied");
            if record.deliveries.iter().all(|it| it.attempt > 0) {
                return true;
            }
            if !is_due(&record) {
                return false;
            }
            assert!(tokio::time::Instant::now() < until, "event {} is not delivered", record.id);
            tokio::time::sleep(LOOK).await;
        }
    }

    pub async fn append(&self, event: &Event) {
        self.pipeline.inbox.append(event).await.expect("the inbox takes it");
    }

    pub async fn webhook(&self, id: &str, topic: &str, body: &Value) -> Event {
        let origin =
            Origin::Webhook { platform: Platform::Shopify, topic: topic.into(), api_version: "2026-10".into() };
        let now = self.now();
        let (id, body) = (EventId::from(format!("webhook/{id}")), Bytes::from(body.to_string()));
        let event = Event { id, store: STORE, origin, occurred_at: now, received_at: now, body };
        self.append(&event).await;
        event
    }

    pub async fn act(&self, by: By, name: &str, input: &Value, key: &str) {
        let input = input.as_object().cloned().unwrap_or_default();
        let action = Action { plugin: self.plugin.clone(), by, name: name.into(), input, key: key.into() };
        actions::accept(&self.pipeline, &self.entry(), action).await.expect("the action is taken");
    }

    /// Saves one setting as a new version, of which the plugin is told; false if it is what it was.
    pub async fn publish(&mut self, key: &str, value: Value) -> bool {
        let version = |house: &Self| house.entry().plugin(&house.plugin).map(|it| it.record.settings_version);
        let before = version(self);
        self.settings.insert(key.into(), value);
        let settings = Value::Object(self.settings.clone());
        let saved = self.pipeline.catalog.save_settings(regulars_sdk::test::DOMAIN, &self.plugin, &settings).await;
        saved.expect("the settings are valid");
        settings::publish(&self.pipeline, &self.entry()).await.expect("the store answers");
        version(self) != before
    }

    /// An effect comes to its end, as in the outbox's commit; true if its plugin is told, because it wants to know.
    pub async fn end(&self, id: &EffectId, status: EffectStatus) -> bool {
        let mut transaction = self.transaction();
        let key = keys::effect(STORE, id);
        let before = transaction.get::<Effect>(&key).expect("the store answers").expect("the effect is there");
        let EffectStatus::Pending { due, .. } = before.status else { panic!("{id} has ended") };
        let now = self.now();
        let after = Effect { status, attempts: 1, updated_at: now, ..before.clone() };
        transaction.put_effect(STORE, Some(&before), &after);
        transaction.delete(due_of(STORE, &before).key(due));
        if after.has_failed() {
            give_back_effect(&mut transaction, STORE, &self.plugin, id).expect("the store answers");
        }
        transaction.commit().await.expect("nothing else writes");
        let event = effects::ended_event(STORE, &after, now).expect("it has ended");
        let topic = match &event.origin {
            Origin::EffectEnded { done: true, .. } => regulars::domain::Topic::EFFECT_DONE,
            _ => regulars::domain::Topic::EFFECT_FAILED,
        };
        let is_told = self.entry().plugin(&self.plugin).is_some_and(|enabled| enabled.wants(&topic));
        if is_told {
            self.append(&event).await;
        }
        is_told
    }
}
