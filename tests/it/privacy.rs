//! What people, shops and operators ask about data, end to end: the file, the end of a person, the end of a store, and the trail.

use regulars_tests::{DEADLINE, host::eventually, population::Webhook};
use serde_json::Value;

use crate::{
    shop::{DOMAIN, SECRET, Shop, signed, webhook},
    showcase::{MIRA, MIRAS_ADDRESS},
};

/// A shop in which Mira has paid an order and has points for it.
async fn shop() -> Shop {
    let shop = Shop::open().await;
    shop.send(&webhook("customers/create", "customer_created", "w-created")).await;
    shop.send(&webhook("orders/paid", "order_placed", "w-paid")).await;
    shop.settled(2).await;
    shop
}

/// When the store was added.
async fn added_at(shop: &Shop) -> jiff::Timestamp {
    let added_at = shop.get(&format!("/stores/{DOMAIN}")).await["added_at"].as_i64().expect("it is a number");
    jiff::Timestamp::from_millisecond(added_at).expect("it is an instant")
}

/// The same webhook, triggered so many days after an instant.
fn triggered(mut webhook: Webhook, from: jiff::Timestamp, days: i64) -> Webhook {
    let at = from + jiff::SignedDuration::from_hours(24 * days);
    webhook.headers.push(("X-Shopify-Triggered-At", at.to_string()));
    webhook
}

async fn acts(shop: &Shop) -> Vec<String> {
    let trail = shop.get(&format!("/audit?store={DOMAIN}")).await;
    let act = |entry: &Value| entry["act"].as_str().expect("an entry says what was done").to_owned();
    trail.as_array().expect("a list").iter().map(act).collect()
}

async fn reaches(shop: &Shop, act: &str) {
    eventually(act, DEADLINE, async || acts(shop).await.iter().any(|it| it == act).then_some(())).await;
}

#[tokio::test]
async fn who_asks_gets_one_file_of_everything_and_the_trail_tells_of_it() {
    let shop = shop().await;
    shop.send(&webhook("customers/data_request", "data_requested", "w-ask")).await;
    reaches(&shop, "data-requested").await;
    let tasks = shop.run(&["task", "list", DOMAIN]);
    let command = format!("regulars customer data {DOMAIN} {MIRA}");
    assert!(tasks.contains(&command) && tasks.contains("answer answered"), "{tasks}");

    let out = shop.host.data_dir().join("mira.json");
    let out = out.to_string_lossy().into_owned();
    shop.run(&["customer", "data", DOMAIN, MIRAS_ADDRESS, "--out", &out]);
    let file: Value = serde_json::from_slice(&std::fs::read(&out).expect("it was written")).expect("it is JSON");
    let data = &file["data"];
    assert_eq!(data["records"][0]["email"], MIRAS_ADDRESS);
    assert_eq!(data["orders"].as_array().map(Vec::len), Some(1));
    let keys: Vec<_> = data["plugin_state"].as_array().expect("a list").iter().map(|row| &row["key"]).collect();
    assert!(keys.iter().any(|key| *key == &format!("account/{MIRA}")), "{keys:?}");
    assert!(data["events"].as_array().expect("a list").iter().any(|event| event["notice"]["email"] == MIRAS_ADDRESS));
    let again = shop.host.cli(&["customer", "data", DOMAIN, MIRA, "--out", &out]);
    assert!(!again.status.success(), "what is there is not written over");

    let answer = shop.run(&["task", "list", DOMAIN]);
    let key = answer.split_whitespace().find(|word| word.starts_with("data-request/")).expect("the task is open");
    shop.run(&["task", "answer", DOMAIN, "regulars", key.trim_end_matches(':'), "answered"]);
    assert!(shop.run(&["task", "list", DOMAIN]).contains("(none)"));
    let acts = acts(&shop).await;
    for act in ["data-answered", "data-read", "data-requested"] {
        assert!(acts.iter().any(|it| it == act), "{act}: {acts:?}");
    }
    assert!(!shop.run(&["audit", "--json"]).contains(MIRA), "the trail names nobody");
}

#[tokio::test]
async fn who_is_redacted_is_in_no_row_of_an_export_and_the_sums_are() {
    let shop = shop().await;
    let export = || shop.run(&["export", DOMAIN]).to_lowercase();
    assert!(export().contains("okonjo"));
    shop.send(&webhook("customers/redact", "customer_redacted", "w-redact")).await;
    reaches(&shop, "customer-forgotten").await;
    let left = export();
    assert!(!left.contains("okonjo") && !left.contains("mira"), "{left}");
    assert!(left.contains(&format!("account/{MIRA}")), "the points stay");
}

