//! The schedule: due timers become events; what has been kept long enough is let go.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    dispatch::{APPLIED_BEFORE, Pipeline},
    domain::{Event, EventId, Origin, Timestamp},
    store::{CommitError, Error, EventRecord, Position, Scan, TimerRecord, decode, keys, keys::Due, keys::DueQueue},
    telemetry::journey,
};

#[cfg(test)]
mod tests;

/// How often due times are looked at: the precision of a timer.
const TICK: Duration = Duration::from_millis(200);

/// Due things that are looked at in one round.
const ROUND: usize = 1_000;

/// Runs until it is dropped.
pub async fn run(pipeline: Arc<Pipeline>) {
    let mut fired = HashMap::new();
    loop {
        let fires = fire_timers(&pipeline, &mut fired).await;
        let expires = expire(&pipeline).await;
        for error in [fires.err(), expires.err()].into_iter().flatten() {
            tracing::error!(%error, "the schedule is held up: {error}");
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Appends an event for each due timer.
///
/// The timer's row stays until its event is applied, in one commit; `fired` remembers meanwhile what is in the inbox
/// already. A restart forgets that and appends a second time: the event's id is the same, so it counts once.
async fn fire_timers(pipeline: &Pipeline, fired: &mut HashMap<Due, Position>) -> Result<(), Error> {
    let now = pipeline.clock.now();
    let rows = pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Timers), ROUND))?;
    let due: Vec<_> = rows.iter().filter_map(|(key, _)| Due::read(key)).take_while(|(at, _)| *at <= now).collect();
    fired.retain(|timer, _| due.iter().any(|(_, still)| still == timer));
    let mut found = Vec::new();
    for (at, timer) in due {
        if fired.contains_key(&timer) {
            continue;
        }
        let Due::Timer { store, plugin, key } = &timer else { continue };
        let Some(row) = pipeline.store.get(&keys::timer(*store, plugin, key))? else { continue };
        found.push((at, timer, row));
    }
    if found.is_empty() {
        return Ok(());
    }
    // What is seen may be lost yet, and its version be another's then. A commit is answered only when all before it are
    // durable.
    match pipeline.transaction().commit().await {
        Ok(()) | Err(CommitError::Conflict) => {}
        Err(CommitError::Store(error)) => return Err(error),
    }
    for (at, timer, row) in found {
        let Due::Timer { store, plugin, key } = &timer else { continue };
        let record: TimerRecord = decode(&row.bytes)?;
        let event = Event {
            // The row's version tells a timer set anew for the same instant from the one that fired.
            id: EventId::from(format!("timer/{plugin}/{key}/{}/{}", at.0, row.version.0)),
            store: *store,
            origin: Origin::Timer { plugin: plugin.clone(), key: key.clone(), due: at },
            occurred_at: at,
            received_at: now,
            body: Bytes::from(record.payload),
        };
        let position = pipeline.inbox.append(&event).await?;
        journey::kept(&event, position);
        pipeline.counters.timers_fired.add_one();
        fired.insert(timer, position);
    }
    Ok(())
}

/// Forgets webhook ids past the platform's retries, and later the events' records themselves.
///
/// What the next start may read again is kept, however old: its id is what makes the repeat count for nothing.
async fn expire(pipeline: &Pipeline) -> Result<(), Error> {
    let now = pipeline.clock.now();
    let mut transaction = pipeline.transaction();
    let applied_before = match pipeline.store.get(&keys::meta(APPLIED_BEFORE))? {
        Some(value) => decode(&value.bytes)?,
        None => Position(1),
    };
    let mut any = false;
    for (row, _) in pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Expiries), ROUND))? {
        let (store, position) = match Due::read(&row) {
            Some((at, Due::Expiry { store, position })) if at <= now => (store, position),
            _ => break,
        };
        if position >= applied_before {
            continue;
        }
        any = true;
        transaction.delete(row);
        let key = keys::event(store, position);
        let Some(record) = transaction.get::<EventRecord>(&key)? else { continue };
        transaction.delete(keys::event_id(store, &record.id));
        let ends: Timestamp = record.received_at + pipeline.decisions_for;
        if ends <= now {
            if let Some(customer) = &record.customer {
                transaction.delete(keys::customer_event(store, customer, position));
            }
            transaction.delete(key);
        } else {
            transaction.put_bytes(Due::Expiry { store, position }.key(ends), Vec::new());
        }
    }
    if !any {
        return Ok(());
    }
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}
