//! Settings published: a plugin is told of every version of its settings that is saved, once.
//!
//! That a version has still to be told stands in the commit that saves it. It is told at once, or as soon as the plugin is
//! switched on in a version that lists `settings.published`; what a crash leaves is told at the next start.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::{
    catalog::StoreEntry,
    dispatch::Pipeline,
    domain::{Event, EventId, Origin, PluginName, Topic},
    store::{self, CommitError, Scan, keys},
};

/// Versions that are read at once: more than anybody saves before they are told.
const PAGE: usize = 1_000;

/// Tells the plugins of a store of the settings that they have not been told of; returns how many versions there were.
pub async fn publish(pipeline: &Pipeline, entry: &StoreEntry) -> Result<usize, store::Error> {
    let store = entry.id();
    let untold = pipeline.store.scan(&Scan::of(keys::unpublished_settings(store), PAGE))?;
    let mut told = 0;
    for (key, _) in untold {
        let Some((plugin, version)) = keys::settings_of(&key) else { continue };
        if !entry.plugin(&plugin).is_some_and(|enabled| enabled.wants(&Topic::SETTINGS_PUBLISHED)) {
            continue;
        }
        let now = pipeline.clock.now();
        let event = Event {
            id: id_of(&plugin, version),
            store,
            origin: Origin::SettingsPublished { plugin, version },
            occurred_at: now,
            received_at: now,
            body: Bytes::from(json!({ "version": version }).to_string()),
        };
        pipeline.inbox.append(&event).await?;
        let mut transaction = pipeline.transaction();
        transaction.delete(key);
        match transaction.commit().await {
            // Nothing is read, so that nothing can have changed.
            Ok(()) | Err(CommitError::Conflict) => told += 1,
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
    Ok(told)
}

/// Tells the plugins of every store.
pub async fn publish_all(pipeline: Arc<Pipeline>) {
    let stores: Vec<_> = pipeline.catalog.registry().stores().into_iter().cloned().collect();
    for entry in stores {
        if let Err(error) = publish(&pipeline, &entry).await {
            let store = entry.id();
            tracing::error!(%error, %store, "plugins cannot be told of their settings: {error}");
        }
    }
}

/// A version that is told twice, as after a crash, is one event.
fn id_of(plugin: &PluginName, version: u32) -> EventId {
    EventId::from(format!("settings/{plugin}/{version}"))
}
