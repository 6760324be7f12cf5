//! The headers of a webhook, of which Shopify has two families.

use axum::http::HeaderMap;

use super::normalise::instant;
use crate::platform::{Delivery, Refusal};

/// The names of one family of headers.
struct Family {
    topic: &'static str,
    signature: &'static str,
    shop: &'static str,
    api_version: &'static str,
    webhook_id: &'static str,
    event_id: &'static str,
    triggered_at: &'static str,
    /// Names what happened, where `topic` only names what it happened to.
    action: Option<&'static str>,
}

const CLASSIC: Family = Family {
    topic: "x-shopify-topic",
    signature: "x-shopify-hmac-sha256",
    shop: "x-shopify-shop-domain",
    api_version: "x-shopify-api-version",
    webhook_id: "x-shopify-webhook-id",
    event_id: "x-shopify-event-id",
    triggered_at: "x-shopify-triggered-at",
    action: None,
};

const EVENTS: Family = Family {
    topic: "shopify-topic",
    signature: "shopify-hmac-sha256",
    shop: "shopify-shop-domain",
    api_version: "shopify-api-version",
    webhook_id: "shopify-webhook-id",
    event_id: "shopify-event-id",
    triggered_at: "shopify-triggered-at",
    action: Some("shopify-action"),
};

impl Family {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        [self.topic, self.signature].into_iter().any(|header| headers.contains_key(header))
    }
}

/// Reads a delivery's headers. Where both families are present, Events speak, as in Shopify's own libraries.
///
/// The optional headers never cause a refusal: what they hold is left out if it cannot be read.
pub fn read(headers: &HeaderMap) -> Result<Delivery, Refusal> {
    let family = if EVENTS.is_in(headers) { EVENTS } else { CLASSIC };
    let signature = value(headers, family.signature).ok_or(Refusal::Unsigned { header: family.signature })?;
    let topic = match family.action {
        Some(action) => {
            let resource = required(headers, family.topic, "a resource such as `Product`", topic_name)?;
            let action = required(headers, action, "an action such as `create`", topic_name)?;
            format!("{resource}/{action}")
        }
        None => required(headers, family.topic, "a topic such as `orders/create`", topic_name)?,
    };
    Ok(Delivery {
        shop: required(headers, family.shop, "a domain such as `example.myshopify.com`", shop_domain)?,
        topic,
        api_version: required(headers, family.api_version, "an API version such as `2026-10`", printable)?.into(),
        id: required(headers, family.webhook_id, "1 to 255 printable ASCII characters", printable)?.into(),
        cause: value(headers, family.event_id).and_then(printable).map(Into::into),
        triggered_at: value(headers, family.triggered_at).and_then(instant),
        signature: signature.into(),
    })
}

/// A header's text, trimmed; `None` if it is absent, blank or not ASCII.
fn value<'a>(headers: &'a HeaderMap, header: &str) -> Option<&'a str> {
    headers.get(header)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

fn required<'a, T>(
    headers: &'a HeaderMap,
    header: &'static str,
    expected: &'static str,
    read: impl Fn(&'a str) -> Option<T>,
) -> Result<T, Refusal> {
    let text =
        value(headers, header).ok_or(match headers.get(header).is_some_and(|value| value.to_str().is_err()) {
            true => Refusal::InvalidHeader { header, expected },
            false => Refusal::MissingHeader { header },
        })?;
    read(text).ok_or(Refusal::InvalidHeader { header, expected })
}

/// Ids and versions become keys and log fields: short, printable, without spaces.
fn printable(text: &str) -> Option<&str> {
    ((1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())).then_some(text)
}

/// Domains under which Shopify gives shops their permanent names. The access token is sent to such a domain, so this list
/// must not grow by anything that Shopify does not own.
const SHOP_DOMAINS: [&str; 3] = [".myshopify.com", ".myshopify.io", ".shop.dev"];

/// A shop's permanent domain in lower case; `None` for anything else, URLs and longer texts that contain one included.
pub fn shop_domain(text: &str) -> Option<String> {
    /// A DNS label's length.
    const LABEL_MAX: usize = 63;
    let domain = text.to_ascii_lowercase();
    let name = SHOP_DOMAINS.iter().find_map(|suffix| domain.strip_suffix(suffix))?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = name.len() <= LABEL_MAX
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || byte == b'-' || byte == b'_');
    fits.then_some(domain)
}

