//! The customer account's panel: asked for by a worker of Shopify's on another origin, with a shopper's session token.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
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
        problem::{self, Problem, Result},
        storefront::{
            FORM_BYTES,
            panels::{self, Drawn, Viewer},
        },
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
struct Asked {
    /// IETF language tag; else the customer's, else the store's.
    locale: Option<String>,
}

pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/account/panel", get(show).options(preflight))
        .route("/account/actions", post(act).options(preflight))
        .layer(middleware::map_response(problem::of_extractors::<FORM_BYTES>))
        .layer(middleware::map_response(open))
}

async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Errors too are for the worker to read.
async fn open(response: Response) -> impl IntoResponse {
    (CORS, response)
}

/// Every plugin's part. A customer whom the host does not know yet has none, and why one cannot be shown is not the
/// shopper's to know.
async fn show(
    State(host): State<Arc<Host>>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<Value>>> {
    let (entry, customer) = shopper(&host, &headers)?;
    let viewer = Viewer { entry: &entry, customer, locale: asked.locale };
    let Some(view) = viewer.view(&host)? else { return Ok(Json(Vec::new())) };
    let told = |drawn: Drawn| match drawn.blocks {
        Ok(blocks) => json!({ "plugin": drawn.plugin, "title": drawn.title, "blocks": blocks }),
        Err(_) => json!({ "plugin": drawn.plugin, "title": drawn.title }),
    };
    Ok(Json(panels::draw_all(&host, &entry, view).await.into_iter().map(told).collect()))
}

async fn act(
    State(host): State<Arc<Host>>,
    headers: HeaderMap,
    Json(body): Json<ActionBody>,
) -> Result<impl IntoResponse> {
    let (entry, customer) = shopper(&host, &headers)?;
    let (id, accepted) = actions::accept(&host.pipeline, &entry, body.by_shopper(customer.to_string())).await?;
    panels::decided(&host, accepted).await;
    Ok(crate::web::api::customers::taken_in(&id, accepted))
}

/// The shop and the customer of a session token, and of nothing else that a request says.
fn shopper(host: &Host, headers: &HeaderMap) -> Result<(Arc<StoreEntry>, CustomerId)> {
    let token = bearer(host, headers)?;
    let Holder::Shopper(Some(customer)) = token.holder else {
        return Err(Problem::no_session("the session is not that of a customer who is signed in"));
    };
    let entry = host.catalog.store_named(&token.shop)?;
    match host.ingest.visitors.may_ask(entry.id(), &customer, host.clock.now()) {
        true => Ok((entry, customer)),
        false => Err(Problem::too_often()),
    }
}
