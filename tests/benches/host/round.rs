//! One round: a fresh host, all webhooks of the season at once, and what it made of them.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use regulars_tests::host::{Host, eventually};
use serde_json::{Value, json};

use super::{
    load::{self, Answers},
    machine,
};

pub const PLUGIN: &str = "loyalty-points";

/// Mails would measure a mail server. One point buys a reward, so that every customer can redeem.
const SETTINGS: &str = r#"{
    "mail_on_earning": false,
    "mail_on_signup": false,
    "rewards": [{"id": "five", "title": "5 off", "cost": 1, "value": "5.00"}]
}"#;

/// Customers who redeem, for the fuel that it takes.
const REDEEMING: usize = 100;

/// Reached only when the host has stopped applying events.
const STUCK: Duration = Duration::from_secs(120);

/// What a round is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    pub shop: String,
    pub secret: String,
    pub requests: Arc<[Vec<u8>]>,
    pub connections: usize,
    /// Where the data directory is made.
    pub folder: PathBuf,
}

/// What came of a round.
#[derive(Debug)]
pub struct Round {
    pub accepted: Answers,
    /// From the first request until every event was applied.
    pub applied_in: Duration,
    /// The processor time that the host took for it.
    pub processor_time: Duration,
    /// The same requests once more: the same way without keeping anything.
    pub repeated: Answers,
    pub resident_bytes: u64,
    pub inbox_bytes: u64,
    pub store_bytes: u64,
    /// Fuel of every delivery, by topic.
    pub fuel: BTreeMap<String, Vec<u64>>,
    /// Everything that should have been none, by name.
    pub failures: BTreeMap<String, u64>,
    /// Commits that had to run again.
    pub conflicts: u64,
}

/// The API of a running host.
struct Api<'a> {
    host: &'a Host,
    http: reqwest::Client,
    shop: &'a str,
}

impl Api<'_> {
    async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}/v1{path}", self.host.admin_url())).send().await;
        response.expect("the host answers").json().await.expect("the API answers in JSON")
    }

    async fn counter(&self, name: &str) -> u64 {
        self.get("/status").await["counters"][name].as_u64().expect("the host counts it")
    }

    async fn applied(&self, events: u64) {
        eventually("every event is applied", STUCK, async || {
            (self.counter("events_applied").await >= events).then_some(())
        })
        .await;
    }

    /// Every event of the store, newest first.
    async fn events(&self) -> Vec<Value> {
        const PAGE: usize = 1_000;
        let mut events = Vec::new();
        loop {
            let before = events.last().map(|event: &Value| format!("&before={}", event["position"]));
            let page =
                self.get(&format!("/stores/{}/events?limit={PAGE}{}", self.shop, before.unwrap_or_default())).await;
            let page = page.as_array().expect("events are listed").clone();
            let is_last = page.len() < PAGE;
            events.extend(page);
            if is_last {
                return events;
            }
        }
    }

    async fn redeem(&self, customer: &str) {
        let url = format!("{}/v1/stores/{}/customers/{customer}/actions", self.host.admin_url(), self.shop);
        let body =
            json!({ "plugin": PLUGIN, "action": "redeem", "input": { "reward": "five" }, "idempotency_key": "bench" });
        let response = self.http.post(url).json(&body).send().await.expect("the host answers");
        assert_eq!(response.status(), 202, "customer {customer}");
    }
}

/// Runs a round, with the plugin or without any.
pub async fn run(plan: &Plan, plugin: Option<&Path>) -> io::Result<Round> {
    let data = tempfile::tempdir_in(&plan.folder)?;
    let host = Host::builder().data(data.path()).start();
    command(&host, &["store", "add", &plan.shop, "--currency", "EUR", "--secret", &plan.secret]);
    if let Some(file) = plugin {
        let settings = plan.folder.join("settings.json");
        std::fs::write(&settings, SETTINGS)?;
        command(&host, &["plugin", "install", &file.to_string_lossy()]);
        let settings = settings.to_string_lossy();
        command(&host, &["plugin", "enable", &plan.shop, PLUGIN, "--grant-all", "--settings", &settings]);
    }
    let api = Api { host: &host, http: reqwest::Client::new(), shop: &plan.shop };
    let address = address_of(host.webhooks_url());

    let before = machine::processor_time(host.pid())?;
    let began = Instant::now();
    let accepted = load::send(address, &plan.requests, plan.connections).await;
    let events = api.counter("webhooks_accepted").await;
    api.applied(events).await;
    let applied_in = began.elapsed();
    let processor_time = machine::processor_time(host.pid())? - before;

    let resident_bytes = machine::resident_bytes(host.pid())?;
    let inbox_bytes = machine::bytes_on_disk(&data.path().join("inbox"))?;
    let store_bytes = machine::bytes_on_disk(&data.path().join("store"))?;
    let repeated = load::send(address, &plan.requests, plan.connections).await;
    let fuel = match plugin {
        Some(_) => fuel(&api, events).await,
        None => BTreeMap::new(),
    };

    let mut failures = BTreeMap::new();
    for (failure, count) in accepted.failed.iter().chain(&repeated.failed) {
        *failures.entry(format!("answers: {failure}")).or_default() += *count as u64;
    }
    for name in ["events_unreadable", "deliveries_failed", "deliveries_dead"] {
        failures.insert(name.to_owned(), api.counter(name).await);
    }
    failures.retain(|_, count| *count > 0);
    let conflicts = api.counter("conflicts").await;
    Ok(Round {
        accepted,
        applied_in,
        processor_time,
        repeated,
        resident_bytes,
        inbox_bytes,
        store_bytes,
        fuel,
        failures,
        conflicts,
    })
}

/// What each delivery used, some redemptions among them.
async fn fuel(api: &Api<'_>, events: u64) -> BTreeMap<String, Vec<u64>> {
    let listed = api.get(&format!("/stores/{}/customers?limit={REDEEMING}", api.shop)).await;
    let customers = listed.as_array().expect("customers are listed");
    for customer in customers {
        api.redeem(customer["customer"]["id"].as_str().expect("a customer has an id")).await;
    }
    api.applied(events + customers.len() as u64).await;
    let mut fuel = BTreeMap::<_, Vec<_>>::new();
    for event in api.events().await {
        let topic = event["topic"].as_str().expect("an event has a topic");
        for delivery in event["deliveries"].as_array().into_iter().flatten() {
            let used = delivery["fuel"].as_u64().expect("a delivery states its fuel");
            fuel.entry(topic.to_owned()).or_default().push(used);
        }
    }
    fuel.values_mut().for_each(|used| used.sort_unstable());
    fuel
}

fn command(host: &Host, args: &[&str]) {
    let output = host.cli(args);
    assert!(output.status.success(), "`regulars {}`: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://")
        .and_then(|address| address.parse().ok())
        .expect("the host names an address of this machine")
}
