//! `/v1/stores/{store}/reconciliation`: what webhooks missed, found by reading the platform.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    store_id,
};
use crate::{domain::Timestamp, host::Host, reconcile, store::Reconciled};

fn run(run: &Reconciled) -> Value {
    // Of a run that has read nothing no span is told.
    let span = (run.pages > 0).then_some((run.from, run.to));
    json!({
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "from": span.map(|(from, _)| from),
        "to": span.map(|(_, to)| to),
        "pages": run.pages,
        "looked_at": run.looked_at,
        "repaired": run.repaired,
        "duplicates": run.duplicates,
        "late_max_ms": run.late_max,
        "late_median_ms": run.late_median,
        "error": run.error,
    })
}

fn view(state: &reconcile::State) -> Value {
    json!({
        "waiting": state.waiting,
        "running": state.running.as_ref().map(run),
        "until": state.kept.as_ref().map(|kept| kept.until),
        "more": state.kept.as_ref().is_some_and(|kept| kept.more),
        "repaired_ever": state.kept.as_ref().map_or(0, |kept| kept.repaired),
        "latest": state.kept.as_ref().map(|kept| run(&kept.latest)),
    })
}

pub async fn show(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    Ok(Json(view(&host.reconciler.state(store)?)))
}

/// What a run on demand may be told.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskBody {
    /// Changes since this moment, in milliseconds since 1970; since the last run if it is left out.
    since: Option<Timestamp>,
}

/// Has the store reconciled as soon as can be.
pub async fn ask(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<AskBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let store = store_id(&host, &store)?;
    if host.reached.get().is_none() {
        return Err(Problem::not_running("reconciliation"));
    }
    host.reconciler.ask(store, body.since);
    Ok((StatusCode::ACCEPTED, Json(view(&host.reconciler.state(store)?))))
}
