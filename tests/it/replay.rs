//! What has failed for good, run again on request: one event, a part of a store, all of it.

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
};
use serde_json::{Value, json};

use crate::{
    brittle::{self, NAME, webhooks},
    shop::{DOMAIN, SECRET, Shop, signed, webhook},
};

const IDS: [&str; 5] = ["w-1", "w-2", "w-3", "w-4", "w-5"];

/// A shop in which every event of the plugin has become a dead letter.
async fn with_dead_letters() -> Shop {
    // Never paused: what is paused waits, and nothing is a dead letter.
    let shop = Shop::open_with(Host::builder().env("REGULARS__RETRY__PAUSE_AFTER", "0")).await;
    brittle::switch_on(&shop, "for good");
    brittle::send(&shop, &IDS).await;
    brittle::stand(&shop, IDS.len(), "dead").await;
    shop
}

/// Where in the inbox the event of a webhook stands.
async fn position(shop: &Shop, id: &str) -> u64 {
    let event = shop.get(&format!("/stores/{DOMAIN}/events/webhook/{id}")).await;
    event["position"].as_u64().unwrap_or_else(|| panic!("an event of {id}: {event}"))
}

/// A command that has to fail: its status and what it says.
#[track_caller]
fn refused(shop: &Shop, args: &[&str]) -> (Option<i32>, String) {
    let output = shop.host.cli(args);
    assert!(!output.status.success(), "`regulars {}` succeeded", args.join(" "));
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn summary(shop: &Shop, args: &[&str]) -> Value {
    let mut printed = shop.host.cli_json(&[&["replay", DOMAIN, "--json"][..], args].concat());
    printed["summary"].take()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test]
async fn one_dead_letter_is_run_again_by_id_or_position_and_counts_once() {
    let shop = with_dead_letters().await;
    brittle::change(&shop, "never");
    let told = shop.run(&["event", "replay", DOMAIN, "webhook/w-2"]);
    assert!(told.contains("due now") && told.contains(NAME), "{told}");
    assert_eq!(brittle::handled_in_all(&shop, 1).await, webhooks(&["w-2"]));
    let third = position(&shop, "w-3").await.to_string();
    shop.run(&["event", "replay", DOMAIN, &third, "--plugin", NAME]);
    assert_eq!(brittle::handled_in_all(&shop, 2).await, webhooks(&["w-2", "w-3"]));
    let path = format!("/stores/{DOMAIN}/events/webhook/w-5");
    let (status, answer) = shop.post(&path, &json!({ "plugin": NAME })).await;
    assert_eq!((status, &answer), (200, &json!({ "event": "webhook/w-5", "due": [NAME] })));
    let handled = brittle::handled_in_all(&shop, 3).await;
    assert_eq!(handled, webhooks(&["w-2", "w-3", "w-5"]));
    brittle::stand(&shop, 2, "dead").await;
    assert!(shop.run(&["event", "show", DOMAIN, "webhook/w-2"]).contains("brittle: done at attempt 1"));

    // What is done counts once: a second replay is refused and runs nothing.
    let (status, problem) = shop.post(&path, &json!({})).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:regulars:problem:not-replayed")), "{problem}");
    let (_, told) = refused(&shop, &["event", "replay", DOMAIN, "webhook/w-2"]);
    assert!(told.contains("nothing to replay"), "{told}");
    // A delivery that an event never had is not one that is done.
    let (status, problem) = shop.post(&path, &json!({ "plugin": "stamp-card" })).await;
    assert_eq!((status, &problem["type"]), (404, &json!("urn:regulars:problem:not-found")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("plugin install")), "{problem}");
    let new = webhook("customers/create", "customer_created", "w-new");
    assert_eq!(shop.send(&new).await.status, 200);
    shop.settled(IDS.len() + 1).await;
    let (status, told) = refused(&shop, &["event", "replay", DOMAIN, "webhook/w-new", "--plugin", NAME]);
    assert!(status == Some(1) && told.contains("no such delivery") && !told.contains("done"), "{told}");
    // Nor is another plugin's dead letter run.
    let path = format!("/stores/{DOMAIN}/events/webhook/w-4");
    let (status, problem) = shop.post(&path, &json!({ "plugin": "loyalty-points" })).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:regulars:problem:not-replayed")), "{problem}");
    assert_eq!(brittle::handled(&shop).await, handled);
}

#[tokio::test]
async fn a_delivery_that_still_fails_is_a_dead_letter_again() {
    let shop = with_dead_letters().await;
    shop.run(&["event", "replay", DOMAIN, "webhook/w-1"]);
    eventually("it has been tried again", DEADLINE, async || {
        (shop.get("/status").await["counters"]["deliveries_dead"] == IDS.len() + 1).then_some(())
    })
    .await;
    brittle::stand(&shop, IDS.len(), "dead").await;
    assert_eq!(brittle::handled(&shop).await, [""; 0]);
}

#[tokio::test]
async fn a_range_of_dead_letters_is_run_again_and_the_others_stay_dead() {
    let shop = with_dead_letters().await;
    brittle::change(&shop, "never");
    let [from, to] = [position(&shop, "w-2").await, position(&shop, "w-4").await].map(|at| at.to_string());
    let range = ["--from", &from, "--to", &to];
    let expected = json!({ "deliveries": { NAME: 3 } });

    assert_eq!(summary(&shop, &[&range[..], &["--dry-run"]].concat()), expected);
    let told = shop.run(&[&["replay", DOMAIN, "--dry-run"][..], &range].concat());
    assert!(told.contains("deliveries: 3 brittle") && told.contains("nothing was changed"), "{told}");
    brittle::stand(&shop, IDS.len(), "dead").await;
    // What narrows a range to nothing.
    for more in [
        ["--topic", "order.cancelled"],
        ["--plugin", "loyalty-points"],
        ["--until", "2026-01-01T00:00:00Z"],
        ["--since", "2126-01-01T00:00:00Z"],
    ] {
        let told = shop.run(&[&["replay", DOMAIN][..], &range, &more].concat());
        assert!(told.contains("nothing to replay"), "{more:?}: {told}");
    }

    let more = ["--topic", "order.paid", "--plugin", NAME, "--since", "2026-01-01T00:00:00Z"];
    assert_eq!(summary(&shop, &[&range[..], &more].concat()), expected);
    let middle = webhooks(&["w-2", "w-3", "w-4"]);
    assert_eq!(sorted(brittle::handled_in_all(&shop, 3).await), middle);
    brittle::stand(&shop, 2, "dead").await;
    assert_eq!(summary(&shop, &range), json!({}), "a range that is done is not run again");
    assert_eq!(sorted(brittle::handled(&shop).await), middle);
}

#[tokio::test]
async fn a_range_is_run_again_over_the_api_a_page_at_a_time() {
    let shop = with_dead_letters().await;
    brittle::change(&shop, "never");
    let path = format!("/stores/{DOMAIN}/replay");
    let first = position(&shop, "w-1").await;
    let selection = json!({ "what": "deliveries", "from": first, "to": first + 1, "plugin": NAME });
    let expected = json!({ "deliveries": { NAME: 2 }, "read_again": 0, "skipped": {}, "next": null });
    let mut dry = selection.clone();
    dry["dry_run"] = true.into();
    assert_eq!(shop.post(&path, &dry).await, (200, expected.clone()));
    assert_eq!(shop.post(&path, &selection).await, (200, expected));
    let handled = webhooks(&["w-1", "w-2"]);
    assert_eq!(sorted(brittle::handled_in_all(&shop, 2).await), handled);
    // A page begins after the last event of the one before.
    let rest = json!({ "what": "deliveries", "after": (first + 3).to_string(), "dry_run": true });
    assert_eq!(shop.post(&path, &rest).await.1["deliveries"], json!({ NAME: 1 }));
    let (status, none) = shop.post(&path, &selection).await;
    assert_eq!((status, &none["deliveries"], &none["next"]), (200, &json!({}), &Value::Null), "{none}");
    assert_eq!(sorted(brittle::handled(&shop).await), handled);
}

#[tokio::test]
async fn a_replay_of_one_store_leaves_another_stores_dead_letters_as_they_are() {
    let shop = with_dead_letters().await;
    let other = "moss.myshopify.com";
    shop.add_store(other, SECRET);
    let settings = shop.host.data_dir().join("brittle.json");
    shop.run(&["plugin", "enable", other, NAME, "--settings", &settings.to_string_lossy()]);
    let mut theirs = webhook("orders/paid", "order_placed", "w-1");
    theirs.set_header("X-Shopify-Shop-Domain", other.into());
    assert_eq!(shop.send(&theirs).await.status, 200);
    let path = format!("/stores/{other}/events/webhook/w-1");
    let dead = eventually("theirs is a dead letter too", DEADLINE, async || {
        let event = shop.get(&path).await;
        (brittle::outcome(&event, NAME) == Some("dead")).then_some(event)
    })
    .await;
    brittle::change(&shop, "never");
    shop.run(&["replay", DOMAIN]);
    brittle::stand(&shop, IDS.len(), "done").await;
    assert_eq!(shop.get(&path).await, dead);
}

#[tokio::test]
async fn what_is_replayed_while_no_host_runs_is_run_by_the_next_one() {
    let mut shop = with_dead_letters().await;
    brittle::change(&shop, "never");
    assert!(shop.host.terminate());
    let told = shop.run(&["replay", DOMAIN]);
    assert!(told.contains("deliveries: 5 brittle"), "{told}");
    shop.host.restart();
    assert_eq!(sorted(brittle::handled_in_all(&shop, IDS.len()).await), webhooks(&IDS));
    brittle::stand(&shop, IDS.len(), "done").await;
}

#[tokio::test]
async fn what_is_to_be_tried_again_by_itself_is_hurried_only_on_request() {
    let shop = Shop::open().await;
    brittle::switch_on(&shop, "at first");
    brittle::send(&shop, &["x-1"]).await;
    brittle::stand(&shop, 1, "retrying").await;
    brittle::change(&shop, "never");
    assert_eq!(summary(&shop, &[]), json!({}));
    assert_eq!(summary(&shop, &["--retrying"]), json!({ "deliveries": { NAME: 1 } }));
    assert_eq!(brittle::handled_in_all(&shop, 1).await, webhooks(&["x-1"]));
    brittle::stand(&shop, 1, "done").await;
    let events = shop.events().await;
    let attempts = |event: &Value| {
        let mut deliveries = event["deliveries"].as_array().expect("a list").iter();
        deliveries.find(|delivery| delivery["plugin"] == NAME).expect("it is there")["attempt"].clone()
    };
    assert_eq!(attempts(&events[0]), 1, "the schedule began anew");
}

#[tokio::test]
async fn all_dead_letters_of_a_store_are_run_again_deliveries_and_effects_alike() {
    let shop = with_dead_letters().await;
    // A mail to an address that does not exist is a dead letter; the customer then states another.
    let mut created: Value = serde_json::from_slice(&webhook("customers/create", "customer_created", "").body).unwrap();
    created["id"] = 4_711.into();
    created["admin_graphql_api_id"] = "gid://shopify/Customer/4711".into();
    created["email"] = "nobody@example.com".into();
    shop.mails.reject_recipient("nobody@example.com");
    let customer = |topic, body: &Value, id| signed(topic, body.to_string().into_bytes(), id);
    assert_eq!(shop.send(&customer("customers/create", &created, "w-new")).await.status, 200);
    let effects = async |status: &str| {
        let listed = shop.get(&format!("/stores/{DOMAIN}/effects?status={status}")).await;
        listed.as_array().expect("a list").iter().map(|effect| effect["id"].clone()).collect::<Vec<_>>()
    };
    let dead = eventually("the mail is a dead letter", DEADLINE, async || {
        let dead = effects("dead").await;
        (dead.len() == 1).then_some(dead)
    })
    .await;
    created["email"] = "mira@example.com".into();
    created["updated_at"] = "2026-10-04T00:00:00Z".into();
    assert_eq!(shop.send(&customer("customers/update", &created, "w-moved")).await.status, 200);
    eventually("the address is known", DEADLINE, async || {
        let shown = shop.get(&format!("/stores/{DOMAIN}/customers/4711")).await;
        (shown["customer"]["email"] == "mira@example.com").then_some(())
    })
    .await;
    brittle::change(&shop, "never");

    assert_eq!(summary(&shop, &["--only", "effects", "--dry-run"]), json!({ "effects": { "mail": 1 } }));
    let all = json!({ "deliveries": { NAME: IDS.len() }, "effects": { "mail": 1 } });
    assert_eq!(summary(&shop, &["--dry-run"]), all);
    assert_eq!(summary(&shop, &[]), all);
    assert_eq!(sorted(brittle::handled_in_all(&shop, IDS.len()).await), webhooks(&IDS));
    eventually("the mail is sent", DEADLINE, async || effects("done").await.contains(&dead[0]).then_some(())).await;
    let arrived = |to: &str| shop.mails.messages().iter().filter(|mail| mail.envelope_to == [to]).count();
    assert_eq!((arrived("mira@example.com"), arrived("nobody@example.com")), (1, 0));
    brittle::stand(&shop, IDS.len(), "done").await;
    assert!(shop.run(&["replay", DOMAIN]).contains("nothing to replay"), "nothing is left");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_or_skipped_with_the_reason() {
    let shop = Shop::open().await;
    let path = format!("/stores/{DOMAIN}/replay");
    assert!(shop.run(&["replay", DOMAIN]).contains("nothing to replay"));
    assert_eq!(summary(&shop, &[]), json!({}), "a store in which nothing has failed");
    let other = "moss.myshopify.com";
    for (path, body, status, kind) in [
        (format!("/stores/{DOMAIN}/events/webhook/none"), json!({}), 404, "not-found"),
        (format!("/stores/{DOMAIN}/events/99"), json!({}), 404, "not-found"),
        (format!("/stores/{other}/events/webhook/none"), json!({}), 404, "not-found"),
        (format!("/stores/{other}/replay"), json!({ "what": "deliveries" }), 404, "not-found"),
        (path.clone(), json!({ "what": "deliveries", "after": "the last one" }), 400, "bad-request"),
        (path.clone(), json!({ "what": "effects", "after": "5" }), 400, "bad-request"),
        (path.clone(), json!({ "what": "effects", "from": 5 }), 400, "bad-request"),
        (path.clone(), json!({ "what": "deliveries", "from": 5, "to": 4 }), 400, "bad-request"),
        (path.clone(), json!({ "what": "deliveries", "plugin": "stamp-card" }), 404, "not-found"),
        (path.clone(), json!({ "what": "effects", "plugin": "stamp-card" }), 404, "not-found"),
    ] {
        let (answered, problem) = shop.post(&path, &body).await;
        let kind = format!("urn:regulars:problem:{kind}");
        assert_eq!((answered, &problem["type"]), (status, &json!(kind)), "{path} {body}: {problem}");
    }
    for (args, says) in [
        (["event", "replay", DOMAIN, "webhook/none"], ["webhook/none", "event list"]),
        (["event", "replay", other, "webhook/none"], [other, "store list"]),
        (["replay", other, "--plugin", NAME], [other, "store list"]),
    ] {
        let (status, told) = refused(&shop, &args);
        assert_eq!(status, Some(1), "{told}");
        assert!(says.iter().all(|part| told.contains(part)), "{args:?}: {told}");
    }
    for (option, value) in [
        ("--from", "the-first"),
        ("--to", "-1"),
        ("--since", "yesterday"),
        ("--until", "2026-13-01"),
        ("--only", "mails"),
    ] {
        let (status, told) = refused(&shop, &["replay", DOMAIN, option, value]);
        assert_eq!(status, Some(2), "a wrong use is told from a failure: {told}");
        assert!(told.contains(option) || told.contains(value), "{told}");
    }

    let (status, told) = refused(&shop, &["replay", DOMAIN, "--from", "5", "--to", "4"]);
    assert!(status == Some(1) && told.contains('5') && told.contains("is after"), "{told}");
    let (status, told) = refused(&shop, &["replay", DOMAIN, "--plugin", "stamp-card"]);
    assert!(status == Some(1) && told.contains("stamp-card") && told.contains("plugin install"), "{told}");
    for more in [&["--from", "1"][..], &["--to", "9"], &["--topic", "order.paid"], &["--retrying"]] {
        let (status, told) = refused(&shop, &[&["replay", DOMAIN, "--only", "effects"][..], more].concat());
        assert!(status == Some(1) && told.contains("effects are chosen by time and plugin alone"), "{more:?}: {told}");
    }

    // A body that no version of this host can read.
    assert_eq!(shop.send(&signed("orders/paid", br#"{"name": "no id"}"#.to_vec(), "w-odd")).await.status, 200);
    eventually("it is kept as unreadable", DEADLINE, async || {
        let events = shop.events().await;
        events.iter().any(|event| event["unreadable"].is_string()).then_some(())
    })
    .await;
    let (answered, problem) = shop.post(&format!("/stores/{DOMAIN}/events/webhook/w-odd"), &json!({})).await;
    assert_eq!((answered, &problem["type"]), (409, &json!("urn:regulars:problem:not-replayed")), "{problem}");
    let detail = problem["detail"].as_str().expect("it is told why");
    let (_, told) = refused(&shop, &["event", "replay", DOMAIN, "webhook/w-odd"]);
    assert!(told.contains(detail), "{told}");
    let skipped = summary(&shop, &[]);
    assert_eq!(skipped["skipped"].as_object().map(|reasons| reasons.len()), Some(1), "{skipped}");
    assert_eq!(skipped.get("read again"), None, "{skipped}");
}
