//! The platforms' webhooks.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::problem::{Problem, Result};
use crate::{domain::Platform, host::Host, ingest::Accepted};

/// `POST /webhooks/shopify`
pub async fn shopify(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Json<Value>> {
    let body = read_body(&host, &headers, body).await?;
    Ok(Json(match host.ingest.accept(Platform::Shopify, &headers, body).await? {
        Accepted::Kept(position) => json!({ "status": "accepted", "position": position }),
        Accepted::Duplicate => json!({ "status": "duplicate" }),
    }))
}

/// The whole body, unless it is too large or too slow.
async fn read_body(host: &Host, headers: &HeaderMap, body: Body) -> Result<Bytes> {
    let settings = &host.config.ingest;
    let limit = settings.body_limit_bytes;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let reading = axum::body::to_bytes(body, limit);
    match tokio::time::timeout(Duration::from_secs(settings.read_timeout_seconds), reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => Err(Problem::too_large(limit)),
        Ok(Err(error)) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
        Err(_) => Err(Problem::too_slow(settings.read_timeout_seconds)),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = cause.source();
    }
    false
}
