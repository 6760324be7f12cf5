//! Reconciliation: what a platform says has changed is compared with what webhooks told, and what none told is made up.
//!
//! Webhooks get lost, however often they are retried. A run reads the store's changes since the last run, with an overlap,
//! page by page; for each step of an object that plugins have not been told of it appends the event that the lost webhook
//! would have been. From there on nothing is special: the event is durable, counts once, and a webhook that comes after
//! all counts for nothing (`dispatch/told.rs`). A run that is cut off is repeated from where its last whole page ended;
//! what it appended twice has the same id.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::{
    catalog::StoreEntry,
    dispatch::{Pipeline, told::Known},
    domain::{Event, EventId, OrderId, Origin, Step, StoreId, Timestamp},
    effects::Outbox,
    platform::{ChangedOrder, Changes, Failure},
    store::{CommitError, Error, Key, Position, Reconciled, Reconciliation, Record, decode, keys},
};

mod products;
#[cfg(test)]
mod tests;

/// How often it is looked whether a run is due.
const TICK: Duration = Duration::from_secs(1);

/// How long a run waits for the events that were accepted before it to be applied: they may be what seems to be missing.
const CATCH_UP: Duration = Duration::from_secs(60);

/// Tries of one call, and the pause after one that failed without a wait stated.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

/// When and how much is read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two runs; zero for none but on demand.
    pub every: Duration,
    /// By how much a run's span overlaps with the last one's: the platform's listing may trail its writes.
    pub overlap: Duration,
    /// What changed within this long is left to its webhook.
    pub settle: Duration,
    pub pages: u64,
}

/// Runs reconciliations, one after the other.
pub struct Reconciler {
    pub pipeline: Arc<Pipeline>,
    pub outbox: Arc<Outbox>,
    pub settings: Settings,
    asked: Mutex<BTreeMap<StoreId, Option<Timestamp>>>,
    running: Mutex<HashMap<StoreId, Reconciled>>,
    bell: Notify,
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A store's reconciliation as it stands.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Asked for and not begun.
    pub waiting: bool,
    pub running: Option<Reconciled>,
    pub kept: Option<Reconciliation>,
}

/// A run that is due.
struct Due {
    entry: Arc<StoreEntry>,
    /// Since when the store is to be read; since the last run if nobody asked for more.
    since: Option<Timestamp>,
}

impl Reconciler {
    pub fn new(pipeline: Arc<Pipeline>, outbox: Arc<Outbox>, settings: Settings) -> Self {
        let (asked, running, bell) = (Mutex::default(), Mutex::default(), Notify::new());
        Self { pipeline, outbox, settings, asked, running, bell }
    }

    /// Has a store reconciled as soon as can be; `since` a moment, or since the last run. Of two who ask before it begins
    /// the one who asks for more is given it.
    pub fn ask(&self, store: StoreId, since: Option<Timestamp>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = asked.entry(store).or_insert(since);
        *waiting = waiting.iter().copied().chain(since).min();
        drop(asked);
        self.bell.notify_one();
    }

    pub fn state(&self, store: StoreId) -> Result<State, Error> {
        Ok(State {
            waiting: self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&store),
            running: self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&store).cloned(),
            kept: kept(&self.pipeline, store)?,
        })
    }

    /// The next store whose run is due.
    fn next_due(&self) -> Result<Option<Due>, Error> {
        let registry = self.pipeline.catalog.registry();
        let now = self.pipeline.clock.now();
        for entry in registry.stores() {
            let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&entry.id()).copied();
            if let Some(since) = asked {
                return Ok(Some(Due { entry: Arc::clone(entry), since }));
            }
            if entry.access.is_none() {
                continue;
            }
            let every = self.settings.every;
            let due = match kept(&self.pipeline, entry.id())? {
                // What was asked for is read to its end also where nothing is read unasked.
                Some(last) if last.more && last.latest.error.is_none() => last.latest.started_at,
                _ if every.is_zero() => continue,
                Some(last) => last.latest.started_at + every,
                None => entry.record.added_at + every,
            };
            if due <= now {
                return Ok(Some(Due { entry: Arc::clone(entry), since: None }));
            }
        }
        Ok(None)
    }

    async fn reconcile(
        &self,
        entry: &StoreEntry,
        since: Option<Timestamp>,
        applied: &mut watch::Receiver<Position>,
    ) -> Result<(), Error> {
        let store = entry.id();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(store, Reconciled::default());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
        let show = |report: &Reconciled| {
            self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(store, report.clone());
        };
        let accepted = *self.pipeline.inbox.durable().borrow();
        let caught_up = tokio::time::timeout(CATCH_UP, applied.wait_for(|reached| *reached > accepted)).await.is_ok();
        let client = match caught_up {
            true => self.outbox.storefronts.client(entry).await,
            false => Err(Failure::Transient { reason: "events that were accepted before wait to be applied".into() }),
        };
        let done = match &client {
            Ok(client) => run_store(&self.pipeline, self.settings, entry, &**client, since, show).await,
            Err(failure) => fail(&self.pipeline, self.settings, entry, since, failure).await,
        };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
        done?;
        match &client {
            Ok(client) => products::read_on(&self.pipeline, self.settings, store, &**client).await,
            Err(_) => Ok(()),
        }
    }
}