#[tokio::test]
async fn an_operator_forgets_a_customer_whose_platform_does_not_ask() {
    let shop = shop().await;
    assert!(!shop.host.cli(&["customer", "forget", DOMAIN, MIRAS_ADDRESS, "--confirm", MIRA]).status.success());
    assert!(shop.run(&["export", DOMAIN]).to_lowercase().contains("okonjo"));
    shop.run(&["customer", "forget", DOMAIN, MIRAS_ADDRESS, "--confirm", MIRAS_ADDRESS]);
    reaches(&shop, "customer-forgotten").await;
    let left = shop.run(&["export", DOMAIN]).to_lowercase();
    assert!(!left.contains("okonjo") && !left.contains("mira"), "{left}");
    assert!(left.contains(&format!("account/{MIRA}")), "the points stay");
    assert!(shop.run(&["audit"]).contains("operator"));
}

#[tokio::test]
async fn a_shop_that_leaves_is_still_heard_for_its_people_and_then_erased() {
    let shop = shop().await;
    let added = added_at(&shop).await;
    let before = triggered(signed("app/uninstalled", br#"{"id": 1}"#.to_vec(), "w-stale"), added, -1);
    assert_eq!(shop.send(&before).await.status, 200);
    let gone = triggered(signed("app/uninstalled", br#"{"id": 1}"#.to_vec(), "w-gone"), added, 0);
    assert_eq!(shop.send(&gone).await.status, 200);
    eventually("the store is removed", DEADLINE, async || {
        (shop.get(&format!("/stores/{DOMAIN}")).await["status"] == 404).then_some(())
    })
    .await;
    assert_eq!(shop.send(&webhook("orders/paid", "order_jpy", "w-late")).await.status, 404);

    let redact = webhook("customers/redact", "customer_redacted", "w-redact");
    let mut forged = redact.clone();
    forged.set_header("X-Shopify-Hmac-Sha256", "bm90IGl0".into());
    assert_eq!(shop.send(&forged).await.status, 401);
    assert_eq!(shop.send(&redact).await.status, 200);
    reaches(&shop, "customer-forgotten").await;

    let body = format!(r#"{{"shop_id": 1, "shop_domain": "{DOMAIN}"}}"#).into_bytes();
    assert_eq!(shop.send(&triggered(signed("shop/redact", body.clone(), "w-soon"), added, 1)).await.status, 200);
    assert_eq!(shop.send(&triggered(signed("shop/redact", body, "w-erase"), added, 3)).await.status, 200);
    reaches(&shop, "erasure-ended").await;
    assert_eq!(shop.send(&webhook("orders/paid", "order_jpy", "w-later")).await.status, 404);
    shop.add_store(DOMAIN, SECRET);
    let customers = shop.get(&format!("/stores/{DOMAIN}/customers")).await;
    assert_eq!(customers.as_array().map(Vec::len), Some(0), "a store of that name begins anew");
}

#[tokio::test]
async fn an_operator_erases_a_store_only_by_its_name_said_twice() {
    let shop = shop().await;
    let dry = shop.run(&["store", "erase", DOMAIN, "--dry-run"]);
    assert!(dry.contains("nothing was"), "{dry}");
    assert!(!shop.host.cli(&["store", "erase", DOMAIN]).status.success());
    assert!(!shop.host.cli(&["store", "erase", DOMAIN, "--confirm", "moss.myshopify.com"]).status.success());
    assert!(shop.run(&["store", "list"]).contains(DOMAIN));
    shop.run(&["store", "erase", DOMAIN, "--confirm", DOMAIN]);
    reaches(&shop, "erasure-ended").await;
    assert!(!shop.run(&["store", "list"]).contains(DOMAIN));
    assert!(shop.run(&["audit"]).contains("operator"));
}

#[tokio::test]
async fn a_store_says_what_its_plugins_may_see() {
    let shop = shop().await;
    let level = async || shop.get(&format!("/stores/{DOMAIN}")).await["protected_data"].clone();
    assert_eq!(level().await, 2);
    shop.run(&["store", "update", DOMAIN, "--protected-data", "1"]);
    assert_eq!(level().await, 1);
    assert!(!shop.host.cli(&["store", "update", DOMAIN, "--protected-data", "3"]).status.success());
}
