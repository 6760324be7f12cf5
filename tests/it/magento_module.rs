//! Our module and the host: one wire, whose exact form stands in the module's own schema; and the panel in a Magento shop.

use jsonschema::Validator;
use regulars::{
    clock::{Clock, System},
    platform::{Secret, magento::senders::module},
};
use regulars_tests::{DEADLINE, host::Host, host::eventually};
use serde_json::{Value, json};

use crate::shop::{SECRET, Shop, plugin_file};

const STORE: &str = "shop.example.com";
const ID: &str = "5d1f0c7e-0000-4000-8000-000000000001";

pub fn file(path: &str) -> Value {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

fn schema() -> Validator {
    jsonschema::validator_for(&file("../manifests/magento/Regulars_Connect/docs/wire.schema.json")).unwrap()
}

/// What a value's schema finds wrong with it.
pub fn assert_is_on_the_wire(envelope: &Value) {
    let schema = schema();
    let problems: Vec<_> = schema.iter_errors(envelope).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}: {envelope:#}");
}

#[test]
fn every_fixture_of_the_module_is_what_the_module_can_send() {
    let folder = format!("{}/fixtures/magento", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let ours: Vec<_> = files.filter(|name| name.starts_with("module_")).collect();
    assert!(ours.len() > 10, "{ours:?}");
    ours.iter().for_each(|name| assert_is_on_the_wire(&file(&format!("fixtures/magento/{name}"))));
}

pub fn envelope(topic: &str, data: Value) -> Value {
    json!({ "version": 1, "id": ID, "topic": topic, "store": STORE, "occurred_at": "2026-11-21T18:18:42Z", "data": data })
}

/// Posts as the module does, signed with a secret.
pub async fn send(host: &Host, path: &str, envelope: &Value, secret: &str) -> (u16, String) {
    let (body, now) = (envelope.to_string(), System.now());
    let text = |field: &str| envelope[field].as_str().unwrap().to_owned();
    let request = reqwest::Client::new()
        .post(format!("{}{path}", host.webhooks_url()))
        .header("X-Regulars-Signature", module::sign(&Secret::new(secret), now, body.as_bytes()))
        .header("X-Regulars-Timestamp", (now.0 / 1_000).to_string())
        .header("X-Regulars-Delivery", text("id"))
        .header("X-Regulars-Topic", text("topic"))
        .header("X-Regulars-Store", text("store"))
        .header("Content-Type", "application/json");
    let response = request.body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A Magento store with `loyalty-points`, and a customer whom the module has told of.
async fn shop() -> Shop {
    let shop = Shop::without_plugins(Host::builder()).await;
    shop.run(&["store", "add", STORE, "--platform", "magento", "--currency", "EUR", "--secret", SECRET]);
    shop.run(&["plugin", "install", &plugin_file("loyalty-points").to_string_lossy()]);
    shop.run(&["plugin", "enable", STORE, "loyalty-points", "--grant-all"]);
    let customer = file("fixtures/magento/module_customer_created.json");
    assert_eq!(send(&shop.host, "/webhooks/magento", &customer, SECRET).await.0, 200);
    eventually("the customer has signed up", DEADLINE, async || {
        let known = shop.get(&format!("/stores/{STORE}/customers/7")).await;
        (known["figures"]["loyalty-points"]["balance"] == "50").then_some(())
    })
    .await;
    shop
}

#[test]
fn every_value_that_our_plugins_show_of_customers_has_an_attribute_that_the_module_makes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let patch = read("manifests/magento/Regulars_Connect/Setup/Patch/Data/AddCustomerAttributes.php");
    let mut shown = 0;
    for plugin in ["birthday-mail", "loyalty-points", "parcel-surprise", "referral-vouchers", "vip-tiers"] {
        let files = std::fs::read_dir(format!("{root}/plugins/{plugin}/src")).unwrap();
        for file in files.map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
            let source = std::fs::read_to_string(file).unwrap();
            for line in source.lines().filter(|line| line.starts_with("const METAFIELD: &str")) {
                let key = line.split('"').nth(1).unwrap();
                let code = format!("'regulars_{}_{key}'", plugin.replace('-', "_"));
                assert!(patch.contains(&code), "{code}");
                shown += 1;
            }
        }
    }
    assert!(shown > 1 && patch.contains("'regulars_tags'"));
}

#[tokio::test]
async fn the_module_is_answered_as_its_wire_says() {
    let shop = shop().await;
    let test = envelope("connection.test", json!({}));
    let answer = async |envelope: &Value, secret: &str| send(&shop.host, "/webhooks/magento", envelope, secret).await;
    assert_eq!(answer(&test, SECRET).await.0, 200);
    let (status, problem) = answer(&test, "another").await;
    assert!(status == 401 && problem.contains("bad-signature"), "{status} {problem}");
    // Which the module tries again: a mistyped name loses nothing.
    for store in ["nobody.example.com", "My shop"] {
        let unknown = json!({ "store": store, "topic": "connection.test", "id": ID });
        assert_eq!(answer(&unknown, SECRET).await.0, 404, "{store}");
    }
    let topics: Vec<_> = shop.get(&format!("/stores/{STORE}/events")).await.as_array().unwrap().clone();
    assert!(topics.iter().any(|event| event["topic"] == "customer.created"), "{topics:#?}");
}

#[tokio::test]
async fn a_shopper_of_a_magento_shop_sees_the_panel_and_acts_in_it_once() {
    let shop = shop().await;
    let show = envelope("panel.show", json!({ "customer_id": "7", "locale": "nl-NL" }));
    assert_is_on_the_wire(&show);
    let (status, page) = send(&shop.host, "/magento/panel", &show, SECRET).await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<html lang=\"nl-NL\">") && page.contains("<main"), "{page}");
    let action = "action=\"plugins&#x2f;loyalty-points&#x2f;actions&#x2f;birthday\"";
    let plain = page.replace("&#x2f;", "/");
    assert!(plain.contains(&action.replace("&#x2f;", "/")), "{plain}");
    let key = plain.split("name=\"regulars-key\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();

    let fields = json!([["regulars-key", key], ["birthday[day]", "28"], ["birthday[month]", "2"]]);
    let act = envelope(
        "panel.act",
        json!({
            "customer_id": "7", "locale": "nl-NL", "plugin": "loyalty-points", "action": "birthday", "fields": fields,
        }),
    );
    assert_is_on_the_wire(&act);
    for _ in 0..2 {
        let (status, page) = send(&shop.host, "/magento/panel/actions", &act, SECRET).await;
        assert!(status == 200 && page.contains("role=\"status\""), "{status} {page}");
    }
    let events = shop.get(&format!("/stores/{STORE}/events")).await;
    let asked = events.as_array().unwrap().iter().filter(|event| event["topic"] == "shopper.action");
    assert_eq!(asked.count(), 1, "the form's own key makes it count once: {events:#}");
}

