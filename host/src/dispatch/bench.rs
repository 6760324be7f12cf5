//! A pipeline in memory for tests: one store, a clock that is moved by hand, plugins written as text.

use std::{fmt::Debug, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Backlog, Failures, Heard, Job, Limits, Pipeline, Usage, apply};
use crate::{
    catalog::{Catalog, Folders, Keys, NewStore, package},
    clock::{Clock, Manual},
    counters::Counters,
    domain::{Capability, Event, Origin, Outcome, Platform, PluginName, StoreId, Timestamp},
    engine::{Engine, SharedEngine, limits},
    retry::Schedule,
    store::{
        EventRecord, Inbox, Key, Position, Record, Scan, Store, Transaction, decode, keys,
        memory::{MemoryInbox, MemoryStore},
    },
};

pub const START: Timestamp = Timestamp(1_791_000_000_000);
pub const DOMAIN: &str = "fern.myshopify.com";

/// The waits between the attempts of a delivery.
pub const WAITS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];

/// Failures in a row that pause a plugin.
pub const PAUSE_AFTER: u32 = 4;

pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Bench {
    pub clock: Manual,
    pub store: Arc<dyn Store>,
    pub inbox: Arc<dyn Inbox>,
    pub catalog: Arc<Catalog>,
    pub pipeline: Arc<Pipeline>,
    /// The number of the one store.
    pub id: StoreId,
    engine: SharedEngine,
    folder: Arc<tempfile::TempDir>,
}

impl Bench {
    pub async fn new() -> Self {
        Self::over(Arc::new(MemoryStore::default()), Arc::new(MemoryInbox::default())).await
    }

    pub async fn over(store: Arc<dyn Store>, inbox: Arc<dyn Inbox>) -> Self {
        let engine = Arc::new(Engine::new(limits::FUEL).unwrap());
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let bench = Self::open(store, inbox, Manual::at(START), engine, folder);
        let id = bench.catalog.add_store(new_store(DOMAIN)).await.unwrap().id();
        Self { id, ..bench }
    }

    /// The number of a second store, in which nothing is on.
    pub async fn another_store(&self) -> StoreId {
        self.catalog.add_store(new_store("moss.myshopify.com")).await.unwrap().id()
    }

    fn open(
        store: Arc<dyn Store>,
        inbox: Arc<dyn Inbox>,
        clock: Manual,
        engine: SharedEngine,
        folder: Arc<tempfile::TempDir>,
    ) -> Self {
        let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let (files, artefacts) = (folder.path().to_owned(), folder.path().join("artefacts"));
        let catalog = Catalog::open(
            Arc::clone(&store),
            Arc::clone(&engine),
            Arc::clone(&shared_clock),
            Folders { files, artefacts },
            "https://regulars.example".into(),
            Keys::sample(7),
        );
        let catalog = Arc::new(catalog.unwrap());
        let pipeline = Arc::new(Pipeline {
            catalog: Arc::clone(&catalog),
            inbox: Arc::clone(&inbox),
            store: Arc::clone(&store),
            engine: Arc::clone(&engine),
            clock: shared_clock,
            counters: Arc::new(Counters::default()),
            retries: Schedule { waits: WAITS.to_vec(), jitter: 0.0 },
            wait_for_order: Duration::from_secs(6 * 3600),
            pause_after: PAUSE_AFTER,
            failures: Failures::default(),
            dedupe_for: 7 * DAY,
            decisions_for: 400 * DAY,
            checkouts_for: 90 * DAY,
            audit_for: 1_096 * DAY,
            copies_for: 30 * DAY,
            due: Arc::new(Notify::new()),
            usage: Usage::default(),
            heard: Heard::default(),
            backlog: Arc::new(Backlog::new(Limits { in_all: 1_000_000, of_one_store: 500_000 })),
        });
        Self { clock, store, inbox, catalog, pipeline, id: StoreId(1), engine, folder }
    }

    /// The same host after its process has ended and begun again.
    pub fn restarted(&self) -> Self {
        let (store, inbox) = (Arc::clone(&self.store), Arc::clone(&self.inbox));
        let bench = Self::open(store, inbox, self.clock.clone(), Arc::clone(&self.engine), Arc::clone(&self.folder));
        Self { id: self.id, ..bench }
    }

    /// Installs a plugin with one mail template, `welcome`.
    pub async fn install(&self, name: &str, capabilities: &[Capability], module: &[u8]) {
        let topics = ["order.paid", "order.cancelled", "customer.created", "effect.failed"];
        self.install_for(&topics, name, capabilities, module).await;
    }

