//! Queries that Shopify signs: the callback of an authorisation, and requests that an app proxy passes on.
//!
//! Both are hexadecimal HMAC-SHA256 with the app's client secret over the parameters; they differ in how these are written
//! down. A signature tells that the query comes through Shopify, and nothing of who sent it.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::signature::is_signed;
use crate::{
    domain::Timestamp,
    platform::{Secret, http::percent_encoded},
};

/// How far a query's time may be from ours, either way: what Shopify's own JavaScript library bears.
pub const SKEW_SECONDS: u64 = 90;

/// What a repeat of would leave open which one was meant.
const ONCE: [&str; 6] = ["shop", "timestamp", "signature", "hmac", "logged_in_customer_id", "path_prefix"];

/// Why a query is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("`{0}` is given more than once")]
    Repeated(&'static str),
    #[error("the query is not signed, or by nobody we know")]
    BadSignature,
    #[error("the query's time is missing, or more than {SKEW_SECONDS} seconds from now")]
    BadTime,
}

/// The parameters of a query in its order, which anybody may have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub fn of(query: &str) -> Self {
        Self(serde_urlencoded::from_str(query).unwrap_or_default())
    }

    /// A parameter's value; the first, if there are several.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The parameters of a query whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedQuery(Pairs);

impl SignedQuery {
    /// A parameter's value; the first, if there are several.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }
}

/// Checks the query of an authorisation's callback: the pairs but `hmac`, sorted, percent-encoded and joined by `&`.
pub fn verify_callback(secrets: &[Secret], query: &str, now: Timestamp) -> Result<SignedQuery, Refused> {
    let pairs = read(query)?;
    if !has_signed(secrets, &encoded(&pairs), pairs.get("hmac").unwrap_or_default()) {
        return Err(Refused::BadSignature);
    }
    check_time(&pairs, now)?;
    Ok(SignedQuery(pairs))
}

/// Checks the query of a request that an app proxy passes on: `name=value` but `signature`, sorted and run together, the
/// values of one name joined by commas.
///
/// The form is ambiguous: `a=1b=2` is one parameter or two. What a shopper adds to an address is signed as well, so that
/// only Shopify's own parameters can be relied on.
pub fn verify_proxy(secrets: &[Secret], query: &str, now: Timestamp) -> Result<SignedQuery, Refused> {
    let pairs = read(query)?;
    let mut values = BTreeMap::<&str, Vec<&str>>::new();
    for (name, value) in pairs.iter().filter(|(name, _)| *name != "signature") {
        values.entry(name).or_default().push(value);
    }
    let mut written: Vec<String> = values.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
    written.sort_unstable();
    let signature = pairs.get("signature").unwrap_or_default();
    if !has_signed(secrets, &written.concat(), signature) {
        return Err(Refused::BadSignature);
    }
    check_time(&pairs, now)?;
    Ok(SignedQuery(pairs))
}

fn read(query: &str) -> Result<Pairs, Refused> {
    let pairs = Pairs::of(query);
    match ONCE.into_iter().find(|name| pairs.iter().filter(|(known, _)| known == name).count() > 1) {
        Some(name) => Err(Refused::Repeated(name)),
        None => Ok(pairs),
    }
}

/// The pairs but `hmac` encoded anew, a space as `%20`; `ids[]=2&ids[]=1` as `ids=["2", "1"]`.
fn encoded(pairs: &Pairs) -> String {
    let mut lists = BTreeMap::<&str, Vec<String>>::new();
    let mut written = Vec::new();
    for (name, value) in pairs.iter().filter(|(name, _)| *name != "hmac") {
        match name.strip_suffix("[]") {
            Some(list) => lists.entry(list).or_default().push(format!("{value:?}")),
            None => written.push(format!("{}={}", percent_encoded(name), percent_encoded(value))),
        }
    }
    written.extend(lists.into_iter().map(|(name, values)| format!("{name}=[{}]", values.join(", "))));
    written.sort_unstable();
    written.join("&")
}

fn has_signed(secrets: &[Secret], message: &str, signature: &str) -> bool {
    let claimed = HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
    claimed.is_ok_and(|claimed| is_signed(secrets, message.as_bytes(), &claimed))
}