#[tokio::test]
async fn a_panel_is_shown_to_nobody_whom_the_shop_has_not_named() {
    let shop = shop().await;
    let show = |customer: &str| envelope("panel.show", json!({ "customer_id": customer, "locale": "nl-NL" }));
    let status = async |envelope: &Value, secret: &str| send(&shop.host, "/magento/panel", envelope, secret).await.0;
    assert_eq!(status(&show("7"), SECRET).await, 200);
    assert_eq!(status(&show("8"), SECRET).await, 404, "a customer whom nobody has told of");
    assert_eq!(status(&show("7"), "another").await, 401);
    assert_eq!(status(&envelope("customer.updated", json!({ "customer_id": "7" })), SECRET).await, 400);
    let act = envelope(
        "panel.act",
        json!({
            "customer_id": "7", "locale": "nl-NL", "plugin": "loyalty-points", "action": "birthday", "fields": [],
        }),
    );
    let (status, problem) = send(&shop.host, "/magento/panel/actions", &act, SECRET).await;
    assert!(status == 400 && problem.contains("regulars-key"), "{problem}");
}

#[tokio::test]
async fn adobe_is_told_that_the_address_is_ours() {
    let shop = shop().await;
    let http = reqwest::Client::new();
    let get = async |path: &str| http.get(format!("{}{path}", shop.host.webhooks_url())).send().await.unwrap();
    let answer = get(&format!("/webhooks/adobe-io/{STORE}?challenge=8ec8d794-e0ab-42df")).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(answer.text().await.unwrap(), "8ec8d794-e0ab-42df");
    assert_eq!(get("/webhooks/adobe-io/nobody.example.com?challenge=a").await.status(), 404);
    assert_eq!(get(&format!("/webhooks/adobe-io/{STORE}")).await.status(), 400);
}