/// Reconciles stores as they fall due or are asked for, until it is dropped. `applied` is the first position that is not
/// applied yet.
pub async fn run(reconciler: Arc<Reconciler>, mut applied: watch::Receiver<Position>) {
    loop {
        let done = match reconciler.next_due() {
            Ok(Some(Due { entry, since })) => reconciler.reconcile(&entry, since, &mut applied).await.map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            tracing::error!(%error, "reconciliation is held up: {error}");
        }
        if !matches!(done, Ok(true)) {
            let _ = tokio::time::timeout(TICK, reconciler.bell.notified()).await;
        }
    }
}

fn kept(pipeline: &Pipeline, store: StoreId) -> Result<Option<Reconciliation>, Error> {
    pipeline.store.get(&keys::reconciliation(store))?.map(|value| decode(&value.bytes)).transpose()
}

/// From where a run reads.
struct Beginning {
    before: Option<Reconciliation>,
    from: Timestamp,
    /// A run that was asked for, or goes on where another stopped, is gone on with wherever it ends.
    goes_on: bool,
}

impl Beginning {
    fn of(
        pipeline: &Pipeline,
        settings: Settings,
        entry: &StoreEntry,
        since: Option<Timestamp>,
    ) -> Result<Self, Error> {
        let before = kept(pipeline, entry.id())?;
        let begun = entry.record.added_at;
        let due = match &before {
            // Where a run stopped at its bound the next goes on: an overlap might never get past it.
            Some(before) if before.more => before.until,
            Some(before) => earlier(before.until, settings.overlap).max(begun),
            None => begun,
        };
        // Nobody who asks makes it later: what lies between would count as reconciled.
        let from = since.map_or(due, |since| since.min(due));
        let goes_on = since.is_some() || before.as_ref().is_some_and(|before| before.more);
        Ok(Self { before, from, goes_on })
    }

    /// What is kept of a run that has read nothing yet.
    fn kept(self, latest: Reconciled) -> Reconciliation {
        let until = self.before.as_ref().map_or(self.from, |before| before.until);
        Reconciliation { until, more: false, repaired: self.before.map_or(0, |before| before.repaired), latest }
    }
}

/// Keeps that a run has got as far as `reached`. Where another is to go on, that may be earlier than what was reconciled
/// before.
fn reach(kept: &mut Reconciliation, reached: Timestamp) {
    kept.until = if kept.more { reached } else { kept.until.max(reached) };
}

/// Keeps a run that could not begin.
async fn fail(
    pipeline: &Pipeline,
    settings: Settings,
    entry: &StoreEntry,
    since: Option<Timestamp>,
    failure: &Failure,
) -> Result<(), Error> {
    let now = pipeline.clock.now();
    let beginning = Beginning::of(pipeline, settings, entry, since)?;
    let latest =
        Reconciled { started_at: now, ended_at: Some(now), error: Some(failure.to_string()), ..Reconciled::default() };
    let (from, more) = (beginning.from, beginning.goes_on);
    let mut kept = Reconciliation { more, ..beginning.kept(latest) };
    reach(&mut kept, from);
    keep(pipeline, keys::reconciliation(entry.id()), &kept).await
}

/// One run: reads a store's changes and appends what is missing. What it found is kept, whether it ended well or not.
pub async fn run_store(
    pipeline: &Pipeline,
    settings: Settings,
    entry: &StoreEntry,
    client: &impl Changes,
    since: Option<Timestamp>,
    show: impl Fn(&Reconciled),
) -> Result<(), Error> {
    let now = pipeline.clock.now();
    let beginning = Beginning::of(pipeline, settings, entry, since)?;
    let (from, goes_on) = (beginning.from, beginning.goes_on);
    let to = earlier(now, settings.settle);
    let mut kept = beginning.kept(Reconciled { started_at: now, from, to, ..Reconciled::default() });
    let mut late = Vec::new();
    let (mut after, mut reached, mut ended) = (None, from, from >= to);
    while !ended {
        let read = async {
            let page = with_patience(pipeline, client, || client.changed_orders((from, to), after.as_deref())).await?;
            for order in &page.orders {
                make_up(pipeline, entry, client, order, &mut kept.latest, &mut late).await?;
            }
            Ok::<_, Stop>(page)
        };
        match read.await {
            Ok(page) => {
                kept.latest.pages += 1;
                after = page.next;
                let last = page.orders.last().map_or(reached, |last| last.updated_at);
                reached = if after.is_some() { last } else { to };
                kept.more = after.is_some() && kept.latest.pages >= settings.pages;
                ended = after.is_none() || kept.more;
            }
            Err(Stop::Platform(failure)) => {
                kept.latest.error = Some(failure.to_string());
                kept.more = goes_on;
                ended = true;
            }
            Err(Stop::Store(error)) => return Err(error),
        }
        late.sort_unstable();
        kept.latest.late_max = late.last().copied().unwrap_or(0);
        kept.latest.late_median = late.get(late.len() / 2).copied().unwrap_or(0);
        show(&kept.latest);
    }
    reach(&mut kept, reached);
    kept.repaired += kept.latest.repaired;
    kept.latest.ended_at = Some(pipeline.clock.now());
    keep(pipeline, keys::reconciliation(entry.id()), &kept).await
}

