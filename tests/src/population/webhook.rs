//! A webhook as Shopify sends it: body, headers, signature.

use std::fmt;

use bytes::Bytes;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An app's client secret; cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// For the one place that has to tell the host.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// One delivery. Sending the same value again is what a retry of Shopify's is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Shopify's word: `orders/paid`.
    pub topic: &'static str,
    /// In the order and case in which Shopify documents them.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Webhook {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The delivery's own id, by which a repeat is known.
    pub fn id(&self) -> &str {
        self.header("X-Shopify-Webhook-Id").unwrap_or_default()
    }

    /// Another body under the same headers, signed anew.
    pub fn with_body(mut self, secret: &Secret, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        let signature = sign(secret, &self.body);
        self.set_header("X-Shopify-Hmac-Sha256", signature);
        self
    }

    /// Replaces a header's value, or adds the header.
    pub fn set_header(&mut self, name: &'static str, value: String) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name, value)),
        }
    }
}

/// `X-Shopify-Hmac-Sha256` of a body.
pub fn sign(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.0.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    BASE64.encode(&mac.finalize().into_bytes())
}
