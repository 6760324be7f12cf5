//! From an event in the inbox to its commit: facts projected, one delivery for each enabled plugin, all in one step.
//!
//! A reader follows the inbox; the stores take turns in having an event started (`turns.rs`). Events of one customer are
//! applied one after the other, which keeps their order and makes conflicts rare; that the result is right does not
//! depend on it. Everything here runs on a runtime of its own, so that no plugin takes a thread from the webhooks.

use std::{
    collections::BTreeSet,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};

use crate::{
    catalog::Catalog,
    clock::Clock,
    counters::Counters,
    domain::{CustomerId, Event, OrderId, Origin, ReadEvent, StoreId},
    engine::SharedEngine,
    platform::Unreadable,
    retry::Schedule,
    store::{Error, Inbox, Position, Store, Transaction, keys},
};

mod app;
mod apply;
mod backlog;
#[cfg(test)]
pub(crate) mod bench;
mod consents;
pub mod facts;
mod heard;
mod merges;
mod pause;
#[cfg(test)]
mod pause_tests;
mod redeliver;
mod replay;
#[cfg(test)]
mod replay_tests;
mod requests;
mod tasks;
#[cfg(test)]
mod tests;
pub mod told;
mod turns;
#[cfg(test)]
mod turns_tests;
mod usage;
mod waiting;

pub use backlog::{Backlog, Limits};
pub use heard::{Heard, HeardOf};
pub use pause::Failures;
pub use replay::{ReplayError, Replayed, ReplayedPage, Selection};
pub use usage::Usage;

use turns::{Lane, Source, Started, Turns};

/// Events read from the inbox at once, and the bytes of bodies that they may have.
const READ_EVENTS: usize = 256;
const READ_BYTES: usize = 8 << 20;

/// Batches read that wait to be given their turns: one is enough to keep the reader from being waited for.
const BATCHES: usize = 1;

/// Events whose plugins run at once, for each thread that runs them: enough that no thread idles while the next is
/// chosen, few enough that a store's event does not wait behind many of another's.
const RUNNING_PER_THREAD: usize = 4;

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
    /// The longest that a delivery waits for an order that is not known yet.
    pub wait_for_order: Duration,
    /// Deliveries of a plugin in a row that fail before it is paused in the store; 0 never pauses.
    pub pause_after: u32,
    pub failures: Failures,
    /// How long a webhook id is remembered, and how long an event with its decisions is.
    pub dedupe_for: Duration,
    pub decisions_for: Duration,
    /// How long a checkout is kept after its last change, and an entry of the audit trail.
    pub checkouts_for: Duration,
    pub audit_for: Duration,
    /// How long raw events and mails as sent are kept elsewhere.
    pub copies_for: Duration,
    /// Rung when something new may be due: an effect, a timer, a delivery.
    pub due: Arc<Notify>,
    pub usage: Usage,
    pub heard: Heard,
    pub backlog: Arc<Backlog>,
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

/// An event on its way to its commit.
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

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Concurrency {
    /// Events that run plugins or wait for their commit.
    pub in_flight: usize,
    /// Threads of the runtime.
    pub threads: usize,
}

/// Follows the inbox until it is dropped.
#[derive(Debug)]
pub struct Dispatcher {
    /// The first position that is not applied yet.
    pub reached: watch::Receiver<Position>,
    tasks: JoinSet<()>,
}

impl Dispatcher {
    /// Starts where the last run left off. Has to be called on the runtime that is to run the plugins.
    pub fn start(pipeline: Arc<Pipeline>, concurrency: Concurrency) -> Result<Self, Error> {
        let start = match pipeline.store.get(&keys::meta(APPLIED_BEFORE))? {
            Some(value) => crate::store::decode::<Position>(&value.bytes)?,
            None => Position(1),
        };
        pipeline.inbox.applied_before(start);
        let applied = Arc::new(Applied::before(start));
        let (sender, arrivals) = mpsc::channel(BATCHES);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(Arc::clone(&pipeline), Arc::clone(&applied), start, sender));
        tasks.spawn(take_turns(Arc::clone(&pipeline), Arc::clone(&applied), arrivals, concurrency));
        tasks.spawn(merges::run(Arc::clone(&pipeline)));
        tasks.spawn(checkpoint(Arc::clone(&pipeline), Arc::clone(&applied)));
        tasks.spawn(redeliver::run(pipeline));
        Ok(Self { reached: applied.reached.subscribe(), tasks })
    }

    /// Stops between two commits.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Reads the inbox from `next` on. No more is read than may wait: the rest of a backlog stays on disk.
async fn follow(
    pipeline: Arc<Pipeline>,
    applied: Arc<Applied>,
    mut next: Position,
    arrivals: mpsc::Sender<Vec<(Position, Event)>>,
) {
    let mut durable = pipeline.inbox.durable();
    loop {
        let last = *durable.borrow_and_update();
        while next <= last {
            pipeline.backlog.has_room().await;
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
            for (_, event) in &events {
                pipeline.backlog.add(event.store);
            }
            if arrivals.send(events).await.is_err() {
                return;
            }
        }
        if durable.changed().await.is_err() {
            return;
        }
    }
}