/// Why a run ends before its time.
pub(crate) enum Stop {
    Platform(Failure),
    Store(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Appends the events that an order's webhooks would have been, for every step that plugins have not been told of.
async fn make_up(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    client: &impl Changes,
    order: &ChangedOrder,
    report: &mut Reconciled,
    late: &mut Vec<u64>,
) -> Result<(), Stop> {
    let store = entry.id();
    let known = Known::of(&*pipeline.store, store, &order.id)?;
    report.looked_at += 1;
    let mut tells_order = false;
    let update = (Step::Updated, None);
    for (step, at) in order.steps.iter().chain([&update]) {
        // Any other step's event brings the order as it is now.
        if *step == Step::Updated && tells_order || !is_ours(entry, order, step, *at) {
            continue;
        }
        if known.has(&*pipeline.store, (store, &order.id), step, order.updated_at)? {
            report.duplicates += u64::from(*step != Step::Updated);
            continue;
        }
        let told = with_patience(pipeline, client, || client.told(&order.id, step)).await?;
        let Some(told) = told else { continue };
        tells_order |= !matches!(step, Step::Refunded(_));
        let now = pipeline.clock.now();
        let occurred_at = at.unwrap_or(order.updated_at);
        let event = Event {
            id: id_of(&told.topic, &order.id, step, order.updated_at),
            store,
            origin: Origin::Read { platform: told.platform, topic: told.topic, api_version: told.api_version },
            occurred_at,
            received_at: now,
            body: told.body,
        };
        pipeline.inbox.append(&event).await?;
        report.repaired += 1;
        late.push(u64::try_from(now.since(occurred_at).as_millis()).unwrap_or(u64::MAX));
    }
    Ok(())
}

/// Whether a webhook would have told this host of a step. What happened before the store was added is learnt, not told:
/// an old order that changes is known from then on, and nobody earns on it.
fn is_ours(entry: &StoreEntry, order: &ChangedOrder, step: &Step, at: Option<Timestamp>) -> bool {
    match (step, at) {
        (Step::Updated, _) => true,
        (_, Some(at)) => at >= entry.record.added_at,
        (_, None) => order.created_at >= entry.record.added_at,
    }
}

/// Follows from the object and its time of change, so that reading it twice is telling it once.
pub(crate) fn id_of(topic: &str, order: &OrderId, step: &Step, updated_at: Timestamp) -> EventId {
    let object = match step {
        Step::Refunded(refund) => refund.as_str(),
        _ => order.as_str(),
    };
    EventId::from(format!("read/{topic}/{object}/{}", updated_at.0))
}

/// Calls until it is answered, at most [`TRIES`] times; waits as long as the platform says.
pub(crate) async fn with_patience<T, F: Future<Output = Result<T, Failure>>>(
    pipeline: &Pipeline,
    client: &impl Changes,
    call: impl Fn() -> F,
) -> Result<T, Stop> {
    let mut tries = 0;
    loop {
        let now = pipeline.clock.now();
        let allowed = client.next_allowed(now);
        if allowed > now {
            tokio::time::sleep(allowed.since(now)).await;
        }
        tries += 1;
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(failure) if tries == TRIES => return Err(Stop::Platform(failure)),
            Err(Failure::Throttled { retry_after } | Failure::Later { retry_after, .. }) => {
                tokio::time::sleep(retry_after).await
            }
            Err(Failure::NotYet { until, .. }) => tokio::time::sleep(until.since(pipeline.clock.now())).await,
            Err(Failure::Transient { .. } | Failure::Unreachable { .. }) => tokio::time::sleep(PAUSE * tries).await,
            Err(failure @ Failure::Permanent { .. }) => return Err(Stop::Platform(failure)),
        }
    }
}

pub(crate) async fn keep<T: Record>(pipeline: &Pipeline, key: Key, record: &T) -> Result<(), Error> {
    loop {
        let mut transaction = pipeline.transaction();
        transaction.put(key.clone(), record);
        match transaction.commit().await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}
