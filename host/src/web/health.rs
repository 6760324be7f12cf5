//! Whether the host lives, and whether it can keep what it is sent.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::problem::Result;
use crate::{host::Host, store::Store, store::keys};

pub async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// Ready once the store answers.
pub async fn ready(State(host): State<Arc<Host>>) -> Result<Json<Value>> {
    host.sled.get(&keys::meta("last-store"))?;
    Ok(Json(json!({ "status": "ready" })))
}
