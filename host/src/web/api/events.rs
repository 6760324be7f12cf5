//! `/v1/stores/{store}/events`: what came in and what was decided.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    limit, plugin_name, read, read_all, store_id,
};
use crate::{
    dispatch::Replayed,
    domain::{EventId, StoreId},
    host::Host,
    store::{EventRecord, Inbox, Position, Scan, Store, keys},
};

/// An event with its deliveries, and its body if it was asked for alone.
#[derive(Serialize)]
pub struct EventView {
    #[serde(flatten)]
    record: EventRecord,
    /// The sender's own document; absent once its retention has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
}

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<usize>,
    /// Only events before this position.
    before: Option<u64>,
    /// Only events with a delivery that has failed, or that could not be read.
    #[serde(default)]
    failed: bool,
}

/// Newest first.
pub async fn list(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<EventRecord>>> {
    let store = store_id(&host, &store)?;
    let wanted = limit(query.limit);
    let before = query.before.map(Position);
    if query.failed {
        let scan = Scan::of(keys::failed_events(store), wanted).newest_first();
        let rows = host.sled.scan(&scan.after(before.map(|before| keys::failed_event(store, before))))?;
        let mut found = Vec::new();
        for position in rows.iter().filter_map(|(key, _)| keys::position_of(key)) {
            found.extend(read(&host, &keys::event(store, position))?);
        }
        return Ok(Json(found));
    }
    let scan = Scan::of(keys::events(store), wanted).newest_first();
    Ok(Json(read_all(&host, &scan.after(before.map(|before| keys::event(store, before))))?))
}

pub async fn show(
    State(host): State<Arc<Host>>,
    Path((store, event)): Path<(String, String)>,
) -> Result<Json<EventView>> {
    let store = store_id(&host, &store)?;
    let record = find(&host, store, &event)?;
    let payload = host.journal.get(record.position)?.map(|event| {
        serde_json::from_slice(&event.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&event.body).into_owned()))
    });
    Ok(Json(EventView { record, payload }))
}

/// An event by its id or by its position.
fn find(host: &Host, store: StoreId, name: &str) -> Result<EventRecord> {
    let by_id = read::<Position>(host, &keys::event_id(store, &EventId::from(name)))?;
    let position = by_id.or_else(|| name.parse().ok().map(Position));
    let record = position.map(|position| read(host, &keys::event(store, position))).transpose()?.flatten();
    record.ok_or_else(|| {
        Problem::missing(format!("there is no event `{name}`; `regulars event list` names the last ones"))
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayBody {
    /// Only this plugin's delivery.
    plugin: Option<String>,
}

pub async fn replay(
    State(host): State<Arc<Host>>,
    Path((store, event)): Path<(String, String)>,
    Json(body): Json<ReplayBody>,
) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    let record = find(&host, store, &event)?;
    let plugin = body.plugin.as_deref().map(plugin_name);
    if let Some(plugin) = &plugin {
        host.catalog.installed(plugin)?;
    }
    let replayed = host.pipeline.replay(store, record.position, plugin.as_ref()).await?;
    Ok(Json(match replayed {
        Replayed::Deliveries(plugins) => json!({ "event": record.id, "due": plugins }),
        Replayed::ReadAgain => json!({ "event": record.id, "read_again": true }),
    }))
}
