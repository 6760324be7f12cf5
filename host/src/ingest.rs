//! Webhooks in: verify, dedupe, append. Nothing else stands between a storefront and its 200.
//!
//! A body is looked at only so far as to refuse what cannot be a JSON object. What it means is read after the answer, so
//! that a shape we do not know is kept and can be read again by a later version instead of being lost after the
//! platform's last retry.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;

use crate::{
    catalog::Catalog,
    clock::Clock,
    counters::Counters,
    dispatch::Backlog,
    domain::{Event, EventId, Origin, Platform},
    platform::{self, Refusal},
    store::{self, Inbox, Position},
    telemetry::{
        journey,
        trace::{self, Part},
    },
};

pub mod actions;
mod rates;
mod recent;
pub mod settings;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod visits;

pub use rates::Rates;
pub use recent::Recent;
pub use visits::Visitors;

/// Takes webhooks in.
pub struct Ingest {
    pub catalog: Arc<Catalog>,
    pub inbox: Arc<dyn Inbox>,
    pub backlog: Arc<Backlog>,
    pub recent: Recent,
    pub visitors: Visitors,
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
    /// Too many of the store's events, or of all stores', wait to be applied.
    #[error("too many accepted events wait to be applied; send it again later")]
    FarBehind,
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
            Err(Refused::Unavailable(_) | Refused::FarBehind) => &self.counters.webhooks_failed,
            Err(_) => &self.counters.webhooks_refused,
        };
        counter.add_one();
        answer
    }

    async fn take(&self, platform: Platform, headers: &HeaderMap, body: Bytes) -> Result<Accepted, Refused> {
        let begun = trace::begin();
        let delivery = platform::receive(platform, headers)?;
        let registry = self.catalog.registry();
        let known = registry.store_of(platform, &delivery.shop).or_else(|| {
            let removed = registry.removed(&delivery.shop).filter(|store| store.record.platform == platform);
            removed.filter(|_| platform::outlives_removal(platform, &delivery.topic))
        });
        let store = known.ok_or_else(|| Refused::UnknownStore(delivery.shop.clone()))?;
        platform::verify(platform, &store.secrets, &body, &delivery.signature)?;
        check_json(&body)?;
        let store = store.id();
        // The prefix keeps ids that senders choose apart from those that this host makes.
        let id = EventId::from(format!("webhook/{}", delivery.id));
        // What is not remembered here is appended again; applying it finds the first.
        if self.recent.contains(store, &id) {
            return Ok(Accepted::Duplicate);
        }
        if self.backlog.is_full_for(store) {
            return Err(Refused::FarBehind);
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
        let appending = trace::begin();
        let position = self.inbox.append(&event).await?;
        trace::span(appending.end(), store, &event.id, Part::Append, "done");
        trace::span(begun.end(), store, &event.id, Part::Webhook, "accepted");
        self.recent.remember(store, &event.id);
        journey::kept(&event, position);
        Ok(Accepted::Kept(position))
    }
}

/// Whether a body can be a JSON object, by its ends: the signature has shown that it is whole.
fn check_json(body: &[u8]) -> Result<(), Refused> {
    let trimmed = body.trim_ascii();
    if !trimmed.starts_with(b"{") {
        return Err(Refused::NotJson("it does not begin with `{`".into()));
    }
    if !trimmed.ends_with(b"}") {
        return Err(Refused::NotJson("it does not end with `}`".into()));
    }
    std::str::from_utf8(body).map_err(|error| Refused::NotJson(error.to_string()))?;
    Ok(())
}
