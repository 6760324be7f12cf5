//! `/v1/stores/{store}/customers`: what is known of a customer, what was decided about them, what they ask for.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    super::problem::{Problem, Result},
    limit, plugin_name, read, read_all, store_id,
};
use crate::{
    dispatch::facts,
    domain::{Customer, CustomerId, Event, EventId, Order, OrderId, Origin, StoreId},
    host::Host,
    store::{EventRecord, Inbox, Position, Scan, Store, keys},
};

/// Events and orders of one customer that are shown.
const SHOWN: usize = 50;

/// Bytes of an idempotency key.
const KEY_BYTES: usize = 128;

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<usize>,
}

/// Customers by id, each with the latest figures that plugins noted of them.
pub async fn list(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Value>>> {
    let store = store_id(&host, &store)?;
    let customers: Vec<Customer> = read_all(&host, &Scan::of(keys::customers(store), limit(query.limit)))?;
    let views = customers.into_iter().map(|customer| {
        let figures = figures(events_of(&host, store, &customer.id)?.iter());
        Ok(json!({ "customer": customer, "figures": figures }))
    });
    views.collect::<Result<_>>().map(Json)
}

pub async fn show(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    let customer = find(&host, store, &customer)?;
    let index = host.sled.scan(&Scan::of(keys::customer_orders(store, &customer.id), SHOWN).newest_first())?;
    let mut orders = Vec::new();
    for (_, id) in index {
        let id = OrderId::from(String::from_utf8_lossy(&id.bytes).into_owned());
        orders.extend(read::<Order>(&host, &keys::order(store, &id))?);
    }
    let events = events_of(&host, store, &customer.id)?;
    Ok(Json(json!({ "figures": figures(events.iter()), "customer": customer, "orders": orders, "events": events })))
}

/// A customer by id or by e-mail address.
fn find(host: &Host, store: StoreId, name: &str) -> Result<Customer> {
    let id = facts::holder_of(&*host.sled, store, name)?.unwrap_or_else(|| CustomerId::from(name));
    read(host, &keys::customer(store, &id))?
        .ok_or_else(|| Problem::missing(format!("there is no customer with the id or e-mail address `{name}`")))
}

/// The customer's latest events, newest first.
fn events_of(host: &Host, store: StoreId, customer: &CustomerId) -> Result<Vec<EventRecord>> {
    let rows = host.sled.scan(&Scan::of(keys::customer_events(store, customer), SHOWN).newest_first())?;
    let mut events = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        let mut parts = key.parts();
        let position = parts.text().and_then(|_| parts.number()).map(Position);
        if let Some(position) = position {
            events.extend(read(host, &keys::event(store, position))?);
        }
    }
    Ok(events)
}

/// What each plugin last noted about the customer: its fields by name.
pub(super) fn figures<'a>(newest_first: impl Iterator<Item = &'a EventRecord>) -> Map<String, Value> {
    let mut figures = Map::new();
    for delivery in newest_first.flat_map(|event| &event.deliveries) {
        let known = figures.entry(delivery.plugin.to_string()).or_insert_with(|| json!({}));
        for (name, value) in delivery.notes.iter().rev().flat_map(|note| &note.fields) {
            if known.get(name).is_none() {
                known[name] = Value::String(value.clone());
            }
        }
    }
    figures
}

/// What a shopper asks of a plugin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionBody {
    plugin: String,
    action: String,
    #[serde(default)]
    input: Map<String, Value>,
    /// The same key is the same action, however often it is sent.
    idempotency_key: String,
}

/// Takes an action in as an event. The answer means that it is durable, not that it is decided.
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Json(body): Json<ActionBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let entry = host.catalog.store_named(&store)?;
    let plugin = plugin_name(&body.plugin);
    host.catalog.enabled(&entry, &plugin)?;
    if body.idempotency_key.is_empty() || body.idempotency_key.len() > KEY_BYTES {
        return Err(Problem::bad_request(format!("`idempotency_key` has to have 1 to {KEY_BYTES} bytes")));
    }
    let id = action_id(&customer, &body.idempotency_key);
    if read::<Position>(&host, &keys::event_id(entry.id(), &id))?.is_some() {
        return Ok((StatusCode::OK, Json(json!({ "event": id, "status": "duplicate" }))));
    }
    let customer = find(&host, entry.id(), &customer)?;
    let now = host.clock.now();
    let event = Event {
        id: id.clone(),
        store: entry.id(),
        origin: Origin::Action { plugin, customer: customer.id, name: body.action },
        occurred_at: now,
        received_at: now,
        body: Bytes::from(Value::Object(body.input).to_string()),
    };
    host.journal.append(&event).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "event": id, "status": "accepted" }))))
}

/// Follows from what is sent alone: whom an address leads to may change between two sends of one key. Ids outlive what is
/// known of a person, so an address stands in them as its digest.
fn action_id(sent_to: &str, key: &str) -> EventId {
    let is_id = sent_to.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digest = || Sha256::digest(sent_to).iter().map(|byte| format!("{byte:02x}")).collect();
    let name: String = if is_id { sent_to.to_owned() } else { digest() };
    EventId::from(format!("action/{name}/{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actions_id_follows_from_what_is_sent_and_tells_no_address() {
        assert_eq!(action_id("7", "key").as_str(), "action/7/key");
        let of_address = action_id("mira@example.com", "key");
        assert_eq!(of_address, action_id("mira@example.com", "key"));
        assert!(!of_address.as_str().contains("mira"), "{of_address}");
        let others = [("7", "key"), ("nora@example.com", "key"), ("mira@example.com", "other")];
        assert!(others.iter().all(|(sent_to, key)| action_id(sent_to, key) != of_address));
        assert_ne!(action_id("7/mira@example.com", "key"), action_id("7", "mira@example.com/key"));
    }
}
