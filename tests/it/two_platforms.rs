//! One shopper's season on both platforms, through the real host with all five plugins: no plugin knows the platform.
//!
//! Each store has its platform's API beside it, so that effects are done there: what they come to is compared as well.

use std::collections::BTreeMap;

use jiff::Timestamp;
use regulars::{
    clock::{Clock, System},
    domain::{Change, Platform},
    platform::{self, Context, magento::senders::module},
};
use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    magento_rest::{self, MagentoRest},
    population::{Secret, sign},
    shopify_admin::{self, Amount, Limits, Options, Product, SchemaSource, ShopifyAdmin, Variant},
    smtp_sink::SmtpSink,
};
use serde_json::{Value, json};

mod magento;
mod season;
mod shopify;

use magento::Listed;
use season::Happening;

use crate::{
    magento_module::assert_is_on_the_wire,
    shop::{SECRET, plugin_file},
};

const PLUGINS: [(&str, &str); 5] = [
    ("birthday-mail", r#"{"order_marks": [2], "milestone_wait_days": 1}"#),
    ("loyalty-points", r#"{"pending_days": 0, "max_points_per_day": 0}"#),
    (
        "parcel-surprise",
        r#"{"rules": [{"name": "nth", "every_nth": 2}], "gifts": [{"id": "tea", "title": "Tea", "variant_id": "1", "stock": 9, "cost": "2.00"}]}"#,
    ),
    ("referral-vouchers", "{}"),
    ("vip-tiers", "{}"),
];

const STORES: [(&str, Platform); 2] =
    [("fern.myshopify.com", Platform::Shopify), ("shop.example.com", Platform::Magento)];

/// Attributes that a Magento shop has to have for what plugins show of customers.
const ATTRIBUTES: [&str; 3] =
    ["regulars_tags", "regulars_loyalty_points_points_balance", "regulars_vip_tiers_vip_tier"];

/// What goes wrong with both APIs, and at which happening: a call that is not done, one that is done and not answered, and
/// one that is one too many.
const TROUBLES: [(usize, shopify_admin::Fault, magento_rest::Fault); 3] = [
    (4, shopify_admin::Fault::InternalError, magento_rest::Fault::InternalError),
    (8, shopify_admin::Fault::DropAfterExecuting, magento_rest::Fault::DropAfterExecuting),
    (16, shopify_admin::Fault::Throttle, magento_rest::Fault::Throttle),
];

struct Stage {
    host: Host,
    mails: SmtpSink,
    shopify: ShopifyAdmin,
    magento: MagentoRest,
    http: reqwest::Client,
}

impl Stage {
    fn open() -> Self {
        let mails = SmtpSink::start().expect("the peer starts");
        let limits = Limits { maximum: 1e9, restore_rate: 1e9 };
        let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options { limits, ..Options::default() }).unwrap();
        let price = Amount { thousandths: 2_000, currency: "EUR".into() };
        let variant = Variant { id: "gid://shopify/ProductVariant/1".into(), price, available: true };
        shopify.put_product(Product { id: "gid://shopify/Product/1".into(), variants: vec![variant] });
        let magento = MagentoRest::start(magento_rest::Options::default()).unwrap();
        magento.set_retry_after(1);
        ATTRIBUTES.iter().for_each(|attribute| magento.add_attribute(attribute));
        let host = Host::builder().smtp(mails.address()).start();
        let stage = Self { host, mails, shopify, magento, http: reqwest::Client::new() };
        for (name, _) in PLUGINS {
            stage.run(&["plugin", "install", &plugin_file(name).to_string_lossy()]);
        }
        for (store, platform) in STORES {
            let shared = ["--currency", "EUR", "--name", "Fern", "--url", "https://fern.example", "--secret", SECRET];
            let (token, api) = match platform {
                Platform::Shopify => (Options::default().access_token, stage.shopify.base_url()),
                Platform::Magento => ("simulated-token".into(), stage.magento.base_url()),
            };
            let own = ["store", "add", store, "--platform", platform.as_str(), "--token", &token, "--api-url", &api];
            stage.run(&[&own, &shared[..]].concat());
            for (name, settings) in PLUGINS {
                let file = stage.host.data_dir().join(format!("{name}.json"));
                std::fs::write(&file, settings).unwrap();
                let file = file.to_string_lossy();
                stage.run(&["plugin", "enable", store, name, "--grant-all", "--settings", &file]);
            }
        }
        stage
    }

    #[track_caller]
    fn run(&self, args: &[&str]) {
        let output = self.host.cli(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/v1/stores/{path}", self.host.admin_url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn list(&self, store: &str, what: &str) -> Vec<Value> {
        self.get(&format!("{store}/{what}?limit=1000")).await.as_array().unwrap().clone()
    }

    /// The lines of one kind of a store's export.
    async fn exported(&self, store: &str, kind: &str) -> Vec<Value> {
        let url = format!("{}/v1/stores/{store}/export", self.host.admin_url());
        let export = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["kind"] == kind).collect()
    }

    async fn post(&self, path: &str, headers: &[(&str, String)], body: String) {
        let mut request = self.http.post(format!("{}{path}", self.host.webhooks_url())).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    }

    async fn tell(&self, (store, platform): (&str, Platform), id: &str, (topic, content): (&str, Value)) {
        match platform {
            Platform::Shopify => {
                let body = content.to_string();
                let headers = [
                    ("X-Shopify-Topic", topic.to_owned()),
                    ("X-Shopify-Hmac-Sha256", sign(&Secret::new(SECRET), body.as_bytes())),
                    ("X-Shopify-Shop-Domain", store.to_owned()),
                    ("X-Shopify-API-Version", "2026-10".to_owned()),
                    ("X-Shopify-Webhook-Id", id.to_owned()),
                ];
                self.post("/webhooks/shopify", &headers, body).await;
            }
            Platform::Magento => {
                let body = envelope(store, id, topic, content).to_string();
                let now = System.now();
                let headers = [
                    ("X-Regulars-Signature", module::sign(&platform::Secret::new(SECRET), now, body.as_bytes())),
                    ("X-Regulars-Timestamp", (now.0 / 1_000).to_string()),
                    ("X-Regulars-Delivery", id.to_owned()),
                    ("X-Regulars-Topic", topic.to_owned()),
                    ("X-Regulars-Store", store.to_owned()),
                ];
                self.post("/webhooks/magento", &headers, body).await;
            }
        }
    }

    /// Lets both shops be as they are after a happening.
    fn happens(&self, happening: &Happening, begin: Timestamp, now: Timestamp) {
        if let (Happening::Ordered(..), (_, order)) = (happening, shopify::told(happening, begin, now)) {
            self.shopify.put_order(order);
        }
        match magento::listed(happening, begin, now) {
            Some(Listed::Customer(customer)) => self.magento.put_customer(customer),
            Some(Listed::Order(order)) => self.magento.put_order(order),
            None => {}
        }
    }

    /// A shopper asks for something in their panel.
    async fn ask(&self, store: &str, customer: &str, (plugin, action, input): (&str, &str, Value)) {
        let body = json!({ "plugin": plugin, "action": action, "input": input, "idempotency_key": action });
        let url = format!("{}/v1/stores/{store}/customers/{customer}/actions", self.host.admin_url());
        let response = self.http.post(url).json(&body).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    }

    /// Waits until both stores have come to rest: the event of this id is applied, every effect that a platform would do
    /// has ended, and whoever lists the topic has been told of it.
    async fn settled(&self, id: &str) {
        for (store, _) in STORES {
            eventually(&format!("{store} has come to rest after {id}"), DEADLINE, async || {
                let effects = self.list(store, "effects").await;
                let events = self.list(store, "events").await;
                let told = |topic: &str| events.iter().filter(|event| event["topic"] == topic).count();
                let ended = |wanted: &dyn Fn(&Value) -> bool| effects.iter().filter(|effect| wanted(effect)).count();
                let is_told = events.iter().any(|event| event["id"].as_str().is_some_and(|it| it.ends_with(id)));
                let pending = ended(&|it| it["status"] == "pending" && it["kind"] != "mail");
                let failed = ended(&|it| it["status"] == "dead" || it["status"] == "dropped");
                let done = ended(&|it| it["status"] == "done" && it["plugin"] == "parcel-surprise");
                let all = is_told && pending == 0 && told("effect.failed") == failed && told("effect.done") == done;
                all.then_some(())
            })
            .await;
        }
    }
}

impl Stage {
    /// Waits until every plugin has been told that the guest has become a customer: the host tells it after the fact.
    async fn merged(&self) {
        for (store, _) in STORES {
            eventually(&format!("the plugins of {store} know who the guest was"), DEADLINE, async || {
                let events = self.list(store, "events").await;
                let told = events.iter().filter(|event| event["topic"] == "customer.merged").count();
                (told == PLUGINS.len()).then_some(())
            })
            .await;
        }
    }
}

/// Waits until every plugin has taken its settings over, and no timer is due.
async fn taken_over(stage: &Stage) {
    for (store, _) in STORES {
        eventually(&format!("the plugins of {store} have taken their settings over"), DEADLINE, async || {
            let events = stage.list(store, "events").await;
            let published = events.iter().filter(|event| event["topic"] == "settings.published").count();
            let timers = stage.exported(store, "timer").await;
            let quiet = timers.iter().all(|timer| timer["value"]["due"].as_u64() > Some(System.now().0));
            // `referral-vouchers` does not ask to be told.
            (published == PLUGINS.len() - 1 && quiet).then_some(())
        })
        .await;
    }
}

fn envelope(store: &str, id: &str, topic: &str, data: Value) -> Value {
    let occurred_at = now().to_string();
    json!({ "version": 1, "id": id, "topic": topic, "store": store, "occurred_at": occurred_at, "data": data })
}

/// Whole seconds, which is all that Magento keeps.
fn now() -> Timestamp {
    Timestamp::from_second(i64::try_from(System.now().0 / 1_000).unwrap()).unwrap()
}

fn id_of(step: usize) -> String {
    format!("5d1f0c7e-0000-4000-8000-{step:012}")
}

#[test]
fn both_platforms_tell_of_a_season_in_the_same_facts() {
    let begin: Timestamp = "2026-11-01T10:00:00Z".parse().unwrap();
    let context =
        Context { currency: "EUR".parse().unwrap(), occurred_at: regulars::domain::Timestamp(1_795_000_000_000) };
    let happenings = season::season();
    assert!(happenings.len() > 15);
    for (step, happening) in happenings.iter().enumerate() {
        let at = begin + jiff::SignedDuration::from_secs(1_000 + i64::try_from(step).unwrap());
        let (topic, body) = shopify::told(happening, begin, at);
        let of_shopify = platform::read(Platform::Shopify, topic, body.to_string().as_bytes(), &context).unwrap();
        let (topic, data) = magento::told(happening, begin, at);
        let sent = envelope("shop.example.com", &id_of(step), topic, data);
        assert_is_on_the_wire(&sent);
        let mut of_magento = platform::read(Platform::Magento, topic, sent.to_string().as_bytes(), &context).unwrap();
        // What Magento's store view says of the language, Shopify tells elsewhere.
        match &mut of_magento.change {
            Change::Customer(customer) | Change::Order { customer: Some(customer), .. } => customer.locale = None,
            _ => {}
        }
        assert_eq!(of_magento, of_shopify, "{happening:?}");
    }
}

#[tokio::test]
async fn the_same_season_comes_to_the_same_ledgers_on_both_platforms() {
    let stage = Stage::open();
    taken_over(&stage).await;
    let begin = now();
    for (step, happening) in season::season().iter().enumerate() {
        let (id, at) = (id_of(step), begin + jiff::SignedDuration::from_secs(300 + i64::try_from(step).unwrap()));
        stage.happens(happening, begin, at);
        if let Some((_, of_shopify, of_magento)) = TROUBLES.iter().find(|(bad, ..)| *bad == step) {
            stage.shopify.set_fault(*of_shopify, 1);
            stage.magento.set_fault(*of_magento, 1);
        }
        for (store, platform) in STORES {
            let told = match platform {
                Platform::Shopify => shopify::told(happening, begin, at),
                Platform::Magento => magento::told(happening, begin, at),
            };
            stage.tell((store, platform), &id, told).await;
        }
        stage.settled(&id).await;
        if matches!(happening, Happening::Joined(who) if who.id == season::NOOR.id) {
            stage.merged().await;
        }
    }
    let birthday = ("birthday-mail", "birthday", json!({ "day": "28", "month": "2" }));
    let share = ("referral-vouchers", "share", json!({}));
    for (asked, customer) in [(birthday, "7"), (share, "8")] {
        for (store, _) in STORES {
            stage.ask(store, customer, asked.clone()).await;
        }
        stage.settled(&format!("/{}", asked.1)).await;
    }
    let [of_shopify, of_magento] = [ledgers(&stage, STORES[0].0).await, ledgers(&stage, STORES[1].0).await];
    for (what, lines) in &of_shopify {
        for (one, other) in lines.iter().zip(&of_magento[what]) {
            assert_eq!(other, one, "{what}");
        }
        assert_eq!(of_magento[what].len(), lines.len(), "{what}");
    }
    let count = |what: &str| of_shopify[what].len();
    assert!(count("events") >= 20 && count("effects") >= 10, "{} {}", count("events"), count("effects"));
    for (plugin, _) in PLUGINS {
        let by_plugin = |line: &&String| line.contains(plugin);
        assert!(of_shopify["events"].iter().any(|line| by_plugin(&line)), "{plugin} had nothing to do");
    }
    assert_eq!(stage.mails.violations(), Vec::<String>::new());
    let undone: Vec<_> = of_shopify["effects"].iter().filter(|effect| effect.contains("\"dead\"")).collect();
    assert!(undone.is_empty(), "{undone:#?}");
    assert_shops_are_alike(&stage);
}

/// Codes, tags, values and gifts are there on both platforms, each once, in the platform's own form.
fn assert_shops_are_alike(stage: &Stage) {
    let codes = stage.shopify.codes().len();
    assert!(codes > 0 && codes == stage.magento.coupons().len(), "{codes} {:?}", stage.magento.coupons());
    for customer in [7, 8] {
        let gid = format!("gid://shopify/Customer/{customer}");
        let held = stage.magento.customer(customer);
        let attribute = |code: &str| {
            let held = held["custom_attributes"].as_array().into_iter().flatten();
            let own = held.filter(|it| it["attribute_code"] == code).map(|it| it["value"].as_str().unwrap().to_owned());
            own.collect::<Vec<_>>()
        };
        let shown = |plugin: &str, key: &str| {
            let field = stage.shopify.metafield(&gid, &format!("$app:{plugin}"), key).expect("the value is shown");
            vec![field.value]
        };
        assert_eq!(attribute(ATTRIBUTES[1]), shown("loyalty-points", "points_balance"), "{customer}");
        assert_eq!(attribute(ATTRIBUTES[2]), shown("vip-tiers", "vip_tier"), "{customer}");
        let tags: Vec<_> = stage.shopify.tags(&gid).into_iter().collect();
        assert_eq!(attribute(ATTRIBUTES[0]), [tags.join(", ")], "{customer}");
    }
    let gifts = |order: u64| {
        let note = stage.shopify.note(&format!("gid://shopify/Order/{order}")).matches("Tea").count();
        let comments = stage.magento.comments(order).iter().filter(|comment| comment.contains("Tea")).count();
        (note, comments)
    };
    // The second order of a customer has one, also where the first was a guest's.
    let found: Vec<_> = (501..=506).map(gifts).collect();
    assert_eq!(found, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0), (1, 1)]);
}

