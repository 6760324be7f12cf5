//! The command line: what it does with a host and without one, and what it says when it cannot.

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
};
use serde_json::Value;

use crate::shop::{DOMAIN, SECRET, Shop, plugin_file, webhook};

/// What a command that has to fail says.
#[track_caller]
fn refused(host: &Host, args: &[&str]) -> String {
    let output = host.cli(args);
    assert!(!output.status.success(), "`regulars {}` succeeded", args.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test]
async fn an_error_names_the_thing_the_reason_and_the_remedy() {
    let shop = Shop::open().await;
    let host = &shop.host;
    says(&refused(host, &["event", "list", "other.myshopify.com"]), &["other.myshopify.com", "store list"]);
    says(&refused(host, &["event", "show", DOMAIN, "webhook/none"]), &["webhook/none", "event list"]);
    says(&refused(host, &["plugin", "enable", DOMAIN, "stamp-card", "--grant-all"]), &["stamp-card", "plugin install"]);
    let ungranted = refused(host, &["plugin", "enable", DOMAIN, "loyalty-points", "--grant", "mail"]);
    says(&ungranted, &["discounts", "--grant"]);
    says(&refused(host, &["store", "add", DOMAIN, "--currency", "EUR", "--secret", "x"]), &[DOMAIN, "store update"]);
    says(&refused(host, &["store", "add", "a.myshopify.com", "--currency", "EURO", "--secret", "x"]), &["EURO"]);
    says(&refused(host, &["store", "add", "a.example", "--currency", "EUR", "--secret", "x"]), &["a.example"]);
    says(&refused(host, &["store", "add", "a.myshopify.com", "--currency", "EUR"]), &["secret"]);
    says(&refused(host, &["customer", "act", DOMAIN, "1", "loyalty-points", "redeem", "--key", "1"]), &["`1`"]);
    let file = host.data_dir().join("not-a-plugin.wasm");
    std::fs::write(&file, b"\0asm").unwrap();
    says(&refused(host, &["plugin", "install", &file.to_string_lossy()]), &["component"]);
    std::fs::write(&file, br#"{"signup_points": -1, "sginup": 2}"#).unwrap();
    let settings = refused(host, &["plugin", "settings", DOMAIN, "loyalty-points", "--save", &file.to_string_lossy()]);
    says(&settings, &["signup_points", "sginup"]);
}

#[tokio::test]
async fn a_second_host_on_the_same_data_is_turned_away_and_harms_nothing() {
    let shop = Shop::open().await;
    let folder = shop.host.data_dir().display().to_string();
    says(&refused(&shop.host, &["serve"]), &[&folder, "in use by another process"]);
    says(&refused(&shop.host, &["compact"]), &[&folder, "in use by another process"]);
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "w-1")).await.status, 200);
}

#[tokio::test]
async fn commands_give_the_same_answers_whether_or_not_the_host_runs() {
    let mut shop = Shop::open().await;
    shop.send(&webhook("orders/paid", "order_placed", "w-1")).await;
    shop.settled(1).await;
    let listings: [&[&str]; 6] = [
        &["store", "list", "--json"],
        &["plugin", "list", "--json"],
        &["plugin", "list", DOMAIN, "--json"],
        &["event", "list", DOMAIN, "--json"],
        &["customer", "list", DOMAIN, "--json"],
        &["effect", "list", DOMAIN, "--json"],
    ];
    let answers = |shop: &Shop| listings.map(|listing| shop.host.cli_json(listing));
    let running = answers(&shop);
    assert!(running.iter().all(|answer| answer.as_array().is_some_and(|rows| !rows.is_empty())), "{running:#?}");
    assert!(shop.host.terminate(), "the host ends well when it is asked to");
    assert_eq!(answers(&shop), running);
}

