//! Deliveries that failed, run again when they are due: only the plugin that failed, on what is known by then.

use std::{sync::Arc, time::Duration};

use super::{
    Job, Pipeline,
    apply::{self, Delivery},
    waiting,
};
use crate::{
    domain::{Attempt, Outcome, PluginName, StoreId, Timestamp},
    store::{CommitError, Error, EventRecord, Position, Scan, keys, keys::Due, keys::DueQueue},
};

/// How long the loop sleeps when nothing rings: due times are read at least this often.
const POLL: Duration = Duration::from_millis(250);

/// Due deliveries that are looked at in one round.
const ROUND: usize = 256;

pub(super) async fn run(pipeline: Arc<Pipeline>) {
    loop {
        if let Err(error) = run_due(&pipeline).await {
            tracing::error!(%error, "due deliveries cannot be run: {error}");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Runs every delivery that is due now.
pub(super) async fn run_due(pipeline: &Pipeline) -> Result<(), Error> {
    let now = pipeline.clock.now();
    for (key, _) in pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Deliveries), ROUND))? {
        match Due::read(&key) {
            Some((due, Due::Delivery { store, position, plugin })) if due <= now => loop {
                match attempt(pipeline, store, position, &plugin, due).await {
                    Ok(true) => break,
                    Ok(false) => {}
                    // It stays due; the others need not wait for it.
                    Err(error) => {
                        tracing::error!(
                            %error, %store, %position, %plugin,
                            "the delivery of event {position} to {plugin} is held up: {error}"
                        );
                        break;
                    }
                }
            },
            _ => break,
        }
    }
    Ok(())
}

/// Makes the next attempt of one delivery; false if something it read has changed and it has to run again.
async fn attempt(
    pipeline: &Pipeline,
    store: StoreId,
    position: Position,
    plugin: &PluginName,
    due: Timestamp,
) -> Result<bool, Error> {
    let mut transaction = pipeline.transaction();
    transaction.delete(Due::Delivery { store, position, plugin: plugin.clone() }.key(due));
    let key = keys::event(store, position);
    let Some(mut record) = transaction.get::<EventRecord>(&key)? else {
        return committed(pipeline, transaction.commit().await);
    };
    let Some(index) = record.deliveries.iter().position(|delivery| delivery.plugin == *plugin) else {
        return committed(pipeline, transaction.commit().await);
    };
    let number = record.deliveries[index].attempt + 1;
    let (mut next, usage);
    match pipeline.inbox.get(position)? {
        None => {
            next = gave_up(&record.deliveries[index], pipeline.clock.now(), "its event is past its retention");
            usage = None;
        }
        Some(event) => {
            let job = Job { position, read: apply::read(pipeline, &event), event: Arc::new(event) };
            let registry = pipeline.catalog.registry();
            let entry = registry.store(store).filter(|entry| entry.record.removed_at.is_none());
            let enabled = entry.and_then(|entry| Some((entry, entry.plugin(plugin)?)));
            match (enabled, &job.read) {
                (Some((entry, enabled)), Ok(read)) => {
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
                    let (mut made, ended) = apply::run(pipeline, &delivery, &record, number, transaction)?;
                    if blind {
                        made.notes.insert(0, waiting::note(waited));
                    }
                    transaction = ended.transaction;
                    (next, usage) = (made, Some(ended.usage));
                }
                (None, _) => {
                    next = gave_up(&record.deliveries[index], pipeline.clock.now(), "the plugin has been disabled");
                    usage = None;
                }
                (_, Err(unreadable)) => {
                    let reason = unreadable.to_string();
                    next = gave_up(&record.deliveries[index], pipeline.clock.now(), &reason);
                    usage = None;
                }
            }
        }
    }
    next.attempt = number;
    if let Outcome::Retrying { due, .. } = &next.outcome {
        let plugin = plugin.clone();
        transaction.put_bytes(Due::Delivery { store, position, plugin }.key(*due), Vec::new());
    }
    record.deliveries[index] = next;
    transaction.put(key, &record);
    let done = committed(pipeline, transaction.commit().await)?;
    if done {
        pipeline.counters.delivered(&record.deliveries[index]);
        apply::about(store, &record).delivered(&record.deliveries[index]);
        if let Some(change) = usage {
            pipeline.usage.add(store, plugin, change);
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
    Attempt { at, fuel: 0, outcome: Outcome::Dead { reason: reason.into() }, ..last.clone() }
}
