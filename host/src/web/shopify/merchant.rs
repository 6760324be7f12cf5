//! The JSON API for who works in a shop: of `/v1` what concerns their own store, and nothing of how the host is run.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::task::JoinError;

use super::{bearer, require_staff, retried};
use crate::{
    host::Host,
    platform::shopify::session_token::SessionToken,
    web::{
        api::{self, stores::StoreView},
        problem::{Problem, Result},
    },
};

/// How often the page is told to look anew.
const LOOK_EVERY_MS: u64 = 3_000;

pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/status", get(status))
        .route("/stores", get(own))
        .route("/plugins", get(api::plugins::list))
        .merge(api::of_one_store())
}

/// Lets a request through that somebody who works in a shop makes about that shop.
pub async fn of_own_shop(State(host): State<Arc<Host>>, mut request: Request, next: Next) -> Response {
    let token = match bearer(&host, request.headers()) {
        Ok(token) => token,
        Err(problem) => return retried(problem),
    };
    if let Err(problem) = require_staff(&token) {
        return problem.into_response();
    }
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/stores/") {
        let named = rest.split('/').next().unwrap_or_default();
        if percent_decode_str(named).decode_utf8().ok().as_deref() != Some(&token.shop) {
            return Problem::forbidden("a session is for its own shop").into_response();
        }
    }
    request.extensions_mut().insert(token);
    // Reading a store's rows takes a thread's time, which those that answer webhooks do not have.
    match host.background.get() {
        Some(background) => background.spawn(next.run(request)).await.unwrap_or_else(panicked),
        None => next.run(request).await,
    }
}

fn panicked(ended: JoinError) -> Response {
    std::panic::resume_unwind(ended.into_panic())
}

async fn own(State(host): State<Arc<Host>>, token: axum::Extension<SessionToken>) -> Result<Json<Vec<StoreView>>> {
    let entry = host.catalog.registry().store_named(&token.shop).cloned();
    Ok(Json(entry.iter().map(|entry| StoreView::from(&**entry)).collect()))
}

/// The host's counters are those of all stores, and so for none of them: one that moves with time stands in their place.
async fn status(State(host): State<Arc<Host>>) -> Json<Value> {
    let looks = host.clock.now().0 / LOOK_EVERY_MS;
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "counters": { "looks": looks } }))
}
