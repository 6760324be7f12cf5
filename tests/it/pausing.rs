//! A plugin that keeps failing: it is paused where everyone can see it, and goes on when someone says so.

use regulars_tests::{
    DEADLINE,
    host::{Builder, Host, eventually},
};
use serde_json::{Value, json};

use crate::{
    brittle::{self, NAME, webhooks},
    observability::{figures, value},
    shop::{DOMAIN, Shop},
};

/// Failures in a row after which a plugin is paused here.
const PAUSE_AFTER: usize = 3;

const FAILING: [&str; PAUSE_AFTER] = ["x-1", "x-2", "x-3"];

fn impatient() -> Builder {
    Host::builder().env("REGULARS__RETRY__PAUSE_AFTER", PAUSE_AFTER.to_string())
}

/// A plugin as it is switched on in the shop.
async fn enabled(shop: &Shop, plugin: &str) -> Value {
    let plugins = shop.get(&format!("/stores/{DOMAIN}/plugins")).await;
    let found = plugins.as_array().and_then(|all| all.iter().find(|it| it["name"] == plugin));
    found.unwrap_or_else(|| panic!("{plugin} is not in {plugins}")).clone()
}

/// Waits until the plugin's status is this one.
pub async fn becomes(shop: &Shop, status: &str) -> Value {
    eventually(&format!("the plugin is {status}"), DEADLINE, async || {
        let plugin = enabled(shop, NAME).await;
        (plugin["status"] == status).then_some(plugin)
    })
    .await
}

/// A shop in which the plugin has failed until it was paused.
pub async fn paused(fails: &str) -> Shop {
    let shop = Shop::open_with(impatient()).await;
    brittle::switch_on(&shop, fails);
    brittle::send(&shop, &FAILING).await;
    becomes(&shop, "paused").await;
    shop
}

