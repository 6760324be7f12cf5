//! The client against a server on the loopback that answers from a script.

use std::collections::VecDeque;

use axum::{Json, Router, body::Bytes, extract::State, response::IntoResponse, routing::post};
use tokio::net::TcpListener;

use super::*;
use crate::{
    clock::Manual,
    domain::{Benefit, Money, NewDiscount, TagChange},
    platform::Receipt,
};

mod discounts;
mod documents;
mod order_changes;
mod store_credit;

/// One scripted answer.
enum Reply {
    Says(StatusCode, Vec<(&'static str, &'static str)>, String),
    Hangs,
}

fn ok(body: Value) -> Reply {
    Reply::Says(StatusCode::OK, vec![], body.to_string())
}

fn status(code: u16) -> Reply {
    Reply::Says(StatusCode::from_u16(code).unwrap(), vec![], r#"{"errors":"no"}"#.into())
}

#[derive(Clone, Default)]
struct Shop {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Shop {
    /// Starts a shop that gives these answers, one to each request, and a client for it.
    async fn answering(replies: impl IntoIterator<Item = Reply>) -> (Self, AdminClient) {
        let shop = Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), ..Self::default() };
        let routes = Router::new().route("/admin/api/2026-10/graphql.json", post(answer)).with_state(shop.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let clock = Arc::new(Manual::at(Timestamp(1_000_000)));
        let client = AdminClient::new(Http::new().unwrap(), &base, &Secret::new("shpat_secret"), clock).unwrap();
        (shop, client)
    }

    fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(State(shop): State<Shop>, headers: HeaderMap, Json(body): Json<Value>) -> axum::response::Response {
    shop.requests.lock().unwrap().push((headers, body));
    let reply = shop.replies.lock().unwrap().pop_front();
    match reply.expect("the script ends before the calls do") {
        Reply::Says(status, headers, body) => {
            let headers: HeaderMap =
                headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            (status, headers, Bytes::from(body)).into_response()
        }
        Reply::Hangs => std::future::pending().await,
    }
}

fn effect() -> EffectId {
    EffectId::from("q3zkm5a2w7")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

fn discount() -> NewDiscount {
    NewDiscount {
        customer: Some("820982911946154508".into()),
        code: "POINTS-4KQ2".into(),
        benefit: Benefit::Amount(usd(1050)),
        minimum_subtotal: Some(usd(5000)),
        collections: Vec::new(),
        products: Vec::new(),
        starts_at: Timestamp(1_790_000_000_000),
        ends_at: Some(Timestamp(1_800_000_000_000)),
        uses: Some(1),
        once_per_customer: true,
        combines: false,
        offer: false,
    }
}

fn tags(add: &[&str], remove: &[&str]) -> TagChange {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect();
    TagChange { customer: "820982911946154508".into(), add: texts(add), remove: texts(remove) }
}

fn created(id: &str) -> Reply {
    ok(json!({
        "data": {"discountCodeBasicCreate": {"codeDiscountNode": {"id": id}, "userErrors": []}},
        "extensions": {"cost": {"requestedQueryCost": 11, "actualQueryCost": 11,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1989, "restoreRate": 100.0}}},
    }))
}

fn refused(errors: Value) -> Reply {
    ok(json!({"data": {"discountCodeBasicCreate": {"codeDiscountNode": null, "userErrors": errors}}}))
}

fn taken() -> Reply {
    refused(json!([{"code": "TAKEN", "field": ["basicCodeDiscount", "code"], "message": "Code must be unique."}]))
}

fn found(title: Option<&str>) -> Reply {
    let discount = title.map_or(json!({}), |title| json!({"title": title}));
    ok(
        json!({"data": {"codeDiscountNodeByCode": {"id": "gid://shopify/DiscountCodeNode/7", "codeDiscount": discount}}}),
    )
}

async fn create(replies: impl IntoIterator<Item = Reply>) -> Result<Receipt, Failure> {
    let (_, client) = Shop::answering(replies).await;
    client.create_discount(&effect(), &discount()).await
}

fn reason(result: Result<Receipt, Failure>) -> String {
    match result.unwrap_err() {
        Failure::Permanent { reason } => format!("permanent: {reason}"),
        Failure::Transient { reason } | Failure::Unreachable { reason } => format!("transient: {reason}"),
        throttled => throttled.to_string(),
    }
}

#[tokio::test]
async fn what_shopify_has_against_the_input_is_told() {
    let errors =
        json!([{"code": "GREATER_THAN", "field": ["basicCodeDiscount", "endsAt"], "message": "must be later"}]);
    let reason_told = reason(create([refused(errors)]).await);
    assert_eq!(reason_told, "permanent: Shopify refused the effect: basicCodeDiscount.endsAt: must be later");
    let errors = json!([{"code": "TAKEN", "field": ["basicCodeDiscount", "title"], "message": "taken"}]);
    assert!(reason(create([refused(errors)]).await).starts_with("permanent: Shopify refused the effect"));
    let errors = json!([{"code": "INTERNAL_ERROR", "message": "sorry"}]);
    assert!(reason(create([refused(errors)]).await).starts_with("transient: "));
}

#[tokio::test]
async fn a_throttled_call_waits_for_the_points_it_lacks() {
    let throttled = |extensions: Value| {
        let error = json!({"message": "Throttled", "extensions": {"code": "THROTTLED"}});
        ok(json!({"data": null, "errors": [error], "extensions": extensions}))
    };
    let cost = json!({"cost": {"requestedQueryCost": 250, "actualQueryCost": null,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 50, "restoreRate": 50.0}}});
    let (_, client) = Shop::answering([throttled(cost), throttled(json!(null))]).await;
    let failure = client.create_discount(&effect(), &discount()).await.unwrap_err();
    assert_eq!(failure, Failure::Throttled { retry_after: Duration::from_secs(4) });
    let failure = client.create_discount(&effect(), &discount()).await.unwrap_err();
    assert_eq!(failure, Failure::Throttled { retry_after: Duration::from_secs(1) });
}

#[tokio::test]
async fn the_bucket_is_remembered_between_calls() {
    let mut empty = json!({"data": {"tagsAdd": {"userErrors": []}}});
    empty["extensions"] = json!({"cost": {"requestedQueryCost": 10,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 0, "restoreRate": 10.0}}});
    let (_, client) = Shop::answering([ok(empty)]).await;
    let now = Timestamp(1_000_000);
    assert_eq!(client.next_allowed(now), now);
    client.change_tags(&tags(&["vip"], &[])).await.unwrap();
    assert_eq!(client.next_allowed(now), now + Duration::from_secs(2));
}

