//! A shop for end-to-end tests: the real host among simulated peers, one store with `loyalty-points` on.

use std::{collections::BTreeSet, path::PathBuf};

use regulars_tests::{
    DEADLINE,
    host::{Builder, Host, eventually},
    population::{Secret, Webhook, sign},
    sender::{Answer, Sender},
    shopify_admin::{Options, SchemaSource, ShopifyAdmin},
    smtp_sink::SmtpSink,
};
use serde_json::{Value, json};

pub const DOMAIN: &str = "fern.myshopify.com";
pub const SECRET: &str = "hush";

/// A reward that the journey's shopper can afford, and points that are there at once.
const SETTINGS: &str = r#"{
    "rewards": [{"id": "five", "title": "5 off", "cost": 60, "value": "5.00"}],
    "pending_days": 0, "max_points_per_day": 0, "balance_metafield": false
}"#;

pub struct Shop {
    pub host: Host,
    pub shopify: ShopifyAdmin,
    pub mails: SmtpSink,
    http: reqwest::Client,
    sender: Sender,
}

/// The plugin file that `make` has built.
pub fn plugin_file(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own file");
    let target = own.ancestors().find(|folder| folder.join("plugins").is_dir()).unwrap_or_else(|| {
        panic!("no plugins are built: run `make test`, or `regulars plugin build plugins/{name}` first")
    });
    target.join("plugins").join(format!("{name}.wasm"))
}

impl Shop {
    /// Starts the peers and the host, adds the store, switches the plugin on.
    pub async fn open() -> Self {
        Self::open_with(Host::builder()).await
    }

    /// The same with a host that is run in another way.
    pub async fn open_with(host: Builder) -> Self {
        let shop = Self::without_plugins(host).await;
        let settings = shop.host.data_dir().join("settings.json");
        std::fs::write(&settings, SETTINGS).expect("the data directory can be written to");
        let file = plugin_file("loyalty-points");
        shop.run(&["plugin", "install", &file.to_string_lossy()]);
        let settings = settings.to_string_lossy();
        shop.run(&["plugin", "enable", DOMAIN, "loyalty-points", "--grant-all", "--settings", &settings]);
        shop
    }

    /// Starts the peers and the host, and adds the store.
    pub async fn without_plugins(host: Builder) -> Self {
        let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options::default()).expect("the peer starts");
        let mails = SmtpSink::start().expect("the peer starts");
        let host = host.smtp(mails.address()).start();
        let sender = Sender::to(host.webhooks_url()).expect("the address is one");
        let shop = Self { host, shopify, mails, http: reqwest::Client::new(), sender };
        shop.add_store(DOMAIN, SECRET);
        shop
    }

    pub fn add_store(&self, domain: &str, secret: &str) {
        let (api, token) = (self.shopify.base_url(), Options::default().access_token);
        self.run(&[
            "store",
            "add",
            domain,
            "--currency",
            "EUR",
            "--secret",
            secret,
            "--token",
            &token,
            "--api-url",
            &api,
        ]);
    }

    /// Runs a command that has to succeed; what it printed.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.host.cli(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`regulars {}`: {stderr}", args.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Posts a webhook to the host as it now listens.
    pub async fn send(&self, webhook: &Webhook) -> Answer {
        let url = format!("{}/webhooks/shopify", self.host.webhooks_url());
        self.sender.at(url).send(webhook).await.expect("the host answers")
    }

    /// What the JSON API says.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/v1{path}", self.host.admin_url());
        let response = self.http.get(url).send().await.expect("the host answers");
        response.json().await.expect("the API answers in JSON")
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/v1{path}", self.host.admin_url());
        let response = self.http.post(url).json(body).send().await.expect("the host answers");
        (response.status().as_u16(), response.json().await.expect("the API answers in JSON"))
    }

    /// A shopper asks to redeem the reward.
    pub async fn redeem(&self, customer: &str, key: &str) -> (u16, Value) {
        let body = json!({
            "plugin": "loyalty-points", "action": "redeem", "input": { "reward": "five" }, "idempotency_key": key,
        });
        self.post(&format!("/stores/{DOMAIN}/customers/{customer}/actions"), &body).await
    }

    /// Events of the store, newest first, without those of its settings.
    pub async fn events(&self) -> Vec<Value> {
        let mut events = self.list("events").await;
        events.retain(|event| event["topic"] != "settings.published");
        events
    }

    /// Effects of the store, newest first.
    pub async fn effects(&self) -> Vec<Value> {
        self.list("effects").await
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let listed = self.get(&format!("/stores/{DOMAIN}/{what}?limit=1000")).await;
        listed.as_array().cloned().unwrap_or_else(|| panic!("a list of {what}: {listed}"))
    }

    /// Waits until so many events are applied and every effect has come to its end.
    pub async fn settled(&self, events: usize) {
        eventually("every event is applied and every effect has ended", DEADLINE, async || {
            // The API may show a part of a commit that is being made: an effect that an event names may be missing yet.
            let seen = self.events().await;
            let effects = self.effects().await;
            let ended = |id: &Value| effects.iter().any(|it| it["id"] == *id && it["status"] != "pending");
            let mut deliveries = seen.iter().flat_map(|event| event["deliveries"].as_array().into_iter().flatten());
            let all = deliveries.all(|it| it["effects"].as_array().into_iter().flatten().all(ended));
            (seen.len() >= events && all).then_some(())
        })
        .await;
    }

    /// The points that the plugin last stated of a customer.
    pub async fn balance(&self, customer: &str) -> Option<i64> {
        let shown = self.get(&format!("/stores/{DOMAIN}/customers/{customer}")).await;
        shown["figures"]["loyalty-points"]["balance"].as_str()?.parse().ok()
    }

    /// Codes at the platform.
    pub fn codes(&self) -> BTreeSet<String> {
        self.shopify.codes().into_iter().map(|code| code.code).collect()
    }
}

/// A webhook of the shop with a fixture's body, correctly signed.
pub fn webhook(topic: &'static str, fixture: &str, id: &str) -> Webhook {
    let file = format!("{}/fixtures/shopify/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    let body = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    signed(topic, body, id)
}

/// A webhook of the shop with this body, correctly signed.
pub fn signed(topic: &'static str, body: Vec<u8>, id: &str) -> Webhook {
    let signature = sign(&Secret::new(SECRET), &body);
    let headers = [
        ("X-Shopify-Topic", topic),
        ("X-Shopify-Hmac-Sha256", &signature),
        ("X-Shopify-Shop-Domain", DOMAIN),
        ("X-Shopify-API-Version", "2026-04"),
        ("X-Shopify-Webhook-Id", id),
    ];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    Webhook { topic, headers, body: body.into() }
}
