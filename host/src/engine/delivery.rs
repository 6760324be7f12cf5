//! One running delivery: what the plugin may see, and what it has queued so far.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use wasmtime::ResourceLimiter;

use super::{
    Ended, Failure,
    bindings::{Envelope, types::Refusal},
    limits,
};
use crate::{
    domain::{
        CodeKey, Currency, CustomerId, Effect, Event, EventId, Note, OrderId, PluginName, ProtectedData, ReadEvent,
        StoreId, Timestamp,
    },
    store::{self, Key, Record, Savepoint, StateUsage, Transaction},
};

/// What a plugin may know of the store it works for.
#[derive(Clone, Debug)]
pub struct StoreContext {
    pub id: StoreId,
    /// The shop's permanent domain; part of every effect's id.
    pub domain: String,
    pub currency: Currency,
    pub time_zone: jiff::tz::TimeZone,
    pub locale: String,
    /// What public addresses of this host begin with, without a slash at the end.
    pub public_url: String,
    pub code_key: CodeKey,
    pub protected_data: ProtectedData,
}

/// A plugin as it is switched on in a store.
#[derive(Clone, Debug)]
pub struct PluginContext {
    pub name: PluginName,
    pub settings: Map<String, Value>,
    pub settings_version: u32,
    /// Capabilities granted by the merchant.
    pub grants: BTreeSet<String>,
    /// Names of the mail templates in the plugin's file.
    pub templates: BTreeSet<String>,
}

/// Everything a delivery depends on besides facts and state: a plugin is a function of these.
#[derive(Clone, Debug)]
pub struct Input {
    pub store: Arc<StoreContext>,
    pub plugin: Arc<PluginContext>,
    pub event: Arc<Event>,
    pub read: Arc<ReadEvent>,
    /// The customer and the order that the event concerns, as far as they can be told.
    pub customer: Option<CustomerId>,
    pub order: Option<OrderId>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// What the plugin's state took when the delivery began.
    pub usage: StateUsage,
}

impl Input {
    /// The frozen clock: when the host accepted the event, whenever the delivery runs.
    pub fn now(&self) -> Timestamp {
        self.event.received_at
    }

    pub(super) fn envelope(&self) -> Envelope {
        let platform = self.event.origin.platform_topic().map_or("regulars", |(platform, _)| platform.as_str());
        Envelope {
            id: self.event.id.to_string(),
            topic: self.read.topic.to_string(),
            platform: platform.into(),
            occurred_at: self.event.occurred_at.0,
            attempt: self.attempt,
        }
    }
}

/// By how much a delivery changed what the plugin's state takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageChange {
    pub keys: i64,
    pub bytes: i64,
}

/// What the sandbox's store holds while a delivery runs.
pub struct Delivery {
    pub(super) input: Input,
    pub(super) transaction: Transaction,
    begin: Savepoint,
    pub(super) memory: Memory,
    /// Made when it is first asked for.
    random: Option<Random>,
    /// Effects queued so far, those included that end codes of other plugins.
    pub(super) effects: Vec<Effect>,
    /// How many the plugin itself has queued.
    pub(super) queued: u32,
    pub(super) timer_calls: u32,
    pub(super) notes: Vec<Note>,
    pub(super) reads: Vec<String>,
    pub(super) usage: UsageChange,
    read_bytes: usize,
    written_bytes: usize,
}

/// A delivery has read more than [`limits::READ_BYTES`].
#[derive(Debug, thiserror::Error)]
#[error("more than {} bytes were read", limits::READ_BYTES)]
pub(super) struct ReadTooMuch;

impl Delivery {
    pub(super) fn new(input: Input, transaction: Transaction) -> Self {
        Self {
            begin: transaction.savepoint(),
            input,
            transaction,
            memory: Memory::default(),
            random: None,
            effects: Vec::new(),
            queued: 0,
            timer_calls: 0,
            notes: Vec::new(),
            reads: Vec::new(),
            usage: UsageChange::default(),
            read_bytes: 0,
            written_bytes: 0,
        }
    }

    pub(super) fn end(mut self, result: Result<(), Failure>, fuel: u64) -> Ended {
        if result.is_err() {
            self.transaction.roll_back(self.begin);
            self.effects.clear();
            self.usage = UsageChange::default();
        }
        Ended {
            transaction: self.transaction,
            result,
            fuel,
            notes: self.notes,
            reads: self.reads,
            effects: self.effects,
            usage: self.usage,
        }
    }

    pub(super) fn store_id(&self) -> StoreId {
        self.input.store.id
    }

    pub(super) fn random(&mut self) -> u64 {
        let Input { store, plugin, event, .. } = &self.input;
        self.random.get_or_insert_with(|| Random::seeded(store.id, &plugin.name, &event.id)).next()
    }

    /// Counts a row that was read, or looked for, against what the delivery may read.
    pub(super) fn count_read(&mut self, bytes: usize) -> Result<(), ReadTooMuch> {
        self.read_bytes += bytes.max(limits::READ_ROW_BYTES);
        if self.read_bytes <= limits::READ_BYTES { Ok(()) } else { Err(ReadTooMuch) }
    }

    /// Reads a fact.
    pub(super) fn get<T: Record>(&mut self, key: &Key) -> wasmtime::Result<Option<T>> {
        let bytes = self.transaction.get_bytes(key)?;
        let (length, record) = (bytes.map_or(0, <[u8]>::len), bytes.map(store::decode).transpose()?);
        self.count_read(length)?;
        Ok(record)
    }

    /// Counts bytes about to be written against what the delivery may write.
    pub(super) fn count_written(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.written_bytes + bytes > limits::WRITTEN_BYTES as usize {
            return Err(Refusal::OverLimit(limits::WRITTEN_BYTES));
        }
        self.written_bytes += bytes;
        Ok(())
    }

    /// Remembers that a state key was read, once.
    pub(super) fn has_read(&mut self, key: &str) {
        if self.reads.len() < limits::READS_LISTED && !self.reads.iter().any(|read| read == key) {
            self.reads.push(key.into());
        }
    }
}

/// Bounds what an instance may grow to, and remembers that it hit the bound: the trap that follows does not say.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) memory_refused: bool,
    pub(super) table_refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= limits::MEMORY_BYTES;
        self.memory_refused |= !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= limits::TABLE_ELEMENTS;
        self.table_refused |= !allowed;
        Ok(allowed)
    }
}

/// Numbers that look random and are equal in every run of the same delivery: SHA-256 in counter mode.
#[derive(Debug)]
struct Random {
    seed: [u8; 32],
    counter: u64,
}

impl Random {
    fn seeded(store: StoreId, plugin: &PluginName, event: &EventId) -> Self {
        let mut seed = Sha256::new();
        seed.update(store.0.to_be_bytes());
        for part in [plugin.as_str(), event.as_str()] {
            seed.update((part.len() as u64).to_be_bytes());
            seed.update(part);
        }
        Self { seed: seed.finalize().into(), counter: 0 }
    }

    fn next(&mut self) -> u64 {
        let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
        self.counter += 1;
        u64::from_be_bytes(std::array::from_fn(|index| block[index]))
    }
}
