//! `/v1/stores/{store}/history`: what a store was before this host was told of anything, and whether all of it is known.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Problem, Result};
use crate::{
    catalog::StoreEntry,
    history::{self, told::notes},
    host::Host,
    store::{Counts, History, Progress},
};

fn progress(progress: Progress) -> Value {
    json!({ "found": progress.found, "known": progress.known })
}

fn status(state: &history::State) -> &'static str {
    match &state.history {
        _ if state.waiting => "waiting",
        None => "unread",
        Some(history) if history.ended_at.is_none() => "reading",
        Some(history) if history.stopped => "stopped",
        Some(history) if history.error.is_some() => "failed",
        Some(_) => "read",
    }
}

fn counted(counts: &Counts) -> Value {
    let of = |(platform, known): (u64, u64)| json!({ "platform": platform, "known": known });
    json!({
        "counted_at": counts.counted_at,
        "from": counts.from,
        "until": counts.until,
        "orders": of(counts.orders),
        "customers": of(counts.customers),
        "repairing": counts.is_repairing,
        "error": counts.error,
    })
}

fn view(state: &history::State, entry: &StoreEntry) -> Value {
    let nothing = History::default();
    let history = state.history.as_ref().unwrap_or(&nothing);
    json!({
        "status": status(state),
        "started_at": state.history.as_ref().map(|history| history.started_at),
        "ended_at": history.ended_at,
        "customers": progress(history.customers),
        "orders": progress(history.orders),
        "refunds": progress(history.refunds),
        "since": history.since,
        "all_orders": !history.is_cut,
        "unreadable": history.unreadable,
        "error": history.error,
        "counting": state.counting,
        "counts": state.counts.as_ref().map(counted),
        "notes": notes(state, entry.record.platform, &entry.record.domain),
    })
}

fn shown(host: &Host, store: &str) -> Result<Value> {
    let entry = host.catalog.store_named(store)?;
    Ok(view(&host.history.state(entry.id())?, &entry))
}

pub async fn show(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    shown(&host, &store).map(Json)
}

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskBody {
    /// To compare the counts, instead of reading from the beginning.
    count: bool,
}

/// Has a store's history read from its beginning, or counted, as soon as can be.
pub async fn ask(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<AskBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let id = host.catalog.store_named(&store)?.id();
    if host.reached.get().is_none() {
        return Err(Problem::not_running("the reading of history"));
    }
    match body.count {
        true => host.history.ask_to_count(id),
        false => host.history.ask(id),
    }
    Ok((StatusCode::ACCEPTED, Json(shown(&host, &store)?)))
}

/// Stops the reading; what has been learnt stays.
pub async fn stop(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<(StatusCode, Json<Value>)> {
    let id = host.catalog.store_named(&store)?.id();
    host.history.stop(id)?;
    Ok((StatusCode::ACCEPTED, Json(shown(&host, &store)?)))
}
