//! A store's past, as the platform tells it once the store is there: learnt, and told to nobody.

use std::time::Duration;

use jiff::Timestamp;
use regulars::clock::{Clock, System};
use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    shopify_admin::{BulkFault, Fault, Outcome},
};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, Shop, signed, webhook};

mod counts;
mod magento;

/// The customer of the fixtures.
const MIRA: u64 = 9_107_200_431_558_877_203;
const DAY: Duration = Duration::from_secs(86_400);
const NEW: &str = "moss.myshopify.com";

fn ago(days: u32) -> String {
    let now = i64::try_from(System.now().0).expect("it is a time of our age");
    (Timestamp::from_millisecond(now).expect("it is a time of our age") - DAY * days).to_string()
}

fn fixture(name: &str) -> Value {
    serde_json::from_slice(&webhook("orders/paid", name, "").body).unwrap()
}

/// A customer of long ago, with consent.
fn customer(id: u64) -> Value {
    let mut customer = fixture("customer_created");
    customer["id"] = id.into();
    customer["admin_graphql_api_id"] = format!("gid://shopify/Customer/{id}").into();
    customer["email"] = format!("c{id}@example.com").into();
    customer["created_at"] = ago(400).into();
    customer["updated_at"] = ago(100).into();
    customer["email_marketing_consent"] = json!({ "state": "subscribed", "consent_updated_at": ago(100) });
    customer
}

/// A paid order that was placed and last changed so many days ago.
fn order(id: u64, customer: u64, days: u32) -> Value {
    let mut order = fixture("order_placed");
    order["id"] = id.into();
    order["admin_graphql_api_id"] = format!("gid://shopify/Order/{id}").into();
    order["name"] = format!("#{id}").into();
    for time in ["created_at", "processed_at", "updated_at"] {
        order[time] = ago(days).into();
    }
    order["financial_status"] = "paid".into();
    order["customer"]["id"] = customer.into();
    order["customer"]["admin_graphql_api_id"] = format!("gid://shopify/Customer/{customer}").into();
    order["customer"]["updated_at"] = ago(days).into();
    order["email"] = format!("c{customer}@example.com").into();
    order["customer"]["email"] = order["email"].clone();
    order
}

/// A shop in which Mira has bought twice and given something back, long ago, with its birthday known.
fn put_past(shop: &Shop) {
    shop.shopify.put_customer(customer(MIRA));
    shop.shopify.set_metafield(
        &format!("gid://shopify/Customer/{MIRA}"),
        ("facts", "birth_date"),
        "date",
        "1990-02-03",
    );
    let mut returned = order(101, MIRA, 90);
    let mut refund = fixture("refund_partial");
    (refund["order_id"], refund["created_at"], refund["processed_at"]) = (101.into(), ago(80).into(), ago(80).into());
    returned["refunds"] = json!([refund]);
    returned["updated_at"] = ago(80).into();
    shop.shopify.put_order(returned);
    shop.shopify.put_order(order(102, MIRA, 70));
}

fn history(shop: &Shop, more: &[&str]) -> Value {
    shop.host.cli_json(&[&["store", "history", DOMAIN, "--json"][..], more].concat())
}

fn found(state: &Value) -> [u64; 6] {
    let of = |part: &str| ["found", "known"].map(|field| state[part][field].as_u64().unwrap());
    let [customers, orders, refunds] = ["customers", "orders", "refunds"].map(of);
    [customers[0], customers[1], orders[0], orders[1], refunds[0], refunds[1]]
}

/// What stands in all notes.
fn told(state: &Value) -> String {
    state["notes"].to_string()
}

async fn known(shop: &Shop, customer: u64) -> Value {
    shop.get(&format!("/stores/{DOMAIN}/customers/{customer}")).await
}

async fn counters(shop: &Shop) -> [Value; 2] {
    let counters = &shop.get("/status").await["counters"];
    ["events_unreadable", "events_told_before"].map(|name| counters[name].clone())
}

/// A shop with five plugins of which each would give or mail something, if it were told.
async fn shop() -> Shop {
    let shop = Shop::open().await;
    for name in ["birthday-mail", "referral-vouchers", "vip-tiers"] {
        shop.run(&["plugin", "install", &crate::shop::plugin_file(name).to_string_lossy()]);
        shop.run(&["plugin", "enable", DOMAIN, name, "--grant-all"]);
    }
    shop
}

