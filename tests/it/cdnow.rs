//! A real shop's history, posted as webhooks: CDNOW's first quarter of 1997 and what its customers bought until 1998.
//!
//! Source of the data: `CDNOW_master.txt` as it ships with the Python package `lifetimes` (Fader and Hardie). The totals
//! were computed from the file by other means than this project's.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use regulars_tests::{
    corpus,
    host::{Host, eventually},
    population::Webhook,
    random::Random,
    sender::Sender,
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use super::shop::{self, DOMAIN, SECRET};

const MASTER: &str = "cdnow/CDNOW_master.txt";

/// Orders in the file, what they come to, and the points they earn at 1 for every 1.00, rounded down for each order.
const ORDERS: usize = 69_659;
const CENTS: i64 = 250_031_563;
const POINTS: i64 = 2_453_159;
/// Members who hold 100 points or more.
const WITH_100: usize = 6_150;

/// Nothing but orders earns, and they earn at once.
const SETTINGS: &str = r#"{"pending_days": 0, "signup_points": 0, "max_points_per_day": 0, "mail_on_earning": false,
    "balance_metafield": false}"#;

/// Posts under way at once.
const SENDERS: usize = 32;

/// Of 1,000 webhooks, those that are posted a second time.
const REPEATED_PER_MILLE: u64 = 200;

/// The pause before a host that did not answer is asked again.
const AGAIN: Duration = Duration::from_millis(50);

const APPLIED_WITHIN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_shops_history_earns_its_points_however_it_arrives() {
    let Some(file) = corpus::file_or_note(MASTER, "the CDNOW history") else { return };
    let orders = webhooks(&std::fs::read_to_string(file).expect("the file reads"));
    assert_eq!(orders.len(), ORDERS);

    let mut random = Random::new(1997, 1);
    let mut arrivals: Vec<_> = (0..orders.len()).collect();
    arrivals.extend((0..orders.len()).filter(|_| random.happens(REPEATED_PER_MILLE)).collect::<Vec<_>>());
    for last in (1..arrivals.len()).rev() {
        arrivals.swap(last, random.below(last as u64 + 1) as usize);
    }

    let mut host = open();
    let post = Post::begin(orders, arrivals, &host);
    post.done(ORDERS / 2).await;
    host.kill_9();
    host.restart();
    post.aim(&host);
    post.all_done().await;
    assert_eq!(totals(&host).await, Totals { orders: ORDERS, cents: CENTS, points: POINTS, with_100: WITH_100 });
}

