//! The recorded handshake of a Magento shop: every request that it took is signed alike here.

use axum::http::Method;
use regulars::platform::magento::rest::oauth1::{Once, Signer, Token, authorization};
use regulars_tests::corpus;
use serde_json::Value;

const RECORDED: &str = "magento/vectors/oauth1-handshake-live-2.4.7-p3.json";

/// A parameter of a recorded `Authorization` header.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = header.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

/// The parts of a base string: method, address, parameters.
fn parts(base: &str) -> (Method, String) {
    let decoded = |text: &str| percent_decoded(text);
    let mut parts = base.split('&');
    let method = parts.next().unwrap().parse().unwrap();
    let address = decoded(parts.next().unwrap());
    let all = decoded(parts.next().unwrap());
    let query: Vec<_> = all.split('&').filter(|pair| !pair.starts_with("oauth_")).collect();
    (method, if query.is_empty() { address } else { format!("{address}?{}", query.join("&")) })
}

fn percent_decoded(text: &str) -> String {
    let form = format!("x={}", text.replace('+', "%2B"));
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&form).unwrap();
    pairs[0].1.clone()
}

#[test]
fn every_recorded_request_is_signed_as_the_shop_took_it_and_the_one_it_refused_is_not() {
    let Some(file) = corpus::file_or_note(RECORDED, "OAuth signatures against a recorded handshake") else { return };
    let recorded: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let callback: Vec<(String, String)> =
        serde_urlencoded::from_str(recorded["callback_post"]["body"].as_str().unwrap()).unwrap();
    let posted = |name: &str| callback.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let (key, secret) = (posted("oauth_consumer_key"), posted("oauth_consumer_secret"));
    let access = &recorded["access"];
    let request_token: Vec<(String, String)> = serde_urlencoded::from_str(
        recorded["steps"].as_array().unwrap().iter().find(|it| it["step"] == "request_token").unwrap()["body"]
            .as_str()
            .unwrap(),
    )
    .unwrap();
    let mut signed = 0;
    for step in recorded["steps"].as_array().unwrap() {
        let header = text(&step["request_headers"]["Authorization"]);
        let method_name = parameter(&header, "oauth_signature_method").unwrap();
        if method_name != "HMAC-SHA256" {
            assert_eq!(step["status"], 400, "the shop refuses {method_name}, which is never sent");
            continue;
        }
        let (access_token, access_secret) = (text(&access["oauth_token"]), text(&access["oauth_token_secret"]));
        let verifier = parameter(&header, "oauth_verifier");
        let token = match (parameter(&header, "oauth_token"), verifier) {
            (None, _) => None,
            (Some(token), Some(_)) => {
                assert_eq!(token, request_token[0].1);
                Some(Token { token, secret: &request_token[1].1, verifier })
            }
            (Some(token), None) => {
                assert_eq!(token, access_token);
                Some(Token { token, secret: &access_secret, verifier: None })
            }
        };
        let signer = Signer { consumer_key: &key, consumer_secret: &secret, token };
        let once = Once {
            nonce: parameter(&header, "oauth_nonce").unwrap(),
            timestamp: parameter(&header, "oauth_timestamp").unwrap().parse().unwrap(),
        };
        let (method, url) = parts(step["base_string"].as_str().unwrap());
        let ours = authorization(&method, &url.parse().unwrap(), signer, once);
        let is_taken = step["step"] != "bad signature";
        assert_eq!(
            ours.to_str().unwrap() == header,
            is_taken,
            "{}\n{}\n{header}",
            step["step"],
            ours.to_str().unwrap()
        );
        signed += u32::from(is_taken);
    }
    assert!(signed >= 6, "{signed}");
}
