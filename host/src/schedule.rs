//! The schedule: due timers become events; what has been kept long enough is let go.
//!
//! A timer lives in the store alone. Its rows stay until its event is applied, in that event's commit, so that it fires
//! once whenever the host stops. A timer whose plugin is paused or switched off, or whose store has been removed, stays
//! where it is and fires, late and once, when the plugin works again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    catalog::Registry,
    dispatch::{APPLIED_BEFORE, Pipeline},
    domain::{Event, EventId, Origin, PluginName, StoreId, Timestamp},
    store::{
        CommitError, Error, EventRecord, Key, Position, Scan, TimerRecord, Value, Version, decode,
        due::{Round, due_in},
        keys,
        keys::{Due, DueQueue},
    },
    telemetry::journey,
};

mod sweeps;
#[cfg(test)]
mod tests;

/// How often due times are looked at: the precision of a timer.
const TICK: Duration = Duration::from_millis(200);

/// The pause between rounds while more is due than one round takes.
const SOON: Duration = Duration::from_millis(10);

/// Lines looked at in one round: with more stores and plugins than that, a timer's precision is a few ticks.
const LINES: usize = 1_000;

/// Timers of one line that one round appends: each line's turn, however long it is.
const SHARE: usize = 64;

/// Timers of one line whose events are in the inbox and not applied yet: a long line fills neither inbox nor memory.
const LINE_ON_THE_WAY: usize = 256;

/// The same for all lines together.
const ON_THE_WAY: usize = 4_096;

/// Expiries in one round and commit: 2,500 a second, far above what arrives.
const EXPIRIES: usize = 500;

/// The pause after a round that found nothing to forget.
const EXPIRY_PAUSE: Duration = Duration::from_secs(10);

/// Runs until it is dropped.
pub async fn run(pipeline: Arc<Pipeline>) {
    tokio::join!(keep_time(&pipeline), sweeps::run(&pipeline));
}

async fn keep_time(pipeline: &Pipeline) {
    let mut timers = Timers::default();
    let mut next_expiry = Timestamp(0);
    loop {
        let fires = fire_timers(pipeline, &mut timers).await;
        let now = pipeline.clock.now();
        if next_expiry <= now {
            match expire(pipeline).await {
                Ok(true) => {}
                Ok(false) => next_expiry = now + EXPIRY_PAUSE,
                Err(error) => tracing::error!(%error, "forgetting is held up: {error}"),
            }
        }
        let more = fires.unwrap_or_else(|error| {
            tracing::error!(%error, "timers are held up: {error}");
            false
        });
        tokio::time::sleep(if more { SOON } else { TICK }).await;
    }
}

/// Where the rounds stand, and which timers' events are in the inbox and not applied yet.
///
/// A restart forgets it and appends those a second time: the event's id is the same, so it counts once.
#[derive(Debug, Default)]
struct Timers {
    round: Round,
    /// By line and due row: the timer's key and the version it had when it fired.
    on_the_way: BTreeMap<Key, BTreeMap<Key, (Key, Version)>>,
}

impl Timers {
    /// Forgets those that have been applied, cancelled or set anew: their rows are gone or have changed.
    fn settle(&mut self, pipeline: &Pipeline) -> Result<(), Error> {
        for line in self.on_the_way.values_mut() {
            let mut settled = Vec::new();
            for (due, (timer, version)) in &*line {
                let changed = |row: Option<Value>| row.is_none_or(|row| row.version != *version);
                if pipeline.store.get(due)?.is_none() || changed(pipeline.store.get(timer)?) {
                    settled.push(due.clone());
                }
            }
            settled.iter().for_each(|due| _ = line.remove(due));
        }
        self.on_the_way.retain(|_, line| !line.is_empty());
        Ok(())
    }
}

/// Appends an event for each due timer, a share of each line, in order of their due times; true if more are due.
async fn fire_timers(pipeline: &Pipeline, timers: &mut Timers) -> Result<bool, Error> {
    timers.settle(pipeline)?;
    let now = pipeline.clock.now();
    let mut room = ON_THE_WAY.saturating_sub(timers.on_the_way.values().map(BTreeMap::len).sum());
    let mut more = false;
    for head in timers.round.due_lines(&*pipeline.store, DueQueue::Timers, now, LINES)? {
        let Due::Timer { store, plugin, .. } = &head else { continue };
        // Where so much waits already, shops' webhooks come first.
        if !fires(&pipeline.catalog.registry(), *store, plugin) || pipeline.backlog.is_full_for(*store) {
            continue;
        }
        let line = head.line();
        if room == 0 {
            more = true;
            break;
        }
        let on_the_way = timers.on_the_way.get(&line).map_or(0, BTreeMap::len);
        let share = SHARE.min(room).min(LINE_ON_THE_WAY.saturating_sub(on_the_way));
        // Those on the way stand first: they were the first to be due.
        let mut due = match share {
            0 => Vec::new(),
            share => due_in(&*pipeline.store, &line, now, on_the_way + share)?,
        };
        more |= due.len() == on_the_way + share;
        due.retain(|(at, due)| {
            timers.on_the_way.get(&line).is_none_or(|on_the_way| !on_the_way.contains_key(&due.key(*at)))
        });
        let (appended, full) = append(pipeline, &due, now).await?;
        room -= appended.len().min(room);
        if !appended.is_empty() {
            timers.on_the_way.entry(line).or_default().extend(appended);
        }
        if full {
            // The next round tries again.
            return Ok(false);
        }
    }
    Ok(more)
}

