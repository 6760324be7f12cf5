//! Shoppers' actions in: each addressed to one plugin, and kept once for each idempotency key.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Accepted;
use crate::{
    catalog::{self, StoreEntry},
    dispatch::{Pipeline, facts},
    domain::{Event, EventId, Origin, PluginName},
    store::{self, keys},
};

/// Bytes of an idempotency key.
const KEY_BYTES: usize = 128;

/// What a shopper asks of a plugin.
#[derive(Clone, Debug)]
pub struct Action {
    pub plugin: PluginName,
    /// The customer's id or e-mail address, as it was sent.
    pub customer: String,
    pub name: String,
    pub input: Map<String, Value>,
    /// The same key is the same action, however often it is sent.
    pub key: String,
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActionRefused {
    #[error(transparent)]
    Plugin(#[from] catalog::Error),
    #[error("`idempotency_key` has to have 1 to {KEY_BYTES} bytes")]
    Key,
    #[error("no customer has the id or e-mail address `{0}`")]
    UnknownCustomer(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Takes an action in as an event, whose id it gives. An `Ok` means that it survives a power cut, not that it is decided.
pub async fn accept(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    action: Action,
) -> Result<(EventId, Accepted), ActionRefused> {
    let Action { plugin, customer, name, input, key } = action;
    pipeline.catalog.enabled(entry, &plugin)?;
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err(ActionRefused::Key);
    }
    let (store, id) = (entry.id(), id_of(&customer, &key));
    if pipeline.store.get(&keys::event_id(store, &id))?.is_some() {
        return Ok((id, Accepted::Duplicate));
    }
    let known = facts::customer_named(&*pipeline.store, store, &customer)?;
    let customer = known.ok_or(ActionRefused::UnknownCustomer(customer))?.id;
    let now = pipeline.clock.now();
    let event = Event {
        id: id.clone(),
        store,
        origin: Origin::Action { plugin, customer, name },
        occurred_at: now,
        received_at: now,
        body: Bytes::from(Value::Object(input).to_string()),
    };
    let position = pipeline.inbox.append(&event).await?;
    Ok((id, Accepted::Kept(position)))
}

/// Follows from what is sent alone: whom an address leads to may change between two sends of one key. Ids outlive what is
/// known of a person, so an address stands in them as its digest.
fn id_of(sent_to: &str, key: &str) -> EventId {
    let name = match sent_to.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => sent_to.to_owned(),
        false => HEXLOWER.encode(&Sha256::digest(sent_to)),
    };
    EventId::from(format!("action/{name}/{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actions_id_follows_from_what_is_sent_and_tells_no_address() {
        assert_eq!(id_of("7", "key").as_str(), "action/7/key");
        let of_address = id_of("mira@example.com", "key");
        assert_eq!(of_address, id_of("mira@example.com", "key"));
        assert!(!of_address.as_str().contains("mira"), "{of_address}");
        let others = [("7", "key"), ("nora@example.com", "key"), ("mira@example.com", "other")];
        assert!(others.iter().all(|(sent_to, key)| id_of(sent_to, key) != of_address));
        assert_ne!(id_of("7/mira@example.com", "key"), id_of("7", "mira@example.com/key"));
    }
}