/// Topics whose constant spelling, as in `ORDERS_PARTIALLY_FULFILLED`, does not show where the resource ends.
const LONG_ACTIONS: [&str; 8] = [
    "app/scopes_update",
    "customer.joined_segment",
    "customer.left_segment",
    "customer.tags_added",
    "customer.tags_removed",
    "customers/data_request",
    "customers/purchasing_summary",
    "orders/partially_fulfilled",
];

/// A topic as Shopify's documentation writes it: `orders/create` also for `ORDERS_CREATE`, `product_variant` for
/// `ProductVariant`.
fn topic_name(text: &str) -> Option<String> {
    let text = printable(text)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)) {
        return None;
    }
    if text.contains(['/', '.']) {
        return Some(text.to_ascii_lowercase());
    }
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Some(snake_case(text));
    }
    let name = text.to_ascii_lowercase();
    let spelled = |topic: &&&str| {
        topic.bytes().map(|byte| if byte == b'/' || byte == b'.' { b'_' } else { byte }).eq(name.bytes())
    };
    if let Some(topic) = LONG_ACTIONS.iter().find(spelled) {
        return Some(topic.to_string());
    }
    Some(match name.rsplit_once('_') {
        Some((resource, action)) => format!("{resource}/{action}"),
        None => name,
    })
}

