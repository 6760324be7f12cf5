//! Reconciliation as an operator asks for it: `regulars store reconcile`, the API behind it, and what both report.

use std::time::Duration;

use jiff::Timestamp;
use regulars::clock::{Clock, System};
use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    shopify_admin::Options,
};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, SECRET, Shop, signed, webhook};

const HOUR: Duration = Duration::from_secs(3600);

/// A shop that is reconciled only on request, and then up to the moment.
async fn shop() -> Shop {
    Shop::open_with(Host::builder().config("[reconcile]\nevery_seconds = 0\nsettle_seconds = 0")).await
}

/// Whole milliseconds, as the host counts.
fn now() -> Timestamp {
    let now = i64::try_from(System.now().0).expect("it is a time of our age");
    Timestamp::from_millisecond(now).expect("it is a time of our age")
}

/// A paid order that was placed and last changed so long ago.
fn order(id: u64, placed: Duration, changed: Duration) -> Value {
    let mut order: Value = serde_json::from_slice(&webhook("orders/paid", "order_placed", "").body).unwrap();
    let now = now();
    let ago = |long: Duration| json!((now - long).to_string());
    order["id"] = id.into();
    order["admin_graphql_api_id"] = format!("gid://shopify/Order/{id}").into();
    order["name"] = format!("#{id}").into();
    order["created_at"] = ago(placed);
    order["processed_at"] = ago(placed);
    order["updated_at"] = ago(changed);
    order
}

/// An order of just now.
pub fn new_order(id: u64) -> Value {
    order(id, Duration::ZERO, Duration::ZERO)
}

