//! Actions in: what shoppers, merchants and visitors ask of one plugin, each kept once for each idempotency key.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Accepted;
use crate::{
    catalog::{self, StoreEntry},
    dispatch::{Pipeline, facts},
    domain::{CustomerId, Event, EventId, Origin, PluginName},
    store::{self, keys},
};

/// Bytes of an idempotency key.
const KEY_BYTES: usize = 128;

/// Bytes of an action's name.
const NAME_BYTES: usize = 64;

/// What somebody asks of a plugin.
#[derive(Clone, Debug)]
pub struct Action {
    pub plugin: PluginName,
    pub by: By,
    pub name: String,
    pub input: Map<String, Value>,
    /// The same key is the same action, however often it is sent.
    pub key: String,
}

/// Who asks. A customer is named by id or by e-mail address, as it was sent.
#[derive(Clone, Debug)]
pub enum By {
    /// Whoever sends it has seen that it is this customer.
    Shopper(String),
    /// The merchant, about a customer or about nobody.
    Merchant(Option<String>),
    /// Somebody who is not signed in, on the page of the link of this name.
    Visitor(String),
}

/// Why an action was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActionRefused {
    #[error(transparent)]
    Plugin(#[from] catalog::Error),
    #[error("`idempotency_key` has to have 1 to {KEY_BYTES} bytes")]
    Key,
    #[error("the action's name has to have 1 to {NAME_BYTES} bytes")]
    Name,
    #[error("no customer has the id or e-mail address `{0}`")]
    UnknownCustomer(String),
    /// Too many of the store's events, or of all stores', wait to be applied.
    #[error("too many accepted events wait to be applied; send it again later")]
    FarBehind,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Takes an action in as an event, whose id it gives. An `Ok` means that it survives a power cut, not that it is decided.
pub async fn accept(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    action: Action,
) -> Result<(EventId, Accepted), ActionRefused> {
    pipeline.catalog.enabled(entry, &action.plugin)?;
    append(pipeline, entry, action).await
}

/// The same for an action of a plugin that is enabled, or of the host itself.
pub(super) async fn append(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    action: Action,
) -> Result<(EventId, Accepted), ActionRefused> {
    if !(1..=KEY_BYTES).contains(&action.key.len()) {
        return Err(ActionRefused::Key);
    }
    if !(1..=NAME_BYTES).contains(&action.name.len()) {
        return Err(ActionRefused::Name);
    }
    let (store, id) = (entry.id(), id_of(&action));
    if pipeline.store.get(&keys::event_id(store, &id))?.is_some() {
        return Ok((id, Accepted::Duplicate));
    }
    // A merchant who brings thousands of customers along is slowed down by waiting for each answer.
    if !matches!(action.by, By::Merchant(_)) && pipeline.backlog.is_full_for(store) {
        return Err(ActionRefused::FarBehind);
    }
    let Action { plugin, by, name, input, .. } = action;
    let known = |sent: String| -> Result<CustomerId, ActionRefused> {
        let known = facts::customer_named(&*pipeline.store, store, &sent)?;
        Ok(known.ok_or(ActionRefused::UnknownCustomer(sent))?.id)
    };
    let origin = match by {
        By::Shopper(customer) => Origin::Action { plugin, customer: known(customer)?, name },
        By::Merchant(customer) => Origin::MerchantAction { plugin, customer: customer.map(known).transpose()?, name },
        By::Visitor(_) => Origin::VisitorAction { plugin, name },
    };
    let now = pipeline.clock.now();
    let body = Bytes::from(Value::Object(input).to_string());
    let event = Event { id: id.clone(), store, origin, occurred_at: now, received_at: now, body };
    let position = pipeline.inbox.append(&event).await?;
    Ok((id, Accepted::Kept(position)))
}

/// Follows from what is sent alone: whom an address leads to may change between two sends of one key. Ids outlive what is
/// known of a person, so an address stands in them as its digest.
fn id_of(action: &Action) -> EventId {
    let key = &action.key;
    EventId::from(match &action.by {
        By::Shopper(customer) => match customer.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => format!("action/{customer}/{key}"),
            false => format!("action/{}/{key}", HEXLOWER.encode(&Sha256::digest(customer))),
        },
        By::Merchant(_) => format!("merchant-action/{}/{key}", action.plugin),
        By::Visitor(link) => format!("visitor-action/{link}/{key}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(by: By, key: &str) -> EventId {
        let action = Action { plugin: "points".into(), by, name: "redeem".into(), input: Map::new(), key: key.into() };
        id_of(&action)
    }

    #[test]
    fn an_actions_id_follows_from_what_is_sent_and_tells_no_address() {
        let of = |customer: &str, key| id(By::Shopper(customer.into()), key);
        assert_eq!(of("7", "key").as_str(), "action/7/key");
        let of_address = of("mira@example.com", "key");
        assert_eq!(of_address, of("mira@example.com", "key"));
        assert!(!of_address.as_str().contains("mira"), "{of_address}");
        let others = [("7", "key"), ("nora@example.com", "key"), ("mira@example.com", "other")];
        assert!(others.iter().all(|(customer, key)| of(customer, key) != of_address));
        assert_ne!(of("7/mira@example.com", "key"), of("7", "mira@example.com/key"));
    }

    #[test]
    fn one_key_means_something_else_from_everybody_who_asks() {
        let all = [By::Shopper("7".into()), By::Merchant(Some("7".into())), By::Visitor("7".into())];
        let ids: std::collections::BTreeSet<_> = all.into_iter().map(|by| id(by, "key")).collect();
        assert_eq!(ids.len(), 3, "{ids:?}");
        // A merchant's key names the action whatever customer it is about: a corrected address is no second one.
        assert_eq!(id(By::Merchant(Some("7".into())), "key"), id(By::Merchant(None), "key"));
    }
}