fn check_time(pairs: &Pairs, now: Timestamp) -> Result<(), Refused> {
    let seconds = pairs.get("timestamp").and_then(|text| text.parse::<u64>().ok()).ok_or(Refused::BadTime)?;
    match seconds.abs_diff(now.0 / 1_000) <= SKEW_SECONDS {
        true => Ok(()),
        false => Err(Refused::BadTime),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;

    use super::{super::signature::sign, *};

    const NOW: Timestamp = Timestamp(1_793_000_000_000);

    fn secrets() -> [Secret; 2] {
        ["new", "old"].map(Secret::new)
    }

    fn hex(secret: &str, message: &str) -> String {
        let digest = BASE64.decode(sign(&Secret::new(secret), message.as_bytes()).as_bytes()).unwrap();
        data_encoding::HEXLOWER.encode(&digest)
    }

    fn callback(message: &str) -> String {
        format!("{message}&hmac={}", hex("old", message))
    }

    #[test]
    fn a_callback_is_believed_that_any_of_the_secrets_signed_whatever_the_order_of_its_parameters() {
        let message = "code=c0de&shop=fern.myshopify.com&state=s1&timestamp=1793000000";
        let signed = hex("old", message);
        let query = format!("timestamp=1793000000&hmac={signed}&state=s1&shop=fern.myshopify.com&code=c0de");
        let read = verify_callback(&secrets(), &query, NOW).unwrap();
        assert_eq!((read.get("code"), read.get("state"), read.get("none")), (Some("c0de"), Some("s1"), None));
        assert_eq!(verify_callback(&secrets()[..1], &query, NOW), Err(Refused::BadSignature));
    }

    #[test]
    fn a_space_is_signed_as_percent_twenty_however_it_was_sent() {
        let signed = hex("new", "custom=hello%20world&timestamp=1793000000");
        for sent in ["hello%20world", "hello+world"] {
            let query = format!("custom={sent}&timestamp=1793000000&hmac={signed}");
            assert_eq!(verify_callback(&secrets(), &query, NOW).unwrap().get("custom"), Some("hello world"), "{sent}");
        }
    }

    #[test]
    fn a_query_of_another_time_is_refused_though_it_is_signed() {
        for (seconds, is_taken) in [(-91, false), (-90, true), (90, true), (91, false)] {
            let time = i64::try_from(NOW.0 / 1_000).unwrap() + seconds;
            let query = callback(&format!("code=c0de&timestamp={time}"));
            assert_eq!(verify_callback(&secrets(), &query, NOW).is_ok(), is_taken, "{seconds}");
        }
        for time in ["", "NaN", "1793000000.5", "-1", "99999999999999999999"] {
            let query = callback(&format!("code=c0de&timestamp={time}"));
            assert_eq!(verify_callback(&secrets(), &query, NOW), Err(Refused::BadTime), "{time}");
        }
        assert_eq!(verify_callback(&secrets(), &callback("code=c0de"), NOW), Err(Refused::BadTime));
    }

    #[test]
    fn what_decides_stands_in_a_query_once() {
        for name in ["shop", "timestamp", "signature", "logged_in_customer_id", "path_prefix"] {
            let query = callback(&format!("{name}=a&{name}=b"));
            assert_eq!(verify_callback(&secrets(), &query, NOW), Err(Refused::Repeated(name)));
            assert_eq!(verify_proxy(&secrets(), &query, NOW), Err(Refused::Repeated(name)));
        }
        let query = format!("hmac=a&{}", callback("timestamp=1793000000"));
        assert_eq!(verify_callback(&secrets(), &query, NOW), Err(Refused::Repeated("hmac")));
    }

    #[test]
    fn a_proxys_query_joins_repeats_and_sorts_what_it_joins() {
        let message =
            "extra=1,2logged_in_customer_id=7path_prefix=/apps/regularsshop=fern.myshopify.comtimestamp=1793000000";
        let query = format!(
            "extra=1&extra=2&shop=fern.myshopify.com&logged_in_customer_id=7&path_prefix=%2Fapps%2Fregulars\
             &timestamp=1793000000&signature={}",
            hex("new", message)
        );
        let read = verify_proxy(&secrets(), &query, NOW).unwrap();
        assert_eq!(read.get("logged_in_customer_id"), Some("7"));
        let other = query.replace("customer_id=7", "customer_id=8");
        assert_eq!(verify_proxy(&secrets(), &other, NOW), Err(Refused::BadSignature));
        assert_eq!(verify_proxy(&[Secret::new("")], &query, NOW), Err(Refused::BadSignature));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(query in ".{0,200}") {
            prop_assert!(verify_callback(&secrets(), &query, NOW).is_err());
            prop_assert!(verify_proxy(&secrets(), &query, NOW).is_err());
        }
    }
}
