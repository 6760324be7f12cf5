//! Customers that became one, and plugins that could not be told when it happened.
//!
//! A merge is delivered as any event is, to every enabled plugin that lists the topic `customer.merged`. A plugin that
//! has state in the store and is switched off at that moment, or whose version does not list the topic yet, is told once
//! it can be: when it is switched on, when a version that lists the topic is installed, at the latest at the next start.
//! A plugin that is paused has the delivery waiting among its others.

use std::sync::Arc;

use bytes::Bytes;

use super::{Job, Pipeline};
use crate::{
    domain::{Change, Event, EventId, Origin, PluginName, ReadEvent, StoreId, Topic},
    store::{Error, EventRecord, Position, Scan, Transaction, decode, keys},
};

/// Untold merges that are read at once.
const PAGE: usize = 256;

/// Writes down which plugins with state have still to be told of the merge that is being applied; takes the row away once
/// the merge has been told again.
pub(super) fn keep_untold(
    pipeline: &Pipeline,
    transaction: &mut Transaction,
    job: &Job,
    read: &ReadEvent,
    record: &EventRecord,
) -> Result<(), Error> {
    let Change::Merge(merge) = &read.change else { return Ok(()) };
    let store = job.event.store;
    if let Origin::Merge { plugin, .. } = &job.event.origin {
        if !record.deliveries.is_empty()
            && let Some(first) = first_told(&job.event.id)
        {
            transaction.delete(keys::untold_merge(store, plugin, first));
        }
        return Ok(());
    }
    if !merge.completed {
        return Ok(());
    }
    for installed in pipeline.catalog.registry().installed() {
        let plugin = &installed.record.name;
        let told = record.deliveries.iter().any(|delivery| delivery.plugin == *plugin);
        if !told && has_state(pipeline, store, plugin)? {
            transaction.put(keys::untold_merge(store, plugin, job.position), merge);
        }
    }
    Ok(())
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

/// Tells every store's plugins what they have missed.
pub(super) async fn tell_all(pipeline: Arc<Pipeline>) {
    let stores: Vec<_> = pipeline.catalog.registry().stores().iter().map(|entry| entry.id()).collect();
    for store in stores {
        if let Err(error) = pipeline.tell_missed_merges(store).await {
            tracing::error!(%error, %store, "plugins cannot be told of the merges that they missed: {error}");
        }
    }
}

impl Pipeline {
    /// Appends an event for each merge that a plugin has missed and can be told of now; returns how many there were.
    ///
    /// The row stays until the plugin has the delivery, in one commit; telling twice meanwhile counts once.
    pub async fn tell_missed_merges(&self, store: StoreId) -> Result<usize, Error> {
        let Some(entry) = self.catalog.registry().store(store).cloned() else { return Ok(0) };
        let (mut after, mut told) = (None, 0);
        loop {
            let rows = self.store.scan(&Scan::of(keys::untold_merges(store), PAGE).after(after))?;
            let Some((last, _)) = rows.last() else { return Ok(told) };
            after = Some(last.clone());
            for (key, value) in rows {
                let mut parts = key.parts();
                let (Some(plugin), Some(first)) = (parts.text(), parts.number()) else { continue };
                let plugin = PluginName::from(plugin);
                let Some(enabled) = entry.plugin(&plugin).filter(|it| it.wants(&Topic::CUSTOMER_MERGED)) else {
                    continue;
                };
                let possible_since = enabled.record.enabled_at.max(enabled.installed.record.installed_at);
                let now = self.clock.now();
                let event = Event {
                    id: told_again(&plugin, Position(first), possible_since.0),
                    store,
                    origin: Origin::Merge { plugin, merge: decode(&value.bytes)? },
                    occurred_at: now,
                    received_at: now,
                    body: Bytes::new(),
                };
                self.inbox.append(&event).await?;
                told += 1;
            }
        }
    }
}
