//! Deliveries that failed, run again when they are due, and those that waited for a paused plugin: only the plugin
//! concerned, on what is known by then.
//!
//! Each plugin of each store is a line of its own: one that is slow, or has much to catch up with, holds up no other.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tokio::task::JoinSet;

use super::{
    Job, Pipeline,
    apply::{self, Delivery},
    waiting,
};
use crate::{
    domain::{Attempt, CustomerId, Outcome, PluginName, StoreId, Timestamp},
    store::{
        CommitError, Error, EventRecord, Key, Position, Scan, decode,
        due::{Round, due_in},
        keys,
        keys::{Due, DueQueue},
    },
    telemetry::trace,
};

/// How long the loop sleeps when nothing rings: due times are read at least this often.
const POLL: Duration = Duration::from_millis(250);

/// Lines looked at in one round.
const LINES: usize = 1_000;

/// Lines that are run at once: a share of the threads that run plugins, so that first attempts keep theirs.
const AT_ONCE: usize = 8;

/// Deliveries of one line that are run before it is another line's turn.
const SHARE: usize = 64;

/// A plugin of a store whose deliveries are to be run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    store: StoreId,
    plugin: PluginName,
    work: Work,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    /// What failed and is due again.
    Due,
    /// What waited while the plugin was paused.
    Waiting,
}

