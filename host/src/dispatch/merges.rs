//! Customers that became one, and plugins that are told of it afterwards.
//!
//! A platform's merge is delivered as any event is, to every enabled plugin that lists the topic `customer.merged`. Whoever
//! else has to know is told by an event of our own, once:
//!
//! - Of a guest who turned out to be a customer no platform tells. Every enabled plugin that lists the topic is told as soon
//!   as the event is applied that brought it to light.
//! - A plugin that has state in the store and is switched off, or whose version does not list the topic yet, is told once it
//!   can be: when it is switched on, when a version that lists the topic is installed, at the latest at the next start.
//!
//! A plugin that is paused has the delivery waiting among its others.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Job, Pipeline};
use crate::{
    domain::{Change, Event, EventId, Merge, Origin, PluginName, ReadEvent, StoreId, Topic},
    store::{
        CommitError, Error, EventRecord, Key, Position, Scan, Transaction, decode,
        due::{Round, due_in},
        keys,
        keys::{Due, DueQueue},
    },
};

/// How long the loop sleeps between two looks at whom to tell.
const POLL: Duration = Duration::from_millis(500);

/// Plugins of stores looked at in one round, and merges of one plugin that are told before it is another's turn.
const LINES: usize = 1_000;
const SHARE: usize = 64;

/// Untold merges that are read at once.
const PAGE: usize = 256;

/// Writes down which plugins have still to be told of the merge that is being applied, or of a guest's that it brought to
/// light; takes the row away once the merge has been told again.
pub(super) fn keep_untold(
    pipeline: &Pipeline,
    transaction: &mut Transaction,
    job: &Job,
    (read, of_guest): (&ReadEvent, Option<&Merge>),
    record: &EventRecord,
) -> Result<(), Error> {
    let store = job.event.store;
    if let Origin::Merge { plugin, .. } = &job.event.origin {
        if !record.deliveries.is_empty()
            && let Some(first) = first_told(&job.event.id)
        {
            transaction.delete(keys::untold_merge(store, plugin, first));
        }
        return Ok(());
    }
    let (merge, told) = match (&read.change, of_guest) {
        // The event's own deliveries say nothing of it.
        (_, Some(merge)) => (merge, &[][..]),
        (Change::Merge(merge), None) if merge.completed => (merge, &record.deliveries[..]),
        _ => return Ok(()),
    };
    let (registry, now) = (pipeline.catalog.registry(), pipeline.clock.now());
    let entry = registry.store(store).filter(|entry| entry.record.removed_at.is_none());
    for installed in registry.installed() {
        let plugin = &installed.record.name;
        if told.iter().any(|delivery| delivery.plugin == *plugin) {
            continue;
        }
        let enabled = entry.and_then(|entry| entry.plugin(plugin));
        let can_be_told = enabled.is_some_and(|enabled| enabled.wants(&Topic::CUSTOMER_MERGED));
        if can_be_told || has_state(pipeline, store, plugin)? {
            transaction.put(keys::untold_merge(store, plugin, job.position), merge);
            let due = Due::Merge { store, plugin: plugin.clone(), position: job.position };
            transaction.put_bytes(due.key(now), Vec::new());
        }
    }
    Ok(())
}

/// Whether a plugin has still to be told of the merge that an event of our own tells.
pub(super) fn is_untold(transaction: &mut Transaction, event: &Event, plugin: &PluginName) -> Result<bool, Error> {
    match first_told(&event.id) {
        Some(first) => transaction.contains(&keys::untold_merge(event.store, plugin, first)),
        None => Ok(false),
    }
}

fn has_state(pipeline: &Pipeline, store: StoreId, plugin: &PluginName) -> Result<bool, Error> {
    Ok(!pipeline.store.scan(&Scan::of(keys::state(store, plugin, ""), 1))?.is_empty())
}

/// The id under which a merge is told again. What made it possible is part of it, so that a plugin which goes again
/// before it was told is told the next time.
fn told_again(plugin: &PluginName, first: Position, possible_since: u64) -> EventId {
    EventId::from(format!("merge/{plugin}/{}/{possible_since}", first.0))
}

