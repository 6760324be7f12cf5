//! The customer account's panel: asked for by a worker of Shopify's on another origin, with a shopper's session token.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bearer;
use crate::{
    catalog::StoreEntry,
    domain::CustomerId,
    host::Host,
    ingest::actions,
    platform::shopify::session_token::Holder,
    web::{
        api::customers::ActionBody,
        problem::{Problem, Result},
        storefront::panels::{self, Drawn, Viewer},
    },
};

/// Any origin: a worker's is not one to list, and what counts is the token, which no browser sends by itself.
const CORS: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type")),
    (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
];

#[derive(Deserialize)]
pub struct Asked {
    /// IETF language tag; else the customer's, else the store's.
    locale: Option<String>,
}

pub async fn preflight() -> Response {
    (StatusCode::NO_CONTENT, CORS).into_response()
}

pub async fn show(State(host): State<Arc<Host>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    open(drawn(&host, &headers, asked.locale).await)
}

pub async fn act(State(host): State<Arc<Host>>, headers: HeaderMap, Json(body): Json<ActionBody>) -> Response {
    open(taken(&host, &headers, body).await)
}

fn open(answer: Result<impl IntoResponse>) -> Response {
    let uncached = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([uncached], CORS, answer).into_response()
}

/// Every plugin's part. A customer whom the host does not know yet has none, and why one cannot be shown is not the
/// shopper's to know.
async fn drawn(host: &Arc<Host>, headers: &HeaderMap, locale: Option<String>) -> Result<Json<Vec<Value>>> {
    let (entry, customer) = shopper(host, headers)?;
    let Some(view) = (Viewer { entry: &entry, customer, locale }).view(host)? else { return Ok(Json(Vec::new())) };
    let told = |drawn: Drawn| match drawn.blocks {
        Ok(blocks) => json!({ "plugin": drawn.plugin, "title": drawn.title, "blocks": blocks }),
        Err(_) => json!({ "plugin": drawn.plugin, "title": drawn.title }),
    };
    Ok(Json(panels::draw_all(host, &entry, view).await.into_iter().map(told).collect()))
}

async fn taken(host: &Arc<Host>, headers: &HeaderMap, body: ActionBody) -> Result<impl IntoResponse + use<>> {
    let (entry, customer) = shopper(host, headers)?;
    let (id, accepted) = actions::accept(&host.pipeline, &entry, body.by_shopper(customer.to_string())).await?;
    panels::decided(host, accepted).await;
    Ok(crate::web::api::customers::taken_in(&id, accepted))
}

/// The shop and the customer of a session token, and of nothing else that a request says.
fn shopper(host: &Host, headers: &HeaderMap) -> Result<(Arc<StoreEntry>, CustomerId)> {
    let token = bearer(host, headers)?;
    let Holder::Shopper(Some(customer)) = token.holder else {
        return Err(Problem::no_session("the session is not that of a customer who is signed in"));
    };
    Ok((host.catalog.store_named(&token.shop)?, customer))
}
