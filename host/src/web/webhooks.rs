//! The platforms' webhooks.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, HttpBody},
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::problem::{Problem, Result};
use crate::{clock::Stopwatch, domain::Platform, host::Host, ingest::Accepted};

/// How many times the limit is read of a body that is too large, before its sender is cut off.
const READ_ON: usize = 4;

/// `POST /webhooks/shopify`
pub async fn shopify(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Json<Value>> {
    let begun = Stopwatch::start();
    let taken = take(&host, Platform::Shopify, &headers, body).await;
    let measured = &host.counters.measured.webhooks;
    let (duration, status) = match &taken {
        Ok(Accepted::Kept(_)) => (&measured.accepted, StatusCode::OK),
        Ok(Accepted::Duplicate) => (&measured.duplicate, StatusCode::OK),
        Err(problem) if problem.status().is_server_error() => (&measured.failed, problem.status()),
        Err(problem) => (&measured.refused, problem.status()),
    };
    duration.observe_time(begun.elapsed());
    measured.answered(status.as_u16());
    Ok(Json(match taken? {
        Accepted::Kept(position) => json!({ "status": "accepted", "position": position }),
        Accepted::Duplicate => json!({ "status": "duplicate" }),
    }))
}

async fn take(host: &Host, platform: Platform, headers: &HeaderMap, body: Body) -> Result<Accepted> {
    let body = read_body(host, body).await?;
    Ok(host.ingest.accept(platform, headers, body).await?)
}

/// The whole body, unless it is too large or too slow.
async fn read_body(host: &Host, mut body: Body) -> Result<Bytes> {
    let settings = &host.config.ingest;
    let reading = collect(&mut body, settings.body_limit_bytes);
    match tokio::time::timeout(Duration::from_secs(settings.read_timeout_seconds), reading).await {
        Ok(read) => read,
        Err(_) => Err(Problem::too_slow(settings.read_timeout_seconds)),
    }
}

/// Reads a body of at most `limit` bytes.
///
/// One that is larger is read on and thrown away for a while: a sender who is cut off while writing does not see the
/// answer, and would send it again.
async fn collect(body: &mut Body, limit: usize) -> Result<Bytes> {
    let mut kept = BytesMut::with_capacity(body.size_hint().lower().min(limit as u64) as usize);
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
        let Ok(chunk) = frame.into_data() else { continue };
        length += chunk.len();
        if length > limit.saturating_mul(READ_ON) {
            break;
        }
        if length <= limit {
            kept.extend_from_slice(&chunk);
        }
    }
    if length > limit { Err(Problem::too_large(limit)) } else { Ok(kept.freeze()) }
}
