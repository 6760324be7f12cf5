//! Mageplaza's module, which signs nothing: one of the store's secrets stands in a header, the body is one of our templates
//! (`manifests/magento/mageplaza`).

use axum::http::HeaderMap;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{Received, Trust, header, of_body_alone};
use crate::platform::{Refusal, magento::normalise::MAGEPLAZA};

/// The form of its bodies.
pub const FORM: &str = "mageplaza/1";

const SECRET: &str = "x-regulars-secret";

pub fn receive(hook: &str, headers: &HeaderMap, body: &Bytes, trust: &Trust<'_>) -> Result<Received, Refusal> {
    let told = header(headers, SECRET).ok_or(Refusal::Unsigned { header: SECRET })?;
    // Of digests, how long a comparison takes tells nothing of what they are of.
    let told = Sha256::digest(told);
    let is_known = |secret: &str| !secret.is_empty() && Sha256::digest(secret) == told;
    match trust.secrets.iter().any(|secret| is_known(secret.expose())) {
        true => of_body_alone(("mageplaza", format!("{MAGEPLAZA}{hook}")), FORM, body, trust),
        false => Err(Refusal::BadSecret),
    }
}
