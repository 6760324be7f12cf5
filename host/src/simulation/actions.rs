//! Shoppers' actions, taken in as the API takes them in.
//!
//! The API's own handler (`web/api/customers.rs`) asks for a host on real files; this does on simulated ground what it
//! does there, step by step.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    dispatch::{Pipeline, facts},
    domain::{CustomerId, Event, EventId, Origin, PluginName, StoreId},
    ingest::Accepted,
    store::{Store, keys},
};

/// What a shopper asks of a plugin. Whoever sends it again does so under the same key.
#[derive(Clone, Debug)]
pub struct Action {
    pub domain: &'static str,
    /// The customer's id or e-mail address.
    pub customer: String,
    pub plugin: &'static str,
    pub name: &'static str,
    pub input: Value,
    pub key: String,
}

impl Action {
    /// Takes the action in as an event, unless it is known; an error says why it cannot be.
    pub async fn accept(&self, pipeline: &Arc<Pipeline>) -> Result<Accepted, String> {
        let entry = pipeline.catalog.store_named(self.domain).map_err(|error| error.to_string())?;
        let (store, plugin) = (entry.id(), PluginName::from(self.plugin));
        pipeline.catalog.enabled(&entry, &plugin).map_err(|error| error.to_string())?;
        let id = EventId::from(format!("action/{}/{}", self.customer, self.key));
        let known = pipeline.store.get(&keys::event_id(store, &id)).map_err(|error| error.to_string())?;
        if known.is_some() {
            return Ok(Accepted::Duplicate);
        }
        let customer = self.customer(&*pipeline.store, store)?;
        let now = pipeline.clock.now();
        let event = Event {
            id,
            store,
            origin: Origin::Action { plugin, customer, name: self.name.into() },
            occurred_at: now,
            received_at: now,
            body: Bytes::from(self.input.to_string()),
        };
        pipeline.inbox.append(&event).await.map(Accepted::Kept).map_err(|error| error.to_string())
    }

    fn customer(&self, store: &dyn Store, of: StoreId) -> Result<CustomerId, String> {
        let holder = facts::holder_of(store, of, &self.customer).map_err(|error| error.to_string())?;
        let id = holder.unwrap_or_else(|| CustomerId::from(self.customer.as_str()));
        let known = store.get(&keys::customer(of, &id)).map_err(|error| error.to_string())?;
        known.map(|_| id).ok_or_else(|| "there is no such customer".into())
    }
}
