//! What webhooks are answered, and that nothing which was accepted is lost.

use regulars::platform::{Secret, shopify::signature};
use regulars_tests::{
    DEADLINE, corpus,
    host::eventually,
    population::{Secret as SigningSecret, Webhook, sign},
};
use serde_json::Value;

use crate::shop::{DOMAIN, SECRET, Shop, signed, webhook};

/// The last part of a problem's type.
fn problem(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    problem["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned()
}

fn with(mut webhook: Webhook, header: &'static str, value: &str) -> Webhook {
    webhook.set_header(header, value.into());
    webhook
}

fn without(mut webhook: Webhook, header: &str) -> Webhook {
    webhook.headers.retain(|(name, _)| *name != header);
    webhook
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_a_typed_problem() {
    let shop = Shop::open().await;
    let paid = || webhook("orders/paid", "order_placed", "w-1");
    let cases = [
        (with(paid(), "X-Shopify-Hmac-Sha256", "bm90IGl0"), 401, "bad-signature"),
        (without(paid(), "X-Shopify-Hmac-Sha256"), 401, "bad-signature"),
        (Webhook { body: vec![].into(), ..paid() }, 401, "bad-signature"),
        (without(paid(), "X-Shopify-Webhook-Id"), 400, "bad-headers"),
        (with(paid(), "X-Shopify-Shop-Domain", "fern.example"), 400, "bad-headers"),
        (with(paid(), "X-Shopify-Shop-Domain", "nobody.myshopify.com"), 404, "unknown-store"),
        (signed("orders/paid", b"{\"id\": 1,".to_vec(), "w-2"), 400, "not-json"),
        (signed("orders/paid", b"[1]".to_vec(), "w-3"), 400, "not-json"),
        (signed("orders/paid", b"\xff\xfe{}".to_vec(), "w-4"), 400, "not-json"),
        (signed("orders/paid", vec![b'['; 100_000], "w-5"), 400, "not-json"),
        (signed("orders/paid", [b"{".to_vec(), b"\"a\":{".repeat(100_000)].concat(), "w-6"), 400, "not-json"),
        (signed("orders/paid", vec![b' '; 5 * 1024 * 1024 + 1], "w-7"), 413, "body-too-large"),
    ];
    for (webhook, status, kind) in cases {
        let answer = shop.send(&webhook).await;
        assert_eq!((answer.status, problem(&answer.body).as_str()), (status, kind), "{}", answer.body);
    }
    assert_eq!(shop.events().await, Vec::<Value>::new(), "nothing of it was kept");
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_are_accepted_and_then_only_the_new_one() {
    let shop = Shop::open().await;
    let signed_with = |secret: &str, id: &str| {
        let webhook = webhook("orders/paid", "order_placed", id);
        let signature = sign(&SigningSecret::new(secret), &webhook.body);
        with(webhook, "X-Shopify-Hmac-Sha256", &signature)
    };
    shop.run(&["store", "update", DOMAIN, "--secret", "new"]);
    assert_eq!(shop.send(&signed_with(SECRET, "w-1")).await.status, 200);
    assert_eq!(shop.send(&signed_with("new", "w-2")).await.status, 200);
    shop.run(&["store", "update", DOMAIN, "--secret", "new", "--drop-old-secrets"]);
    assert_eq!(shop.send(&signed_with(SECRET, "w-3")).await.status, 401);
    assert_eq!(shop.send(&signed_with("new", "w-4")).await.status, 200);
}

#[tokio::test]
async fn a_body_of_another_shape_than_its_topics_is_kept_and_named() {
    let shop = Shop::open().await;
    let answer = shop.send(&signed("orders/paid", b"{\"foo\": \"bar\", \"baz\": 1}".to_vec(), "w-1")).await;
    assert_eq!(answer.status, 200);
    let answer = shop.send(&signed("orders/paid", b"{\"id\": 9007199254740993}".to_vec(), "w-2")).await;
    assert_eq!(answer.status, 200);
    let answer = shop.send(&signed("inventory_levels/update", b"{\"id\": 7}".to_vec(), "w-3")).await;
    assert_eq!(answer.status, 200);
    shop.settled(3).await;
    let events = shop.events().await;
    assert!(events[2]["unreadable"].as_str().is_some_and(|why| why.contains("id")), "{}", events[2]);
    assert_eq!(events[1]["read_again"], "9007199254740993");
    assert_eq!(events[0]["topic"], "shopify:inventory_levels/update");
    eventually("both are counted", DEADLINE, async || {
        let counters = shop.get("/status").await["counters"].clone();
        (counters["events_unreadable"] == 1 && counters["events_unknown_topic"] == 1).then_some(())
    })
    .await;
    let shown = shop.get(&format!("/stores/{DOMAIN}/events/webhook%2Fw-1")).await;
    assert_eq!(shown["payload"]["foo"], "bar", "the body is kept");
}

/// How the vectors' cases are sent: what a case says nothing of is completed, what it is about is left as it is.
fn vector_webhook(case: &Value, number: usize) -> Webhook {
    let domain = format!("vector-{number}.myshopify.com");
    let mut headers: Vec<(&'static str, String)> = Vec::new();
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        // The Ruby library's cases spell headers as Rack's environment does.
        let name = name.strip_prefix("HTTP_").unwrap_or(name).replace('_', "-").to_lowercase();
        headers.push((name.leak(), value.as_str().unwrap_or_default().to_owned()));
    }
    let has = |headers: &[(&str, String)], wanted: &str| headers.iter().any(|(name, _)| *name == wanted);
    let events_family = has(&headers, "shopify-topic");
    let about = format!("{} {}", case["name"], case["missing"]);
    let prefix = if events_family { "" } else { "x-" };
    let mut complete = |name: &str, value: String, unless: &str| {
        let name = format!("{prefix}shopify-{name}");
        if !has(&headers, &name) && !about.to_lowercase().contains(unless) && !about.contains("no headers") {
            headers.push((name.leak(), value));
        }
    };
    complete("api-version", "2026-04".into(), "api-version");
    complete("webhook-id", format!("vector-{number}"), "webhook-id");
    complete("shop-domain", domain, "shop");
    complete("topic", "products/update".into(), "topic");
    if events_family {
        complete("action", "update".into(), "action");
    }
    if let Some(signature) = case["x_shopify_hmac_sha256"].as_str().filter(|signature| !signature.is_empty()) {
        complete("hmac-sha256", signature.into(), "missing hmac");
    }
    let body = case["raw_body"].as_str().unwrap_or_default().to_owned();
    Webhook { topic: "products/update", headers, body: body.into() }
}

#[tokio::test]
async fn every_published_signature_vector_is_answered_as_stated() {
    let Some(file) = corpus::file_or_note("shopify/vectors/webhook_hmac.json", "the signature vectors") else { return };
    let vectors: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 20);
    for (number, case) in cases.iter().enumerate() {
        let (name, expect) = (case["name"].as_str().unwrap(), case["expect"].as_str().unwrap());
        let secret = case["secret"].as_str().unwrap_or("unknown");
        let signature = case["x_shopify_hmac_sha256"].as_str().unwrap_or_default();
        let body = case["raw_body"].as_str().unwrap_or_default().as_bytes();
        if signature.ends_with('\n') {
            // No HTTP header holds a line break: this one can only be asked of the check itself.
            let verified = signature::verify(&[Secret::new(secret)], body, signature);
            assert_eq!((expect.starts_with("valid"), verified), (true, Ok(())), "{name}");
            continue;
        }
        let shop = Shop::open().await;
        let webhook = vector_webhook(case, number);
        let domain = webhook.headers.iter().find(|(name, _)| name.ends_with("shop-domain"));
        if let Some((_, domain)) = domain {
            shop.add_store(domain, secret);
            if let Some(old) = case["old_secret"].as_str() {
                shop.run(&["store", "update", domain, "--secret", old]);
            }
        }
        let answer = shop.send(&webhook).await;
        let kind = if answer.status == 200 { String::new() } else { problem(&answer.body) };
        let is_json = body.starts_with(b"{");
        let expected: (u16, &str) = match expect {
            "invalid: missing_headers" => (400, "bad-headers"),
            "invalid" if name == "missing shop" => (400, "bad-headers"),
            // Understood, but the vector has no secret: what is left to refuse is the signature.
            "parsed" => (401, "bad-signature"),
            expect if expect.starts_with("invalid") || expect.starts_with("error") => (401, "bad-signature"),
            expect if expect.starts_with("valid") && is_json => (200, ""),
            // Rightly signed, and not the JSON that webhooks are.
            expect if expect.starts_with("valid") => (400, "not-json"),
            other => panic!("{name}: what is `{other}`?"),
        };
        assert_eq!((answer.status, kind.as_str()), expected, "{name} ({expect}): {}", answer.body);
    }
}

#[tokio::test]
async fn every_published_payload_is_accepted_or_refused_with_a_typed_problem_and_none_is_lost() {
    let Some(folder) = corpus::file_or_note("shopify/payloads", "the published payloads") else { return };
    let shop = Shop::open().await;
    let mut files: Vec<_> = ["docs-2026-04", "gadget-exemplars", "go-shopify-edge", "compliance"]
        .iter()
        .flat_map(|set| std::fs::read_dir(folder.join(set)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 180, "{}", files.len());
    let mut kept = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let body = std::fs::read(file).unwrap();
        let mut webhook = signed(topic_of(&stem).leak(), body.clone(), &format!("payload-{number}"));
        if webhook.topic == "app/uninstalled" {
            // The app was installed again since: else the store would take nothing more.
            webhook.headers.push(("X-Shopify-Triggered-At", "2020-01-01T00:00:00Z".into()));
        }
        let answer = shop.send(&webhook).await;
        let is_object = serde_json::from_slice::<Value>(&body).is_ok_and(|value| value.is_object());
        match answer.status {
            200 => kept.push((format!("webhook/payload-{number}"), body)),
            400 => assert_eq!((problem(&answer.body).as_str(), is_object), ("not-json", false), "{stem}"),
            status => panic!("{stem}: {status} {}", answer.body),
        }
    }
    for (id, body) in &kept {
        let address = format!("/stores/{DOMAIN}/events/{}", id.replace('/', "%2F"));
        let shown = eventually(&format!("{id} is applied"), DEADLINE, async || {
            let shown = shop.get(&address).await;
            shown["position"].is_u64().then_some(shown)
        })
        .await;
        // What only looks like JSON at its ends is kept as it came, too, and shown as text.
        let as_text = |_| Value::String(String::from_utf8(body.clone()).unwrap());
        assert_eq!(shown["payload"], serde_json::from_slice::<Value>(body).unwrap_or_else(as_text), "{id}");
    }
    let orders = shop.get(&format!("/stores/{DOMAIN}/events?limit=1000")).await;
    let paid = orders.as_array().unwrap().iter().find(|event| event["platform_topic"] == "orders/paid").unwrap();
    assert_eq!(paid["order"], "820982911946154508", "an id past 2^53, exact");
}

/// The topic that a sample's file name stands for.
fn topic_of(stem: &str) -> String {
    let parts: Vec<_> = stem.split("__").collect();
    match parts[..] {
        // Real deliveries: version, resource, number.
        [version, resource, _] if version.starts_with("20") => format!("{resource}/update"),
        [resource, action] => format!("{resource}/{action}"),
        [resource, action, ..] => format!("{resource}/{action}"),
        [resource] => format!("{resource}/update"),
        [] => "unknown/unknown".into(),
    }
}