#[tokio::test]
async fn too_many_requests_wait_as_told() {
    for (value, seconds) in [("3", 3.0), ("2.5", 2.5), ("0", 1.0), ("soon", 1.0), ("99999999", 3600.0), ("NaN", 1.0)] {
        let reply = Reply::Says(StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", value)], String::new());
        let expected = Failure::Throttled { retry_after: Duration::from_secs_f64(seconds) };
        assert_eq!(create([reply]).await, Err(expected), "{value}");
    }
}

#[tokio::test]
async fn a_wait_may_be_told_as_a_date_and_with_a_failure() {
    // The client's clock stands at 00:16:40 on that day.
    for (value, seconds) in [
        ("Thu, 01 Jan 1970 00:16:49 GMT", 9),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Fri, 02 Jan 1970 00:00:00 GMT", 3600),
    ] {
        let reply = |status| Reply::Says(status, vec![("retry-after", value)], String::new());
        let retry_after = Duration::from_secs(seconds);
        let throttled = create([reply(StatusCode::TOO_MANY_REQUESTS)]).await;
        assert_eq!(throttled, Err(Failure::Throttled { retry_after }), "{value}");
        let later = create([reply(StatusCode::SERVICE_UNAVAILABLE)]).await;
        assert!(matches!(&later, Err(Failure::Later { retry_after: told, .. }) if *told == retry_after), "{later:?}");
    }
}

#[tokio::test]
async fn a_status_says_whether_another_try_can_help() {
    for code in [500, 502, 503, 504, 408, 430] {
        assert!(reason(create([status(code)]).await).starts_with("transient: "), "{code}");
    }
    for (code, remedy) in [
        (401, "open the app in the shop's admin, or set a new token with `regulars store update`"),
        (402, "settle the bill"),
        (403, "grant the app"),
        (404, "check the store's domain"),
        (423, "locked"),
        (400, "400 Bad Request"),
        (302, "permanent domain"),
    ] {
        let reason = reason(create([status(code)]).await);
        assert!(reason.starts_with("permanent: ") && reason.contains(remedy), "{reason}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (shop, client) = Shop::answering([Reply::Says(
        StatusCode::TEMPORARY_REDIRECT,
        vec![("location", "/admin/api/2026-10/graphql.json")],
        String::new(),
    )])
    .await;
    assert!(client.create_discount(&effect(), &discount()).await.is_err());
    assert_eq!(shop.requests().len(), 1);
}

