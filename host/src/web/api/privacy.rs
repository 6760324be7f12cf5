//! `/v1/stores/{store}/customers/{customer}/data` and `/redaction`, `/v1/stores/{store}/erasure`, `/v1/audit`: what is kept
//! of somebody, the end of it, the end of a store, and what was done with either.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    customers::taken_in,
    limit,
};
use crate::{
    catalog::{self, StoreEntry},
    dispatch::facts,
    domain::{Act, Actor, AuditEntry, CustomerHash, CustomerId, Event, EventId, OrderId, Origin},
    host::Host,
    ingest::Accepted,
    privacy::{Person, Place, erase, file},
    store::{Error, Journal, Log, Scan, SledStore, Store, Transaction, audit, keys},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataQuery {
    /// Ids of orders that the request names besides, with commas between them.
    #[serde(default)]
    orders: String,
}

/// Everything that is kept of a customer, by id or by e-mail address. That it was read is written down first.
pub async fn data(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Query(query): Query<DataQuery>,
) -> Result<Json<Value>> {
    let entry = host.catalog.store_known(&store)?;
    let orders: BTreeSet<_> =
        query.orders.split(',').map(str::trim).filter(|id| !id.is_empty()).map(OrderId::from).collect();
    let id = asked_for(&host, &entry, &customer)?;
    let hash = host.catalog.audit_key().customer(entry.id(), &id);
    append(&host, &entry, Act::DataRead, Some(hash)).await?;
    let store: Arc<dyn Store> = Arc::<SledStore>::clone(&host.sled);
    let place = Place::of(store, &host.catalog.registry(), &entry);
    let person = Person::named(&place, &id, orders).await?;
    let (inbox, archive) = (Arc::<Journal>::clone(&host.journal), Arc::<Log>::clone(&host.mails));
    let sources = file::Sources { place, inbox, archive, audit: host.catalog.audit_key().clone() };
    Ok(Json(file::of(&sources, &person, host.clock.now()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetBody {
    /// The customer as the path names it, once more.
    confirm: String,
}

/// Forgets a customer, as if the platform had asked for it. The answer means that it is durable.
pub async fn forget(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Json(body): Json<ForgetBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let entry = host.catalog.store_named(&store)?;
    if body.confirm != customer {
        return Err(Problem::bad_request(format!("`confirm` has to be `{customer}`: nobody was forgotten")));
    }
    let customer = asked_for(&host, &entry, &customer)?;
    let now = host.clock.now();
    let event = Event {
        id: EventId::from(format!("redaction/{customer}/{}", now.0)),
        store: entry.id(),
        origin: Origin::Redaction { customer },
        occurred_at: now,
        received_at: now,
        body: Bytes::new(),
    };
    let position = host.pipeline.inbox.append(&event).await?;
    Ok(taken_in(&event.id, Accepted::Kept(position)))
}

/// The record that a request names. One that was redacted, or of whom nothing but a checkout is known, has an answer too.
fn asked_for(host: &Host, entry: &StoreEntry, name: &str) -> Result<CustomerId> {
    if let Some(known) = facts::customer_named(&*host.sled, entry.id(), name)? {
        return Ok(known.id);
    }
    let id = CustomerId::of_guest(name).unwrap_or_else(|| CustomerId::from(name));
    let begun = host.sled.scan(&Scan::of(keys::customer_checkouts(entry.id(), &id), 1))?;
    if begun.is_empty() && host.sled.get(&keys::redacted(entry.id(), &id))?.is_none() {
        return Err(Problem::no_customer(name));
    }
    Ok(id)
}

/// Writes down what is done through the API.
pub(super) async fn append(
    host: &Host,
    entry: &StoreEntry,
    act: Act,
    customer: Option<CustomerHash>,
) -> Result<(), catalog::Error> {
    let mut transaction = Transaction::new(Arc::<SledStore>::clone(&host.sled));
    let audit = AuditEntry { customer, ..host.catalog.audit_of(entry, act, Actor::Operator) };
    transaction.append_audit(&audit)?;
    Ok(transaction.commit().await?)
}

/// What an erasure would delete.
pub async fn erasure(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    let entry = host.catalog.store_known(&store)?;
    let counting = Arc::clone(&host);
    let id = entry.id();
    let counted = tokio::task::spawn_blocking(move || erase::count(&*counting.sled, id)).await;
    let rows = counted.map_err(|_| Error::Stopped("counting panicked".into()))??;
    Ok(Json(json!({
        "store": entry.record.domain,
        "removed_at": entry.record.removed_at,
        "rows": rows,
        "copies_days": host.config.inbox.retention_days,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    /// The store's permanent domain once more.
    confirm: String,
}

/// Erases a store. The answer means that nothing finds it any more; its rows are deleted while the host runs.
pub async fn erase(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<EraseBody>,
) -> Result<Json<Value>> {
    if body.confirm != store {
        return Err(Problem::bad_request(format!("`confirm` has to be `{store}`: nothing was erased")));
    }
    host.catalog.erase_store(&store).await?;
    Ok(Json(json!({ "erased": store })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    store: Option<String>,
    limit: Option<usize>,
}

/// What was done with people's data and with stores', newest first.
pub async fn trail(State(host): State<Arc<Host>>, Query(query): Query<AuditQuery>) -> Result<Json<Vec<AuditEntry>>> {
    Ok(Json(audit::latest(&*host.sled, query.store.as_deref(), limit(query.limit))?))
}
