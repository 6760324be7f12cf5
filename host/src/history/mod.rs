//! History: what a store was before this host was told of anything, read from the platform once, and counted every night.
//!
//! All that is found becomes an event as a read of it would be, with an id that follows from the object and its time of
//! change, so that facts are learnt, a repeat counts once, and older never overwrites newer. What had happened before the
//! store was added is told to no plugin (`dispatch/told.rs`). A portion is appended, waited for until it is applied, and
//! only then is it kept how far the reading has come: live events are never far behind, and a restart goes on there.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::{
    catalog::StoreEntry,
    dispatch::Pipeline,
    domain::{StoreId, Timestamp},
    effects::Outbox,
    platform::past::{Next, Past as _},
    reconcile::{self, Reconciler, Stop},
    store::{Counts, Error, History, Position, decode, keys},
};

mod counts;
mod portion;
pub mod told;

/// How often it is looked whether there is anything to read.
const TICK: Duration = Duration::from_secs(1);

/// From a failure to the next try.
const RETRY: Duration = Duration::from_secs(3_600);

/// Between two looks whether the platform has gathered what it was asked for: the first, and the longest.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_MAX: Duration = Duration::from_secs(60);

/// How often a reading begins a part anew before it counts as failed.
const ANEW_MAX: u32 = 3;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether a store is read without being asked for.
    pub unasked: bool,
    /// Nights from one count to the next; zero for none but on demand.
    pub count_every: u64,
}

/// Reads the past of stores, a portion of one store at a time.
pub struct Reader {
    pub pipeline: Arc<Pipeline>,
    pub outbox: Arc<Outbox>,
    pub reconciler: Arc<Reconciler>,
    pub settings: Settings,
    asked: Mutex<Asked>,
    /// Until when a store is left alone, and how long that was.
    pauses: Mutex<HashMap<StoreId, (Timestamp, Duration)>>,
    bell: Notify,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What somebody has asked for and what has not been begun.
#[derive(Debug, Default)]
struct Asked {
    to_read: BTreeSet<StoreId>,
    to_stop: BTreeSet<StoreId>,
    to_count: BTreeSet<StoreId>,
}

/// A store's past as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Asked for and not begun.
    pub waiting: bool,
    pub history: Option<History>,
    pub counting: bool,
    pub counts: Option<Counts>,
}

/// What is to be done for a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Read,
    Count,
}

