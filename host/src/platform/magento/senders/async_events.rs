//! mageos-async-events: hexadecimal HMAC-SHA256 of the body, keyed with the subscription's verification token.
//!
//! It sends neither the event's name nor an id nor a time: the name stands in the address that a subscription is given, and
//! nobody signs it. A body under another event's address is another event: it tells nothing of an order that is not in it.

use axum::http::HeaderMap;
use bytes::Bytes;
use data_encoding::HEXLOWER;

use super::{Received, Trust, header, of_body_alone};
use crate::platform::{Refusal, hmac, magento::normalise::ASYNC_EVENTS};

/// The form of its bodies.
pub const FORM: &str = "async-events";

const SIGNATURE: &str = "x-magento-signature";

pub fn receive(event: &str, headers: &HeaderMap, body: &Bytes, trust: &Trust<'_>) -> Result<Received, Refusal> {
    verify(headers, body, trust)?;
    of_body_alone(("async-events", format!("{ASYNC_EVENTS}{event}")), FORM, body, trust)
}

pub fn verify(headers: &HeaderMap, body: &[u8], trust: &Trust<'_>) -> Result<(), Refusal> {
    let signature = header(headers, SIGNATURE).ok_or(Refusal::Unsigned { header: SIGNATURE })?;
    let claimed = HEXLOWER.decode(signature.as_bytes());
    match claimed.is_ok_and(|claimed| hmac::is_signed(trust.secrets, &[body], &claimed)) {
        true => Ok(()),
        false => Err(Refusal::BadSignature),
    }
}
