//! Our own module, `Regulars_Connect`: HMAC-SHA256 over time and body, both of which it signs anew on every try.

use axum::http::HeaderMap;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Received, Trust, header, is_printable, required};
use crate::{
    domain::Timestamp,
    platform::{Refusal, Secret, hmac},
};

const SIGNATURE: &str = "x-regulars-signature";
const TIMESTAMP: &str = "x-regulars-timestamp";
const DELIVERY: &str = "x-regulars-delivery";
const TOPIC: &str = "x-regulars-topic";
const STORE: &str = "x-regulars-store";

/// The form of its bodies.
pub const FORM: &str = "regulars-connect/1";

/// What the shop's clock and ours may differ by, with the way between them.
pub const SKEW_SECONDS: u64 = 300;

/// The version of the signature, before its digits.
const SCHEME: &str = "v1=";

/// A message of the module that has been believed.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    pub id: String,
    pub topic: String,
    pub store: String,
    pub occurred_at: String,
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
}

/// The store that the headers name.
///
/// One that nobody can know is one that is not known: the module sends again what was for such a store, so that its changes
/// arrive once the merchant has corrected the name.
pub fn claimed_store(headers: &HeaderMap) -> Result<String, Refusal> {
    if header(headers, SIGNATURE).is_none() {
        return Err(Refusal::Unsigned { header: SIGNATURE });
    }
    required(headers, STORE).map(str::to_ascii_lowercase)
}

/// Checks signature and time, and that the headers, which nobody signs, say what the body does.
pub fn open<'a>(headers: &HeaderMap, body: &'a [u8], trust: &Trust<'_>) -> Result<Message<'a>, Refusal> {
    let seconds = required(headers, TIMESTAMP)?;
    let signature = header(headers, SIGNATURE).ok_or(Refusal::Unsigned { header: SIGNATURE })?;
    let claimed = signature.strip_prefix(SCHEME).and_then(|digits| HEXLOWER.decode(digits.as_bytes()).ok());
    let signed =
        claimed.is_some_and(|claimed| hmac::is_signed(trust.secrets, &[seconds.as_bytes(), b".", body], &claimed));
    if !signed {
        return Err(Refusal::BadSignature);
    }
    let expected = "seconds since 1970";
    let at: u64 = seconds.parse().map_err(|_| Refusal::InvalidHeader { header: TIMESTAMP, expected })?;
    let off = at.abs_diff(trust.now.0 / 1_000);
    if off > SKEW_SECONDS {
        return Err(Refusal::Stale { seconds: off });
    }
    let message: Message<'_> = serde_json::from_slice(body).map_err(|error| Refusal::Body(error.to_string()))?;
    for (name, said) in [(DELIVERY, &message.id), (TOPIC, &message.topic), (STORE, &message.store)] {
        if !required(headers, name)?.eq_ignore_ascii_case(said) {
            return Err(Refusal::Contradicted { header: name });
        }
    }
    Ok(message)
}

pub fn receive(headers: &HeaderMap, body: &Bytes, trust: &Trust<'_>) -> Result<Received, Refusal> {
    let message = open(headers, body, trust)?;
    if !is_printable(&message.id) || !is_printable(&message.topic) {
        return Err(Refusal::Body("its id or its topic is none".into()));
    }
    Ok(Received {
        occurred_at: super::normalise::instant(&message.occurred_at),
        id: message.id,
        topic: message.topic,
        form: FORM,
        body: body.clone(),
    })
}

/// The signature that the module would send.
pub fn sign(secret: &Secret, at: Timestamp, body: &[u8]) -> String {
    let seconds = (at.0 / 1_000).to_string();
    format!("{SCHEME}{}", HEXLOWER.encode(&hmac::code(secret, &[seconds.as_bytes(), b".", body])))
}