impl Reader {
    pub fn new(pipeline: Arc<Pipeline>, outbox: Arc<Outbox>, reconciler: Arc<Reconciler>, settings: Settings) -> Self {
        let (asked, pauses, bell) = (Mutex::default(), Mutex::default(), Notify::new());
        Self { pipeline, outbox, reconciler, settings, asked, pauses, bell }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a store's past read from its beginning.
    pub fn ask(&self, store: StoreId) {
        self.asked().to_read.insert(store);
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
        self.bell.notify_one();
    }

    /// Ends a reading that is under way or is asked for; what it has learnt stays.
    pub fn stop(&self, store: StoreId) -> Result<(), Error> {
        let is_under_way = self.history(store)?.is_some_and(|history| history.ended_at.is_none());
        let mut asked = self.asked();
        asked.to_read.remove(&store);
        if is_under_way {
            asked.to_stop.insert(store);
        }
        drop(asked);
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
        self.bell.notify_one();
        Ok(())
    }

    /// Has the platform's counts compared with what is known.
    pub fn ask_to_count(&self, store: StoreId) {
        self.asked().to_count.insert(store);
        self.bell.notify_one();
    }

    pub fn state(&self, store: StoreId) -> Result<State, Error> {
        let asked = self.asked();
        let (waiting, counting) = (asked.to_read.contains(&store), asked.to_count.contains(&store));
        drop(asked);
        Ok(State { waiting, counting, history: self.history(store)?, counts: self.counts(store)? })
    }

    fn history(&self, store: StoreId) -> Result<Option<History>, Error> {
        self.pipeline.store.get(&keys::history(store))?.map(|value| decode(&value.bytes)).transpose()
    }

    fn counts(&self, store: StoreId) -> Result<Option<Counts>, Error> {
        self.pipeline.store.get(&keys::counts(store))?.map(|value| decode(&value.bytes)).transpose()
    }

    /// The next store for which there is anything to do.
    fn next_due(&self) -> Result<Option<(Arc<StoreEntry>, Work)>, Error> {
        let registry = self.pipeline.catalog.registry();
        let now = self.pipeline.clock.now();
        for entry in registry.stores() {
            if let Some(work) = self.work_of(entry, now)? {
                return Ok(Some((Arc::clone(entry), work)));
            }
        }
        Ok(None)
    }

    fn work_of(&self, entry: &StoreEntry, now: Timestamp) -> Result<Option<Work>, Error> {
        let store = entry.id();
        let asked = self.asked();
        let (read, stop, count) =
            (asked.to_read.contains(&store), asked.to_stop.contains(&store), asked.to_count.contains(&store));
        drop(asked);
        if read || stop {
            return Ok(Some(Work::Read));
        }
        let history = self.history(store)?;
        let is_to_be_read = entry.access.is_some()
            && match &history {
                None => self.settings.unasked,
                Some(history) => match history.ended_at {
                    None => true,
                    Some(ended_at) => history.error.is_some() && ended_at + RETRY <= now,
                },
            };
        if is_to_be_read {
            let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
            return Ok(pauses.get(&store).is_none_or(|(until, _)| *until <= now).then_some(Work::Read));
        }
        let is_read = history.as_ref().is_some_and(History::is_read);
        let is_night = || -> Result<bool, Error> {
            let Some(read_at) = history.as_ref().and_then(|history| history.ended_at) else { return Ok(false) };
            let last = self.counts(store)?.map_or(read_at, |counts| counts.counted_at);
            Ok(counts::next_night(last, self.settings.count_every, &entry.context.time_zone) <= now)
        };
        let is_due = is_read && entry.access.is_some() && self.settings.count_every > 0 && is_night()?;
        Ok((count || is_due).then_some(Work::Count))
    }

    /// Reads a portion of a store's past, waits until it is applied, and keeps how far that is.
    async fn read_on(&self, entry: &StoreEntry, applied: &mut watch::Receiver<Position>) -> Result<(), Error> {
        let (store, now) = (entry.id(), self.pipeline.clock.now());
        let kept = self.history(store)?;
        let (is_anew, is_stopped) = {
            let asked = self.asked();
            (asked.to_read.contains(&store), asked.to_stop.contains(&store))
        };
        let place = kept.as_ref().and_then(|kept| kept.place.clone());
        let fresh = || History { started_at: now, ..History::default() };
        let mut history = match is_anew {
            true => fresh(),
            false => kept.unwrap_or_else(fresh),
        };
        (history.ended_at, history.error) = (None, None);
        if is_anew || is_stopped {
            (history.stopped, history.ended_at) = (!is_anew, (!is_anew).then_some(now));
            reconcile::keep(&self.pipeline, keys::history(store), &history).await?;
            // Whoever asks how it stands sees it waiting until it is seen to have begun.
            {
                let mut asked = self.asked();
                asked.to_read.remove(&store);
                asked.to_stop.remove(&store);
            }
            if let Some(place) = place {
                self.let_go(entry, &place).await;
            }
            return Ok(());
        }
        let before = history.clone();
        let next = match self.outbox.storefronts.client(entry).await {
            Ok(client) => portion::read(&self.pipeline, entry, &*client, &mut history).await,
            Err(failure) => Err(Stop::Platform(failure)),
        };
        let pause = match next {
            Ok(next) => advance(&mut history, next, self.pipeline.clock.now()),
            Err(Stop::Platform(failure)) => {
                // The portion is read again, and counted then.
                history = before;
                fail(&mut history, failure.to_string(), self.pipeline.clock.now());
                Pause::None
            }
            Err(Stop::Store(error)) => return Err(error),
        };
        let accepted = *self.pipeline.inbox.durable().borrow();
        // Who applies is gone only when the host is.
        let _ = applied.wait_for(|reached| *reached > accepted).await;
        self.pause(store, pause);
        reconcile::keep(&self.pipeline, keys::history(store), &history).await
    }

    /// Has the platform end what it gathers; where it does not, that ends by itself.
    async fn let_go(&self, entry: &StoreEntry, place: &str) {
        let let_go = match self.outbox.storefronts.client(entry).await {
            Ok(client) => client.let_go(place).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = let_go {
            tracing::info!(store = %entry.id(), "what was gathered of the past is not let go: {failure}");
        }
    }

    fn pause(&self, store: StoreId, pause: Pause) {
        let now = self.pipeline.clock.now();
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match pause {
            Pause::None => {
                pauses.remove(&store);
                return;
            }
            Pause::For(long) => long,
            Pause::Longer => pauses.get(&store).map_or(LOOK, |(_, long)| (*long * 2).min(LOOK_MAX)),
        };
        pauses.insert(store, (now + next, next));
    }
}

/// How long a store is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    None,
    For(Duration),
    /// Than the last time.
    Longer,
}

/// Moves a reading on.
fn advance(history: &mut History, next: Next, now: Timestamp) -> Pause {
    match next {
        Next::At(place) => history.place = Some(place),
        Next::AtWork(place) => {
            history.place = Some(place);
            return Pause::Longer;
        }
        Next::Busy(long) => return Pause::For(long),
        Next::Anew(why) if history.begun_anew >= ANEW_MAX => {
            history.place = None;
            fail(history, why, now);
        }
        Next::Anew(_) => {
            history.place = None;
            history.begun_anew += 1;
        }
        Next::GivenUp(why) => {
            history.place = None;
            fail(history, why, now);
        }
        Next::End => {
            history.place = None;
            if history.has_customers {
                history.ended_at = Some(now);
            }
            history.has_customers = true;
        }
    }
    Pause::None
}

fn fail(history: &mut History, why: String, now: Timestamp) {
    (history.error, history.ended_at, history.begun_anew) = (Some(why), Some(now), 0);
}

/// Reads and counts as it falls due or is asked for, until it is dropped. `applied` is the first position that is not applied
/// yet.
pub async fn run(reader: Arc<Reader>, mut applied: watch::Receiver<Position>) {
    loop {
        let done = match reader.next_due() {
            Ok(Some((entry, Work::Read))) => reader.read_on(&entry, &mut applied).await.map(|()| true),
            Ok(Some((entry, Work::Count))) => counts::count(&reader, &entry).await.map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            tracing::error!(%error, "the reading of history is held up: {error}");
        }
        if !matches!(done, Ok(true)) {
            let _ = tokio::time::timeout(TICK, reader.bell.notified()).await;
        }
    }
}