    /// Installs a plugin that wants these topics.
    pub async fn install_for(&self, topics: &[&str], name: &str, capabilities: &[Capability], module: &[u8]) {
        let capabilities: Vec<_> = capabilities.iter().map(|capability| capability.as_str()).collect();
        let manifest = format!(
            "[plugin]\nname = {name:?}\nversion = \"1.0.0\"\ntitle = \"T\"\nsummary = \"S\"\n\
             topics = {topics:?}\ncapabilities = {capabilities:?}\n\
             [templates.welcome]\nsubject = \"Hello {{{{ customer.first_name }}}}\"\n"
        );
        let mjml =
            "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>";
        let files = [("welcome.mjml", mjml), ("welcome.txt", "Hi")].map(|(name, text)| (name.into(), text.into()));
        let file = package::pack(module, &manifest, &files.into()).unwrap();
        self.catalog.install(file).await.unwrap();
    }

    /// Installs a plugin and switches it on with all that it asks for.
    pub async fn enable(&self, name: &str, capabilities: &[Capability], module: &[u8]) {
        self.install(name, capabilities, module).await;
        self.switch_on(name, capabilities).await;
    }

    /// Switches an installed plugin on with all that it asks for.
    pub async fn switch_on(&self, name: &str, capabilities: &[Capability]) {
        let grants = capabilities.iter().copied().collect();
        self.catalog.enable(DOMAIN, &name.into(), grants, None).await.unwrap();
    }

    /// A webhook as it would be accepted now.
    pub fn webhook(&self, id: &str, topic: &str, body: &Value) -> Event {
        let origin =
            Origin::Webhook { platform: Platform::Shopify, topic: topic.into(), api_version: "2026-10".into() };
        let now = self.clock.now();
        Event {
            id: format!("webhook/{id}").into(),
            store: self.id,
            origin,
            occurred_at: now,
            received_at: now,
            body: Bytes::from(body.to_string()),
        }
    }

    /// A paid order of customer 7.
    pub fn order(&self, id: &str) -> Event {
        self.webhook(id, "orders/paid", &order_body(1, "10.00", "2026-10-01T00:00:00Z"))
    }

    pub async fn append(&self, event: &Event) -> Position {
        self.inbox.append(event).await.unwrap()
    }

    /// Applies the event at a position as a lane does.
    pub async fn apply_at(&self, position: Position) {
        apply::apply_or_set_aside(&self.pipeline, &self.job(position)).await.unwrap();
    }

    pub(super) fn job(&self, position: Position) -> Job {
        let event = self.inbox.get(position).unwrap().unwrap();
        Job { position, read: apply::read(&self.pipeline, &event), event: Arc::new(event) }
    }

    pub async fn accept(&self, event: &Event) -> Position {
        let position = self.append(event).await;
        self.apply_at(position).await;
        position
    }

    /// Runs the deliveries that are due.
    pub async fn run_due(&self) {
        super::redeliver::run_due(&self.pipeline).await.unwrap();
    }

    pub fn transaction(&self) -> Transaction {
        self.pipeline.transaction()
    }

    pub fn read<T: Record>(&self, key: &Key) -> Option<T> {
        self.store.get(key).unwrap().map(|value| decode(&value.bytes).unwrap())
    }

    pub async fn put_bytes(&self, key: Key, bytes: &[u8]) {
        let mut transaction = self.transaction();
        transaction.put_bytes(key, bytes.to_vec());
        transaction.commit().await.unwrap();
    }

    pub fn record(&self, position: Position) -> EventRecord {
        self.read(&keys::event(self.id, position)).unwrap()
    }

    /// How the latest attempt of a plugin ended, and which it was.
    pub fn outcome(&self, position: Position, plugin: &str) -> (u32, Outcome) {
        let record = self.record(position);
        let found = record.deliveries.into_iter().find(|delivery| delivery.plugin.as_str() == plugin).unwrap();
        (found.attempt, found.outcome)
    }

    /// The number that a plugin keeps under a key of its state; 0 if there is none.
    pub fn counted(&self, plugin: &str, key: &str) -> u32 {
        let row = self.store.get(&keys::state(self.id, &PluginName::from(plugin), key)).unwrap();
        row.map_or(0, |value| u32::from_le_bytes(value.bytes.try_into().unwrap()))
    }

    pub fn queued(&self, queue: keys::DueQueue) -> usize {
        self.store.scan(&Scan::of(keys::due_queue(queue), 1_000)).unwrap().len()
    }
}

fn new_store(domain: &str) -> NewStore {
    NewStore {
        platform: Platform::Shopify,
        domain: domain.into(),
        name: "Fern & Fable".into(),
        url: "https://fern.example".into(),
        currency: "EUR".parse().unwrap(),
        time_zone: "UTC".into(),
        locale: "en".into(),
        secrets: vec!["secret".into()],
        access: None,
        api_url: None,
    }
}

impl Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bench")
    }
}

/// An order of customer 7 in the platform's shape.
pub fn order_body(id: u64, total: &str, updated_at: &str) -> Value {
    json!({
        "id": id, "name": format!("#{id}"), "currency": "EUR", "financial_status": "paid",
        "created_at": "2026-10-01T00:00:00Z", "updated_at": updated_at,
        "total_price": total, "subtotal_price": total, "total_tax": "0.00", "line_items": [],
        "customer": {"id": 7, "email": "mira@example.com", "first_name": "Mira"},
    })
}
