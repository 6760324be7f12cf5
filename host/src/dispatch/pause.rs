//! Plugins that fail again and again in a store, and are paused there.
//!
//! Failures in a row are counted in memory: as a key of each commit the count would make all deliveries of a plugin
//! conflict with each other. A restart begins anew.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::Pipeline;
use crate::domain::{Outcome, PluginName, StoreId};

/// Deliveries in a row that have failed.
#[derive(Debug, Default)]
pub struct Failures(Mutex<BTreeMap<(StoreId, PluginName), u32>>);

impl Failures {
    /// Counts how an attempt ended; answers how many deliveries have failed in a row.
    ///
    /// A delivery counts at its first attempt: the repeats of one event say nothing about the others.
    fn count(&self, store: StoreId, plugin: &PluginName, attempt: u32, outcome: &Outcome) -> u32 {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (store, plugin.clone());
        match outcome {
            Outcome::Done => {
                rows.remove(&of);
                0
            }
            Outcome::Retrying { .. } | Outcome::Dead { .. } if attempt == 1 => {
                let failures = rows.entry(of).or_default();
                *failures += 1;
                *failures
            }
            _ => 0,
        }
    }

    fn forget(&self, store: StoreId, plugin: &PluginName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(store, plugin.clone()));
    }
}

impl Pipeline {
    /// Counts how an attempt ended, and pauses the plugin in the store once too many in a row have failed.
    pub(super) async fn count_failures(&self, store: StoreId, plugin: &PluginName, attempt: u32, outcome: &Outcome) {
        let failures = self.failures.count(store, plugin, attempt, outcome);
        if self.pause_after == 0 || failures < self.pause_after {
            return;
        }
        let last = match outcome {
            Outcome::Retrying { reason, .. } | Outcome::Dead { reason } | Outcome::Waiting { reason } => reason,
            Outcome::Done => return,
        };
        let reason = format!("{failures} deliveries in a row failed, the last because {last}");
        match self.catalog.pause(store, plugin, &reason, failures).await {
            Ok(()) => {
                self.failures.forget(store, plugin);
                self.counters.plugins_paused.add_one();
                // The reason is kept with the plugin: what plugins say may be of people, and is in no log.
                tracing::warn!(%store, %plugin, failures, "{plugin} is paused: {failures} deliveries in a row failed");
            }
            // The next failure tries again.
            Err(error) => tracing::error!(%error, %store, %plugin, "{plugin} cannot be paused: {error}"),
        }
    }
}
