//! OAuth 1.0a: requests signed with HMAC-SHA256, by RFC 5849 but for the method, which Magento adds to those listed there.
//!
//! Pure functions: what differs from try to try, the nonce and the time, is handed in. Magento refuses a nonce that it has
//! seen, so that every try is signed anew.

use std::fmt;

use axum::http::{HeaderValue, Method};
use data_encoding::BASE64;
use reqwest::Url;

use crate::{domain::Mac, platform::http::percent_encoded};

/// Who signs: the consumer, which is the integration, and the token that it acts with, if it has one yet.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub consumer_key: &'a str,
    pub consumer_secret: &'a str,
    pub token: Option<Token<'a>>,
}

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer([REDACTED])")
    }
}

#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub token: &'a str,
    pub secret: &'a str,
    /// What shows that a request token may be exchanged.
    pub verifier: Option<&'a str>,
}

/// What no two requests share.
#[derive(Clone, Copy, Debug)]
pub struct Once<'a> {
    pub nonce: &'a str,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// The value of a request's `Authorization` header (section 3.5.1), marked sensitive.
pub fn authorization(method: &Method, url: &Url, signer: Signer<'_>, once: Once<'_>) -> HeaderValue {
    let timestamp = once.timestamp.to_string();
    let parameters = parameters(signer, once.nonce, &timestamp);
    let signature = signature(&base_string(method, url, &parameters), signer);
    let signed = parameters.iter().copied().chain([("oauth_signature", signature.as_str())]);
    let listed: Vec<_> = signed.map(|(name, value)| format!("{name}=\"{}\"", percent_encoded(value))).collect();
    let mut header = HeaderValue::try_from(format!("OAuth {}", listed.join(", "))).expect("encoded text is ASCII");
    header.set_sensitive(true);
    header
}

/// The protocol's parameters but the signature (section 3.1).
fn parameters<'a>(signer: Signer<'a>, nonce: &'a str, timestamp: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut parameters = vec![
        ("oauth_consumer_key", signer.consumer_key),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", timestamp),
        ("oauth_version", "1.0"),
    ];
    parameters.extend(signer.token.map(|token| ("oauth_token", token.token)));
    parameters.extend(signer.token.and_then(|token| Some(("oauth_verifier", token.verifier?))));
    parameters
}

/// What is signed (section 3.4.1). A body of JSON is no part of it.
fn base_string(method: &Method, url: &Url, parameters: &[(&str, &str)]) -> String {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let own = parameters.iter().map(|(name, value)| (percent_encoded(name), percent_encoded(value)));
    let mut all: Vec<_> =
        url.query_pairs().map(|(name, value)| (percent_encoded(&name), percent_encoded(&value))).chain(own).collect();
    all.sort_unstable();
    let all: Vec<_> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}&{}&{}", percent_encoded(base.as_str()), percent_encoded(&all.join("&")))
}

/// Section 3.4.2, with another hash.
fn signature(base_string: &str, signer: Signer<'_>) -> String {
    let token_secret = signer.token.map_or("", |token| token.secret);
    let key = format!("{}&{}", percent_encoded(signer.consumer_secret), percent_encoded(token_secret));
    BASE64.encode(&Mac::of(key.as_bytes(), &[base_string.as_bytes()]).bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNER: Signer<'_> = Signer {
        consumer_key: "9djdj82h48djs9d2",
        consumer_secret: "j49sk3j29djd",
        token: Some(Token { token: "kkk9d7dh3k39sjv7", secret: "dh893hdasih9", verifier: None }),
    };

    const ONCE: Once<'_> = Once { nonce: "7d8f3e4a", timestamp: 137_131_201 };

    #[test]
    fn what_is_signed_is_the_method_the_address_and_all_parameters_in_order() {
        let url = "https://Shop.Example:443/rest/V1/orders?b5=%3D%253D&a3=2%20q&c%40=&a3=a#part".parse().unwrap();
        let parameters = parameters(SIGNER, ONCE.nonce, "137131201");
        assert_eq!(
            base_string(&Method::GET, &url, &parameters),
            "GET&https%3A%2F%2Fshop.example%2Frest%2FV1%2Forders&a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
             %26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA256\
             %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7%26oauth_version%3D1.0"
        );
    }

    #[test]
    fn a_port_that_is_not_the_usual_one_is_signed() {
        let url = "http://shop.example:8080/oauth/token/request".parse().unwrap();
        let base = base_string(&Method::POST, &url, &[]);
        assert_eq!(base, "POST&http%3A%2F%2Fshop.example%3A8080%2Foauth%2Ftoken%2Frequest&");
    }

    #[test]
    fn another_nonce_makes_another_signature_and_no_header_can_be_printed() {
        let url = "https://shop.example/rest/V1/orders".parse().unwrap();
        let first = authorization(&Method::GET, &url, SIGNER, ONCE);
        let second = authorization(&Method::GET, &url, SIGNER, Once { nonce: "other", ..ONCE });
        assert_ne!(first, second);
        assert_eq!(format!("{first:?}"), "Sensitive");
    }
}