/// The position of the merge's own event, out of the id under which it is told again.
fn first_told(id: &EventId) -> Option<Position> {
    id.as_str().rsplit('/').nth(1)?.parse().ok().map(Position)
}

/// Tells until it is dropped, at first what earlier runs have left.
pub(super) async fn run(pipeline: Arc<Pipeline>) {
    tell_all(&pipeline).await;
    let mut round = Round::default();
    loop {
        match tell_due(&pipeline, &mut round).await {
            // The shops' webhooks come first.
            Ok(()) | Err(Error::Full) => {}
            Err(error) => tracing::error!(%error, "plugins cannot be told of merged guests: {error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Tells every store's plugins what they have missed.
async fn tell_all(pipeline: &Pipeline) {
    let stores: Vec<_> = pipeline.catalog.registry().stores().iter().map(|entry| entry.id()).collect();
    for store in stores {
        if let Err(error) = pipeline.tell_missed_merges(store).await {
            tracing::error!(%error, %store, "plugins cannot be told of the merges that they missed: {error}");
        }
    }
}

/// Tells plugins of the merges that have come to light since; a crash in between tells again under the same id.
pub(super) async fn tell_due(pipeline: &Pipeline, round: &mut Round) -> Result<(), Error> {
    let now = pipeline.clock.now();
    for head in round.due_lines(&*pipeline.store, DueQueue::Merges, now, LINES)? {
        for (at, due) in due_in(&*pipeline.store, &head.line(), now, SHARE)? {
            let Due::Merge { store, plugin, position } = &due else { continue };
            let row = pipeline.store.get(&keys::untold_merge(*store, plugin, *position))?;
            if let Some(row) = row {
                pipeline.tell_merge(*store, plugin, *position, decode(&row.bytes)?).await?;
            }
            forget(pipeline, due.key(at)).await?;
        }
    }
    Ok(())
}

async fn forget(pipeline: &Pipeline, due: Key) -> Result<(), Error> {
    let mut transaction = pipeline.transaction();
    transaction.delete(due);
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

impl Pipeline {
    /// Appends an event for each merge that a plugin has missed and can be told of now; returns how many there were.
    ///
    /// The row stays until the plugin has the delivery, in one commit; telling twice meanwhile counts once.
    pub async fn tell_missed_merges(&self, store: StoreId) -> Result<usize, Error> {
        let (mut after, mut told) = (None, 0);
        loop {
            let rows = self.store.scan(&Scan::of(keys::untold_merges(store), PAGE).after(after))?;
            let Some((last, _)) = rows.last() else { return Ok(told) };
            after = Some(last.clone());
            for (key, value) in rows {
                let mut parts = key.parts();
                let (Some(plugin), Some(first)) = (parts.text(), parts.number()) else { continue };
                let merge = decode(&value.bytes)?;
                told += usize::from(self.tell_merge(store, &plugin.into(), Position(first), merge).await?);
            }
        }
    }

    /// Appends the event that tells a plugin of a merge, if the plugin can be told now.
    async fn tell_merge(
        &self,
        store: StoreId,
        plugin: &PluginName,
        first: Position,
        merge: Merge,
    ) -> Result<bool, Error> {
        let Some(entry) = self.catalog.registry().store(store).cloned() else { return Ok(false) };
        let enabled = entry.plugin(plugin).filter(|enabled| enabled.wants(&Topic::CUSTOMER_MERGED));
        let Some(enabled) = enabled else { return Ok(false) };
        let possible_since = enabled.record.enabled_at.max(enabled.installed.record.installed_at);
        let now = self.clock.now();
        let event = Event {
            id: told_again(plugin, first, possible_since.0),
            store,
            origin: Origin::Merge { plugin: plugin.clone(), merge },
            occurred_at: now,
            received_at: now,
            body: Bytes::new(),
        };
        self.inbox.append(&event).await?;
        Ok(true)
    }
}
