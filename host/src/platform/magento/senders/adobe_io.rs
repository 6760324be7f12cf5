//! Adobe I/O Events: `CloudEvents`, one or a batch, signed with RSA by either of two keys of Adobe's own.
//!
//! Adobe signs for everybody who has an account there: an event is believed that names our client.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{KeyPath, PublicKey, Received, Trust, check_age, header, is_printable, normalise};
use crate::platform::Refusal;

/// The form of its bodies.
pub const FORM: &str = "adobe-io";

const SIGNATURES: [&str; 2] = ["x-adobe-digital-signature-1", "x-adobe-digital-signature-2"];
const KEY_PATHS: [&str; 2] = ["x-adobe-public-key1-path", "x-adobe-public-key2-path"];

/// What the types of Commerce's events begin with.
const COMMERCE: &str = "com.adobe.commerce.";

/// Events in one batch at most.
const BATCH_MAX: usize = 100;

/// What is read of an event before it is kept.
#[derive(Deserialize)]
struct CloudEvent {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    time: Option<String>,
    recipientclientid: Option<String>,
    /// As it was called until 2026.
    recipient_client_id: Option<String>,
}

impl CloudEvent {
    fn client(&self) -> Option<&str> {
        self.recipientclientid.as_deref().or(self.recipient_client_id.as_deref())
    }
}

/// The signatures of a request, each with the path of its key.
pub fn signatures(headers: &HeaderMap) -> Result<Vec<(&str, KeyPath)>, Refusal> {
    let pairs = SIGNATURES.into_iter().zip(KEY_PATHS);
    let sent = pairs.filter_map(|(name, path)| Some((header(headers, name)?, header(headers, path)?)));
    let signatures: Vec<_> = sent.map(|(name, path)| Ok((name, KeyPath::read(path)?))).collect::<Result<_, _>>()?;
    match signatures.is_empty() {
        true => Err(Refusal::Unsigned { header: SIGNATURES[0] }),
        false => Ok(signatures),
    }
}

/// Refuses what is not for this store's client: asked before any key is fetched for it.
pub fn check_recipient(body: &[u8], trust: &Trust<'_>) -> Result<(), Refusal> {
    let ours = trust.adobe_client_id.ok_or(Refusal::NoAdobeClient)?;
    let parts = parts(body)?;
    let mut clients = parts.iter().filter_map(|(_, event)| event.as_ref().ok()).map(CloudEvent::client).peekable();
    match clients.peek().is_some() && clients.all(|client| client == Some(ours)) {
        true => Ok(()),
        false => Err(Refusal::OtherRecipient),
    }
}

/// Checks a body against signatures and the keys that belong to them; one that fits is enough.
pub fn verify(signed: &[(&str, PublicKey)], body: &[u8]) -> Result<(), Refusal> {
    match signed.iter().any(|(signature, key)| key.has_signed(body, signature)) {
        true => Ok(()),
        false => Err(Refusal::BadSignature),
    }
}

/// The events of a body that has been verified. Adobe sends what is refused never again: one that cannot be taken goes into
/// the log, and the others are taken.
pub fn receive(body: &[u8], trust: &Trust<'_>) -> Result<Vec<Received>, Refusal> {
    let read = |(json, event): Part<'_>| {
        let event = event?;
        let missing = |field: &str| Refusal::Body(format!("an event has no `{field}`"));
        let id = event.id.filter(|id| is_printable(id)).ok_or_else(|| missing("id"))?;
        let kind = event.kind.filter(|kind| is_printable(kind)).ok_or_else(|| missing("type"))?;
        let time = event.time.as_deref().and_then(normalise::instant).ok_or_else(|| missing("time"))?;
        check_age(Some(time), trust)?;
        Ok(Received {
            id: format!("adobe-io/{id}"),
            topic: kind.strip_prefix(COMMERCE).unwrap_or(&kind).to_owned(),
            form: FORM,
            occurred_at: Some(time),
            body: Bytes::copy_from_slice(json.get().as_bytes()),
        })
    };
    let mut taken = Vec::new();
    let mut first_refusal = None;
    for event in parts(body)?.into_iter().map(read) {
        match event {
            Ok(event) => taken.push(event),
            Err(refusal) => {
                tracing::warn!(%refusal, "an event of Adobe's is passed over: {refusal}");
                first_refusal.get_or_insert(refusal);
            }
        }
    }
    match first_refusal {
        Some(refusal) if taken.is_empty() => Err(refusal),
        _ => Ok(taken),
    }
}

/// An event's own bytes, and what is read of it.
type Part<'a> = (&'a RawValue, Result<CloudEvent, Refusal>);

/// The events of a body.
fn parts(body: &[u8]) -> Result<Vec<Part<'_>>, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::Body(error.to_string());
    let events: Vec<&RawValue> = match body.trim_ascii().starts_with(b"[") {
        true => serde_json::from_slice(body).map_err(unreadable)?,
        false => vec![serde_json::from_slice(body).map_err(unreadable)?],
    };
    if !(1..=BATCH_MAX).contains(&events.len()) {
        return Err(Refusal::Body(format!("it is not 1 to {BATCH_MAX} events")));
    }
    let read = |event: &RawValue| match event.get().starts_with('{') {
        true => serde_json::from_str(event.get()).map_err(unreadable),
        false => Err(Refusal::Body("an event is no object".into())),
    };
    Ok(events.into_iter().map(|event| (event, read(event))).collect())
}