/// What an event in flight tells the one who gives the turns.
enum Progress {
    /// Its plugins have run: the next event's may.
    Ran,
    /// It is applied.
    Done { store: StoreId, lane: Lane, position: Position },
}

/// Starts events in turn, as many at once as may be.
async fn take_turns(
    pipeline: Arc<Pipeline>,
    applied: Arc<Applied>,
    mut arrivals: mpsc::Receiver<Vec<(Position, Event)>>,
    concurrency: Concurrency,
) {
    let mut turns = Turns::default();
    // Every event in flight sends twice, so that what waits here is bounded.
    let (sender, mut progress) = mpsc::unbounded_channel();
    let mut in_flight = JoinSet::new();
    let (mut flying, mut running) = (0, 0);
    let may_run = concurrency.threads * RUNNING_PER_THREAD;
    loop {
        while flying < concurrency.in_flight && running < may_run {
            match turns.next(&*pipeline) {
                Ok(Some(started)) => {
                    flying += 1;
                    running += 1;
                    in_flight.spawn(fly(Arc::clone(&pipeline), started, sender.clone()));
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "waiting events cannot be read from the inbox: {error}");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
        for (store, position) in turns.take_gone() {
            pipeline.backlog.remove(store);
            applied.done(position);
        }
        tokio::select! {
            biased;
            Some(first) = progress.recv() => {
                let mut next = Some(first);
                while let Some(told) = next {
                    match told {
                        Progress::Ran => running -= 1,
                        Progress::Done { store, lane, position } => {
                            flying -= 1;
                            turns.done(lane);
                            pipeline.backlog.remove(store);
                            applied.done(position);
                        }
                    }
                    next = progress.try_recv().ok();
                }
            }
            batch = arrivals.recv() => match batch {
                Some(batch) => turns.arrive(batch),
                None => return,
            },
        }
        // However much gets done, what has arrived is looked at: it may be another store's.
        if let Ok(batch) = arrivals.try_recv() {
            turns.arrive(batch);
        }
        while in_flight.try_join_next().is_some() {}
    }
}

/// Applies an event, however often the store refuses it, and says so.
async fn fly(pipeline: Arc<Pipeline>, Started { lane, job, .. }: Started, progress: mpsc::UnboundedSender<Progress>) {
    let (store, position) = (job.event.store, job.position);
    pipeline.heard.note_event(&job);
    let mut ran = Some(&progress);
    while let Err(error) = apply_guarded(&pipeline, &job, &mut ran).await {
        tracing::error!(
            %error, %store, event = %job.event.id,
            "event {} cannot be applied and waits: {error}", job.event.id
        );
        tokio::time::sleep(STORE_PAUSE).await;
    }
    // Without a receiver the host is stopping.
    let _ = progress.send(Progress::Done { store, lane, position });
}

/// Applies an event; one that makes this host panic is set aside, as it would do so again.
async fn apply_guarded(
    pipeline: &Pipeline,
    job: &Job,
    ran: &mut Option<&mpsc::UnboundedSender<Progress>>,
) -> Result<(), Error> {
    let first = std::panic::catch_unwind(AssertUnwindSafe(|| apply::attempt(pipeline, job)));
    if let Some(progress) = ran.take() {
        let _ = progress.send(Progress::Ran);
    }
    let applying = async {
        match first {
            Ok(attempt) => apply::conclude_or_set_aside(pipeline, job, attempt).await,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    };
    match AssertUnwindSafe(applying).catch_unwind().await {
        Ok(applied) => applied,
        Err(_) => apply::set_aside(pipeline, job, "the host panicked").await,
    }
}

impl Source for Pipeline {
    fn read(&self, from: Position) -> Result<Vec<(Position, Event)>, Error> {
        self.inbox.read(from, READ_EVENTS, READ_BYTES)
    }

    fn open(&self, position: Position, event: Arc<Event>) -> Started {
        let job = Job { position, read: apply::read(self, &event), event };
        let customer = apply::customer_hint(self, &job);
        let order = job.read.as_ref().ok().and_then(|read| read.change.order()).cloned();
        let lane = lane_of(&job.event, customer.as_ref(), order.as_ref());
        Started { lane, order, has_customer: customer.is_some(), job }
    }
}

/// The lane of the event's customer; of its order or of itself if it names none.
fn lane_of(event: &Event, customer: Option<&CustomerId>, order: Option<&OrderId>) -> Lane {
    let mut hasher = DefaultHasher::new();
    event.store.hash(&mut hasher);
    // Timers of a plugin take effect in the order in which they fall due.
    if let Origin::Timer { plugin, .. } = &event.origin {
        plugin.hash(&mut hasher);
        return Lane(hasher.finish());
    }
    match (customer, order) {
        (Some(customer), _) => customer.hash(&mut hasher),
        (None, Some(order)) => order.hash(&mut hasher),
        (None, None) => event.id.hash(&mut hasher),
    }
    Lane(hasher.finish())
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
        for (store, row, at) in pipeline.heard.take_changed() {
            // An erased store takes no writes.
            if pipeline.catalog.registry().store(store).is_some() {
                transaction.put(row, &at);
            }
        }
        match transaction.commit().await {
            Ok(()) => pipeline.inbox.applied_before(position),
            Err(error) => tracing::error!(%error, "the checkpoint cannot be written: {error}"),
        }
    }
}