/// The host with one store and `loyalty-points`.
fn open() -> Host {
    let host = Host::builder().start();
    let settings = host.data_dir().join("settings.json");
    std::fs::write(&settings, SETTINGS).expect("the data directory can be written to");
    let (plugin, settings) = (shop::plugin_file("loyalty-points"), settings.to_string_lossy().into_owned());
    for args in [
        &["store", "add", DOMAIN, "--currency", "USD", "--secret", SECRET][..],
        &["plugin", "install", &plugin.to_string_lossy()],
        &["plugin", "enable", DOMAIN, "loyalty-points", "--grant-all", "--settings", &settings],
    ] {
        let output = host.cli(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    host
}

/// One paid order for each row: customer, day, number of disks, dollars.
fn webhooks(master: &str) -> Vec<Webhook> {
    let rows = master.lines().skip(1).filter(|line| !line.trim().is_empty());
    rows.enumerate()
        .map(|(row, line)| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [customer, day, disks, dollars] = columns[..] else { panic!("row {row} is no order: {line}") };
            let customer: u64 = customer.parse().expect("customers have numbers");
            let disks: u32 = disks.parse().expect("disks are counted");
            let placed = format!("{}-{}-{}T12:00:00Z", &day[..4], &day[4..6], &day[6..]);
            let (order, line) = (5_000_000_000 + row as u64, 9_000_000_000 + row as u64);
            let body = json!({
                "id": order,
                "name": format!("#{}", 1001 + row),
                "created_at": placed,
                "processed_at": placed,
                "updated_at": placed,
                "currency": "USD",
                "financial_status": "paid",
                "taxes_included": false,
                "customer": { "id": customer },
                "line_items": [{
                    "id": line, "title": format!("{disks} disks"), "quantity": 1, "current_quantity": 1,
                    "gift_card": false, "price": dollars, "total_discount": "0.00", "tax_lines": [],
                }],
                "subtotal_price": dollars,
                "total_tax": "0.00",
                "total_price": dollars,
            });
            shop::signed("orders/paid", body.to_string().into_bytes(), &format!("cdnow-{row}"))
        })
        .collect()
}

/// Posts every arrival until it is acknowledged, to a host that may be gone.
struct Post {
    shared: Arc<Shared>,
    aim: watch::Sender<Sender>,
    senders: Mutex<JoinSet<()>>,
}

struct Shared {
    webhooks: Vec<Webhook>,
    /// Indices of webhooks, in the order in which they are posted.
    arrivals: Vec<usize>,
    next: AtomicUsize,
    acknowledged: watch::Sender<usize>,
}

impl Post {
    fn begin(webhooks: Vec<Webhook>, arrivals: Vec<usize>, host: &Host) -> Self {
        let (aim, target) = watch::channel(sender_to(host));
        let shared = Shared { webhooks, arrivals, next: AtomicUsize::new(0), acknowledged: watch::Sender::new(0) };
        let shared = Arc::new(shared);
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(post(Arc::clone(&shared), target.clone()));
        }
        Self { shared, aim, senders: Mutex::new(senders) }
    }

    fn aim(&self, host: &Host) {
        self.aim.send_replace(sender_to(host));
    }

    /// Waits until so many posts are acknowledged.
    async fn done(&self, count: usize) {
        let mut acknowledged = self.shared.acknowledged.subscribe();
        acknowledged.wait_for(|done| *done >= count).await.expect("the senders are there");
    }

    async fn all_done(self) {
        let mut senders = std::mem::take(&mut *self.senders.lock().expect("nobody panicked"));
        while let Some(ended) = senders.join_next().await {
            ended.expect("every post is answered in the end");
        }
    }
}

fn sender_to(host: &Host) -> Sender {
    Sender::to(format!("{}/webhooks/shopify", host.webhooks_url())).expect("the address is one")
}

async fn post(shared: Arc<Shared>, target: watch::Receiver<Sender>) {
    loop {
        let next = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(&index) = shared.arrivals.get(next) else { return };
        loop {
            let sender = target.borrow().clone();
            match sender.send(&shared.webhooks[index]).await {
                Ok(answer) if answer.status == 200 => break,
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                // The host is gone for a moment.
                Err(_) => {}
            }
            tokio::time::sleep(AGAIN).await;
        }
        shared.acknowledged.send_modify(|done| *done += 1);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Totals {
    orders: usize,
    cents: i64,
    points: i64,
    with_100: usize,
}

/// What the host has, once it has applied all that it has acknowledged.
async fn totals(host: &Host) -> Totals {
    let http = reqwest::Client::new();
    let figures = format!("{}/metrics", host.admin_url());
    eventually("every event is applied", APPLIED_WITHIN, async || {
        let text = http.get(&figures).send().await.ok()?.text().await.ok()?;
        text.lines().any(|line| line == r#"regulars_queue_length{queue="events"} 0.0"#).then_some(())
    })
    .await;
    let export = format!("{}/v1/stores/{DOMAIN}/export", host.admin_url());
    let export = http.get(export).send().await.expect("the host answers").text().await.expect("the export is whole");
    let (mut orders, mut cents, mut members) = (0, 0, BTreeMap::<String, i64>::new());
    for line in export.lines() {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        match (line["kind"].as_str(), line["key"].as_str()) {
            (Some("order"), _) => {
                orders += 1;
                cents += line["value"]["total"]["minor"].as_i64().expect("an order has a total");
            }
            (Some("state"), Some(key)) => {
                let Some((customer, _)) = key.strip_prefix("entry/").and_then(|rest| rest.split_once('/')) else {
                    continue;
                };
                *members.entry(customer.into()).or_default() += line["value"]["points"].as_i64().unwrap_or_default();
            }
            _ => {}
        }
    }
    Totals {
        orders,
        cents,
        points: members.values().sum(),
        with_100: members.values().filter(|points| **points >= 100).count(),
    }
}
