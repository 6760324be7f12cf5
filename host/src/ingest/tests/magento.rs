//! Magento's senders: what each is believed by, what it is refused for, and that nothing counts twice.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use ring::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use serde_json::{Value, json};

use crate::{
    catalog::NewStore,
    clock::Clock,
    dispatch::bench::{Bench, DAY},
    domain::{Origin, Platform, Timestamp},
    ingest::{Accepted, Ingest, Recent, Refused, Visitors},
    platform::{
        Refusal, Secret, Sender, hmac,
        magento::{
            self,
            senders::{AdobeKeys, KeyPath, PublicKey, module},
        },
    },
    store::{AdobeServices, Position},
};

const STORE: &str = "shop.example.com";
const SECRET: &str = "module-secret";
const CLIENT: &str = "0a1b2c3d";
const KEY_PATH: &str = "/prod/keys/pub-key-0f8b9a52-6d0b-4f3f-9d51-6f1f5b1f9f10.pem";

/// A key pair for these tests alone.
const SIGNER: &[u8] = include_bytes!("signer_for_tests.der");
const SIGNERS_KEY: &str = include_str!("signer_for_tests.pub.pem");

struct Doors {
    bench: Bench,
    ingest: Ingest,
}

async fn doors() -> Doors {
    let bench = Bench::new().await;
    let store = NewStore {
        platform: Platform::Magento,
        domain: STORE.into(),
        name: "Shop".into(),
        url: "https://shop.example.com".into(),
        currency: "EUR".parse().unwrap(),
        time_zone: "UTC".into(),
        locale: "nl".into(),
        secrets: vec!["old".into(), SECRET.into()],
        access: None,
        api_url: None,
    };
    bench.catalog.add_store(store).await.unwrap();
    let services = AdobeServices { client_id: Some(CLIENT.into()), webhook_key: Some(SIGNERS_KEY.into()) };
    bench.catalog.set_adobe_services(STORE, services).await.unwrap();
    let ingest = Ingest {
        catalog: Arc::clone(&bench.catalog),
        inbox: Arc::clone(&bench.inbox),
        backlog: Arc::clone(&bench.pipeline.backlog),
        recent: Recent::default(),
        visitors: Visitors::default(),
        clock: Arc::new(bench.clock.clone()),
        counters: Arc::clone(&bench.pipeline.counters),
        adobe_keys: AdobeKeys::new().unwrap(),
        remembered: 7 * DAY,
    };
    ingest.adobe_keys.know(
        &KeyPath::read(KEY_PATH).unwrap(),
        PublicKey::from_pem(SIGNERS_KEY).unwrap(),
        bench.clock.now(),
    );
    Doors { bench, ingest }
}

impl Doors {
    fn now(&self) -> Timestamp {
        self.bench.clock.now()
    }

    async fn send(
        &self,
        sender: magento::Sender<'_>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Accepted, Refused> {
        let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        let headers: HeaderMap = headers.iter().map(pair).collect();
        self.ingest.accept(Sender::Magento(sender), &headers, Bytes::copy_from_slice(body.as_bytes())).await
    }

    /// As the module sends now; `change` gets its headers before they go.
    async fn module(&self, body: &str, change: impl FnOnce(&mut Vec<(&str, String)>)) -> Result<Accepted, Refused> {
        let envelope: Value = serde_json::from_str(body).unwrap();
        let said = |field: &str| envelope[field].as_str().unwrap().to_owned();
        let mut headers = vec![
            ("x-regulars-signature", module::sign(&Secret::new(SECRET), self.now(), body.as_bytes())),
            ("x-regulars-timestamp", (self.now().0 / 1_000).to_string()),
            ("x-regulars-delivery", said("id")),
            ("x-regulars-topic", said("topic")),
            ("x-regulars-store", said("store")),
        ];
        change(&mut headers);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(magento::Sender::Module, &headers, body).await
    }

