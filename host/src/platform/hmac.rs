//! HMAC-SHA256 (RFC 2104) as platforms sign with it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// The code of a message that is given in parts.
pub fn code(secret: &Secret, message: &[&[u8]]) -> [u8; 32] {
    mac(secret, message).finalize().into_bytes().into()
}

/// Whether one of `secrets` signed a message, compared in constant time. An empty secret, which signs for everyone, is none.
pub fn is_signed(secrets: &[Secret], message: &[&[u8]], claimed: &[u8]) -> bool {
    let mut known = secrets.iter().filter(|secret| !secret.expose().is_empty());
    known.any(|secret| mac(secret, message).verify_slice(claimed).is_ok())
}

fn mac(secret: &Secret, message: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
    message.iter().for_each(|part| mac.update(part));
    mac
}