#[tokio::test]
async fn errors_of_graphql_are_told_apart() {
    let error = |code: &str| {
        ok(json!({"errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": code}}], "data": null}))
    };
    assert!(
        reason(create([error("undefinedField")]).await).starts_with("permanent: Shopify refused the request: Field")
    );
    assert!(reason(create([error("ACCESS_DENIED")]).await).starts_with("permanent: access was denied"));
    assert!(reason(create([error("INTERNAL_SERVER_ERROR")]).await).starts_with("transient: "));
}

#[tokio::test]
async fn an_answer_that_is_none_is_tried_again() {
    let said = |body: &str| Reply::Says(StatusCode::OK, vec![], body.into());
    for body in
        ["", "<html>", "{}", "[]", "{\"data\":null}", "{\"data\":{}}", "{\"data\":{\"discountCodeBasicCreate\":null}}"]
    {
        assert!(reason(create([said(body)]).await).starts_with("transient: Shopify's answer"), "{body}");
    }
}

#[tokio::test]
async fn a_longer_answer_than_allowed_is_not_read_to_its_end() {
    let limits = Limits { max_answer_bytes: 1000, ..Limits::default() };
    let (_, client) = Shop::answering([Reply::Says(StatusCode::OK, vec![], " ".repeat(1001))]).await;
    let result = client.with_limits(limits).create_discount(&effect(), &discount()).await;
    assert_eq!(reason(result), "transient: the answer of 127.0.0.1 exceeds 1000 bytes");
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    let (_, client) = Shop::answering([Reply::Hangs]).await;
    let result = client.with_limits(limits).create_discount(&effect(), &discount()).await;
    assert_eq!(reason(result), "transient: 127.0.0.1 gave no answer within 50ms");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let clock = Arc::new(Manual::at(Timestamp(0)));
    let client = AdminClient::new(Http::new().unwrap(), &base, &Secret::new("t"), clock).unwrap();
    let result = client.create_discount(&effect(), &discount()).await;
    assert_eq!(reason(result), "transient: 127.0.0.1 cannot be connected to");
}

#[tokio::test]
async fn tags_are_added_and_then_removed() {
    let done = |field: &str| ok(json!({"data": {field: {"node": {"id": "x"}, "userErrors": []}}}));
    let (shop, client) = Shop::answering([done("tagsAdd"), done("tagsRemove")]).await;
    let receipt = client.change_tags(&tags(&["vip", "tea"], &["new"])).await.unwrap();
    assert_eq!(receipt.0, "gid://shopify/Customer/820982911946154508");
    let variables: Vec<_> = shop.requests().into_iter().map(|(_, body)| body["variables"].clone()).collect();
    assert_eq!(variables[0], json!({"id": "gid://shopify/Customer/820982911946154508", "tags": ["vip", "tea"]}));
    assert_eq!(variables[1]["tags"], json!(["new"]));
}

#[tokio::test]
async fn no_tags_make_no_call() {
    let (shop, client) = Shop::answering([]).await;
    assert!(client.change_tags(&tags(&[], &[])).await.is_ok());
    assert!(shop.requests().is_empty());
}

#[tokio::test]
async fn a_customer_that_is_gone_is_a_permanent_failure() {
    let gone =
        ok(json!({"data": {"tagsAdd": {"node": null, "userErrors": [{"field": ["id"], "message": "Invalid id"}]}}}));
    let (_, client) = Shop::answering([gone]).await;
    assert_eq!(
        reason(client.change_tags(&tags(&["vip"], &[])).await),
        "permanent: Shopify refused the effect: id: Invalid id"
    );
}

#[tokio::test]
async fn the_token_does_not_show() {
    let (_, client) = Shop::answering([]).await;
    assert!(!format!("{client:?}").contains("shpat"));
}

#[test]
fn what_cannot_be_an_address_or_a_token_is_refused_with_a_remedy() {
    let client = |base: &str, token: &str| {
        let clock = Arc::new(Manual::at(Timestamp(0)));
        AdminClient::new(Http::new().unwrap(), base, &Secret::new(token), clock).map(|_| ()).unwrap_err().to_string()
    };
    assert!(client("no address", "t").contains("endpoint"));
    for token in ["", "shpat_\n"] {
        let refusal = client("https://a.myshopify.com", token);
        assert!(refusal.contains("store update") && !refusal.contains("shpat"), "{refusal}");
    }
}