    /// The kept events: their ids without what comes before all, and their topics.
    fn kept(&self) -> Vec<(String, String)> {
        let events = self.bench.inbox.read(Position(1), 100, usize::MAX).unwrap();
        let kept = events.into_iter().map(|(_, event)| match event.origin {
            Origin::Webhook { platform: Platform::Magento, topic, .. } => (event.id.to_string(), topic),
            other => panic!("{other:?}"),
        });
        kept.map(|(id, topic)| (id.strip_prefix("webhook/").unwrap().to_owned(), topic)).collect()
    }
}

fn signed(message: &[u8]) -> String {
    let signer = KeyPair::from_pkcs8(SIGNER).unwrap();
    let mut signature = vec![0; signer.public().modulus_len()];
    signer.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    BASE64.encode(&signature)
}

fn envelope(id: &str, topic: &str) -> String {
    json!({ "version": 1, "id": id, "topic": topic, "store": STORE, "occurred_at": "2026-11-21T18:18:42Z", "data": {} })
        .to_string()
}

/// An entity that was changed so long ago.
fn order(doors: &Doors, age: Duration) -> Value {
    json!({ "entity_id": 42, "updated_at": doors.now().saturating_sub(age).to_string() })
}

fn refusal(answer: Result<Accepted, Refused>) -> Refusal {
    match answer {
        Err(Refused::Request(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_module_is_believed_by_time_and_body_and_counts_once() {
    let doors = doors().await;
    let body = envelope("d-1", "order.paid");
    assert!(matches!(doors.module(&body, |_| {}).await, Ok(Accepted::Kept(_))));
    // A repeat is signed anew, and may tell of newer data.
    doors.bench.clock.advance(Duration::from_secs(3_600));
    assert!(matches!(doors.module(&body.replace("{}", "{\"id\":\"1\"}"), |_| {}).await, Ok(Accepted::Duplicate)));
    assert_eq!(doors.kept(), [("d-1".to_owned(), "order.paid".to_owned())]);
}

#[tokio::test]
async fn what_the_module_did_not_sign_now_is_refused() {
    let doors = doors().await;
    let body = envelope("d-1", "order.paid");
    for (seconds, is_taken) in [(-301_i64, false), (-300, true), (300, true), (301, false)] {
        let at = Timestamp(doors.now().0.saturating_add_signed(seconds * 1_000));
        let sent = doors.module(&body, |headers| {
            headers[0].1 = module::sign(&Secret::new(SECRET), at, body.as_bytes());
            headers[1].1 = (at.0 / 1_000).to_string();
        });
        match sent.await {
            Ok(_) => assert!(is_taken, "{seconds}"),
            other => assert_eq!((refusal(other), is_taken), (Refusal::Stale { seconds: 301 }, false), "{seconds}"),
        }
    }
    let of_others = module::sign(&Secret::new("other"), doors.now(), body.as_bytes());
    let of_nobody = module::sign(&Secret::new(""), doors.now(), body.as_bytes());
    let shown = module::sign(&Secret::new(SECRET), doors.now(), body.as_bytes());
    for signature in [&of_others, &of_nobody, &shown[3..], "v1=", "v1=zz", &shown.to_uppercase()] {
        let sent = doors.module(&body, |headers| headers[0].1 = signature.to_owned()).await;
        assert_eq!(refusal(sent), Refusal::BadSignature, "{signature}");
    }
    // A time that was not signed.
    let sent = doors.module(&body, |headers| headers[1].1 = (doors.now().0 / 1_000 + 1).to_string()).await;
    assert_eq!(refusal(sent), Refusal::BadSignature);
}

#[tokio::test]
async fn a_header_that_contradicts_the_signed_body_is_named() {
    let doors = doors().await;
    let body = envelope("d-1", "order.paid");
    for (at, named, value) in [(2, "x-regulars-delivery", "d-2"), (3, "x-regulars-topic", "order.cancelled")] {
        let refused = refusal(doors.module(&body, |headers| headers[at].1 = value.into()).await);
        assert!(matches!(refused, Refusal::Contradicted { header } if header == named), "{refused:?}");
        assert!(!refused.is_unauthenticated());
    }
    // Another store's name in the body: the header's own secrets decide, and then the body speaks.
    let elsewhere = body.replace(STORE, "other.example.com");
    let sent = doors.module(&elsewhere, |headers| headers[4].1 = STORE.into()).await;
    assert_eq!(refusal(sent), Refusal::Contradicted { header: "x-regulars-store" });
    assert!(
        matches!(doors.module(&elsewhere, |_| {}).await, Err(Refused::UnknownStore(name)) if name.starts_with("other"))
    );
    assert_eq!(doors.kept(), []);
}

fn cloud_event(id: &str, client: &str, time: Timestamp) -> Value {
    json!({
        "specversion": "1.0", "id": id, "type": "com.adobe.commerce.observer.sales_order_save_commit_after",
        "time": time.to_string(), "recipientclientid": client, "data": { "value": { "entity_id": "42" } },
    })
}

async fn send_event(doors: &Doors, body: &str, headers: &[(&str, &str)]) -> Result<Accepted, Refused> {
    doors.send(magento::Sender::AdobeIo { store: STORE, views: None }, headers, body).await
}

#[tokio::test]
async fn io_events_are_believed_one_by_one_and_in_batches_by_either_signature() {
    let doors = doors().await;
    let body = cloud_event("e-1", CLIENT, doors.now()).to_string();
    let signature = signed(body.as_bytes());
    let second = [("x-adobe-digital-signature-2", signature.as_str()), ("x-adobe-public-key2-path", KEY_PATH)];
    assert!(matches!(send_event(&doors, &body, &second).await, Ok(Accepted::Kept(_))));
    assert!(matches!(send_event(&doors, &body, &second).await, Ok(Accepted::Duplicate)));
    let batch = ["e-1", "e-2", "e-3"].map(|id| cloud_event(id, CLIENT, doors.now()));
    let batch = Value::from(batch.to_vec()).to_string();
    let signature = signed(batch.as_bytes());
    let first = [
        ("x-adobe-digital-signature-1", signature.as_str()),
        ("x-adobe-public-key1-path", KEY_PATH),
        ("x-adobe-digital-signature-2", "AAAA"),
        ("x-adobe-public-key2-path", KEY_PATH),
    ];
    assert!(matches!(send_event(&doors, &batch, &first).await, Ok(Accepted::Kept(_))));
    let observed = "observer.sales_order_save_commit_after";
    let expected = ["e-1", "e-2", "e-3"].map(|id| (format!("adobe-io/{id}"), observed.to_owned()));
    assert_eq!(doors.kept(), expected);
}

#[tokio::test]
async fn each_step_that_saves_of_an_order_show_is_kept_once_and_every_save_as_a_change() {
    const ORDER: &str = include_str!("../../../../tests/fixtures/magento/adobe_io_order.json");
    let doors = doors().await;
    let save = async |id: &str, state: &str, is_new: bool| {
        let mut event: Value = serde_json::from_str(ORDER).unwrap();
        (event["id"], event["recipientclientid"]) = (id.into(), CLIENT.into());
        event["time"] = doors.now().to_string().into();
        (event["data"]["value"]["state"], event["data"]["value"]["_isNew"]) = (state.into(), is_new.into());
        let body = event.to_string();
        let signature = signed(body.as_bytes());
        let headers = [("x-adobe-digital-signature-1", signature.as_str()), ("x-adobe-public-key1-path", KEY_PATH)];
        assert!(matches!(send_event(&doors, &body, &headers).await, Ok(Accepted::Kept(_))));
    };
    save("e-1", "processing", true).await;
    save("e-2", "processing", false).await;
    save("e-3", "complete", false).await;
    let ids: Vec<_> = doors.kept().into_iter().map(|(id, _)| id).collect();
    let expected =
        ["order/42/placed", "order/42/paid", "adobe-io/e-1", "adobe-io/e-2", "order/42/fulfilled", "adobe-io/e-3"];
    assert_eq!(ids, expected);
    assert_eq!(doors.kept()[1].1, "step/paid/observer.sales_order_save_commit_after");
}

#[tokio::test]
async fn one_stale_or_odd_io_event_of_a_batch_does_not_lose_the_others() {
    let doors = doors().await;
    let send = async |events: Vec<Value>| {
        let body = Value::from(events).to_string();
        let signature = signed(body.as_bytes());
        let headers = [("x-adobe-digital-signature-1", signature.as_str()), ("x-adobe-public-key1-path", KEY_PATH)];
        send_event(&doors, &body, &headers).await
    };
    let good = |id: &str| cloud_event(id, CLIENT, doors.now());
    let stale = cloud_event("e-2", CLIENT, doors.now().saturating_sub(8 * DAY));
    let mut odd = good("e-3");
    odd["id"] = 7.into();
    let batch = vec![good("e-1"), stale.clone(), odd, json!(["e-4"]), good("e-5")];
    assert!(matches!(send(batch).await, Ok(Accepted::Kept(_))));
    let ids: Vec<_> = doors.kept().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["adobe-io/e-1", "adobe-io/e-5"]);
    assert_eq!(refusal(send(vec![stale]).await), Refusal::Stale { seconds: 8 * 86_400 });
}

#[tokio::test]
async fn an_io_event_for_another_client_or_with_a_key_from_elsewhere_is_refused() {
    let doors = doors().await;
    let sent = async |body: String, path: &str| {
        let signature = signed(body.as_bytes());
        let headers = [("x-adobe-digital-signature-1", signature.as_str()), ("x-adobe-public-key1-path", path)];
        refusal(send_event(&doors, &body, &headers).await)
    };
    let event = |client: &str| cloud_event("e-1", client, doors.now()).to_string();
    assert_eq!(sent(event("somebody"), KEY_PATH).await, Refusal::OtherRecipient);
    let mixed = Value::from(vec![cloud_event("e-1", CLIENT, doors.now()), cloud_event("e-2", "somebody", doors.now())]);
    assert_eq!(sent(mixed.to_string(), KEY_PATH).await, Refusal::OtherRecipient);
    assert_eq!(sent(event(CLIENT), "https://evil.example/prod/keys/pub-key-a.pem").await, Refusal::KeyElsewhere);
    let old = cloud_event("e-1", CLIENT, doors.now().saturating_sub(8 * DAY)).to_string();
    assert_eq!(sent(old, KEY_PATH).await, Refusal::Stale { seconds: 8 * 86_400 });
    let unsigned = send_event(&doors, &event(CLIENT), &[]).await;
    assert_eq!(refusal(unsigned), Refusal::Unsigned { header: "x-adobe-digital-signature-1" });
    let forged = [("x-adobe-digital-signature-1", "AAAA"), ("x-adobe-public-key1-path", KEY_PATH)];
    assert_eq!(refusal(send_event(&doors, &event(CLIENT), &forged).await), Refusal::BadSignature);
    assert_eq!(doors.kept(), []);
}

#[tokio::test]
async fn a_commerce_webhook_is_believed_by_its_raw_body_and_counts_once_whatever_its_request_is_called() {
    let doors = doors().await;
    let sender = magento::Sender::AdobeCommerce { store: STORE, views: None };
    let body = json!({
        "eventName": "observer.sales_order_save_commit_after", "data": { "order": order(&doors, Duration::ZERO) },
    });
    let body = body.to_string().replace(':', ": ");
    let signature = signed(BASE64.encode(body.as_bytes()).as_bytes());
    let header = ("x-adobe-commerce-webhook-signature", signature.as_str());
    let first = doors.send(sender, &[header, ("x-adobe-commerce-request-id", "1")], &body).await;
    assert!(matches!(first, Ok(Accepted::Kept(_))), "{first:?}");
    let again = doors.send(sender, &[header, ("x-adobe-commerce-request-id", "2")], &body).await;
    assert!(matches!(again, Ok(Accepted::Duplicate)), "{again:?}");
    let rewritten = body.replace(": ", ":");
    assert_eq!(refusal(doors.send(sender, &[header], &rewritten).await), Refusal::BadSignature);
    let unsigned = refusal(doors.send(sender, &[], &body).await);
    assert_eq!(unsigned, Refusal::Unsigned { header: "x-adobe-commerce-webhook-signature" });
}

#[tokio::test]
async fn an_async_event_is_named_by_its_address_and_known_again_by_its_body() {
    let doors = doors().await;
    let sign = |body: &str| HEXLOWER.encode(&hmac::code(&Secret::new(SECRET), &[body.as_bytes()]));
    let send = async |event: &str, body: &str| {
        let signature = sign(body);
        let sender = magento::Sender::AsyncEvents { store: STORE, event, views: None };
        doors.send(sender, &[("x-magento-signature", &signature)], body).await
    };
    let fresh = json!({ "data": order(&doors, DAY) }).to_string();
    for (event, is_kept) in [("sales.order.paid", true), ("sales.order.paid", false), ("sales.order.updated", true)] {
        let answer = send(event, &fresh).await.unwrap();
        assert_eq!(matches!(answer, Accepted::Kept(_)), is_kept, "{event}: {answer:?}");
    }
    let old = json!({ "data": order(&doors, 8 * DAY) }).to_string();
    assert_eq!(refusal(send("sales.order.paid", &old).await), Refusal::Stale { seconds: 8 * 86_400 });
    let sender = magento::Sender::AsyncEvents { store: STORE, event: "sales.order.paid", views: None };
    let signature = sign("{}");
    let other = doors.send(sender, &[("x-magento-signature", &signature)], &fresh).await;
    assert_eq!(refusal(other), Refusal::BadSignature);
    let topics: Vec<_> = doors.kept().into_iter().map(|(_, topic)| topic).collect();
    assert_eq!(topics, ["async-events/sales.order.paid", "async-events/sales.order.updated"]);
}

#[tokio::test]
async fn mageplazas_module_is_believed_by_a_secret_in_a_header() {
    let doors = doors().await;
    let sender = magento::Sender::Mageplaza { store: STORE, hook: "order", views: None };
    let body = r#"{"data":{"entity_id":"42"}}"#;
    assert!(matches!(doors.send(sender, &[("x-regulars-secret", SECRET)], body).await, Ok(Accepted::Kept(_))));
    assert!(matches!(doors.send(sender, &[("x-regulars-secret", SECRET)], body).await, Ok(Accepted::Duplicate)));
    for secret in ["", "wrong", "module-secre"] {
        let refused = refusal(doors.send(sender, &[("x-regulars-secret", secret)], body).await);
        assert!(refused.is_unauthenticated(), "{refused:?}");
    }
    let shopifys = magento::Sender::Mageplaza { store: crate::dispatch::bench::DOMAIN, hook: "order", views: None };
    let elsewhere = doors.send(shopifys, &[("x-regulars-secret", "secret")], body).await;
    assert!(matches!(elsewhere, Err(Refused::UnknownStore(_))), "it is no Magento store: {elsewhere:?}");
}

#[tokio::test]
async fn what_an_installation_tells_of_its_other_shops_is_set_aside() {
    let doors = doors().await;
    let sent = async |views: &str, order: Value| {
        let sender = magento::Sender::Mageplaza { store: STORE, hook: "order", views: Some(views) };
        doors.send(sender, &[("x-regulars-secret", SECRET)], &json!({ "data": order }).to_string()).await
    };
    let of_view = |view: Value| json!({ "entity_id": "42", "store_id": view });
    for view in [json!(2), json!("2")] {
        assert!(matches!(sent("1,3", of_view(view)).await, Ok(Accepted::Elsewhere)));
    }
    assert_eq!(doors.kept(), []);
    // The admin's view is no shop's, and what says nothing is not known to be another's.
    for order in [of_view("3".into()), of_view(0.into()), json!({ "entity_id": "42" })] {
        assert!(matches!(sent("1, 3", order.clone()).await, Ok(Accepted::Kept(_))), "{order}");
    }
    let refused = refusal(sent("base", of_view(1.into())).await);
    assert!(matches!(refused, Refusal::Body(_)) && !refused.is_unauthenticated(), "{refused:?}");
}

#[tokio::test]
async fn an_empty_body_and_one_that_is_no_object_are_refused() {
    let doors = doors().await;
    let sender = magento::Sender::Mageplaza { store: STORE, hook: "order", views: None };
    let header = [("x-regulars-secret", SECRET)];
    assert_eq!(refusal(doors.send(sender, &header, "").await), Refusal::EmptyBody);
    assert!(matches!(doors.send(sender, &header, "[1]").await, Err(Refused::NotJson(_))));
}
