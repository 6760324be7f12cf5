//! The platform's counts against this host's: what is missing is read again, and what stays missing is told.

use super::*;

/// A shop whose past is read, and which is reconciled on demand alone.
async fn read() -> Shop {
    let config = "[history]\non_installation = false\n[reconcile]\nevery_seconds = 0\nsettle_seconds = 0\n";
    let shop = Shop::without_plugins(Host::builder().config(config)).await;
    put_past(&shop);
    assert_eq!(history(&shop, &["--again"])["status"], "read");
    shop
}

fn counted(state: &Value) -> [u64; 4] {
    let of = |what: &str| ["platform", "known"].map(|side| state["counts"][what][side].as_u64().unwrap());
    let [orders, customers] = ["orders", "customers"].map(of);
    [orders[0], orders[1], customers[0], customers[1]]
}

#[tokio::test]
async fn counts_that_agree_are_kept_and_shown() {
    let shop = read().await;
    let state = history(&shop, &["--count"]);
    assert_eq!((counted(&state), &state["notes"]), ([2, 2, 1, 1], &json!([])), "{state}");
    let shown = shop.run(&["store", "history", DOMAIN]);
    assert!(shown.contains("2 orders, 2 known here; 1 customers, 1 known here"), "{shown}");
    let url = format!("{}/metrics", shop.host.admin_url());
    let metrics = reqwest::Client::new().get(url).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("regulars_history_missing{of=\"orders\"} 0"), "{metrics}");
}

#[tokio::test]
async fn orders_that_are_missing_are_read_again_once_and_found() {
    let shop = read().await;
    // No webhook has told of it.
    shop.shopify.put_order(order(104, MIRA, 20));
    let state = history(&shop, &["--count"]);
    assert_eq!((counted(&state), &state["counts"]["repairing"]), ([3, 2, 1, 1], &json!(true)), "{state}");
    assert!(told(&state).contains("being read again"), "{state}");
    eventually("reconciliation has found it", DEADLINE, async || {
        (known(&shop, MIRA).await["orders"].as_array()?.len() == 3).then_some(())
    })
    .await;
    let state = history(&shop, &["--count"]);
    assert_eq!((counted(&state), &state["notes"]), ([3, 3, 1, 1], &json!([])), "{state}");
}

#[tokio::test]
async fn customers_that_are_missing_are_read_again_once_and_what_stays_missing_is_told() {
    let shop = read().await;
    shop.shopify.put_customer(customer(8));
    shop.shopify.set_bulk_faults([BulkFault::Fail { lines: Some(0) }]);
    let state = history(&shop, &["--count"]);
    assert_eq!((counted(&state), &state["counts"]["repairing"]), ([2, 2, 2, 1], &json!(true)), "{state}");
    let path = format!("/stores/{DOMAIN}/history");
    eventually("the past has been asked for again, in vain", DEADLINE, async || {
        (shop.get(&path).await["status"] == "failed").then_some(())
    })
    .await;
    let output = shop.host.cli(&["store", "history", DOMAIN, "--count"]);
    let told_of = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told_of.contains("has not been read to its end"), "{told_of}");

    let state = history(&shop, &["--again"]);
    assert_eq!(found(&state)[..2], [2, 1], "{state}");
    assert_eq!(counted(&history(&shop, &["--count"])), [2, 2, 2, 2]);
}

#[tokio::test]
async fn a_scope_that_was_granted_since_has_the_rest_of_the_past_read() {
    let shop = read().await;
    shop.shopify.put_order(order(104, MIRA, 20));
    let since = ago(60).parse().unwrap();
    shop.shopify.show_orders_since(Some(since));
    let state = history(&shop, &["--again"]);
    assert_eq!(state["all_orders"], false, "{state}");
    shop.shopify.put_order(order(105, MIRA, 200));
    shop.shopify.show_orders_since(None);
    let state = history(&shop, &["--count"]);
    assert_eq!(counted(&state), [1, 1, 1, 1], "of what both know: {state}");
    let path = format!("/stores/{DOMAIN}/history");
    eventually("all of it is read", DEADLINE, async || {
        let state = shop.get(&path).await;
        (state["status"] == "read" && state["all_orders"] == true).then_some(())
    })
    .await;
    assert_eq!(known(&shop, MIRA).await["orders"].as_array().unwrap().len(), 4);
}
