//! From an event in the inbox to its commit: facts projected, one delivery for each enabled plugin, all in one step.
//!
//! A reader follows the inbox and hands each event to a lane; a lane handles one event after the other. Events of one
//! customer share a lane, which keeps their order and makes conflicts rare; that the result is right does not depend on
//! it. Everything here runs on a runtime of its own, so that no plugin takes a thread from the webhooks.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, mpsc, watch};

use crate::{
    catalog::Catalog,
    clock::Clock,
    counters::Counters,
    domain::{Event, PluginName, ReadEvent, StoreId},
    engine::{SharedEngine, UsageChange},
    platform::Unreadable,
    retry::Schedule,
    store::{Error, Inbox, Position, StateUsage, Store, Transaction, keys},
};

mod apply;
#[cfg(test)]
pub(crate) mod bench;
mod facts;
mod redeliver;
mod replay;
#[cfg(test)]
mod tests;

pub use replay::{ReplayError, Replayed};

/// Events read from the inbox at once, and the bytes of bodies that they may have.
const READ_EVENTS: usize = 256;
const READ_BYTES: usize = 8 << 20;

/// Events that wait in one lane: enough to keep it busy between reads, little enough to bound memory.
const LANE_QUEUE: usize = 8;

/// How often the position up to which all is applied, and the plugins' state usage, are written down. Losing the last
/// one costs a restart some events that it reads and skips.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// The name under which the position is kept up to which all is applied.
pub(crate) const APPLIED_BEFORE: &str = "applied-before";

/// The pause before work that the store refused is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What applying events needs. Shared by the lanes, the retries and the schedule.
pub struct Pipeline {
    pub catalog: Arc<Catalog>,
    pub inbox: Arc<dyn Inbox>,
    pub store: Arc<dyn Store>,
    pub engine: SharedEngine,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
    pub retries: Schedule,
    /// How long a webhook id is remembered, and how long an event with its decisions is.
    pub dedupe_for: Duration,
    pub decisions_for: Duration,
    /// Rung when something new may be due: an effect, a timer, a delivery.
    pub due: Arc<Notify>,
    pub usage: Usage,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipeline")
    }
}

impl Pipeline {
    pub fn transaction(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.store))
    }
}

/// What each plugin's state takes in each store.
///
/// Counted in memory and written down now and then: as a key of every commit it would make every delivery of a store
/// conflict with every other. After a crash it may be off by what the last seconds changed.
#[derive(Debug, Default)]
pub struct Usage(Mutex<HashMap<(StoreId, PluginName), (StateUsage, bool)>>);

impl Usage {
    fn of(&self, store: &dyn Store, id: StoreId, plugin: &PluginName) -> Result<StateUsage, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((usage, _)) = known.get(&(id, plugin.clone())) {
            return Ok(*usage);
        }
        let row = store.get(&keys::state_usage(id, plugin))?;
        let usage = row.map(|value| crate::store::decode(&value.bytes)).transpose()?.unwrap_or_default();
        known.insert((id, plugin.clone()), (usage, false));
        Ok(usage)
    }

    fn add(&self, id: StoreId, plugin: &PluginName, change: UsageChange) {
        if change == UsageChange::default() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (usage, changed) = known.entry((id, plugin.clone())).or_default();
        usage.keys = usage.keys.saturating_add_signed(change.keys);
        usage.bytes = usage.bytes.saturating_add_signed(change.bytes);
        *changed = true;
    }

    /// Rows that have changed since they were last asked for.
    fn take_changed(&self) -> Vec<((StoreId, PluginName), StateUsage)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = known.iter_mut().filter(|(_, (_, changed))| *changed);
        changed
            .map(|(key, (usage, changed))| {
                *changed = false;
                (key.clone(), *usage)
            })
            .collect()
    }
}

/// An event on its way through a lane.
struct Job {
    position: Position,
    event: Arc<Event>,
    read: Result<Arc<ReadEvent>, Unreadable>,
}

/// How far the inbox has been applied without a gap.
struct Applied {
    state: Mutex<(Position, BTreeSet<Position>)>,
    reached: watch::Sender<Position>,
}

impl Applied {
    /// Starts with everything before `next` applied.
    fn before(next: Position) -> Self {
        Self { state: Mutex::new((next, BTreeSet::new())), reached: watch::Sender::new(next) }
    }

    fn done(&self, position: Position) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, ahead) = &mut *state;
        ahead.insert(position);
        while ahead.remove(next) {
            *next = next.next();
        }
        self.reached.send_replace(*next);
    }
}

