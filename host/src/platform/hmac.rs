//! Signatures by HMAC-SHA256 as platforms make them, with secrets of which rotation leaves several valid for a while.

use super::Secret;
use crate::domain::Mac;

/// The code of a message that is given in parts.
pub fn code(secret: &Secret, message: &[&[u8]]) -> [u8; 32] {
    Mac::of(secret.expose().as_bytes(), message).bytes()
}

/// Whether one of `secrets` signed a message, compared in constant time. An empty secret, which signs for everyone, is none.
pub fn is_signed(secrets: &[Secret], message: &[&[u8]], claimed: &[u8]) -> bool {
    let mut known = secrets.iter().map(|secret| secret.expose().as_bytes()).filter(|secret| !secret.is_empty());
    known.any(|secret| Mac::of(secret, message).is(claimed))
}