fn snake_case(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 4);
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Timestamp;

    const GIVEN_CLASSIC: [(&str, &str); 7] = [
        ("X-Shopify-Topic", "orders/create"),
        ("X-Shopify-Hmac-Sha256", "c2lnbmF0dXJl"),
        ("X-Shopify-Shop-Domain", "Garden-Shed.MyShopify.com"),
        ("X-Shopify-API-Version", "2026-10"),
        ("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
        ("X-Shopify-Event-Id", "98880550-7158-44d4-b7cd-2c97c8a091b5"),
        ("X-Shopify-Triggered-At", "2026-03-29T18:00:27.877041743Z"),
    ];

    const GIVEN_EVENTS: [(&str, &str); 6] = [
        ("shopify-topic", "ProductVariant"),
        ("shopify-action", "update"),
        ("shopify-hmac-sha256", "ZXZlbnRz"),
        ("shopify-shop-domain", "garden-shed.myshopify.com"),
        ("shopify-api-version", "unstable"),
        ("shopify-webhook-id", "events-1"),
    ];

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        let pair = |&(name, value): &(&str, &str)| {
            (name.to_lowercase().parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        given.iter().map(pair).collect()
    }

    fn with(given: &[(&str, &str)], name: &str, value: &str) -> HeaderMap {
        let mut map = headers(given);
        map.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        map
    }

    #[test]
    fn classic_headers_are_read() {
        assert_eq!(
            read(&headers(&GIVEN_CLASSIC)),
            Ok(Delivery {
                shop: "garden-shed.myshopify.com".into(),
                topic: "orders/create".into(),
                api_version: "2026-10".into(),
                id: "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043".into(),
                cause: Some("98880550-7158-44d4-b7cd-2c97c8a091b5".into()),
                triggered_at: Some(Timestamp(1_774_807_227_877)),
                signature: "c2lnbmF0dXJl".into(),
            })
        );
    }

    #[test]
    fn where_both_families_are_present_events_speak() {
        let both: Vec<_> = GIVEN_CLASSIC.into_iter().chain(GIVEN_EVENTS).collect();
        let delivery = read(&headers(&both)).unwrap();
        assert_eq!((delivery.topic.as_str(), delivery.id.as_str()), ("product_variant/update", "events-1"));
        assert_eq!(delivery.signature, "ZXZlbnRz");
    }

    #[test]
    fn every_required_header_is_named_when_it_is_missing_or_blank() {
        for given in [&GIVEN_CLASSIC[..5], &GIVEN_EVENTS[..]] {
            assert!(read(&headers(given)).is_ok());
            for (name, _) in given {
                let lower = name.to_lowercase();
                let rest: Vec<_> = given.iter().copied().filter(|(other, _)| other != name).collect();
                for refusal in [read(&headers(&rest)), read(&with(given, &lower, "  "))].map(Result::unwrap_err) {
                    let named = match refusal {
                        Refusal::Unsigned { header } if lower.ends_with("hmac-sha256") => header,
                        Refusal::MissingHeader { header } => header,
                        other => panic!("{name}: {other:?}"),
                    };
                    assert_eq!(named, lower);
                }
            }
        }
        assert_eq!(read(&HeaderMap::new()), Err(Refusal::Unsigned { header: "x-shopify-hmac-sha256" }));
    }

    #[test]
    fn a_header_that_cannot_be_what_it_should_is_named() {
        let long = "x".repeat(256);
        for (name, value) in [
            ("x-shopify-webhook-id", long.as_str()),
            ("x-shopify-webhook-id", "two words"),
            ("x-shopify-webhook-id", "\u{e4}\u{f6}"),
            ("x-shopify-topic", "orders create"),
            ("x-shopify-shop-domain", "garden-shed.example"),
        ] {
            let refusal = read(&with(&GIVEN_CLASSIC, name, value)).unwrap_err();
            assert!(matches!(refusal, Refusal::InvalidHeader { header, .. } if header == name), "{name}: {refusal:?}");
            assert!(!refusal.is_unauthenticated());
        }
    }

    #[test]
    fn optional_headers_are_left_out_if_unreadable() {
        let delivery = read(&with(&GIVEN_CLASSIC, "x-shopify-triggered-at", "yesterday")).unwrap();
        assert_eq!(delivery.triggered_at, None);
        let delivery = read(&with(&GIVEN_CLASSIC, "x-shopify-event-id", "two words")).unwrap();
        assert_eq!(delivery.cause, None);
    }

    #[test]
    fn only_a_bare_permanent_domain_is_a_shop() {
        for shop in ["a.myshopify.com", "9-shop-.myshopify.io", "my_shop.shop.dev", "http-tea.myshopify.com"] {
            assert_eq!(shop_domain(shop).as_deref(), Some(shop));
        }
        let long = format!("{}.myshopify.com", "a".repeat(64));
        for text in [
            "",
            "myshopify.com",
            ".myshopify.com",
            "-a.myshopify.com",
            "_a.myshopify.com",
            "a.b.myshopify.com",
            "a.myshopify.com.evil.example",
            "a.myshopify.com@evil.example",
            "evil.example/a.myshopify.com",
            "evil.example#.myshopify.com",
            "https://a.myshopify.com",
            "a.notmyshopify.com",
            "a.myshopify.com:80",
            "a.myshopify.com/",
            "%0aa.myshopify.com",
            "a\n.myshopify.com",
            long.as_str(),
        ] {
            assert_eq!(shop_domain(text), None, "{text}");
        }
    }

    #[test]
    fn a_topic_has_one_spelling() {
        for (sent, canonical) in [
            ("orders/create", "orders/create"),
            ("Orders/Create", "orders/create"),
            ("ORDERS_CREATE", "orders/create"),
            ("ORDERS_PARTIALLY_FULFILLED", "orders/partially_fulfilled"),
            ("CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE", "customers_email_marketing_consent/update"),
            ("customer.tags_added", "customer.tags_added"),
            ("CUSTOMER_TAGS_ADDED", "customer.tags_added"),
            ("domain.sub_domain.something", "domain.sub_domain.something"),
            ("Product", "product"),
        ] {
            assert_eq!(topic_name(sent).as_deref(), Some(canonical));
        }
    }

    proptest! {
        #[test]
        fn no_header_value_makes_reading_panic(index in 0..GIVEN_CLASSIC.len(), value: Vec<u8>) {
            let mut map = headers(&GIVEN_CLASSIC);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.insert(GIVEN_CLASSIC[index].0.to_lowercase().parse::<HeaderName>().unwrap(), value);
            }
            let _ = read(&map);
        }

        #[test]
        fn a_canonical_topic_stays_as_it_is(text in "[A-Za-z_./-]{1,30}") {
            if let Some(topic) = topic_name(&text).filter(|topic| topic.contains('/')) {
                prop_assert_eq!(topic_name(&topic), Some(topic));
            }
        }
    }
}
