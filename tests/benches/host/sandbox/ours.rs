//! The component through the host's own engine.

use std::{
    collections::BTreeSet,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use regulars::{
    domain::{Change, CodeKey, Event, Origin, Platform, ReadEvent, StoreId, Timestamp, Topic},
    engine::{Ended, Engine, Failure, Input, Plugin, PluginContext, StoreContext, limits},
    store::{Commit, StateUsage, Store, Transaction, keys, memory::MemoryStore},
};

use super::{STATE_BYTES, STATE_KEY, event};

const PLUGIN: &str = "bench";
const STORE: StoreId = StoreId(1);

pub struct Ours {
    engine: Engine,
    plugin: Plugin,
    store: Arc<dyn Store>,
    input: Input,
}

/// A plugin that was stopped.
pub struct Stopped {
    pub took: Duration,
    /// What it had of what it is allowed, as a share.
    pub of_limit: f64,
}

impl Ours {
    pub fn new(component: &[u8]) -> io::Result<Self> {
        Self::with_fuel(component, limits::FUEL)
    }

    fn with_fuel(component: &[u8], fuel: u64) -> io::Result<Self> {
        let engine = Engine::new(fuel).map_err(io::Error::other)?;
        let artefacts = tempfile::tempdir()?;
        let plugin = engine.load(component, artefacts.path()).map_err(io::Error::other)?;
        let store = MemoryStore::default();
        let mut commit = Commit::default();
        commit.put(keys::state(STORE, &PLUGIN.into(), STATE_KEY), vec![7; STATE_BYTES]);
        store.commit(commit).wait().map_err(io::Error::other)?;
        Ok(Self { engine, plugin, store: Arc::new(store), input: input() })
    }

    /// How long one call takes.
    pub fn call(&self) -> io::Result<Duration> {
        let began = Instant::now();
        let ended = self.run();
        let took = began.elapsed();
        match ended.result {
            Ok(()) if ended.reads.iter().eq([STATE_KEY]) => Ok(took),
            Ok(()) => Err(io::Error::other("the plugin read no state")),
            Err(failure) => Err(io::Error::other(failure)),
        }
    }

    fn run(&self) -> Ended {
        let transaction = Transaction::new(Arc::clone(&self.store));
        self.engine.run(&self.plugin, self.input.clone(), transaction)
    }
}

/// Stops a plugin by the limit that it meets first.
pub fn runaway_by_fuel(component: &[u8]) -> io::Result<Stopped> {
    let ours = Ours::new(component)?;
    let began = Instant::now();
    let ended = ours.run();
    let took = began.elapsed();
    match ended.result {
        Err(Failure::OutOfFuel(limit)) => Ok(Stopped { took, of_limit: ended.fuel as f64 / limit as f64 }),
        other => Err(io::Error::other(format!("the plugin ended otherwise: {other:?}"))),
    }
}

/// Stops a plugin that has fuel for hours and calls the host.
pub fn runaway_by_time(component: &[u8]) -> io::Result<Stopped> {
    let ours = Ours::with_fuel(component, u64::MAX / 2)?;
    let began = Instant::now();
    let ended = ours.run();
    let took = began.elapsed();
    match ended.result {
        Err(Failure::OutOfTime) => Ok(Stopped { took, of_limit: took.as_secs_f64() / limits::WALL_TIME.as_secs_f64() }),
        other => Err(io::Error::other(format!("the plugin ended otherwise: {other:?}"))),
    }
}

fn input() -> Input {
    let event = Event {
        id: "webhook/1".into(),
        store: STORE,
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/paid".into(),
            api_version: "2026-04".into(),
        },
        occurred_at: Timestamp(1_791_000_000_000),
        received_at: Timestamp(1_791_000_000_000),
        body: Bytes::from(event()),
    };
    let store = StoreContext {
        id: STORE,
        domain: "bench.myshopify.com".into(),
        currency: "EUR".parse().expect("it is a currency"),
        time_zone: jiff::tz::TimeZone::UTC,
        locale: "en".into(),
        public_url: "https://regulars.example".into(),
        code_key: CodeKey::under(&[7; 32]),
        protected_data: regulars::domain::ProtectedData::default(),
    };
    let plugin = PluginContext {
        name: PLUGIN.into(),
        settings: serde_json::Map::new(),
        settings_version: 1,
        grants: BTreeSet::new(),
        templates: BTreeSet::new(),
    };
    Input {
        store: Arc::new(store),
        plugin: Arc::new(plugin),
        event: Arc::new(event),
        read: Arc::new(ReadEvent { topic: Topic::ORDER_PAID, change: Change::None }),
        customer: Some("7".into()),
        order: Some("1".into()),
        attempt: 1,
        usage: StateUsage::default(),
    }
}