/// Whether a plugin's timers fire now.
fn fires(registry: &Registry, store: StoreId, plugin: &PluginName) -> bool {
    let entry = registry.store(store).filter(|entry| entry.record.removed_at.is_none());
    entry.and_then(|entry| entry.plugin(plugin)).is_some_and(|enabled| !enabled.is_paused())
}

type Appended = Vec<(Key, (Key, Version))>;

/// Appends the events of due timers together, which one sync makes durable; true if the inbox takes no more now.
async fn append(pipeline: &Pipeline, due: &[(Timestamp, Due)], now: Timestamp) -> Result<(Appended, bool), Error> {
    let mut found = Vec::new();
    for (at, due) in due {
        let Due::Timer { store, plugin, key } = due else { continue };
        let timer = keys::timer(*store, plugin, key);
        let row = pipeline.store.get(&timer)?;
        let record = row.as_ref().map(|row| decode::<TimerRecord>(&row.bytes)).transpose();
        let (row, record) = match (row, record) {
            (Some(row), Ok(Some(record))) if record.due == *at => (row, record),
            // A due row without its timer, or with one that cannot be read: it must not come up again and again.
            (_, record) => {
                if let Err(error) = record {
                    tracing::error!(%error, %store, %plugin, timer = %key, "timer {key} of {plugin} is lost: {error}");
                }
                let mut transaction = pipeline.transaction();
                transaction.get_bytes(&timer)?;
                transaction.delete(due.key(*at));
                match transaction.commit().await {
                    Ok(()) | Err(CommitError::Conflict) => continue,
                    Err(CommitError::Store(error)) => return Err(error),
                }
            }
        };
        found.push((*at, due, timer, row.version, record));
    }
    if found.is_empty() {
        return Ok((Vec::new(), false));
    }
    // What is seen may be lost yet, and its version be another's then. A commit is answered only when all before it are
    // durable.
    match pipeline.transaction().commit().await {
        Ok(()) | Err(CommitError::Conflict) => {}
        Err(CommitError::Store(error)) => return Err(error),
    }
    let mut submitted = Vec::new();
    for (at, due, timer, version, record) in found {
        let Due::Timer { store, plugin, key } = due else { continue };
        let event = Event {
            // The row's version tells a timer set anew for the same instant from the one that fired.
            id: EventId::from(format!("timer/{plugin}/{key}/{}/{}", at.0, version.0)),
            store: *store,
            origin: Origin::Timer { plugin: plugin.clone(), key: key.clone(), due: at },
            occurred_at: at,
            received_at: now,
            body: Bytes::from(record.payload),
        };
        let answer = pipeline.inbox.append(&event);
        submitted.push(((due.key(at), (timer, version)), event, answer));
    }
    let (mut appended, mut full) = (Vec::new(), false);
    for (timer, event, answer) in submitted {
        match answer.await {
            Ok(position) => {
                journey::kept(&event, position);
                pipeline.counters.timers_fired.add_one();
                appended.push(timer);
            }
            Err(Error::Full) => full = true,
            Err(error) => return Err(error),
        }
    }
    Ok((appended, full))
}

/// Forgets webhook ids past the platform's retries, and later the events' records themselves; true if there may be more.
///
/// What the next start may read again is kept, however old: its id is what makes the repeat count for nothing.
async fn expire(pipeline: &Pipeline) -> Result<bool, Error> {
    let now = pipeline.clock.now();
    let applied_before = match pipeline.store.get(&keys::meta(APPLIED_BEFORE))? {
        Some(value) => decode(&value.bytes)?,
        None => Position(1),
    };
    let mut transaction = pipeline.transaction();
    let mut forgotten = 0;
    // One row tells whether there is anything to do; what is not due is not read.
    let limit = match first_expiry(pipeline)? {
        Some((at, position)) if at <= now && position < applied_before => EXPIRIES,
        _ => return Ok(false),
    };
    for (row, _) in pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Expiries), limit))? {
        let (store, position) = match Due::read(&row) {
            Some((at, Due::Expiry { store, position })) if at <= now && position < applied_before => (store, position),
            // What comes after it arrived after it, and cannot be forgotten before it.
            _ => break,
        };
        forgotten += 1;
        transaction.delete(row);
        let key = keys::event(store, position);
        let record = match transaction.get::<EventRecord>(&key) {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(error) => {
                tracing::error!(%error, %store, %position, "event {position} cannot be forgotten and stays: {error}");
                continue;
            }
        };
        transaction.delete(keys::event_id(store, &record.id));
        let ends: Timestamp = record.received_at + pipeline.decisions_for;
        if ends <= now {
            if let Some(customer) = &record.customer {
                transaction.delete(keys::customer_event(store, customer, position));
            }
            if record.has_failed() {
                transaction.delete(keys::failed_event(store, position));
            }
            transaction.delete(key);
        } else {
            transaction.put_bytes(Due::Expiry { store, position }.key(ends), Vec::new());
        }
    }
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(forgotten == EXPIRIES),
        Err(CommitError::Store(error)) => Err(error),
    }
}

fn first_expiry(pipeline: &Pipeline) -> Result<Option<(Timestamp, Position)>, Error> {
    let rows = pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Expiries), 1))?;
    Ok(rows.first().and_then(|(row, _)| match Due::read(row)? {
        (at, Due::Expiry { position, .. }) => Some((at, position)),
        _ => None,
    }))
}
