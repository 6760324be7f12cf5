//! More than a host can apply: what its senders are answered, and that nothing which was accepted is lost.

use std::{sync::Arc, time::Duration};

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    population::{Secret, Webhook, sign},
    sender::Sender,
};
use tokio::task::JoinSet;

const FLOODING: &str = "fern.myshopify.com";
const QUIET: &str = "moss.myshopify.com";
const SECRET: &str = "hush";

/// A host that applies one event after the other, and lets 20 of a store wait.
const SLOW: &str = "[dispatch]\nin_flight = 1\nthreads = 1\nbacklog_events_of_one_store = 20\n";

fn webhook(shop: &str, id: &str) -> Webhook {
    let body = format!("{{\"id\": 7, \"note\": {id:?}}}").into_bytes();
    let signature = sign(&Secret::new(SECRET), &body);
    let headers = [
        ("X-Shopify-Topic", "products/update"),
        ("X-Shopify-Hmac-Sha256", &signature),
        ("X-Shopify-Shop-Domain", shop),
        ("X-Shopify-API-Version", "2026-04"),
        ("X-Shopify-Webhook-Id", id),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    Webhook { topic: "products/update", headers, body: body.into() }
}

fn counted(host: &Host, counter: &str) -> u64 {
    let status = host.cli_json(&["status", "--json"]);
    status["counters"][counter].as_u64().expect("it is counted")
}

#[tokio::test]
async fn a_store_that_floods_a_slow_host_is_sent_away_for_a_while_and_another_is_not() {
    const SENDERS: usize = 32;
    const EACH: usize = 20;
    /// Senders that also post for the other store: few enough that its own events never reach the bound.
    const OTHERS: usize = 8;
    let host = Host::builder().config(SLOW).start();
    for shop in [FLOODING, QUIET] {
        let added = host.cli(&["store", "add", shop, "--currency", "EUR", "--secret", SECRET]);
        assert!(added.status.success(), "{added:?}");
    }
    let sender = Arc::new(Sender::to(format!("{}/webhooks/shopify", host.webhooks_url())).unwrap());
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let sender = Arc::clone(&sender);
        senders.spawn(async move {
            let mut sent_away = 0_u64;
            for count in 0..EACH {
                let webhook = webhook(FLOODING, &format!("{number}-{count}"));
                loop {
                    let answer = sender.send(&webhook).await.expect("the host answers");
                    if answer.status == 200 {
                        break;
                    }
                    assert_eq!(answer.status, 503, "{}", answer.body);
                    assert!(answer.body.contains("urn:regulars:problem:far-behind"), "{}", answer.body);
                    assert!(answer.retry_after.is_some_and(|seconds| seconds > 0), "{answer:?}");
                    if sent_away == 0 && number < OTHERS {
                        let other = self::webhook(QUIET, &format!("{number}"));
                        assert_eq!(sender.send(&other).await.expect("the host answers").status, 200);
                    }
                    sent_away += 1;
                    // A sender that comes back sooner than it was told to.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            (number, sent_away)
        });
    }
    let flood = senders.join_all().await;
    assert!(flood.iter().any(|(_, sent_away)| *sent_away > 0), "the host was never far behind");
    let others = flood.iter().filter(|(number, sent_away)| *number < OTHERS && *sent_away > 0).count();
    let all = (SENDERS * EACH + others) as u64;
    eventually("everything that was accepted is applied", DEADLINE, async || {
        (counted(&host, "events_applied") >= all).then_some(())
    })
    .await;
    assert_eq!(counted(&host, "events_applied"), all);
    assert_eq!(counted(&host, "events_repeated"), 0);
    assert_eq!(counted(&host, "webhooks_failed"), flood.iter().map(|(_, sent_away)| sent_away).sum::<u64>());
}
