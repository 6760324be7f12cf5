//! Webhooks in: verify, dedupe, append. Nothing else stands between a storefront and its 200.
//!
//! A body is looked at only so far as to refuse what cannot be a JSON object. What it means is read after the answer, so
//! that a shape we do not know is kept and can be read again by a later version instead of being lost after the
//! platform's last retry. Of Magento's senders that tell of states, it is looked at for the steps that a state shows and for the
//! shop that it is of; one that cannot be read shows none, and is kept.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use bytes::Bytes;

use crate::{
    catalog::Catalog,
    clock::Clock,
    counters::Counters,
    dispatch::Backlog,
    domain::{Event, EventId, Origin, Platform, StoreId, Timestamp},
    platform::{
        Delivery, Refusal, Sender,
        magento::senders::{AdobeKeys, Unavailable},
        shopify,
    },
    store::{self, Inbox, Position},
    telemetry::{
        journey,
        trace::{self, Begun, Part},
    },
};

pub mod actions;
pub mod magento;
mod rates;
mod recent;
pub mod settings;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod visits;

pub use rates::{Rates, household};
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
    pub adobe_keys: AdobeKeys,
    /// For how long ids of events are remembered.
    pub remembered: Duration,
}

/// A webhook that is safe with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is new, and durable at this position.
    Kept(Position),
    /// It was here already.
    Duplicate,
    /// It is of another shop of the installation, or of one that is not here, and nothing of it is kept.
    Elsewhere,
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
    #[error(transparent)]
    NoKey(#[from] Unavailable),
    #[error("the event cannot be kept: {0}")]
    Unavailable(#[from] store::Error),
}

impl Ingest {
    /// Takes one webhook. An `Ok` means that it survives a power cut.
    pub async fn accept(&self, sender: Sender<'_>, headers: &HeaderMap, body: Bytes) -> Result<Accepted, Refused> {
        let begun = trace::begin();
        let answer = match sender {
            Sender::Shopify => self.take_shopify(headers, body, begun).await,
            Sender::Magento(sender) => magento::take(self, sender, headers, body, begun).await,
        };
        let counter = match &answer {
            Ok(Accepted::Kept(_)) => &self.counters.webhooks_accepted,
            Ok(Accepted::Duplicate | Accepted::Elsewhere) => &self.counters.webhooks_duplicate,
            Err(Refused::Request(refusal)) if refusal.is_unauthenticated() => &self.counters.webhooks_unsigned,
            Err(Refused::Unavailable(_) | Refused::FarBehind | Refused::NoKey(_)) => &self.counters.webhooks_failed,
            Err(_) => &self.counters.webhooks_refused,
        };
        counter.add_one();
        answer
    }

    async fn take_shopify(&self, headers: &HeaderMap, body: Bytes, begun: Begun) -> Result<Accepted, Refused> {
        let delivery = shopify::headers::read(headers)?;
        let registry = self.catalog.registry();
        let known = registry.store_of(Platform::Shopify, &delivery.shop).or_else(|| {
            let removed = registry.removed(&delivery.shop).filter(|store| store.record.platform == Platform::Shopify);
            removed.filter(|_| shopify::normalise::outlives_removal(&delivery.topic))
        });
        let Some(store) = known else { return self.of_nobody(&delivery, &body) };
        shopify::signature::verify(&store.secrets, &body, &delivery.signature)?;
        let store = store.id();
        drop(registry);
        let origin =
            Origin::Webhook { platform: Platform::Shopify, topic: delivery.topic, api_version: delivery.api_version };
        self.keep(store, (delivery.id.as_str(), origin), delivery.triggered_at, body, begun).await
    }

    /// Answers a webhook of a shop that is not here. Shopify asks about people and shops also after everything of theirs is
    /// gone, and checks that what it has not signed is refused.
    fn of_nobody(&self, delivery: &Delivery, body: &[u8]) -> Result<Accepted, Refused> {
        let of_app = self.catalog.app_secrets();
        if !of_app.is_empty() {
            shopify::signature::verify(of_app, body, &delivery.signature)?;
            if shopify::normalise::outlives_removal(&delivery.topic) {
                return Ok(Accepted::Elsewhere);
            }
        }
        Err(Refused::UnknownStore(delivery.shop.clone()))
    }

    /// Keeps what a believed sender has told, unless it was here before.
    async fn keep(
        &self,
        store: StoreId,
        (id, origin): (&str, Origin),
        occurred_at: Option<Timestamp>,
        body: Bytes,
        begun: Begun,
    ) -> Result<Accepted, Refused> {
        check_json(&body)?;
        // The prefix keeps ids that senders choose apart from those that this host makes.
        let id = EventId::from(format!("webhook/{id}"));
        // What is not remembered here is appended again; applying it finds the first.
        if self.recent.contains(store, &id) {
            return Ok(Accepted::Duplicate);
        }
        if self.backlog.is_full_for(store) {
            return Err(Refused::FarBehind);
        }
        let received_at = self.clock.now();
        let event = Event { id, store, origin, occurred_at: occurred_at.unwrap_or(received_at), received_at, body };
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