/// What a season has come to, by kind, without what is another's by its nature: ids that hold the store's name, and codes.
async fn ledgers(stage: &Stage, store: &str) -> BTreeMap<&'static str, Vec<String>> {
    let mut events = stage.list(store, "events").await;
    events.reverse();
    let told = |event: &Value| {
        let deliveries = event["deliveries"].as_array().unwrap().iter().map(|delivery| {
            let effects = delivery["effects"].as_array().map_or(0, Vec::len);
            let notes = without_own(&delivery["notes"]);
            format!("{} {} {effects} {notes}", delivery["plugin"], delivery["outcome"])
        });
        let deliveries: Vec<_> = deliveries.collect();
        format!("{} {} {}\n  {}", event["topic"], event["customer"], event["order"], deliveries.join("\n  "))
    };
    // What the host itself tells of comes when it is due, between whatever else.
    let is_own = |event: &&Value| {
        let topic = event["topic"].as_str().unwrap();
        ["timer.", "settings.", "effect."].iter().any(|beginning| topic.starts_with(beginning))
    };
    let (own, events): (Vec<_>, Vec<_>) = events.iter().partition(is_own);
    let events = events.into_iter().map(told).collect();
    let mut own: Vec<_> = own.into_iter().map(told).collect();
    own.sort();
    let mut effects: Vec<_> = stage
        .list(store, "effects")
        .await
        .iter()
        .map(|it| {
            let content = without_own(&it["content"]);
            format!("{} {} {} {} {} {content}", it["plugin"], it["kind"], it["status"], it["customer"], it["order"])
        })
        .collect();
    effects.sort();
    let customers = stage.list(store, "customers").await;
    let figures = customers.iter().map(|it| format!("{} {}", it["customer"]["id"], without_own(&it["figures"])));
    BTreeMap::from([
        ("events", events),
        ("events of the host", own),
        ("effects", effects),
        ("figures", figures.collect()),
    ])
}

/// A value without what is another's in any two stores: moments, names of effects, codes, links and what a platform has said.
fn without_own(value: &Value) -> Value {
    /// Milliseconds since 1970, and nothing else here, are as large.
    const MOMENT: i64 = 1_000_000_000_000;
    const OWN: [&str; 7] = ["code", "link", "url", "made_by", "effect", "after", "because"];
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_own(value))).collect())
        }
        // A note's fields are pairs.
        Value::Array(items) => {
            let is_own = |item: &&Value| item[0].as_str().is_none_or(|name| !OWN.contains(&name));
            items.iter().filter(is_own).map(without_own).collect()
        }
        Value::Number(number) if number.as_i64().is_some_and(|number| number > MOMENT) => Value::Null,
        other => other.clone(),
    }
}
