//! Effects at the platform: which calls they lead to, and what is made of the answers.

use axum::{extract::Json, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        Benefit, Birthday, BirthdayChange, ConsentChange, DiscountEnd, Metafield, Money, NewDiscount, StoreCredit,
    },
    store::{Access, LastChange},
};

const NODE: &str = "gid://shopify/DiscountCodeNode/7";

/// What a shop has been asked: each query's name and its variables.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A shop that answers a query of this name with these data.
async fn shop(post: &Post, answer: fn(&str) -> Value) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let routes = Router::new().fallback(move |Json(mut request): Json<Value>| {
        let name = request["query"].as_str().unwrap().split([' ', '(']).nth(1).unwrap().to_owned();
        let data = json!({ "data": answer(&name) });
        lock(&heard).push((name, request["variables"].take()));
        async move { Json(data) }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let change = StoreChange { access: Some(Access::lasting("token")), api_url: Some(url), ..StoreChange::default() };
    post.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    asked
}

fn names(asked: &Asked) -> Vec<String> {
    lock(asked).iter().map(|(name, _)| name.clone()).collect()
}

fn points(customer: &str) -> EffectKind {
    EffectKind::SetMetafield(Metafield {
        customer: customer.into(),
        plugin: "writer".into(),
        key: "points".into(),
        kind: "integer".into(),
        value: "120".into(),
    })
}

fn of_metafields(query: &str) -> Value {
    match query {
        "Metafield" => json!({"customer": {"metafield": null}}),
        _ => json!({"metafieldsSet": {"metafields": [{"id": "gid://shopify/Metafield/1", "compareDigest": "d"}]}}),
    }
}

#[tokio::test]
async fn what_is_for_a_guest_is_dropped_without_a_call() {
    let post = Post::new(None).await;
    let asked = shop(&post, of_metafields).await;
    post.queue("one", points("guest:abc"), None).await;
    post.run_due().await;
    assert!(matches!(post.status("one"), EffectStatus::Dropped { reason } if reason.contains("guest")));
    assert_eq!(names(&asked), Vec::<String>::new());
}

#[tokio::test]
async fn a_value_is_written_while_no_later_change_of_it_is_queued() {
    let post = Post::new(None).await;
    let asked = shop(&post, of_metafields).await;
    let birthday = Birthday { year: Some(1990), month: 4, day: 12 };
    let birthday = EffectKind::SetBirthday(BirthdayChange { customer: "7".into(), birthday });
    for (kind, field) in [(points("7"), "points"), (birthday, "facts.birth_date")] {
        for (last, receipt, calls) in [
            ("later", "not written: a later change stands", vec!["Metafield"]),
            ("one", "gid://shopify/Metafield/1", vec!["Metafield", "SetMetafield"]),
        ] {
            lock(&asked).clear();
            let mut transaction = post.bench.transaction();
            let field = keys::last_change(post.bench.id, &"writer".into(), &"7".into(), field);
            transaction.put(field, &LastChange { effect: last.into() });
            transaction.commit().await.unwrap();
            post.queue("one", kind.clone(), None).await;
            post.run_due().await;
            assert_eq!(post.status("one"), EffectStatus::Done { receipt: receipt.into() });
            assert_eq!(names(&asked), calls);
        }
    }
}

/// A shop whose customers are all subscribed, by no known word.
fn of_consent(query: &str) -> Value {
    match query {
        "Consent" => {
            json!({"customer": {"defaultEmailAddress": {"marketingState": "SUBSCRIBED", "marketingUpdatedAt": null}}})
        }
        _ => json!({"customerEmailMarketingConsentUpdate": {"userErrors": []}}),
    }
}

#[tokio::test]
async fn a_word_on_marketing_is_written_unless_the_customer_has_said_otherwise_since() {
    let post = Post::new(None).await;
    let asked = shop(&post, of_consent).await;
    let left = EffectKind::SetConsent(ConsentChange { customer: "7".into(), accepts_marketing: false, said_at: START });
    let [before, after] = [Timestamp(START.0 - 1), Timestamp(START.0 + 1)].map(Some);
    for (name, as_of, consented_at, calls) in
        [("saved", after, before, vec!["Consent", "SetConsent"]), ("consented", after, after, vec!["Consent"])]
    {
        lock(&asked).clear();
        let known = Customer { accepts_marketing: Some(true), consent_at: as_of, ..customer("7", None) };
        post.knows(Customer { consented_at, ..known }).await;
        post.queue(name, left.clone(), None).await;
        post.run_due().await;
        assert_eq!(names(&asked), calls, "{name}");
        assert!(matches!(post.status(name), EffectStatus::Done { .. }));
    }
}

#[tokio::test]
async fn who_has_left_the_shop_after_coming_back_here_is_not_subscribed_there() {
    let post = Post::new(None).await;
    let asked = shop(&post, |query| match query {
        "Consent" => {
            json!({"customer": {"defaultEmailAddress": {"marketingState": "UNSUBSCRIBED", "marketingUpdatedAt": null}}})
        }
        other => of_consent(other),
    })
    .await;
    let change = ConsentChange { customer: "7".into(), accepts_marketing: true, said_at: START };
    let refused = Customer { accepts_marketing: Some(false), ..customer("7", None) };
    post.knows(Customer { consent_at: Some(Timestamp(START.0 + 1)), ..refused.clone() }).await;
    post.queue("one", EffectKind::SetConsent(change.clone()), None).await;
    post.run_due().await;
    assert_eq!(post.status("one"), EffectStatus::Done { receipt: "not written: a later word stands".into() });
    assert_eq!(names(&asked), ["Consent"]);
    post.knows(Customer { consent_at: Some(Timestamp(START.0 - 1)), ..refused }).await;
    post.queue("two", EffectKind::SetConsent(change), None).await;
    post.run_due().await;
    assert_eq!(names(&asked), ["Consent", "Consent", "SetConsent"]);
}

#[tokio::test]
async fn the_end_of_a_code_asks_for_what_its_making_was_called() {
    let post = Post::new(None).await;
    let asked = shop(&post, |_| json!({"node": null})).await;
    let making = EffectKind::CreateDiscount(NewDiscount {
        customer: None,
        code: "FERN-ABC".into(),
        benefit: Benefit::FreeShipping,
        minimum_subtotal: None,
        collections: Vec::new(),
        products: Vec::new(),
        starts_at: START,
        ends_at: None,
        uses: None,
        once_per_customer: false,
        combines: false,
        offer: false,
    });
    post.queue("making", making, None).await;
    let mut transaction = post.bench.transaction();
    let made = Effect { status: EffectStatus::Done { receipt: NODE.into() }, ..post.effect("making") };
    transaction.put_effect(post.bench.id, Some(&post.effect("making")), &made);
    transaction.commit().await.unwrap();
    let end = DiscountEnd { made_by: "making".into(), code: "FERN-ABC".into() };
    post.queue("end", EffectKind::DisableDiscount(end), None).await;
    post.run_due().await;
    assert_eq!(post.status("end"), EffectStatus::Done { receipt: "no code FERN-ABC".into() });
    assert_eq!(*lock(&asked), [("Discount".to_owned(), json!({"id": NODE}))]);
}

#[tokio::test]
async fn an_effect_whose_turn_has_not_come_waits_and_has_not_been_tried() {
    let post = Post::new(None).await;
    shop(&post, |_| {
        let begun = json!({"effect": "other", "amount": {"minor": 500, "currency": "EUR"}, "at": START});
        let ledger = json!({"begun": begun, "made": []}).to_string();
        let held = json!({"value": ledger, "compareDigest": "d", "updatedAt": "2026-10-31T10:00:00Z"});
        json!({"customer": {"metafield": held, "storeCreditAccounts": {"nodes": []}}})
    })
    .await;
    let amount = Money::new(500, "EUR".parse().unwrap());
    let credit = StoreCredit { customer: "7".into(), amount, expires_at: None };
    post.queue("one", EffectKind::StoreCredit(credit), None).await;
    post.run_due().await;
    let effect = post.effect("one");
    assert!(matches!(effect.status, EffectStatus::Pending { due, .. } if due == START + Duration::from_secs(120)));
    assert_eq!(effect.attempts, 0);
}

/// A shop that refuses its first call because the rate limit is used up, and its second for good.
async fn throttled_shop() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let routes = Router::new().fallback(move || {
        let call = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            match call {
                0 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3")], "").into_response(),
                1 => r#"{"data":{"tagsAdd":{"userErrors":[]}}}"#.into_response(),
                _ => StatusCode::IM_A_TEAPOT.into_response(),
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn a_try_that_meets_a_rate_limit_does_not_count() {
    let post = Post::new(None).await;
    let change = StoreChange {
        access: Some(Access::lasting("token")),
        api_url: Some(throttled_shop().await),
        ..StoreChange::default()
    };
    post.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    post.queue("first", tags(), None).await;
    post.run_due().await;
    let due = post.bench.clock.now() + Duration::from_secs(3);
    let effect = post.effect("first");
    assert!(matches!(effect.status, EffectStatus::Pending { due: at, .. } if at == due), "{effect:?}");
    assert_eq!((effect.attempts, post.outbox.counters.effects_failed.get()), (0, 0));
    post.advance(Duration::from_secs(3)).await;
    assert!(is_done(&post.status("first")), "{:?}", post.status("first"));
    assert_eq!(post.effect("first").attempts, 1);
}

#[tokio::test]
async fn a_call_to_a_store_without_a_token_is_a_dead_letter_that_says_so() {
    let post = Post::new(None).await;
    post.queue("first", tags(), None).await;
    post.run_due().await;
    let status = post.status("first");
    assert!(matches!(&status, EffectStatus::Dead { reason } if reason.contains("access token")), "{status:?}");
}
