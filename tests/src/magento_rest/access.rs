//! Who may call: bearer tokens, integrations that sign (OAuth 1.0a), and services with tokens of Adobe's.
//!
//! Signatures are judged by RFC 5849 from what arrived, with none of the host's code.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, Method, Uri, header};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// What a caller has to show.
#[derive(Clone, Debug)]
pub enum Access {
    Bearer(String),
    /// An integration whose token has been exchanged.
    Integration(Consumer),
    /// Commerce as a service: a credential that gets tokens, each good for some seconds.
    Service {
        client_id: String,
        client_secret: String,
        organisation: String,
        token_seconds: u64,
    },
}

/// An integration's keys. What a real shop draws by chance follows from its name here.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub key: String,
    pub secret: String,
    pub token: String,
    pub token_secret: String,
}

impl Consumer {
    pub fn named(name: &str) -> Self {
        let of = |part: &str| format!("{name}-{part}");
        Self { key: of("key"), secret: of("secret"), token: of("token"), token_secret: of("token-secret") }
    }
}

/// Why a caller is not heard: status and body.
pub(super) type Refusal = (u16, Value);

pub(super) fn refusal(status: u16, message: &str, parameters: Value) -> Refusal {
    (status, json!({ "message": message, "parameters": parameters }))
}

/// The parameters of an OAuth header.
pub(super) fn oauth_parameters(headers: &HeaderMap) -> Option<Vec<(String, String)>> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("OAuth ")?;
    let pair = |part: &str| {
        let (name, value) = part.trim().split_once('=')?;
        Some((name.to_owned(), decoded(value.strip_prefix('"')?.strip_suffix('"')?)))
    };
    text.split(',').map(pair).collect()
}

pub(super) fn value<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// Whether a request is signed with these secrets, with a nonce that has not been seen.
pub(super) fn check_signature(
    request: (&Method, &Uri, &HeaderMap),
    parameters: &[(String, String)],
    (secret, token_secret): (&str, &str),
    nonces: &mut BTreeSet<String>,
) -> Result<(), Refusal> {
    let (method, uri, headers) = request;
    let kind = value(parameters, "oauth_signature_method");
    if kind != "HMAC-SHA256" {
        return Err(refusal(400, "Signature method %1 is not supported", json!([kind])));
    }
    if !nonces.insert(value(parameters, "oauth_nonce").to_owned()) {
        return Err(refusal(401, "The nonce is already being used by the consumer with ID %1", json!(["1"])));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base_uri = format!("http://{host}{}", uri.path());
    let mut all: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| name != "oauth_signature")
        .cloned()
        .chain(query_of(uri))
        .map(|(name, value)| (encoded(&name), encoded(&value)))
        .collect();
    all.sort();
    let all: Vec<_> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = format!("{method}&{}&{}", encoded(&base_uri), encoded(&all.join("&")));
    let key = format!("{}&{}", encoded(secret), encoded(token_secret));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(base.as_bytes());
    match BASE64.encode(&mac.finalize().into_bytes()) == value(parameters, "oauth_signature") {
        true => Ok(()),
        false => Err(refusal(401, "The signature is invalid. Verify and try again.", json!([]))),
    }
}

/// A query's pairs, decoded as a form's.
pub(super) fn query_of(uri: &Uri) -> Vec<(String, String)> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    };
    pairs.map(pair).collect()
}

pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut at, mut all) = (0, Vec::with_capacity(bytes.len()));
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                all.push(byte);
                at += 3;
            }
            None => {
                all.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The resource that a call takes, as Magento's own modules declare it.
pub(super) fn resource_of(method: &str, path: &[&str]) -> Option<&'static str> {
    Some(match (method, path) {
        (_, ["V1", "store", ..]) => "Magento_Backend::store",
        ("post", ["V1", "orders", _, "comments"]) => "Magento_Sales::comment",
        (_, ["V1", "orders", ..]) => "Magento_Sales::actions_view",
        (_, ["V1", "creditmemos" | "creditmemo", ..]) => "Magento_Sales::sales_creditmemo",
        (_, ["V1", "salesRules" | "coupons", ..]) => "Magento_SalesRule::quote",
        ("put", ["V1", "customers", ..]) => "Magento_Customer::manage",
        (_, ["V1", "customers", ..]) => "Magento_Customer::customer",
        (_, ["V1", "customerGroups", ..]) => "Magento_Customer::group",
        (_, ["V1", "products", ..]) => "Magento_Catalog::products",
        _ => return None,
    })
}
