//! The published vectors and payloads of Magento and Adobe Commerce.

use std::{path::Path, time::Duration};

use axum::http::{HeaderMap, HeaderName};
use regulars::{
    domain::{Change, Platform, ReadEvent, Timestamp},
    platform::{
        self, Context, Refusal, Secret, Unreadable,
        magento::senders::{PublicKey, Trust, adobe_commerce, adobe_io, async_events, module},
    },
};
use regulars_tests::corpus;
use serde_json::Value;

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn vectors(name: &str) -> Option<Value> {
    let file = corpus::file_or_note(&format!("magento/vectors/{name}.json"), "Magento's signature vectors")?;
    Some(json(&file))
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("`{key}` is a text"))
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (name.to_lowercase().parse::<HeaderName>().unwrap(), value.parse().unwrap());
    all.iter().map(pair).collect()
}

fn trust(secrets: &[Secret], seconds: u64) -> Trust<'_> {
    Trust {
        secrets,
        adobe_client_id: None,
        adobe_webhook_key: None,
        now: Timestamp(seconds * 1_000),
        remembered: Duration::from_secs(7 * 86_400),
    }
}

#[test]
fn the_commerce_webhook_is_verified_by_its_raw_bytes_alone() {
    let Some(vector) = vectors("adobe-commerce-webhook") else { return };
    let key = PublicKey::from_pem(text(&vector, "public_key_pem")).unwrap();
    let headers = headers(&[(text(&vector, "header"), text(&vector, "signature"))]);
    let verify = |body: &str| adobe_commerce::verify(&headers, body.as_bytes(), Some(&key));
    assert_eq!(verify(text(&vector, "body")), Ok(()));
    assert_eq!(verify(text(&vector, "body_reencoded_must_fail")), Err(Refusal::BadSignature));
}

#[test]
fn the_io_event_of_adobes_own_tests_is_verified() {
    let Some(vector) = vectors("aio-lib-events") else { return };
    let key = PublicKey::from_pem(text(&vector, "public_key_pem")).unwrap();
    let body = text(&vector, "payload").as_bytes();
    let verify = |signature| adobe_io::verify(&[(signature, key.clone())], body);
    assert_eq!(verify(text(&vector, "digital_signature_1")), Ok(()));
    assert_eq!(verify(text(&vector, "invalid_signature")), Err(Refusal::BadSignature));
    let of_client = |client| adobe_io::check_recipient(body, &Trust { adobe_client_id: client, ..trust(&[], 0) });
    assert_eq!(of_client(Some(text(&vector, "recipient_client_id"))), Ok(()));
    assert_eq!(of_client(Some("another")), Err(Refusal::OtherRecipient));
    assert_eq!(of_client(None), Err(Refusal::NoAdobeClient));
}

#[test]
fn every_modules_hmac_is_answered_as_stated() {
    let Some(vector) = vectors("hmac-modules") else { return };
    // The two that sign a body alone do it in the same way, under another name.
    for case in ["mageos_async_events", "klaviyo_reclaim"] {
        let case = &vector[case];
        let headers = headers(&[("x-magento-signature", text(case, "signature"))]);
        let verify = |secret: &str| {
            async_events::verify(&headers, text(case, "body").as_bytes(), &trust(&[Secret::new(secret)], 0))
        };
        assert_eq!(verify(text(case, "secret")), Ok(()));
        assert_eq!(verify("another"), Err(Refusal::BadSignature));
    }
    let case = &vector["proposed_own_module"];
    let (secret, body) = (Secret::new(text(case, "secret")), text(case, "body"));
    let seconds: u64 = text(case, "timestamp").parse().unwrap();
    let signature = module::sign(&secret, Timestamp(seconds * 1_000), body.as_bytes());
    assert_eq!(signature.strip_prefix("v1="), Some(text(case, "signature")));
    let headers = headers(&[("x-regulars-signature", &signature), ("x-regulars-timestamp", text(case, "timestamp"))]);
    let secrets = [secret];
    let open = |now| module::open(&headers, body.as_bytes(), &trust(&secrets, now)).unwrap_err();
    assert!(matches!(open(seconds), Refusal::Body(_)), "it is signed, and no envelope of the module's");
    assert_eq!(open(seconds + 301), Refusal::Stale { seconds: 301 });
}

fn read(topic: &str, entity: &Value) -> Result<ReadEvent, Unreadable> {
    let context = Context { currency: "EUR".parse().unwrap(), occurred_at: Timestamp(1_795_285_000_000) };
    platform::read(Platform::Magento, topic, entity.to_string().as_bytes(), &context)
}

