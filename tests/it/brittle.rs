//! `brittle`: a plugin that fails as its settings say and writes down every event that it has handled, for tests of what
//! a host does about failures.

use std::{collections::BTreeMap, path::PathBuf};

use data_encoding::BASE64;
use regulars::catalog::package;
use regulars_tests::{DEADLINE, guest, host::eventually};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, Shop, webhook};

pub const NAME: &str = "brittle";

/// Why it rejects an event when it fails for good.
pub const FOR_GOOD: &str = "it fails for good";

const MANIFEST: &str = r#"
[plugin]
name = "brittle"
version = "0.1.0"
title = "Brittle"
summary = "Fails as it is told to."
topics = ["order.paid"]
capabilities = []

[settings]
"$schema" = "https://json-schema.org/draft/2020-12/schema"
type = "object"
additionalProperties = false

[settings.properties.fails]
title = "Fails"
type = "string"
enum = ["never", "at first", "for good"]
default = "never"
"#;

/// `$mode` is the setting's first letter. "At first" traps at the first attempt of webhooks whose id begins with an `x`;
/// "for good" rejects every event. What is handled is added to the list under `handled`, one id a line.
const CODE: &str = r#"(module
    (import "regulars:plugin/settings@0.1.0" "get" (func $setting (param i32 i32 i32)))
    (import "regulars:plugin/state@0.1.0" "get" (func $get (param i32 i32 i32)))
    (import "regulars:plugin/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 1024) "fails")
    (data (i32.const 1040) "handled")
    (data (i32.const 1056) "it fails for good")
    (global $free (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.set $free (i32.add (local.get 0) (local.get 3))))
    (func (export "regulars:plugin/handler@0.1.0#handle")
        (param $id i32) (param $id_len i32) (param i32 i32 i32 i32 i64) (param $attempt i32) (result i32)
        (local $mode i32) (local $end i32)
        (call $setting (i32.const 1024) (i32.const 5) (i32.const 16))
        (local.set $mode (i32.load8_u offset=1 (i32.load (i32.const 20))))
        (if (i32.eq (local.get $mode) (i32.const 0x66)) (then
            (i32.store8 (i32.const 96) (i32.const 1)) (i32.store8 (i32.const 100) (i32.const 1))
            (i32.store (i32.const 104) (i32.const 1056)) (i32.store (i32.const 108) (i32.const 17))
            (return (i32.const 96))))
        (if (i32.and (i32.eq (local.get $mode) (i32.const 0x61)) (i32.eq (local.get $attempt) (i32.const 1))) (then
            (if (i32.eq (i32.load8_u offset=8 (local.get $id)) (i32.const 0x78)) (then (unreachable)))))
        (local.set $end (i32.const 4096))
        (call $get (i32.const 1040) (i32.const 7) (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then
            (memory.copy (local.get $end) (i32.load (i32.const 20)) (i32.load (i32.const 24)))
            (local.set $end (i32.add (local.get $end) (i32.load (i32.const 24))))))
        (memory.copy (local.get $end) (local.get $id) (local.get $id_len))
        (local.set $end (i32.add (local.get $end) (local.get $id_len)))
        (i32.store8 (local.get $end) (i32.const 0x0a))
        (call $set (i32.const 1040) (i32.const 7)
            (i32.const 4096) (i32.sub (local.get $end) (i32.const 4095)) (i32.const 64))
        (i32.const 0)))"#;

/// The plugin's file.
fn packed() -> Vec<u8> {
    let module = guest::module(CODE, "core").expect("the text is a module of this world");
    package::pack(&module, MANIFEST, &BTreeMap::new()).expect("the module can be packed")
}

fn settings(shop: &Shop, fails: &str) -> PathBuf {
    let file = shop.host.data_dir().join("brittle.json");
    std::fs::write(&file, json!({ "fails": fails }).to_string()).expect("the data directory can be written to");
    file
}

/// Installs the plugin and switches it on.
pub fn switch_on(shop: &Shop, fails: &str) {
    let file = shop.host.data_dir().join("brittle.wasm");
    std::fs::write(&file, packed()).expect("the data directory can be written to");
    shop.run(&["plugin", "install", &file.to_string_lossy()]);
    shop.run(&["plugin", "enable", DOMAIN, NAME, "--settings", &settings(shop, fails).to_string_lossy()]);
}

/// Saves other settings, from which the next attempt on goes by them.
pub fn change(shop: &Shop, fails: &str) {
    shop.run(&["plugin", "settings", DOMAIN, NAME, "--save", &settings(shop, fails).to_string_lossy()]);
}

/// Sends one paid order under each of these ids, one after the other: all of one customer, so that their order counts.
pub async fn send(shop: &Shop, ids: &[&str]) {
    for id in ids {
        let answer = shop.send(&webhook("orders/paid", "order_placed", id)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// The ids of the events that these webhooks become.
pub fn webhooks(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| format!("webhook/{id}")).collect()
}

/// Ids of the events that the plugin has handled, in the order in which it did: each as often as it was handled.
pub async fn handled(shop: &Shop) -> Vec<String> {
    let url = format!("{}/v1/stores/{DOMAIN}/export", shop.host.admin_url());
    let answer = reqwest::Client::new().get(url).send().await.expect("the host answers");
    let export = answer.text().await.expect("the export is whole");
    let mut rows = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    let list = rows.find(|row| row["kind"] == "state" && row["plugin"] == NAME && row["key"] == "handled");
    let Some(list) = list else { return Vec::new() };
    let bytes = BASE64.decode(list["value"]["base64"].as_str().expect("it is no JSON").as_bytes());
    let text = String::from_utf8(bytes.expect("it is base64")).expect("ids are text");
    text.lines().map(Into::into).collect()
}

/// Waits until the plugin has handled so many events; which.
pub async fn handled_in_all(shop: &Shop, count: usize) -> Vec<String> {
    eventually("the plugin has handled them", DEADLINE, async || {
        let handled = handled(shop).await;
        (handled.len() >= count).then_some(handled)
    })
    .await
}

/// How a plugin's delivery of an event stands: `done`, `retrying`, `dead` or `waiting`.
pub fn outcome<'a>(event: &'a Value, plugin: &str) -> Option<&'a str> {
    let mut deliveries = event["deliveries"].as_array()?.iter();
    let outcome = &deliveries.find(|delivery| delivery["plugin"] == plugin)?["outcome"];
    outcome.as_str().or_else(|| outcome.as_object()?.keys().next().map(String::as_str))
}

/// Waits until so many of the plugin's deliveries stand like this.
pub async fn stand(shop: &Shop, count: usize, outcome_is: &str) {
    eventually(&format!("{count} deliveries are {outcome_is}"), DEADLINE, async || {
        let events = shop.events().await;
        let found = events.iter().filter(|event| outcome(event, NAME) == Some(outcome_is)).count();
        (found == count).then_some(())
    })
    .await;
}
