//! The platforms' webhooks.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, HttpBody},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Problem, Result};
use crate::{
    clock::Stopwatch,
    host::Host,
    ingest::Accepted,
    platform::{Sender, magento},
};

/// How many times the limit is read of a body that is too large, before its sender is cut off.
const READ_ON: usize = 4;

/// `POST /webhooks/shopify`
pub async fn shopify(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Json<Value>> {
    answered(&host, Sender::Shopify, &headers, body).await
}

/// `POST /webhooks/magento`
pub async fn magento(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Json<Value>> {
    answered(&host, Sender::Magento(magento::Sender::Module), &headers, body).await
}

/// What an address says besides whose it is.
#[derive(Deserialize)]
pub struct Address {
    /// Ids of the store's own views, where an installation serves other shops as well.
    views: Option<String>,
}

/// `POST /webhooks/async-events/{store}/{event}`
pub async fn async_events(
    State(host): State<Arc<Host>>,
    Path((store, event)): Path<(String, String)>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>> {
    let sender = magento::Sender::AsyncEvents { store: &store, event: &event, views: address.views.as_deref() };
    answered(&host, Sender::Magento(sender), &headers, body).await
}

/// `POST /webhooks/mageplaza/{store}/{hook}`
pub async fn mageplaza(
    State(host): State<Arc<Host>>,
    Path((store, hook)): Path<(String, String)>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>> {
    let sender = magento::Sender::Mageplaza { store: &store, hook: &hook, views: address.views.as_deref() };
    answered(&host, Sender::Magento(sender), &headers, body).await
}

/// `POST /webhooks/adobe-commerce/{store}`. The shop waits for the answer, which tells it to go on.
pub async fn adobe_commerce(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>> {
    let sender = magento::Sender::AdobeCommerce { store: &store, views: address.views.as_deref() };
    let answer = answered(&host, Sender::Magento(sender), &headers, body).await;
    answer.map(|_| Json(json!({ "op": "success" })))
}

/// `POST /webhooks/adobe-io/{store}`
pub async fn adobe_io(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(address): Query<Address>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>> {
    let sender = magento::Sender::AdobeIo { store: &store, views: address.views.as_deref() };
    answered(&host, Sender::Magento(sender), &headers, body).await
}

#[derive(Deserialize)]
pub struct Challenge {
    challenge: Option<String>,
}

/// Bytes of a challenge: Adobe's are UUIDs.
const CHALLENGE_BYTES: usize = 256;

/// `GET /webhooks/adobe-io/{store}`: Adobe asks whether the address is ours, and is told what it has asked, as plain text.
pub async fn adobe_io_challenge(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<Challenge>,
) -> Result<Response> {
    host.catalog.store_named(&store)?;
    let challenge = query.challenge.filter(|it| it.len() <= CHALLENGE_BYTES);
    let challenge = challenge.ok_or_else(|| Problem::bad_request("`challenge` is missing or too long"))?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, challenge).into_response())
}

/// Takes a webhook, and measures how it was answered.
async fn answered(host: &Host, sender: Sender<'_>, headers: &HeaderMap, body: Body) -> Result<Json<Value>> {
    let begun = Stopwatch::start();
    let taken = take(host, sender, headers, body).await;
    let measured = &host.counters.measured.webhooks;
    let (duration, status) = match &taken {
        Ok(Accepted::Kept(_)) => (&measured.accepted, StatusCode::OK),
        Ok(Accepted::Duplicate | Accepted::Elsewhere) => (&measured.duplicate, StatusCode::OK),
        Err(problem) if problem.status().is_server_error() => (&measured.failed, problem.status()),
        Err(problem) => (&measured.refused, problem.status()),
    };
    duration.observe_time(begun.elapsed());
    measured.answered(status.as_u16());
    Ok(Json(match taken? {
        Accepted::Kept(position) => json!({ "status": "accepted", "position": position }),
        Accepted::Duplicate => json!({ "status": "duplicate" }),
        Accepted::Elsewhere => json!({ "status": "elsewhere" }),
    }))
}

async fn take(host: &Host, sender: Sender<'_>, headers: &HeaderMap, body: Body) -> Result<Accepted> {
    let body = read_body(host, body).await?;
    Ok(host.ingest.accept(sender, headers, body).await?)
}

/// The whole body, unless it is too large or too slow.
pub(super) async fn read_body(host: &Host, mut body: Body) -> Result<Bytes> {
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