/// Whether a change is what a capture has to become.
type IsRight = fn(&Change) -> bool;

/// The topic under which a capture is read, and what it has to become.
fn kind_of(name: &str) -> Option<(&'static str, IsRight)> {
    Some(match name.split('_').next()? {
        "order" | "orders" if name != "order_comments" => {
            ("rest/order.updated", |it| matches!(it, Change::Order { .. }))
        }
        "creditmemo" => ("rest/order.refunded", |it| matches!(it, Change::Refund(_))),
        "shipment" => ("rest/fulfillment.updated", |it| matches!(it, Change::Fulfillment(_))),
        "customer" | "customers" if name != "customer_group" => {
            ("rest/customer.updated", |it| matches!(it, Change::Customer(_)))
        }
        "product" => ("rest/product.updated", |it| matches!(it, Change::Product(_))),
        // Carts of nobody, of which there are many, change nothing.
        "cart" | "carts" => ("rest/checkout.updated", |it| matches!(it, Change::Checkout(_) | Change::None)),
        _ => return None,
    })
}

/// The entities that an answer lists, or the one that it is.
fn entities(answer: &Value) -> Vec<Value> {
    match (&answer["items"], answer.get("total_count")) {
        (Value::Array(items), Some(_)) => items.clone(),
        _ => vec![answer.clone()],
    }
}

#[test]
fn every_capture_of_a_running_store_normalises() {
    let Some(folder) = corpus::file_or_note("magento/live", "the captures of a running store") else { return };
    let (mut read_as, mut beside) = (0, Vec::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let Some((topic, is_right)) = kind_of(&name) else {
            beside.push(name);
            continue;
        };
        for entity in entities(&json(&file)) {
            let event = read(topic, &entity).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(is_right(&event.change), "{name}: {:?}", event.change);
            assert_consistent(&name, &event.change);
            read_as += 1;
        }
    }
    assert!(read_as >= 28, "{read_as}");
    // Rules, coupons, invoices, bulk operations, errors, comments, groups: nothing of them is an event.
    for name in beside {
        let event = read(&format!("rest/{name}"), &Value::Null).unwrap();
        assert_eq!(event.change, Change::None, "{name}");
    }
}

/// An order's lines make up its subtotal, and that its total.
fn assert_consistent(name: &str, change: &Change) {
    let Change::Order { order, .. } = change else { return };
    let net =
        |line: &regulars::domain::LineItem| line.unit_price.minor * i64::from(line.quantity) - line.discount.minor;
    let lines: i64 = order.lines.iter().map(net).sum();
    assert_eq!(lines, order.subtotal.minor, "{name}");
    assert_eq!(order.subtotal.minor + order.shipping.minor + order.tax.minor, order.total.minor, "{name}");
}

#[test]
fn every_documented_payload_is_read_or_refused_with_the_field_at_fault() {
    let Some(folder) = corpus::file_or_note("magento/payloads", "the documented payloads") else { return };
    let mut outcomes = std::collections::BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let payload = json(&file);
        let (topic, payload) = match name.as_str() {
            // As a storefront's API wraps what Magento's own answers.
            it if it.starts_with("divante_order") => ("rest/order.placed", payload["result"]["items"][0].clone()),
            it if it.starts_with("divante_customer") => {
                ("rest/customer.updated", payload.get("result").or(payload.get("customer")).unwrap().clone())
            }
            _ => ("observer.catalog_product_save_commit_after", payload),
        };
        let outcome = match read(topic, &payload) {
            Ok(event) => event.topic.to_string(),
            Err(unreadable) => unreadable.to_string(),
        };
        outcomes.insert(name, outcome);
    }
    assert_eq!(outcomes.len(), 13);
    let read = outcomes.iter().filter(|(_, outcome)| !outcome.starts_with("cannot read"));
    let read: Vec<_> = read.map(|(name, outcome)| (name.as_str(), outcome.as_str())).collect();
    assert_eq!(
        read,
        [
            ("divante_customer_15", "customer.updated"),
            ("divante_customer_28", "customer.updated"),
            ("divante_customer_29", "customer.updated"),
            ("divante_customer_30", "customer.updated"),
            ("divante_order_27", "order.placed"),
        ],
        "{outcomes:#?}"
    );
    let no_id = "cannot read `data.value.entity_id`: it is missing";
    assert_eq!(outcomes["docs_event-or-webhook_debugging_0"], no_id, "the sample has not asked for the field");
}
