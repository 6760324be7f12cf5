//! What a Magento shop and its merchant's browser open while the shop is being connected: the integration's callback and
//! its identity link (`access/connections.rs`).

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reqwest::Url;
use serde::Deserialize;

use super::{
    problem::{self, Problem, Result},
    storefront::{
        FORM_BYTES, html,
        words::{self, Notice},
    },
};
use crate::{host::Host, platform::magento::rest::handshake::Activation};

const CONNECTED: Notice =
    Notice { title: "The shop is connected", text: "You can close this window and go back to your shop's admin." };

pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/callback/{connection}", post(callback))
        .route("/identity/{connection}", get(identity))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(map_response(problem::of_extractors::<FORM_BYTES>))
}

/// `POST /magento/callback/{connection}`: the shop sends the keys of an integration that is being activated.
async fn callback(State(host): State<Arc<Host>>, Path(connection): Path<String>, body: Bytes) -> Result<StatusCode> {
    let activation: Activation = serde_urlencoded::from_bytes(&body)
        .map_err(|_| Problem::bad_request("this is not what Magento posts when an integration is activated"))?;
    host.access.take_activation(&connection, activation)?;
    Ok(StatusCode::OK)
}

/// What Magento adds to the identity link.
#[derive(Deserialize)]
struct Identity {
    oauth_consumer_key: String,
    success_call_back: Option<String>,
}

/// `GET /magento/identity/{connection}`: the merchant's browser, which goes back to the shop when all is done.
async fn identity(
    State(host): State<Arc<Host>>,
    Path(connection): Path<String>,
    Query(query): Query<Identity>,
) -> Result<Response> {
    let connected = host.access.complete_connection(&connection, &query.oauth_consumer_key).await?;
    // Back to the shop and nowhere else: the address stands in a link that anybody could have made.
    let is_own = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|named| connected.hosts.iter().any(|own| own.eq_ignore_ascii_case(named)))
    };
    let back = query.success_call_back.and_then(|url| Url::parse(&url).ok()).filter(is_own);
    match back.and_then(|url| HeaderValue::try_from(url.as_str()).ok()) {
        Some(to) => Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response()),
        None => Ok(html::notice(StatusCode::OK, words::of("en"), CONNECTED).into_response()),
    }
}
