//! `/v1/stores/{store}/customers`: what is known of a customer, what was decided about them, what they ask for.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::problem::{Problem, Result},
    limit, read, read_all, store_id,
};
use crate::{
    dispatch::facts,
    domain::{Customer, CustomerId, EventId, Order, OrderId, StoreId},
    host::Host,
    ingest::{
        Accepted,
        actions::{self, Action, By},
    },
    store::{EventRecord, Position, Scan, Store, keys},
};

/// Events and orders of one customer that are shown.
const SHOWN: usize = 50;

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
pub(super) fn find(host: &Host, store: StoreId, name: &str) -> Result<Customer> {
    facts::customer_named(&*host.sled, store, name)?.ok_or_else(|| Problem::no_customer(name))
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

impl ActionBody {
    pub fn by_shopper(self, customer: String) -> Action {
        let Self { plugin, action, input, idempotency_key } = self;
        Action { plugin: plugin.into(), by: By::Shopper(customer), name: action, input, key: idempotency_key }
    }
}

/// Takes an action in as an event. The answer means that it is durable, not that it is decided.
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Json(body): Json<ActionBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let entry = host.catalog.store_named(&store)?;
    let (id, accepted) = actions::accept(&host.pipeline, &entry, body.by_shopper(customer)).await?;
    Ok(taken_in(&id, accepted))
}

/// The answer to an action that has become an event.
pub fn taken_in(event: &EventId, accepted: Accepted) -> (StatusCode, Json<Value>) {
    let (status, word) = match accepted {
        Accepted::Kept(_) => (StatusCode::ACCEPTED, "accepted"),
        Accepted::Duplicate | Accepted::Elsewhere => (StatusCode::OK, "duplicate"),
    };
    (status, Json(json!({ "event": event, "status": word })))
}
