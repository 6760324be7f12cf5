//! Deliveries of our own module, Regulars_Connect: how they are signed and what their headers say.

use axum::http::HeaderMap;

use crate::platform::{Delivery, Refusal, Secret};

const SIGNATURE: &str = "x-regulars-signature";

/// Reads a delivery's headers.
pub fn receive(_: &HeaderMap) -> Result<Delivery, Refusal> {
    Err(Refusal::Unsigned { header: SIGNATURE })
}

/// Checks a body's signature.
pub fn verify(_: &[Secret], _: &[u8], _: &str) -> Result<(), Refusal> {
    Err(Refusal::BadSignature)
}
