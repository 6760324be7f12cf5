//! What each plugin's state takes in each store, counted as deliveries change it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    domain::{PluginName, StoreId},
    engine::UsageChange,
    store::{Error, StateUsage, Store, keys},
};

/// What each plugin's state takes in each store.
///
/// Counted in memory and written down now and then: as a key of every commit it would make every delivery of a store
/// conflict with every other. After a crash it may be off by what the last seconds changed.
#[derive(Debug, Default)]
pub struct Usage(Mutex<HashMap<(StoreId, PluginName), (StateUsage, bool)>>);

impl Usage {
    pub(super) fn of(&self, store: &dyn Store, id: StoreId, plugin: &PluginName) -> Result<StateUsage, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((usage, _)) = known.get(&(id, plugin.clone())) {
            return Ok(*usage);
        }
        let row = store.get(&keys::state_usage(id, plugin))?;
        let usage = row.map(|value| crate::store::decode(&value.bytes)).transpose()?.unwrap_or_default();
        known.insert((id, plugin.clone()), (usage, false));
        Ok(usage)
    }

    pub(super) fn add(&self, id: StoreId, plugin: &PluginName, change: UsageChange) {
        if change == UsageChange::default() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (usage, changed) = known.entry((id, plugin.clone())).or_default();
        usage.keys = usage.keys.saturating_add_signed(change.keys);
        usage.bytes = usage.bytes.saturating_add_signed(change.bytes);
        *changed = true;
    }

    /// Notes what was deleted of a plugin's state without its doing: keys and bytes.
    pub fn deleted(&self, id: StoreId, plugin: &PluginName, (keys, bytes): (u64, u64)) {
        let less = |count: u64| -i64::try_from(count).unwrap_or(i64::MAX);
        self.add(id, plugin, UsageChange { keys: less(keys), bytes: less(bytes) });
    }

    /// Rows that have changed since they were last asked for.
    pub(crate) fn take_changed(&self) -> Vec<((StoreId, PluginName), StateUsage)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = known.iter_mut().filter(|(_, (_, changed))| *changed);
        changed
            .map(|(key, (usage, changed))| {
                *changed = false;
                (key.clone(), *usage)
            })
            .collect()
    }
}
