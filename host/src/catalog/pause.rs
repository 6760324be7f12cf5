//! Pausing a plugin in one store, and letting it go on.
//!
//! A paused plugin goes on in two steps: once resumed it runs what waited, in order, while what comes in waits behind that;
//! once nothing waits it is at work as before.

use super::*;

/// Waiting deliveries that are counted: far more than people tell apart.
const COUNTED: usize = 10_000;

impl Catalog {
    /// Runs no delivery to the plugin in the store from now on; they wait.
    pub async fn pause(&self, store: StoreId, plugin: &PluginName, reason: &str, failures: u32) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let registry = self.registry();
        let enabled = registry.store(store).and_then(|entry| entry.plugin(plugin));
        if enabled.is_none_or(Enabled::is_paused) {
            return Ok(());
        }
        let record = PausedRecord { since: self.clock.now(), reason: reason.into(), failures, resumed_at: None };
        let mut transaction = self.transaction();
        transaction.put(keys::paused(store, plugin), &record);
        self.publish(transaction, store).await
    }

    /// Lets a paused plugin go on.
    pub async fn resume(&self, domain: &str, plugin: &PluginName) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        if !self.enabled(&store, plugin)?.is_paused() {
            return Err(Error::NotPaused { plugin: plugin.to_string(), store: domain.into() });
        }
        let mut transaction = self.transaction();
        self.let_go_on(&mut transaction, store.id(), plugin)?;
        self.publish(transaction, store.id()).await
    }

    /// Lets the plugin go on if it is paused: what has been changed may have been what was wrong.
    pub(super) fn let_go_on(
        &self,
        transaction: &mut Transaction,
        store: StoreId,
        plugin: &PluginName,
    ) -> Result<(), Error> {
        let key = keys::paused(store, plugin);
        if let Some(paused) = transaction.get::<PausedRecord>(&key)?
            && paused.resumed_at.is_none()
        {
            transaction.put(key, &PausedRecord { resumed_at: Some(self.clock.now()), ..paused });
        }
        Ok(())
    }

    /// Ends a pause after which nothing waits any more. A conflict says that something does.
    pub async fn caught_up(&self, store: StoreId, plugin: &PluginName) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let mut transaction = self.transaction();
        let key = keys::paused(store, plugin);
        let paused = transaction.get::<PausedRecord>(&key)?;
        if paused.is_none_or(|paused| paused.resumed_at.is_none())
            || !transaction.scan(&Scan::of(keys::all_waiting(store, plugin), 1))?.is_empty()
        {
            return Ok(());
        }
        transaction.delete(key);
        self.publish(transaction, store).await
    }

    /// How many deliveries wait for a plugin; counted up to 10,000.
    pub fn waiting(&self, store: StoreId, plugin: &PluginName) -> Result<usize, Error> {
        Ok(self.store.scan(&Scan::of(keys::all_waiting(store, plugin), COUNTED))?.len())
    }
}
