//! `/v1/stores/{store}/effects`: the outbox.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    limit, read, store_id,
};
use crate::{
    domain::{Effect, EffectId, EffectStage, EffectStatus},
    effects::{MailCopy, read_copy, retry as retry_effect},
    host::Host,
    store::{Scan, Store, keys},
};

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<usize>,
    /// `pending`, `done`, `dead` or `dropped`.
    status: Option<String>,
}

/// An effect with its status as flat fields.
pub(super) fn view(effect: &Effect) -> Value {
    let (due, told) = match &effect.status {
        EffectStatus::Pending { due, last_error } => (Some(due), last_error.as_deref()),
        EffectStatus::Done { receipt } => (None, Some(receipt.as_str())),
        EffectStatus::Dead { reason } | EffectStatus::Dropped { reason } => (None, Some(reason.as_str())),
    };
    json!({
        "id": effect.id,
        "kind": effect.kind.name(),
        "status": effect.status.stage().word(),
        "told": told,
        "due": due,
        "plugin": effect.plugin,
        "event": effect.event,
        "customer": effect.kind.customer(),
        "order": effect.kind.order(),
        "after": effect.after,
        "attempts": effect.attempts,
        "queued_at": effect.queued_at,
        "updated_at": effect.updated_at,
        "content": effect.kind,
    })
}

/// Newest first.
pub async fn list(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Value>>> {
    let store = store_id(&host, &store)?;
    let stages = match query.status.as_deref() {
        None => EffectStage::ALL.to_vec(),
        Some(word) => vec![EffectStage::of_word(word).ok_or_else(|| {
            Problem::bad_request(format!("`{word}` is no status: there are pending, done, dead and dropped"))
        })?],
    };
    let limit = limit(query.limit);
    let mut listed = Vec::new();
    for stage in stages {
        let rows = host.sled.scan(&Scan::of(keys::effects_listed(store, stage), limit).newest_first())?;
        listed.extend(rows.iter().filter_map(|(key, _)| keys::effect_of(key)));
    }
    listed.sort_by(|one, other| other.cmp(one));
    let mut effects = Vec::new();
    for (_, id) in listed.iter().take(limit) {
        effects.extend(read::<Effect>(&host, &keys::effect(store, id))?.as_ref().map(view));
    }
    Ok(Json(effects))
}

fn find(host: &Host, store: &str, effect: &str) -> Result<Effect> {
    let store = store_id(host, store)?;
    read(host, &keys::effect(store, &EffectId::from(effect)))?.ok_or_else(|| {
        Problem::missing(format!("there is no effect `{effect}`; `regulars effect list` names the last ones"))
    })
}

pub async fn show(State(host): State<Arc<Host>>, Path((store, effect)): Path<(String, String)>) -> Result<Json<Value>> {
    Ok(Json(view(&find(&host, &store, &effect)?)))
}

pub async fn retry(
    State(host): State<Arc<Host>>,
    Path((store, effect)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let id = find(&host, &store, &effect)?.id;
    retry_effect(&host.outbox, store_id(&host, &store)?, &id).await?;
    Ok(Json(json!({ "effect": id, "status": "pending" })))
}

/// The mail of an effect as it was sent.
pub async fn mail(
    State(host): State<Arc<Host>>,
    Path((store, effect)): Path<(String, String)>,
) -> Result<Json<MailCopy>> {
    let id = find(&host, &store, &effect)?.id;
    let copy = read_copy(&host.outbox, store_id(&host, &store)?, &id)?;
    copy.map(Json)
        .ok_or_else(|| Problem::missing(format!("no mail of effect `{id}` is kept: it was not sent, or too long ago")))
}
