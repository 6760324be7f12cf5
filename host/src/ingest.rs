//! Webhooks in: verify, dedupe, append. Nothing else stands between a storefront and its 200.
//!
//! A body is only checked for being JSON here. What it means is read after the answer, so that a shape we do not know
//! is kept and can be read again by a later version instead of being lost after the platform's last retry.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;

use crate::{
    catalog::Catalog,
    clock::Clock,
    counters::Counters,
    domain::{Event, EventId, Origin, Platform},
    platform::{self, Refusal},
    store::{self, Inbox, Position, Store, keys},
};

/// Takes webhooks in.
pub struct Ingest {
    pub catalog: Arc<Catalog>,
    pub inbox: Arc<dyn Inbox>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
}

/// A webhook that is safe with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is new, and durable at this position.
    Kept(Position),
    /// It was here already.
    Duplicate,
}

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Request(#[from] Refusal),
    #[error("no store is known under `{0}`")]
    UnknownStore(String),
    #[error("the body is not a JSON object: {0}")]
    NotJson(String),
    #[error("the event cannot be kept: {0}")]
    Unavailable(#[from] store::Error),
}

impl Ingest {
    /// Takes one webhook. An `Ok` means that it survives a power cut.
    pub async fn accept(&self, platform: Platform, headers: &HeaderMap, body: Bytes) -> Result<Accepted, Refused> {
        let answer = self.take(platform, headers, body).await;
        let counter = match &answer {
            Ok(Accepted::Kept(_)) => &self.counters.webhooks_accepted,
            Ok(Accepted::Duplicate) => &self.counters.webhooks_duplicate,
            Err(Refused::Request(refusal)) if refusal.is_unauthenticated() => &self.counters.webhooks_unsigned,
            Err(Refused::Unavailable(_)) => &self.counters.webhooks_failed,
            Err(_) => &self.counters.webhooks_refused,
        };
        counter.add_one();
        answer
    }

    async fn take(&self, platform: Platform, headers: &HeaderMap, body: Bytes) -> Result<Accepted, Refused> {
        let delivery = platform::receive(platform, headers)?;
        let registry = self.catalog.registry();
        let store =
            registry.store_of(platform, &delivery.shop).ok_or_else(|| Refused::UnknownStore(delivery.shop.clone()))?;
        platform::verify(platform, &store.secrets, &body, &delivery.signature)?;
        check_json(&body)?;
        let store = store.id();
        // The prefix keeps ids that senders choose apart from those that this host makes.
        let id = EventId::from(format!("webhook/{}", delivery.id));
        // An event that is durable but not applied yet is appended again; applying it finds the first.
        if self.store.get(&keys::event_id(store, &id))?.is_some() {
            return Ok(Accepted::Duplicate);
        }
        let received_at = self.clock.now();
        let event = Event {
            id,
            store,
            origin: Origin::Webhook { platform, topic: delivery.topic, api_version: delivery.api_version },
            occurred_at: delivery.triggered_at.unwrap_or(received_at),
            received_at,
            body,
        };
        drop(registry);
        Ok(Accepted::Kept(self.inbox.append(&event).await?))
    }
}

fn check_json(body: &[u8]) -> Result<(), Refused> {
    let not_json = |reason: String| Refused::NotJson(reason);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        _ => return Err(not_json("it does not begin with `{`".into())),
    }
    let text = std::str::from_utf8(body).map_err(|error| not_json(error.to_string()))?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| not_json(error.to_string()))?;
    Ok(())
}