#[tokio::test]
async fn what_was_before_is_learnt_and_told_to_nobody_and_what_comes_after_stands_on_it() {
    let shop = shop().await;
    put_past(&shop);
    let state = history(&shop, &["--again"]);
    assert_eq!((&state["status"], &state["notes"]), (&json!("read"), &json!([])), "{state}");
    assert_eq!(found(&state), [1, 0, 2, 0, 1, 0], "{state}");

    let mira = known(&shop, MIRA).await;
    assert_eq!(mira["customer"]["birthday"], json!({ "year": 1990, "month": 2, "day": 3 }), "{mira}");
    assert_eq!(mira["customer"]["accepts_marketing"], true, "{mira}");
    let names: Vec<_> = mira["orders"].as_array().unwrap().iter().map(|order| order["name"].clone()).collect();
    assert_eq!(names, ["#102", "#101"], "{mira}");
    assert!(mira["orders"].as_array().unwrap().iter().all(|order| order["lines"].as_array().unwrap().len() == 2));

    let events = shop.events().await;
    let of_past: Vec<_> = events.iter().filter(|event| event["id"].as_str().unwrap().starts_with("read/")).collect();
    assert_eq!(of_past.len(), 4, "{events:?}");
    assert!(of_past.iter().all(|event| event["deliveries"] == json!([])), "{of_past:?}");
    assert_eq!((shop.effects().await, shop.balance(&MIRA.to_string()).await), (vec![], None));
    assert!(shop.mails.messages().is_empty());
    assert_eq!(counters(&shop).await, [json!(0), json!(0)]);

    // An order of today is told, and is not the first.
    let answer = shop.send(&signed("orders/paid", order(103, MIRA, 0).to_string().into_bytes(), "w-103")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    eventually("the order of today earns", DEADLINE, async || {
        (shop.balance(&MIRA.to_string()).await == Some(38)).then_some(())
    })
    .await;
    let mira = known(&shop, MIRA).await;
    assert_eq!(mira["orders"].as_array().unwrap().len(), 3, "{mira}");
    assert_eq!(mira["customer"]["accepts_marketing"], true, "an order says nothing of consent: {mira}");
}

#[tokio::test]
async fn a_store_that_is_added_is_read_by_itself_and_once() {
    let config = "[history]\non_installation = true\ncount_every_nights = 0\n";
    let shop = Shop::without_plugins(Host::builder().config(config)).await;
    put_past(&shop);
    shop.add_store(NEW, "whisper");
    let path = format!("/stores/{NEW}/history");
    let state = eventually("the new store's past is read", DEADLINE, async || {
        let state = shop.get(&path).await;
        (state["status"] == "read").then_some(state)
    })
    .await;
    assert_eq!(found(&state), [1, 0, 2, 0, 1, 0], "{state}");
    let begun = state["started_at"].clone();
    let shown = shop.run(&["store", "history", NEW]);
    assert!(shown.contains("the history is read") && shown.contains("orders      2, of which 0 were known"), "{shown}");
    let mut shop = shop;
    shop.host.restart();
    assert_eq!(shop.get(&path).await["started_at"], begun, "it is not read twice");
}

#[tokio::test]
async fn what_is_known_is_found_to_be_and_appends_nothing() {
    let shop = Shop::open().await;
    put_past(&shop);
    history(&shop, &["--again"]);
    let before = shop.events().await.len();
    let state = history(&shop, &["--again"]);
    assert_eq!(found(&state), [1, 1, 2, 2, 1, 1], "{state}");
    assert_eq!(shop.events().await.len(), before);
}

#[tokio::test]
async fn what_a_webhook_told_since_is_not_overwritten_by_an_older_line() {
    let shop = Shop::open().await;
    put_past(&shop);
    let mut newer = order(102, MIRA, 0);
    (newer["created_at"], newer["note"]) = (ago(70).into(), "newer".into());
    (newer["financial_status"], newer["tags"]) = ("refunded".into(), "newer".into());
    let answer = shop.send(&signed("orders/updated", newer.to_string().into_bytes(), "w-newer")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let consent = json!({ "customer_id": MIRA, "email_marketing_consent":
        { "state": "unsubscribed", "opt_in_level": null, "consent_updated_at": ago(1) } });
    let topic = "customers_email_marketing_consent/update";
    let answer = shop.send(&signed(topic, consent.to_string().into_bytes(), "w-consent")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    shop.settled(2).await;
    history(&shop, &["--again"]);
    let mira = known(&shop, MIRA).await;
    let kept = mira["orders"].as_array().unwrap().iter().find(|order| order["id"] == "102").unwrap();
    assert_eq!((&kept["financial_status"], &kept["tags"]), (&json!("refunded"), &json!(["newer"])), "{kept}");
    assert_eq!(mira["customer"]["accepts_marketing"], false, "{mira}");
    assert_eq!(mira["customer"]["first_name"], "Mira", "{mira}");
}

/// A shop of so many customers with an order each, which has a line.
async fn large(customers: u64) -> Shop {
    // The simulated shop gathers it while its caller waits.
    let shop = Shop::without_plugins(Host::builder().config("[shopify]\ntimeout_seconds = 60")).await;
    for id in 1..=customers {
        shop.shopify.put_customer(customer(id));
        shop.shopify.put_order(order(1_000_000 + id, id, 30));
    }
    shop
}

#[tokio::test]
async fn a_large_past_is_read_part_by_part() {
    let customers = 5_000;
    let shop = large(customers).await;
    let state = history(&shop, &["--again"]);
    assert_eq!(found(&state), [customers, 0, customers, 0, 0, 0], "{state}");
    assert_eq!(state["unreadable"], 0, "{state}");
    // Two lines of an order stand behind it: 20,000 lines in all.
    let parts = shop.shopify.file_parts();
    assert!(parts.len() > 10 && parts.iter().all(|(_, bytes)| *bytes <= 1 << 20), "{parts:?}");
    assert_eq!(known(&shop, customers).await["orders"].as_array().unwrap().len(), 1);
    assert_eq!(counters(&shop).await, [json!(0), json!(0)]);
}

#[tokio::test]
async fn a_host_that_dies_in_the_middle_goes_on_there() {
    let customers = 1_500;
    let mut shop = large(customers).await;
    let path = format!("/stores/{DOMAIN}/history");
    shop.post(&path, &json!({})).await;
    eventually("some orders are read", DEADLINE, async || {
        let state = shop.get(&path).await;
        (state["orders"]["found"].as_u64()? > 0).then_some(())
    })
    .await;
    shop.host.kill_9();
    shop.host.restart();
    let state = eventually("the rest is read", DEADLINE, async || {
        let state = shop.get(&path).await;
        (state["status"] == "read").then_some(state)
    })
    .await;
    assert_eq!((&state["customers"]["found"], &state["orders"]["found"]), (&json!(customers), &json!(customers)));
    assert_eq!(shop.shopify.bulk_operations(), 2, "nothing is gathered twice");
    for id in [1, customers / 2, customers] {
        assert_eq!(known(&shop, id).await["orders"].as_array().unwrap().len(), 1, "{id}");
    }
}

#[tokio::test]
async fn whatever_goes_wrong_with_an_operation_is_told_and_what_was_found_stays() {
    let shop = Shop::without_plugins(Host::builder()).await;
    for id in 1..=3 {
        shop.shopify.put_customer(customer(id));
    }
    let elsewhere = |url: &str| BulkFault::Elsewhere(url.into());
    let cases = [
        (BulkFault::Fail { lines: Some(2) }, "internal server error); what it had found by then has been read", 2),
        (BulkFault::Fail { lines: None }, "internal server error", 0),
        (BulkFault::Cancel, "cancelled the bulk operation", 0),
        (BulkFault::Truncate { bytes: 40 }, "bytes, and Shopify says that it has", 0),
        (elsewhere("http://169.254.169.254/latest"), "no public address", 0),
        (elsewhere("file:///etc/passwd"), "no public address", 0),
    ];
    for (fault, told_of, customers) in cases {
        shop.shopify.set_bulk_faults([fault.clone()]);
        let output = shop.host.cli(&["store", "history", DOMAIN, "--again", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{fault:?}");
        let state: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&state["status"], &state["customers"]["found"]), (&json!("failed"), &json!(customers)), "{state}");
        assert!(state["error"].as_str().unwrap().contains(told_of), "{fault:?}: {state}");
        assert!(told(&state).contains("--again"), "{state}");
    }
    // What is past its days is gathered anew without anybody's doing, and so is what is there no more.
    for fault in [BulkFault::Expire, BulkFault::Gone, BulkFault::Slow { looks: 2 }] {
        shop.shopify.set_bulk_faults([fault.clone()]);
        let state = history(&shop, &["--again"]);
        assert_eq!((&state["status"], &state["customers"]["found"]), (&json!("read"), &json!(3)), "{fault:?}: {state}");
    }
    shop.shopify.set_bulk_faults(std::iter::repeat_n(BulkFault::Expire, 9));
    let output = shop.host.cli(&["store", "history", DOMAIN, "--again"]);
    assert_eq!(output.status.code(), Some(1), "it does not go on for ever");
    shop.shopify.set_bulk_faults([]);
    // A rate limit that is used up, and a server that is down for a moment, are waited for.
    for fault in [Fault::Throttle, Fault::InternalError] {
        shop.shopify.set_fault(fault, 2);
        assert_eq!(history(&shop, &["--again"])["status"], "read", "{fault:?}");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_left_out_counted_and_told() {
    let shop = Shop::without_plugins(Host::builder()).await;
    shop.shopify.put_customer(customer(7));
    let hostile = [
        "{\"id\": \"gid://shopify/Customer/8\", ".to_owned(),
        r#"{"id":"gid://shopify/Customer/8","createdAt":"2026-01-01T00:00:00Z","updatedAt":"tomorrow"}"#.into(),
        r#"{"id":"gid://shopify/LineItem/1","__parentId":"gid://shopify/Order/1"}"#.into(),
        format!("{{\"a\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000)),
        "x".repeat(3 << 20),
    ];
    for line in hostile {
        shop.shopify.set_bulk_faults([BulkFault::Line(line.clone())]);
        let state = history(&shop, &["--again"]);
        let start = &line[..line.len().min(80)];
        assert_eq!((&state["status"], &state["customers"]["found"]), (&json!("read"), &json!(1)), "{start}: {state}");
        assert_eq!(state["unreadable"], 1, "{start}: {state}");
        assert!(told(&state).contains("were left out"), "{state}");
    }
    assert_eq!(counters(&shop).await[0], 0, "nothing of it became an event");
}

#[tokio::test]
async fn a_history_that_ends_sixty_days_back_says_so_and_how_to_have_the_rest() {
    let shop = Shop::without_plugins(Host::builder()).await;
    put_past(&shop);
    shop.shopify.put_order(order(104, MIRA, 20));
    let since = ago(60).parse().unwrap();
    shop.shopify.show_orders_since(Some(since));
    let state = history(&shop, &["--again"]);
    assert_eq!(found(&state), [1, 0, 1, 0, 0, 0], "{state}");
    assert_eq!(state["all_orders"], false, "{state}");
    let shown = shop.run(&["store", "history", DOMAIN]);
    assert!(shown.contains("ends 60 days back") && shown.contains("read_all_orders"), "{shown}");
    shop.shopify.show_orders_since(None);
    let state = history(&shop, &["--again"]);
    assert_eq!((found(&state), &state["notes"]), ([1, 1, 3, 1, 1, 0], &json!([])), "{state}");
}

#[tokio::test]
async fn where_as_many_operations_run_as_may_it_waits_and_can_be_stopped() {
    let shop = Shop::without_plugins(Host::builder()).await;
    shop.shopify.set_other_bulk_operations(5);
    let path = format!("/stores/{DOMAIN}/history");
    let (status, _) = shop.post(&path, &json!({})).await;
    assert_eq!(status, 202);
    let is_declined = |outcome: &Outcome| matches!(outcome, Outcome::Executed(declined) if !declined.is_empty());
    let has_asked = shop
        .shopify
        .wait_until(DEADLINE, |shopify| shopify.requests().iter().any(|request| is_declined(&request.outcome)));
    has_asked.await.expect("it asks for a bulk operation");
    let state = shop.get(&path).await;
    assert_eq!((&state["status"], &state["error"]), (&json!("reading"), &Value::Null), "{state}");
    let state = history(&shop, &["--stop"]);
    assert_eq!(state["status"], "stopped", "{state}");
    assert!(told(&state).contains("was stopped"), "{state}");
    shop.shopify.set_other_bulk_operations(0);
    assert_eq!(history(&shop, &["--again"])["status"], "read");
}

#[tokio::test]
async fn what_the_shop_gathers_is_let_go_when_the_reading_is_stopped_or_begun_anew() {
    let shop = Shop::without_plugins(Host::builder()).await;
    let slow = [BulkFault::Slow { looks: usize::MAX }, BulkFault::Slow { looks: usize::MAX }];
    shop.shopify.set_bulk_faults(slow);
    let path = format!("/stores/{DOMAIN}/history");
    shop.post(&path, &json!({})).await;
    let begun = async |count: usize| {
        let operation = format!("gid://shopify/BulkOperation/{count}");
        // Whoever asks after it has kept what it is called.
        let is_asked_after = shop.shopify.wait_until(DEADLINE, |shopify| {
            shopify.requests().iter().any(|request| request.variables["id"] == *operation)
        });
        is_asked_after.await.expect("it asks after its bulk operation");
    };
    begun(1).await;
    shop.post(&path, &json!({})).await;
    begun(2).await;
    let let_go = async |count: usize| {
        let is_let_go = shop.shopify.wait_until(DEADLINE, |shopify| shopify.cancelled_bulk_operations() == count);
        is_let_go.await.expect("it lets go of its bulk operation");
    };
    let_go(1).await;
    assert_eq!(history(&shop, &["--stop"])["status"], "stopped");
    let_go(2).await;
    assert_eq!(history(&shop, &["--again"])["status"], "read");
}