pub(super) async fn run(pipeline: Arc<Pipeline>) {
    let mut round = Round::default();
    let mut running = JoinSet::new();
    let mut busy = BTreeSet::new();
    loop {
        while let Some(ended) = running.try_join_next() {
            // A line that panicked is begun again by the next round.
            match ended {
                Ok(line) => _ = busy.remove(&line),
                Err(_) => busy.clear(),
            }
        }
        match lines(&pipeline, &mut round) {
            Ok(lines) => {
                for line in lines {
                    if running.len() < AT_ONCE && busy.insert(line.clone()) {
                        let pipeline = Arc::clone(&pipeline);
                        running.spawn(async move {
                            run_line(&pipeline, &line).await;
                            line
                        });
                    }
                }
            }
            Err(error) => tracing::error!(%error, "due deliveries cannot be read: {error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The lines that can move now.
fn lines(pipeline: &Pipeline, round: &mut Round) -> Result<Vec<Line>, Error> {
    let now = pipeline.clock.now();
    let heads = round.due_lines(&*pipeline.store, DueQueue::Deliveries, now, LINES)?;
    let due = heads.into_iter().filter_map(|head| match head {
        Due::Delivery { store, plugin, .. } => Some(Line { store, plugin, work: Work::Due }),
        _ => None,
    });
    let registry = pipeline.catalog.registry();
    let catching_up = registry.stores().into_iter().flat_map(|store| {
        let plugins = store.enabled.iter().filter(|enabled| enabled.is_catching_up());
        plugins.map(|enabled| Line { store: store.id(), plugin: enabled.name().clone(), work: Work::Waiting })
    });
    // Neither kind keeps the other from its turn.
    let (due, catching_up): (Vec<_>, Vec<_>) = (due.collect(), catching_up.collect());
    let mut turns = Vec::with_capacity(due.len() + catching_up.len());
    let (mut due, mut catching_up) = (due.into_iter(), catching_up.into_iter());
    loop {
        let pair = [catching_up.next(), due.next()];
        if pair.iter().all(Option::is_none) {
            return Ok(turns);
        }
        turns.extend(pair.into_iter().flatten());
    }
}

async fn run_line(pipeline: &Pipeline, line: &Line) {
    let ended = match line.work {
        Work::Due => run_due_of(pipeline, line).await,
        Work::Waiting => catch_up(pipeline, line).await,
    };
    if let Err(error) = ended {
        let Line { store, plugin, .. } = line;
        tracing::error!(%error, %store, %plugin, "deliveries to {plugin} are held up: {error}");
    }
}

/// Runs everything that can be run now.
#[cfg(test)]
pub(super) async fn run_due(pipeline: &Pipeline) -> Result<(), Error> {
    for line in lines(pipeline, &mut Round::default())? {
        run_line(pipeline, &line).await;
    }
    Ok(())
}

/// Runs a share of what is due, one after the other.
async fn run_due_of(pipeline: &Pipeline, line: &Line) -> Result<(), Error> {
    let Line { store, plugin, .. } = line;
    let prefix = Due::Delivery { store: *store, plugin: plugin.clone(), position: Position(0) }.line();
    for (at, due) in due_in(&*pipeline.store, &prefix, pipeline.clock.now(), SHARE)? {
        if let Due::Delivery { position, .. } = &due {
            attempt_until_done(pipeline, line, *position, &due.key(at)).await?;
        }
    }
    Ok(())
}

/// Runs a share of what waited for a plugin: in order of arrival for each customer, customers side by side.
///
/// The plugin is at work again once nothing waits; what is committed as waiting at the same moment makes that commit
/// conflict.
async fn catch_up(pipeline: &Pipeline, line: &Line) -> Result<(), Error> {
    let Line { store, plugin, .. } = line;
    let rows = pipeline.store.scan(&Scan::of(keys::all_waiting(*store, plugin), SHARE))?;
    if rows.is_empty() {
        return pipeline.catalog.caught_up(*store, plugin).await.or_else(|error| match error {
            // Something is waiting again, or somebody has changed the catalog: the next round sees.
            crate::catalog::Error::Conflict => Ok(()),
            crate::catalog::Error::Store(error) => Err(error),
            error => Err(Error::Stopped(error.to_string())),
        });
    }
    let mut by_customer: BTreeMap<Option<CustomerId>, Vec<(Position, Key)>> = BTreeMap::new();
    for (key, _) in rows {
        let Some(position) = keys::position_of(&key) else { continue };
        let row = pipeline.store.get(&keys::event(*store, position))?;
        let record = row.and_then(|row| decode::<EventRecord>(&row.bytes).ok());
        by_customer.entry(record.and_then(|record| record.customer)).or_default().push((position, key));
    }
    let one_customer = async |deliveries: Vec<(Position, Key)>| {
        for (position, row) in deliveries {
            attempt_until_done(pipeline, line, position, &row).await?;
        }
        Ok(())
    };
    join_all(by_customer.into_values().map(one_customer)).await.into_iter().collect()
}

/// Makes the next attempt of one delivery, again and again until nothing that it read has changed meanwhile. One that
/// meets the same error every time, or makes this host panic, is set aside: it would hold up its line.
async fn attempt_until_done(pipeline: &Pipeline, line: &Line, position: Position, row: &Key) -> Result<(), Error> {
    loop {
        match AssertUnwindSafe(attempt(pipeline, line, position, row)).catch_unwind().await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => {}
            Ok(Err(error)) if apply::is_permanent(&error) => {
                return set_aside(pipeline, line, position, row, &error.to_string()).await;
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => return set_aside(pipeline, line, position, row, "the host panicked").await,
        }
    }
}

async fn set_aside(pipeline: &Pipeline, line: &Line, position: Position, row: &Key, reason: &str) -> Result<(), Error> {
    let Line { store, plugin, .. } = line;
    tracing::error!(
        reason, %store, %position, %plugin,
        "the delivery of event {position} to {plugin} cannot be run and is given up: {reason}"
    );
    let mut transaction = pipeline.transaction();
    transaction.delete(row.clone());
    if let Ok(Some(mut record)) = transaction.get::<EventRecord>(&keys::event(*store, position)) {
        let now = pipeline.clock.now();
        for delivery in record.deliveries.iter_mut().filter(|delivery| delivery.plugin == *plugin) {
            *delivery = gave_up(delivery, now, &format!("it cannot be run: {reason}"));
        }
        transaction.put_failed_event(*store, &record);
    }
    // A conflict leaves the row, and the next round meets it again.
    committed(pipeline, transaction.commit().await).map(|_| ())
}

/// Makes the next attempt of one delivery, whose row is to go; false if something it read has changed and it has to run
/// again.
async fn attempt(pipeline: &Pipeline, line: &Line, position: Position, row: &Key) -> Result<bool, Error> {
    let Line { store, plugin, work } = line;
    let (store, now) = (*store, pipeline.clock.now());
    let mut transaction = pipeline.transaction();
    if !transaction.contains(row)? {
        return Ok(true);
    }
    transaction.delete(row.clone());
    let Some(mut record) = transaction.get::<EventRecord>(&keys::event(store, position))? else {
        return committed(pipeline, transaction.commit().await);
    };
    let Some(index) = record.deliveries.iter().position(|delivery| delivery.plugin == *plugin) else {
        return committed(pipeline, transaction.commit().await);
    };
    let last = &record.deliveries[index].clone();
    let number = last.attempt + 1;
    let registry = pipeline.catalog.registry();
    let entry = registry.store(store).filter(|entry| entry.record.removed_at.is_none());
    let enabled = entry.and_then(|entry| Some((entry, entry.plugin(plugin)?)));
    let paused = match enabled {
        Some((_, enabled)) => enabled.paused.is_some() && transaction.contains(&keys::paused(store, plugin))?,
        None => false,
    };
    if *work == Work::Waiting && enabled.is_none_or(|(_, enabled)| enabled.is_paused()) {
        // It has been paused again, or switched off, since the line began: what waits goes on waiting.
        return Ok(true);
    }
    let mut lasted = None;
    let (next, usage) = match (pipeline.inbox.get(position)?, enabled) {
        (None, _) => (gave_up(last, now, "its event is past its retention"), None),
        (_, None) => (gave_up(last, now, "the plugin has been disabled"), None),
        (Some(_), Some((_, enabled))) if *work == Work::Due && paused => {
            transaction.put_bytes(keys::waiting(store, plugin, position), Vec::new());
            (apply::put_off(last, now, enabled), None)
        }
        (Some(event), Some((entry, enabled))) => {
            let job = Job { position, read: apply::read(pipeline, &event), event: Arc::new(event) };
            match &job.read {
                Ok(read) => {
                    // An order may have become known since, or a customer absorbed by another.
                    (record.customer, record.order) = apply::concerns(&mut transaction, &job.event, read)?;
                    let last = &record.deliveries[index];
                    let blind =
                        waiting::is_waiting(last) && waiting::unknown_order(&mut transaction, store, read)?.is_some();
                    let waited = pipeline.clock.now().since(last.at);
                    if blind {
                        waiting::strike(&mut transaction, store, &record)?;
                    }
                    let delivery = Delivery { store: entry, enabled, job: &job, read };
                    let running = trace::begin();
                    let (mut made, ended) = apply::run(pipeline, &delivery, &record, number, transaction)?;
                    if blind {
                        made.notes.insert(0, waiting::note(waited));
                    }
                    transaction = ended.transaction;
                    lasted = running.end();
                    (Attempt { attempt: number, ..made }, Some(ended.usage))
                }
                Err(unreadable) => (gave_up(last, now, &unreadable.to_string()), None),
            }
        }
    };
    if let Outcome::Retrying { due, .. } = &next.outcome {
        transaction.put_bytes(Due::Delivery { store, position, plugin: plugin.clone() }.key(*due), Vec::new());
    }
    record.deliveries[index] = next;
    transaction.put_failed_event(store, &record);
    let done = committed(pipeline, transaction.commit().await)?;
    if done {
        pipeline.counters.delivered(&record.deliveries[index]);
        let told = apply::about(store, &record);
        told.delivered(&record.deliveries[index]);
        if let Some(lasted) = lasted {
            told.traced(&record.deliveries[index], lasted);
        }
        if let Some(change) = usage {
            pipeline.usage.add(store, plugin, change);
            pipeline.count_failures(store, plugin, number, &record.deliveries[index].outcome).await;
        }
        pipeline.due.notify_waiters();
    }
    Ok(done)
}

fn committed(pipeline: &Pipeline, result: Result<(), CommitError>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict) => {
            pipeline.counters.conflicts.add_one();
            Ok(false)
        }
        Err(CommitError::Store(error)) => Err(error),
    }
}

fn gave_up(last: &Attempt, at: Timestamp, reason: &str) -> Attempt {
    Attempt { at, fuel: 0, attempt: last.attempt + 1, outcome: Outcome::Dead { reason: reason.into() }, ..last.clone() }
}