#[tokio::test]
async fn a_backup_of_a_running_host_starts_and_holds_everything() {
    let shop = Shop::open().await;
    for (topic, fixture) in [("customers/create", "customer_created"), ("orders/paid", "order_placed")] {
        assert_eq!(shop.send(&webhook(topic, fixture, fixture)).await.status, 200);
    }
    shop.settled(2).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let told = shop.run(&["backup", &copy.to_string_lossy()]);
    says(&told, &["rows", "files"]);
    says(&refused(&shop.host, &["backup", &copy.to_string_lossy()]), &["exists"]);
    let export = |host: &Host| {
        let output = host.cli(&["export", DOMAIN]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let before = export(&shop.host);
    let restored = Host::builder().data(&copy).start();
    assert_eq!(export(&restored), before);
    let event = restored.cli_json(&["event", "show", DOMAIN, "webhook/order_placed", "--json"]);
    assert_eq!(event["payload"]["name"], "#1042", "raw bodies are in it");
}

#[tokio::test]
async fn compaction_keeps_everything() {
    let mut shop = Shop::open().await;
    shop.send(&webhook("orders/paid", "order_placed", "w-1")).await;
    shop.settled(1).await;
    assert!(shop.host.terminate());
    let before = shop.run(&["export", DOMAIN]);
    says(&shop.run(&["compact"]), &["rows"]);
    assert_eq!(shop.run(&["export", DOMAIN]), before);
    shop.host.restart();
    // A repeat is known again, and so counts for nothing.
    shop.send(&webhook("orders/paid", "order_placed", "w-1")).await;
    eventually("the repeat is seen", DEADLINE, async || {
        (shop.get("/status").await["counters"]["events_repeated"] == 1).then_some(())
    })
    .await;
    assert_eq!(shop.run(&["export", DOMAIN]), before);
}

#[tokio::test]
async fn an_export_is_complete_and_holds_no_secret() {
    let shop = Shop::open().await;
    for (topic, fixture) in [("orders/paid", "order_placed"), ("refunds/create", "refund_partial")] {
        shop.send(&webhook(topic, fixture, fixture)).await;
    }
    shop.settled(2).await;
    let export = shop.run(&["export", DOMAIN]);
    let kinds: std::collections::BTreeSet<_> = export
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["customer", "effect", "enabled", "event", "order", "refund", "settings", "state", "timer"];
    assert_eq!(kinds, expected.map(str::to_owned).into());
    let token = "shpat_simulated";
    let told = [export, shop.run(&["store", "list", "--json"]), shop.host.log()];
    for secret in [format!("\"{SECRET}\""), token.to_owned()] {
        assert!(told.iter().all(|text| !text.contains(&secret)), "a secret shows");
    }
}

#[tokio::test]
async fn a_plugin_file_is_checked_without_a_host() {
    let shop = Shop::open().await;
    let told = shop.run(&["plugin", "check", &plugin_file("loyalty-points").to_string_lossy()]);
    says(&told, &["loyalty-points", "size", "fuel", "regulars:plugin/mail", "earned"]);
}

#[tokio::test]
async fn settings_are_versions_and_a_delivery_names_the_one_it_read() {
    let shop = Shop::open().await;
    shop.send(&webhook("orders/paid", "order_placed", "w-1")).await;
    shop.settled(1).await;
    let file = shop.host.data_dir().join("generous.json");
    std::fs::write(&file, r#"{"earn_points": 10, "pending_days": 0, "balance_metafield": false}"#).unwrap();
    for _ in 0..2 {
        let told = shop.run(&["plugin", "settings", DOMAIN, "loyalty-points", "--save", &file.to_string_lossy()]);
        says(&told, &["version 2"]);
    }
    shop.send(&webhook("customers/create", "customer_created", "w-2")).await;
    shop.settled(2).await;
    let events = shop.events().await;
    let versions: Vec<_> = events.iter().map(|event| event["deliveries"][0]["settings_version"].clone()).collect();
    assert_eq!(versions, [2, 1], "newest first");
}

#[tokio::test]
async fn two_stores_with_the_same_customer_and_order_know_nothing_of_each_other() {
    let shop = Shop::open().await;
    let other = "moss.myshopify.com";
    shop.add_store(other, SECRET);
    let settings = shop.host.data_dir().join("settings.json");
    let settings = settings.to_string_lossy();
    shop.run(&["plugin", "enable", other, "loyalty-points", "--grant-all", "--settings", &settings]);
    let mut theirs = webhook("orders/paid", "order_placed", "w-1");
    theirs.set_header("X-Shopify-Shop-Domain", other.into());
    assert_eq!(shop.send(&theirs).await.status, 200);
    let mut refund = webhook("refunds/create", "refund_partial", "w-2");
    refund.set_header("X-Shopify-Shop-Domain", other.into());
    assert_eq!(shop.send(&refund).await.status, 200);
    let ours = shop.send(&webhook("orders/paid", "order_placed", "w-1")).await;
    says(&ours.body, &["accepted"]);
    shop.settled(1).await;
    assert_eq!(shop.balance("9107200431558877203").await, Some(38));
    let theirs = shop.host.cli_json(&["event", "list", other, "--json"]);
    let told = theirs.as_array().expect("a list").iter().filter(|event| event["topic"] != "settings.published");
    assert_eq!(told.count(), 2);
}