/// Follows the inbox until it is dropped.
#[derive(Debug)]
pub struct Dispatcher {
    /// The first position that is not applied yet.
    pub reached: watch::Receiver<Position>,
    tasks: tokio::task::JoinSet<()>,
}

impl Dispatcher {
    /// Starts where the last run left off. Has to be called on the runtime that is to run the plugins.
    pub fn start(pipeline: Arc<Pipeline>, lanes: usize) -> Result<Self, Error> {
        let start = match pipeline.store.get(&keys::meta(APPLIED_BEFORE))? {
            Some(value) => crate::store::decode::<Position>(&value.bytes)?,
            None => Position(1),
        };
        pipeline.inbox.applied_before(start);
        let applied = Arc::new(Applied::before(start));
        let mut tasks = tokio::task::JoinSet::new();
        let senders: Vec<_> = (0..lanes)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(LANE_QUEUE);
                tasks.spawn(run_lane(Arc::clone(&pipeline), Arc::clone(&applied), receiver));
                sender
            })
            .collect();
        tasks.spawn(follow(Arc::clone(&pipeline), Arc::clone(&applied), start, senders));
        tasks.spawn(checkpoint(Arc::clone(&pipeline), Arc::clone(&applied)));
        tasks.spawn(redeliver::run(pipeline));
        Ok(Self { reached: applied.reached.subscribe(), tasks })
    }

    /// Stops between two commits.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Reads the inbox from `next` on and hands each event to its lane. A full lane holds the reader up, not the inbox.
async fn follow(pipeline: Arc<Pipeline>, applied: Arc<Applied>, mut next: Position, lanes: Vec<mpsc::Sender<Job>>) {
    let mut durable = pipeline.inbox.durable();
    loop {
        let last = *durable.borrow_and_update();
        while next <= last {
            let events = match pipeline.inbox.read(next, READ_EVENTS, READ_BYTES) {
                Ok(events) => events,
                Err(error) => {
                    tracing::error!(%error, position = %next, "the inbox cannot be read at {next}: {error}");
                    tokio::time::sleep(STORE_PAUSE).await;
                    continue;
                }
            };
            // Retention can have deleted what a checkpoint still names.
            let first = events.first().map_or(last.next(), |(position, _)| *position);
            (next.0..first.0).for_each(|gone| applied.done(Position(gone)));
            next = events.last().map_or(last, |(position, _)| *position).next();
            for (position, event) in events {
                let job = Job { position, read: apply::read(&pipeline, &event), event: Arc::new(event) };
                let lane = lane_of(&pipeline, &job, lanes.len());
                if lanes[lane].send(job).await.is_err() {
                    return;
                }
            }
        }
        if durable.changed().await.is_err() {
            return;
        }
    }
}

/// The lane of the event's customer; of its order or of itself if it names none.
fn lane_of(pipeline: &Pipeline, job: &Job, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    job.event.store.hash(&mut hasher);
    match apply::customer_hint(pipeline, job) {
        Some(customer) => customer.hash(&mut hasher),
        None => match job.read.as_ref().ok().and_then(|read| read.change.order()) {
            Some(order) => order.hash(&mut hasher),
            None => job.event.id.hash(&mut hasher),
        },
    }
    (hasher.finish() % lanes as u64) as usize
}

async fn run_lane(pipeline: Arc<Pipeline>, applied: Arc<Applied>, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        while let Err(error) = apply::apply_or_set_aside(&pipeline, &job).await {
            tracing::error!(
                %error, store = %job.event.store, event = %job.event.id,
                "event {} cannot be applied and waits: {error}", job.event.id
            );
            tokio::time::sleep(STORE_PAUSE).await;
        }
        applied.done(job.position);
    }
}

/// Writes down how far all is applied, and what plugins' state takes.
async fn checkpoint(pipeline: Arc<Pipeline>, applied: Arc<Applied>) {
    let mut reached = applied.reached.subscribe();
    while reached.changed().await.is_ok() {
        tokio::time::sleep(CHECKPOINT).await;
        let position = *reached.borrow_and_update();
        let mut transaction = pipeline.transaction();
        transaction.put(keys::meta(APPLIED_BEFORE), &position);
        for ((store, plugin), usage) in pipeline.usage.take_changed() {
            transaction.put(keys::state_usage(store, &plugin), &usage);
        }
        match transaction.commit().await {
            Ok(()) => pipeline.inbox.applied_before(position),
            Err(error) => tracing::error!(%error, "the checkpoint cannot be written: {error}"),
        }
    }
}
