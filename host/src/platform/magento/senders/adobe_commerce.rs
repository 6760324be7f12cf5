//! Adobe Commerce's synchronous webhooks: RSA over the base 64 of the raw body, and nothing else that could be believed.
//! Parsed and written again, a body is another: PHP escapes slashes and letters.

use axum::http::HeaderMap;
use bytes::Bytes;
use data_encoding::BASE64;
use serde::Deserialize;

use super::{PublicKey, Received, Trust, header, of_body_alone};
use crate::platform::Refusal;

/// The form of its bodies.
pub const FORM: &str = "adobe-commerce";

const SIGNATURE: &str = "x-adobe-commerce-webhook-signature";

/// Takes what an observer tells. A plugin's webhook does not say in what it signs what it is about.
pub fn receive(headers: &HeaderMap, body: &Bytes, trust: &Trust<'_>) -> Result<Received, Refusal> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "eventName")]
        event_name: String,
    }
    verify(headers, body, trust.adobe_webhook_key)?;
    let named: Named = serde_json::from_slice(body).map_err(|error| Refusal::Body(error.to_string()))?;
    if !named.event_name.starts_with("observer.") {
        return Err(Refusal::Body("it is not an observer's".into()));
    }
    of_body_alone(("adobe-commerce", named.event_name), FORM, body, trust)
}

pub fn verify(headers: &HeaderMap, body: &[u8], key: Option<&PublicKey>) -> Result<(), Refusal> {
    let signature = header(headers, SIGNATURE).ok_or(Refusal::Unsigned { header: SIGNATURE })?;
    let key = key.ok_or(Refusal::NoAdobeKey)?;
    match key.has_signed(BASE64.encode(body).as_bytes(), signature) {
        true => Ok(()),
        false => Err(Refusal::BadSignature),
    }
}
