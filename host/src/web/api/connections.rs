//! `/v1/magento/connections`: Magento shops that are to be connected.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Problem, Result};
use crate::{access::NewConnection, domain::Secret, host::Host};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionBody {
    url: String,
    api_url: Option<String>,
    secret: Option<String>,
}

/// The addresses that the merchant enters. A secret that was made up is shown this once.
pub async fn begin(
    State(host): State<Arc<Host>>,
    Json(body): Json<ConnectionBody>,
) -> Result<(StatusCode, Json<Value>)> {
    if host.reached.get().is_none() {
        return Err(Problem::not_running("connecting a shop"));
    }
    let ConnectionBody { url, api_url, secret } = body;
    let begun = host.access.begin_connection(NewConnection { url, api_url, secret: secret.map(Secret::new) })?;
    let (base, ticket) = (host.config.public_url(), &begun.ticket);
    let shown = json!({
        "store": begun.store,
        "address": base,
        "callback_url": format!("{base}/magento/callback/{ticket}"),
        "identity_url": format!("{base}/magento/identity/{ticket}"),
        "expires_at": begun.expires_at,
        "secret": begun.made_secret.as_ref().map(Secret::expose),
    });
    Ok((StatusCode::CREATED, Json(shown)))
}
