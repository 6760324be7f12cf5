//! Webhooks of Magento stores in, each of whose senders is believed in a way of its own.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;

use super::{Accepted, Ingest, Refused};
use crate::{
    catalog::StoreEntry,
    domain::{Origin, Platform},
    platform::{
        Context, Refusal,
        magento::{
            normalise::{self, Shown},
            senders::{Received, Sender, Trust, adobe_commerce, adobe_io, async_events, mageplaza, module},
        },
    },
    telemetry::trace::Begun,
};

/// Takes one request, which may hold several events. It is taken when each of them is kept or was here before.
pub(super) async fn take(
    ingest: &Ingest,
    sender: Sender<'_>,
    headers: &HeaderMap,
    body: Bytes,
    begun: Begun,
) -> Result<Accepted, Refused> {
    let store = claimed_store(ingest, sender, headers)?;
    if body.is_empty() {
        return Err(Refusal::EmptyBody.into());
    }
    let trust = trust(ingest, &store);
    let events = match sender {
        Sender::Module => vec![module::receive(headers, &body, &trust)?],
        Sender::AdobeIo { .. } => of_adobe_io(ingest, headers, &body, &trust).await?,
        Sender::AdobeCommerce { .. } => vec![adobe_commerce::receive(headers, &body, &trust)?],
        Sender::AsyncEvents { event, .. } => vec![async_events::receive(event, headers, &body, &trust)?],
        Sender::Mageplaza { hook, .. } => vec![mageplaza::receive(hook, headers, &body, &trust)?],
    };
    let views = sender.views()?;
    let is_own = |event: &Received| {
        let is_of =
            |own: &Vec<u64>| normalise::view_of(&event.topic, &event.body).is_none_or(|view| own.contains(&view));
        views.as_ref().is_none_or(is_of)
    };
    let events: Vec<_> = events.into_iter().filter(is_own).collect();
    let mut accepted = if events.is_empty() { Accepted::Elsewhere } else { Accepted::Duplicate };
    let context = Context { currency: store.record.currency, occurred_at: ingest.clock.now() };
    let shown = |event: &Received| {
        let steps = normalise::steps(&event.topic, &event.body, &context);
        let of_step = |Shown { id, topic }| Received { id, topic, ..event.clone() };
        steps.into_iter().map(of_step).collect::<Vec<_>>()
    };
    // The save itself comes last: plugins hear of a step no later than of what else has changed.
    let events = events.into_iter().flat_map(|event| shown(&event).into_iter().chain([event]).collect::<Vec<_>>());
    for Received { id, topic, form, occurred_at, body } in events {
        let origin = Origin::Webhook { platform: Platform::Magento, topic, api_version: form.into() };
        if let kept @ Accepted::Kept(_) = ingest.keep(store.id(), (&id, origin), occurred_at, body, begun).await? {
            accepted = kept;
        }
    }
    Ok(accepted)
}

/// A message of our module that is answered at once and not kept, with the store that it is believed to come from.
pub fn open<'a>(
    ingest: &Ingest,
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<(Arc<StoreEntry>, module::Message<'a>), Refused> {
    let store = claimed_store(ingest, Sender::Module, headers)?;
    let message = module::open(headers, body, &trust(ingest, &store))?;
    Ok((store, message))
}

fn claimed_store(ingest: &Ingest, sender: Sender<'_>, headers: &HeaderMap) -> Result<Arc<StoreEntry>, Refused> {
    let claimed = sender.claimed_store(headers)?;
    let store = ingest.catalog.registry().store_of(Platform::Magento, &claimed).cloned();
    store.ok_or(Refused::UnknownStore(claimed))
}

/// What a store's senders are believed by, now.
fn trust<'a>(ingest: &Ingest, store: &'a StoreEntry) -> Trust<'a> {
    Trust {
        secrets: &store.secrets,
        adobe_client_id: store.adobe.client_id.as_deref(),
        adobe_webhook_key: store.adobe.webhook_key.as_ref(),
        now: ingest.clock.now(),
        remembered: ingest.remembered,
    }
}

async fn of_adobe_io(
    ingest: &Ingest,
    headers: &HeaderMap,
    body: &[u8],
    trust: &Trust<'_>,
) -> Result<Vec<Received>, Refused> {
    let signatures = adobe_io::signatures(headers)?;
    // Whoever does not know the client makes this host fetch nothing.
    adobe_io::check_recipient(body, trust)?;
    let mut signed = Vec::new();
    let mut unavailable = None;
    for (signature, path) in signatures {
        match ingest.adobe_keys.get(&path, trust.now).await {
            Ok(key) => signed.push((signature, key)),
            Err(error) => unavailable = Some(error),
        }
    }
    match (adobe_io::verify(&signed, body), unavailable) {
        (Ok(()), _) => Ok(adobe_io::receive(body, trust)?),
        // With the other key it could be believed.
        (Err(_), Some(error)) => Err(error.into()),
        (Err(refusal), None) => Err(refusal.into()),
    }
}
