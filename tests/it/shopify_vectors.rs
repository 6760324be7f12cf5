//! The published vectors of what Shopify signs besides webhooks: session tokens, queries; and of what is a shop's domain.

use regulars::{
    domain::Timestamp,
    platform::{
        Secret,
        shopify::{headers::shop_domain, session_token, signed_query},
    },
};
use regulars_tests::corpus;
use serde_json::Value;

fn vectors(file: &str, what: &str, key: &str) -> Option<Vec<Value>> {
    let file = corpus::file_or_note(&format!("shopify/vectors/{file}"), what)?;
    let vectors: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    Some(vectors[key].as_array().unwrap().clone())
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn seconds(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000)
}

fn secrets(case: &Value) -> [Secret; 2] {
    ["secret", "old_secret"].map(|name| Secret::new(text(case, name)))
}

#[test]
fn every_published_session_token_is_answered_as_stated() {
    let Some(cases) = vectors("session_tokens.json", "the session tokens", "cases") else { return };
    assert_eq!(cases.len(), 17);
    for case in cases {
        let (name, expect) = (text(&case, "name"), text(&case, "expect"));
        let now = seconds(case["now"].as_u64().unwrap());
        let answer = session_token::verify(text(&case, "api_key"), &secrets(&case), text(&case, "token"), now);
        match name {
            // A test environment of Shopify's own, whose names anyone might hold one day.
            "ruby spin domain" => assert_eq!(answer, Err(session_token::Refused::Shop)),
            // What is wrong there is the header round a good token, which web routes look at.
            "python bad auth header" => assert!(answer.is_ok()),
            _ => assert_eq!(answer.is_ok(), expect.starts_with("valid"), "{name} ({expect}): {answer:?}"),
        }
    }
}

#[test]
fn every_published_query_of_an_app_proxy_is_answered_as_stated() {
    let Some(cases) = vectors("app_proxy_signature.json", "the app proxy's queries", "cases") else { return };
    assert_eq!(cases.len(), 17);
    for case in cases {
        let (name, expect, query) = (text(&case, "name"), text(&case, "expect"), text(&case, "query_string"));
        let now = seconds(case["now"].as_u64().unwrap_or_else(|| stated_time(query)));
        let answer = signed_query::verify_proxy(&secrets(&case), query, now);
        assert_eq!(answer.is_ok(), expect.starts_with("valid"), "{name} ({expect}): {answer:?}");
    }
}

/// The moment that a query names, for vectors without a clock.
fn stated_time(query: &str) -> u64 {
    let (_, rest) = query.split_once("timestamp=").unwrap();
    rest.split('&').next().unwrap().parse().unwrap()
}

#[test]
fn every_published_query_of_an_authorisation_is_answered_as_stated() {
    let Some(cases) = vectors("oauth_query_hmac.json", "the authorisation's queries", "cases") else { return };
    assert_eq!(cases.len(), 20);
    for case in cases {
        let (name, expect) = (text(&case, "name"), text(&case, "expect"));
        let mut pairs = pairs_of(&case["params"]);
        let stated = pairs.iter().find(|(name, _)| name == "timestamp").and_then(|(_, time)| time.parse().ok());
        let now = seconds(case["now"].as_u64().or(stated).unwrap_or_default());
        pairs.extend(case["hmac"].as_str().map(|hmac| ("hmac".to_owned(), hmac.to_owned())));
        let query = serde_urlencoded::to_string(&pairs).unwrap();
        let answer = signed_query::verify_callback(&secrets(&case), &query, now);
        match (name, stated) {
            // Shopify sorts what it signs; one of its libraries does not.
            ("php callback literal", _) => assert_eq!(answer, Err(signed_query::Refused::BadSignature)),
            // Rightly signed; without a time it may be of any day.
            (_, None) if expect.starts_with("valid") => {
                assert_eq!(answer, Err(signed_query::Refused::BadTime), "{name}")
            }
            _ => assert_eq!(answer.is_ok(), expect.starts_with("valid"), "{name} ({expect}): {answer:?}"),
        }
    }
}

fn pairs_of(params: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    let pairs = params.as_object().unwrap().iter().flat_map(|(name, value)| match value {
        Value::Array(values) => values.iter().map(|value| (name.clone(), text(value))).collect(),
        value => vec![(name.clone(), text(value))],
    });
    pairs.collect()
}

#[test]
fn a_shops_domain_is_its_bare_name_and_every_other_published_form_is_refused() {
    let Some(cases) = vectors("shop_domains.json", "the shops' domains", "cases") else { return };
    assert_eq!(cases.len(), 44);
    for case in cases {
        let input = text(&case, "input");
        // Libraries add what is missing to what a merchant typed. A service that asks nobody takes what Shopify sends.
        let expected = case["expect"].as_str().filter(|domain| input.to_ascii_lowercase() == **domain);
        assert_eq!(shop_domain(input).as_deref(), expected, "{input}");
    }
}