async fn tell(shop: &Shop, topic: &'static str, order: &Value, id: &str) {
    let answer = shop.send(&signed(topic, order.to_string().into_bytes(), id)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Has the store reconciled, and says what the command prints as JSON.
fn reconcile(shop: &Shop, more: &[&str]) -> Value {
    shop.host.cli_json(&[&["store", "reconcile", DOMAIN, "--json"][..], more].concat())
}

fn counts(report: &Value) -> [&Value; 4] {
    ["looked_at", "repaired", "duplicates", "error"].map(|field| &report["latest"][field])
}

#[tokio::test]
async fn what_no_webhook_told_is_repaired_once_and_what_one_told_is_reported_as_a_duplicate() {
    let shop = shop().await;
    let (told, missed) = (new_order(101), new_order(102));
    for order in [&told, &missed] {
        shop.shopify.put_order(order.clone());
    }
    tell(&shop, "orders/create", &told, "w-created").await;
    tell(&shop, "orders/paid", &told, "w-paid").await;

    let report = reconcile(&shop, &[]);
    assert_eq!(counts(&report), [&json!(2), &json!(2), &json!(2), &Value::Null], "{report}");
    assert_eq!((&report["repaired_ever"], &report["more"]), (&json!(2), &json!(false)), "{report}");
    shop.settled(4).await;
    let earned = |name: &str, events: &[Value]| {
        let of_order = events.iter().filter(|event| event["topic"] == "order.paid" && event["order"] == name);
        of_order.map(|event| event["id"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let events = shop.events().await;
    assert_eq!(earned("101", &events), ["webhook/w-paid"]);
    let made_up = earned("102", &events);
    assert!(made_up.len() == 1 && made_up[0].starts_with("read/orders/paid/102/"), "{made_up:?}");
    // 38 points for each of the two.
    let customer = "9107200431558877203";
    assert_eq!(shop.balance(customer).await, Some(76));

    let again = reconcile(&shop, &[]);
    assert_eq!(counts(&again), [&json!(2), &json!(0), &json!(4), &Value::Null], "{again}");
    assert_eq!(again["repaired_ever"], 2, "{again}");
    // The lost webhook comes after all.
    tell(&shop, "orders/paid", &missed, "w-late").await;
    eventually("the late webhook is known to tell nothing new", DEADLINE, async || {
        (shop.get("/status").await["counters"]["events_told_before"] == 1).then_some(())
    })
    .await;
    assert_eq!(shop.balance(customer).await, Some(76));
}

#[tokio::test]
async fn the_report_says_how_late_a_repair_is_and_the_command_and_the_api_say_the_same() {
    let shop = shop().await;
    let never = shop.run(&["store", "reconcile", DOMAIN, "--last"]);
    assert!(never.contains("has not been reconciled yet"), "{never}");
    // An old order's change is learnt however long ago it was, if a run reads back that far.
    shop.shopify.put_order(order(101, 5 * HOUR, 2 * HOUR));
    let since = (now() - 3 * HOUR).to_string();
    let told = shop.run(&["store", "reconcile", DOMAIN, "--since", &since]);

    let state = shop.get(&format!("/stores/{DOMAIN}/reconciliation")).await;
    let run = &state["latest"];
    assert_eq!(counts(&state), [&json!(1), &json!(1), &json!(0), &Value::Null], "{state}");
    let late = |field: &str| run[field].as_u64().unwrap_or_else(|| panic!("{field}: {run}"));
    assert!(late("late_max_ms") >= 7_200_000, "{run}");
    assert_eq!(late("late_median_ms"), late("late_max_ms"), "of one");
    let seconds = late("late_max_ms") / 1000;
    for line in [
        "looked at   1 in 1 pages".to_owned(),
        "repaired    1, which no webhook had told (1 ever)".to_owned(),
        "duplicates  0 ignored".to_owned(),
        format!("late by     {seconds} s at most, {seconds} s in the median"),
    ] {
        assert!(told.contains(&line), "`{line}` is not in: {told}");
    }
    assert_eq!(reconcile(&shop, &["--last"]), state);
    assert_eq!(shop.run(&["store", "reconcile", DOMAIN, "--last"]), told);

    let again = reconcile(&shop, &["--since", &since]);
    assert_eq!(counts(&again)[..2], [&json!(1), &json!(0)], "{again}");
}

#[tokio::test]
async fn a_run_that_is_asked_for_over_the_api_is_accepted_and_can_be_watched() {
    let shop = shop().await;
    shop.shopify.put_order(new_order(101));
    let path = format!("/stores/{DOMAIN}/reconciliation");
    let (status, state) = shop.post(&path, &json!({})).await;
    assert_eq!(status, 202, "{state}");
    let state = eventually("the run has ended", DEADLINE, async || {
        let state = shop.get(&path).await;
        let ended = state["waiting"] == false && state["running"].is_null();
        ended.then_some(state)
    })
    .await;
    assert_eq!(counts(&state), [&json!(1), &json!(2), &json!(0), &Value::Null], "{state}");
    for field in ["started_at", "ended_at", "from", "to", "pages"] {
        assert!(state["latest"][field].is_u64(), "{field}: {state}");
    }
}

#[tokio::test]
async fn a_run_that_the_platform_refuses_says_so_and_the_next_one_makes_up_for_it() {
    let shop = shop().await;
    shop.shopify.put_order(new_order(101));
    shop.run(&["store", "update", DOMAIN, "--token", "revoked"]);
    let output = shop.host.cli(&["store", "reconcile", DOMAIN, "--json"]);
    assert_eq!(output.status.code(), Some(1), "a run that ended early is a failure");
    let report: Value = serde_json::from_slice(&output.stdout).expect("the report is printed all the same");
    let error = report["latest"]["error"].as_str().expect("it is told what went wrong").to_owned();
    assert_eq!(counts(&report)[..2], [&json!(0), &json!(0)], "{report}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&format!("error: the run ended early: {error}")), "{told}");
    assert_eq!((&report["latest"]["from"], &report["latest"]["to"]), (&Value::Null, &Value::Null), "{report}");
    let told = shop.run(&["store", "reconcile", DOMAIN, "--last"]);
    assert!(told.contains(&format!("The run ended early: {error}")), "{told}");
    assert!(told.contains("nothing was read") && !told.contains(" to 20"), "{told}");
    shop.run(&["store", "update", DOMAIN, "--token", &Options::default().access_token]);
    let report = reconcile(&shop, &[]);
    assert_eq!(counts(&report), [&json!(1), &json!(2), &json!(0), &Value::Null], "{report}");
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_with_what_is_missing() {
    let shop = shop().await;
    let unknown = "moss.myshopify.com";
    let (status, problem) = shop.post(&format!("/stores/{unknown}/reconciliation"), &json!({})).await;
    assert_eq!((status, &problem["type"]), (404, &json!("urn:regulars:problem:not-found")), "{problem}");
    let shown = shop.get(&format!("/stores/{unknown}/reconciliation")).await;
    assert_eq!(shown["type"], "urn:regulars:problem:not-found", "{shown}");
    let refused = |args: &[&str]| {
        let output = shop.host.cli(&[&["store", "reconcile"][..], args].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, told) = refused(&[unknown]);
    assert!(status == Some(1) && told.contains(unknown) && told.contains("store list"), "{told}");
    for wrong in [&[DOMAIN, "--since", "yesterday"][..], &[DOMAIN, "--since", "2026-11-01T00:00:00Z", "--last"]] {
        let (status, told) = refused(wrong);
        assert!(status == Some(2) && told.contains("--since"), "{wrong:?}: {told}");
    }

    // A store whose webhooks are taken and of which nothing can be read.
    shop.run(&["store", "add", unknown, "--currency", "EUR", "--secret", SECRET]);
    let output = shop.host.cli(&["store", "reconcile", unknown]);
    assert_eq!(output.status.code(), Some(1));
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(told.contains("no access token") && told.contains("store update"), "{told}");
    assert!(!told.contains("1970"), "no span is told of what was not read: {told}");
    let state = shop.get(&format!("/stores/{unknown}/reconciliation")).await;
    assert!(state["latest"]["error"].as_str().is_some_and(|error| told.contains(error)), "{state}");
    assert_eq!(counts(&state)[..3], [&json!(0), &json!(0), &json!(0)], "nothing was read: {state}");
}

#[tokio::test]
async fn without_a_running_host_a_run_is_refused_at_once_and_the_last_one_is_shown() {
    let mut shop = shop().await;
    shop.shopify.put_order(new_order(101));
    let told = shop.run(&["store", "reconcile", DOMAIN]);
    assert!(shop.host.terminate());
    for more in [&[][..], &["--since", "2026-11-01T00:00:00Z"]] {
        let output = shop.host.cli(&[&["store", "reconcile", DOMAIN][..], more].concat());
        let refused = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{refused}");
        assert!(refused.contains("none runs") && refused.contains("regulars serve"), "{refused}");
    }
    assert_eq!(shop.run(&["store", "reconcile", DOMAIN, "--last"]), told);
}
