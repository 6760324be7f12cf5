//! Session tokens: how Shopify tells an app who is looking at it, a minute at a time. A JSON Web Token (RFC 7519), signed
//! with HS256 and the app's client secret.
//!
//! One algorithm with one key is all there is to check: a library for all of them would bring what must not be accepted.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, de::DeserializeOwned};

use super::{headers::shop_domain, signature::is_signed};
use crate::{
    domain::{CustomerId, Timestamp},
    platform::Secret,
};

/// What clocks may differ by, as in Shopify's own libraries.
pub const LEEWAY_SECONDS: u64 = 10;

/// Longer than any that Shopify makes.
const MAX_BYTES: usize = 4_096;

const CUSTOMER: &str = "gid://shopify/Customer/";

/// Who is looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionToken {
    /// The shop's permanent domain.
    pub shop: String,
    pub holder: Holder,
}

/// Whose token it is. A shopper's opens nothing of the merchant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Someone who works in the shop's admin, by the platform's id.
    Staff(String),
    /// Someone in the shop's checkout or account pages; none who is not signed in.
    Shopper(Option<CustomerId>),
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is not a session token")]
    Malformed,
    #[error("it is not signed with HS256")]
    Algorithm,
    #[error("it is not signed by Shopify for this app")]
    Signature,
    #[error("it is for another app")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it names no shop, or two")]
    Shop,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    dest: String,
    aud: String,
    sub: Option<String>,
    exp: u64,
    nbf: u64,
}

/// Checks a token against the app's id and secrets, of which rotation leaves several valid for a while.
pub fn verify(client_id: &str, secrets: &[Secret], token: &str, now: Timestamp) -> Result<SessionToken, Refused> {
    if token.len() > MAX_BYTES {
        return Err(Refused::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    if part::<Header>(header)?.alg != "HS256" {
        return Err(Refused::Algorithm);
    }
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| Refused::Malformed)?;
    if !is_signed(secrets, signed.as_bytes(), &signature) {
        return Err(Refused::Signature);
    }
    let claims: Claims = part(claims)?;
    if claims.aud != client_id {
        return Err(Refused::Audience);
    }
    let now = now.0 / 1_000;
    if now > claims.exp.saturating_add(LEEWAY_SECONDS) {
        return Err(Refused::Expired);
    }
    if claims.nbf > now + LEEWAY_SECONDS {
        return Err(Refused::NotYet);
    }
    let (issuer, path) = without_scheme(&claims.iss).split_once('/').ok_or(Refused::Shop)?;
    let shop = shop_domain(without_scheme(&claims.dest)).ok_or(Refused::Shop)?;
    if shop_domain(issuer).as_deref() != Some(&shop) {
        return Err(Refused::Shop);
    }
    let holder = match (path, claims.sub) {
        ("admin", Some(user)) => Holder::Staff(user),
        ("admin", None) => return Err(Refused::Malformed),
        (_, shopper) => Holder::Shopper(shopper.and_then(|gid| gid.strip_prefix(CUSTOMER).map(CustomerId::from))),
    };
    Ok(SessionToken { shop, holder })
}

fn part<T: DeserializeOwned>(part: &str) -> Result<T, Refused> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)
}

fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{super::signature::sign, *};

    const NOW: Timestamp = Timestamp(1_793_000_000_000);

    fn token_with(header: &Value, claims: &Value, secret: &str) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let digest = BASE64.decode(sign(&Secret::new(secret), signed.as_bytes()).as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&digest))
    }

    fn claims() -> Value {
        json!({
            "iss": "https://fern.myshopify.com/admin", "dest": "https://fern.myshopify.com", "aud": "app", "sub": "42",
            "exp": 1_793_000_060, "nbf": 1_793_000_000, "iat": 1_793_000_000, "jti": "j", "sid": "s",
        })
    }

    fn verified(claims: &Value) -> Result<SessionToken, Refused> {
        let token = token_with(&json!({"alg": "HS256", "typ": "JWT"}), claims, "old");
        verify("app", &["new", "old"].map(Secret::new), &token, NOW)
    }

    fn with(changes: Value) -> Result<SessionToken, Refused> {
        let mut claims = claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        verified(&claims)
    }

    #[test]
    fn a_token_tells_the_shop_and_who_works_in_it() {
        let staff = SessionToken { shop: "fern.myshopify.com".into(), holder: Holder::Staff("42".into()) };
        assert_eq!(verified(&claims()), Ok(staff));
    }

    #[test]
    fn a_shoppers_token_is_never_the_merchants() {
        let shopper = |sub: Value| {
            let issued = json!({"iss": "fern.myshopify.com/checkouts", "dest": "fern.myshopify.com", "sub": sub});
            with(issued).unwrap().holder
        };
        assert_eq!(shopper(json!("gid://shopify/Customer/7")), Holder::Shopper(Some("7".into())));
        assert_eq!(shopper(Value::Null), Holder::Shopper(None));
        assert_eq!(shopper(json!("42")), Holder::Shopper(None));
        assert_eq!(with(json!({"iss": "https://fern.myshopify.com/admin/x"})).unwrap().holder, Holder::Shopper(None));
    }

    #[test]
    fn clocks_may_differ_by_ten_seconds() {
        for (changes, expected) in [
            (json!({"exp": 1_792_999_990}), None),
            (json!({"exp": 1_792_999_989}), Some(Refused::Expired)),
            (json!({"nbf": 1_793_000_010}), None),
            (json!({"nbf": 1_793_000_011}), Some(Refused::NotYet)),
        ] {
            assert_eq!(with(changes.clone()).err(), expected, "{changes}");
        }
    }

    #[test]
    fn a_token_that_is_not_for_this_app_or_names_two_shops_is_refused() {
        for (changes, expected) in [
            (json!({"aud": "other"}), Refused::Audience),
            (json!({"dest": "https://moss.myshopify.com"}), Refused::Shop),
            (json!({"iss": "https://moss.myshopify.com/admin"}), Refused::Shop),
            (json!({"iss": "https://fern.evil.example/admin", "dest": "https://fern.evil.example"}), Refused::Shop),
            (json!({"iss": "https://fern.myshopify.com"}), Refused::Shop),
            (json!({"exp": "soon"}), Refused::Malformed),
            (json!({"sub": null}), Refused::Malformed),
        ] {
            assert_eq!(with(changes.clone()), Err(expected), "{changes}");
        }
    }

    #[test]
    fn no_other_algorithm_will_do() {
        for algorithm in ["none", "HS384", "RS256", "hs256"] {
            let token = token_with(&json!({"alg": algorithm}), &claims(), "old");
            let refused = verify("app", &[Secret::new("old")], &token, NOW);
            assert_eq!(refused, Err(Refused::Algorithm), "{algorithm}");
        }
    }

    #[test]
    fn a_signature_of_another_key_or_of_none_is_refused() {
        let header = json!({"alg": "HS256"});
        for (key, known) in [("other", "old"), ("", "")] {
            let token = token_with(&header, &claims(), key);
            assert_eq!(verify("app", &[Secret::new(known)], &token, NOW), Err(Refused::Signature));
        }
        let token = token_with(&header, &claims(), "old");
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(verify("app", &[Secret::new("old")], &format!("{signed}."), NOW), Err(Refused::Signature));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text in "[a-zA-Z0-9_.-]{0,200}") {
            prop_assert!(verify("app", &[Secret::new("old")], &text, NOW).is_err());
        }
    }
}