/// The same, with two more events that have come since, and with what had failed fallen due and waiting too.
async fn all_waiting() -> (Shop, [&'static str; PAUSE_AFTER + 2]) {
    let shop = paused("at first").await;
    brittle::send(&shop, &["w-4", "w-5"]).await;
    brittle::stand(&shop, PAUSE_AFTER + 2, "waiting").await;
    let [first, second, third] = FAILING;
    (shop, [first, second, third, "w-4", "w-5"])
}

/// The row of a plugin in the command line's table.
fn row(shop: &Shop, plugin: &str) -> String {
    let table = shop.run(&["plugin", "list", DOMAIN]);
    let row = table.lines().find(|row| row.starts_with(plugin));
    row.unwrap_or_else(|| panic!("{plugin} is not in {table}")).to_owned()
}

#[tokio::test]
async fn a_plugin_that_keeps_failing_is_paused_and_everyone_can_see_why_and_what_waits() {
    let mut shop = paused("at first").await;
    brittle::send(&shop, &["w-4"]).await;
    brittle::stand(&shop, PAUSE_AFTER + 1, "waiting").await;

    let plugin = enabled(&shop, NAME).await;
    let reason = plugin["paused"]["reason"].as_str().expect("a reason is given").to_owned();
    assert!(reason.contains(&format!("{PAUSE_AFTER} deliveries in a row failed")), "{reason}");
    assert_eq!(plugin["paused"]["waiting"], PAUSE_AFTER + 1, "{plugin}");
    let listed = row(&shop, NAME);
    assert!(listed.contains("paused") && listed.contains(&reason), "{listed}");
    let scrape = figures(&format!("{}/metrics", shop.host.admin_url())).await;
    assert_eq!(value(&scrape, "regulars_plugins_paused_total", &[]), 1.0);
    assert_eq!(shop.get("/status").await["counters"]["plugins_paused"], 1);
    assert!(shop.host.log().contains("brittle is paused"), "the log tells too");

    // Nobody else is held up.
    let steady = "loyalty-points";
    assert_eq!(enabled(&shop, steady).await["status"], "working");
    assert!(row(&shop, steady).contains("working"));
    for event in shop.events().await.iter().filter(|event| event["topic"] == "order.paid") {
        assert_eq!(brittle::outcome(event, steady), Some("done"), "{event}");
    }
    assert_eq!(brittle::handled(&shop).await, [""; 0], "what waits is not run");

    shop.host.restart();
    let kept = enabled(&shop, NAME).await;
    assert_eq!((&kept["status"], &kept["paused"]), (&json!("paused"), &plugin["paused"]), "a restart forgets nothing");
}

#[tokio::test]
async fn what_a_plugin_says_of_its_failures_is_kept_with_it_and_is_in_no_log_line() {
    let shop = paused("for good").await;
    let reason = enabled(&shop, NAME).await["paused"]["reason"].as_str().expect("a reason is given").to_owned();
    assert!(reason.contains(brittle::FOR_GOOD) && row(&shop, NAME).contains(&reason), "{reason}");
    let log = shop.host.log();
    let line = log.lines().find(|line| line.contains("brittle is paused")).expect("the log tells");
    assert!(line.contains(&format!("{PAUSE_AFTER} deliveries in a row failed")), "{line}");
    assert!(!log.contains(brittle::FOR_GOOD), "{log}");
}

#[tokio::test]
async fn what_waits_for_a_plugin_is_not_replayed_and_told_apart_from_what_is_done() {
    let (shop, _) = all_waiting().await;
    let path = format!("/stores/{DOMAIN}/events/webhook/w-4");
    for body in [json!({}), json!({ "plugin": NAME })] {
        let (status, problem) = shop.post(&path, &body).await;
        assert_eq!((status, &problem["type"]), (409, &json!("urn:regulars:problem:waiting")), "{problem}");
        let detail = problem["detail"].as_str().expect("it is told why");
        assert!(detail.contains(NAME) && detail.contains("plugin resume") && !detail.contains("done"), "{detail}");
    }
    let (status, problem) = shop.post(&path, &json!({ "plugin": "loyalty-points" })).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:regulars:problem:not-replayed")), "{problem}");
}

#[tokio::test]
async fn a_resumed_plugin_runs_what_waited_in_order_of_arrival_and_each_once() {
    let (shop, waiting) = all_waiting().await;
    let told = shop.run(&["plugin", "resume", DOMAIN, NAME]);
    assert!(told.contains(&format!("{NAME} goes on in {DOMAIN}; {} deliveries waited", waiting.len())), "{told}");
    becomes(&shop, "working").await;
    assert_eq!(brittle::handled(&shop).await, webhooks(&waiting));
    assert_eq!(enabled(&shop, NAME).await["paused"], Value::Null);
    brittle::send(&shop, &["w-6"]).await;
    let all = [&waiting[..], &["w-6"]].concat();
    assert_eq!(brittle::handled_in_all(&shop, all.len()).await, webhooks(&all));
    brittle::stand(&shop, all.len(), "done").await;
}

#[tokio::test]
async fn a_host_that_is_killed_as_a_plugin_goes_on_runs_what_waited_once_all_the_same() {
    let (mut shop, waiting) = all_waiting().await;
    let (status, resumed) = shop.post(&format!("/stores/{DOMAIN}/plugins/{NAME}/resume"), &json!({})).await;
    assert!(status == 200 && resumed["status"] != "paused", "{resumed}");
    shop.host.restart();
    becomes(&shop, "working").await;
    assert_eq!(brittle::handled(&shop).await, webhooks(&waiting));
}

#[tokio::test]
async fn what_waits_is_run_by_the_next_host_where_a_plugin_is_resumed_while_none_runs() {
    let (mut shop, waiting) = all_waiting().await;
    assert!(shop.host.terminate());
    let told = shop.run(&["plugin", "resume", DOMAIN, NAME]);
    assert!(told.contains("5 deliveries"), "{told}");
    shop.host.restart();
    becomes(&shop, "working").await;
    assert_eq!(brittle::handled(&shop).await, webhooks(&waiting));
}

#[tokio::test]
async fn a_plugin_that_still_fails_is_paused_again_and_new_settings_let_it_go_on() {
    let shop = paused("for good").await;
    brittle::send(&shop, &["w-4", "w-5", "w-6"]).await;
    brittle::stand(&shop, 3, "waiting").await;
    shop.run(&["plugin", "resume", DOMAIN, NAME]);
    brittle::stand(&shop, 6, "dead").await;
    let paused = becomes(&shop, "paused").await;
    assert_eq!(paused["paused"]["resumed_at"], Value::Null, "{paused}");
    eventually("it is counted twice", DEADLINE, async || {
        (shop.get("/status").await["counters"]["plugins_paused"] == 2).then_some(())
    })
    .await;
    brittle::send(&shop, &["w-7"]).await;
    brittle::stand(&shop, 1, "waiting").await;
    brittle::change(&shop, "never");
    becomes(&shop, "working").await;
    assert_eq!(brittle::handled(&shop).await, webhooks(&["w-7"]), "dead letters stay dead until they are replayed");
}

#[tokio::test]
async fn only_a_plugin_that_is_paused_can_be_resumed() {
    let shop = Shop::open().await;
    let other = "moss.myshopify.com";
    for (store, plugin, status, kind) in [
        (DOMAIN, "loyalty-points", 409, "not-paused"),
        (DOMAIN, "stamp-card", 404, "not-found"),
        (other, "loyalty-points", 404, "not-found"),
    ] {
        let (answered, problem) = shop.post(&format!("/stores/{store}/plugins/{plugin}/resume"), &json!({})).await;
        assert_eq!((answered, &problem["type"]), (status, &json!(format!("urn:regulars:problem:{kind}"))), "{problem}");
        let output = shop.host.cli(&["plugin", "resume", store, plugin]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(problem["detail"].as_str().expect("it is told why")), "{told}");
    }
    assert_eq!(enabled(&shop, "loyalty-points").await["status"], "working", "nothing has changed");
}
