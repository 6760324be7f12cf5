//! `/v1/stores/{store}/replay`: what has failed, again: a page of it at a time, so that a client can show how far it is and
//! nothing runs without one.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    plugin_name, store_id,
};
use crate::{
    dispatch,
    domain::{StoreId, Timestamp, Topic},
    effects,
    host::Host,
    store::Position,
};

/// Which failures, and whether they are only to be counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    what: What,
    /// Deliveries of events from this position on.
    from: Option<u64>,
    /// Deliveries of events up to this position.
    to: Option<u64>,
    /// Received, or queued, at this instant or later.
    since: Option<Timestamp>,
    /// Received, or queued, before this instant.
    until: Option<Timestamp>,
    topic: Option<String>,
    plugin: Option<String>,
    /// Also deliveries that are to be tried again by themselves.
    #[serde(default)]
    retrying: bool,
    #[serde(default)]
    dry_run: bool,
    /// What the page before answered as `next`.
    after: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Deliveries,
    Effects,
}

pub async fn replay(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<ReplayBody>,
) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    if let Some(plugin) = &body.plugin {
        host.catalog.installed(&plugin_name(plugin))?;
    }
    match body.what {
        What::Deliveries => deliveries(&host, store, body).await,
        What::Effects => effects(&host, store, body).await,
    }
}

fn bad_place() -> Problem {
    Problem::bad_request("`after` is not what a page before answered as `next`")
}

async fn deliveries(host: &Host, store: StoreId, body: ReplayBody) -> Result<Json<Value>> {
    if let (Some(from), Some(to)) = (body.from, body.to)
        && from > to
    {
        return Err(Problem::bad_request(format!("`from` ({from}) is after `to` ({to})")));
    }
    let after = body.after.map(|after| after.parse().map(Position).map_err(|_| bad_place())).transpose()?;
    let selection = dispatch::Selection {
        from: body.from.map(Position),
        to: body.to.map(Position),
        since: body.since,
        until: body.until,
        topic: body.topic.map(Topic::from),
        plugin: body.plugin.as_deref().map(plugin_name),
        retrying: body.retrying,
    };
    let page = host.pipeline.replay_page(store, &selection, after, body.dry_run).await?;
    Ok(Json(json!({
        "deliveries": page.deliveries,
        "read_again": page.read_again,
        "skipped": page.skipped,
        "next": page.next.map(|next| next.to_string()),
    })))
}

async fn effects(host: &Host, store: StoreId, body: ReplayBody) -> Result<Json<Value>> {
    if body.from.is_some() || body.to.is_some() || body.topic.is_some() || body.retrying {
        return Err(Problem::bad_request("effects are chosen by time and plugin alone"));
    }
    let place = |after: String| {
        let (queued_at, id) = after.split_once('/')?;
        Some((Timestamp(queued_at.parse().ok()?), id.into()))
    };
    let after = body.after.map(|after| place(after).ok_or_else(bad_place)).transpose()?;
    let selection =
        effects::Selection { since: body.since, until: body.until, plugin: body.plugin.as_deref().map(plugin_name) };
    let page = effects::retry_page(&host.outbox, store, &selection, after, body.dry_run).await?;
    Ok(Json(json!({
        "effects": page.effects,
        "skipped": page.skipped,
        "next": page.next.map(|(queued_at, id)| format!("{}/{id}", queued_at.0)),
    })))
}
