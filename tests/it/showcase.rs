//! `showcase`: a plugin that shows a panel, shares links, opens tasks and writes down everything that it is told, for tests
//! of what a host does between people and plugins.

use std::{cell::RefCell, path::PathBuf};

use data_encoding::BASE64;
use regulars::catalog::package;
use regulars_tests::{
    DEADLINE, guest,
    host::{Host, eventually},
    population::Webhook,
    sender::{Answer, Sender},
};
use reqwest::{Client, Response, header, redirect::Policy};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, SECRET, webhook};

pub const NAME: &str = "showcase";

/// The customer of the fixture, by id and by address.
pub const MIRA: &str = "9107200431558877203";
pub const MIRAS_ADDRESS: &str = "mira.okonjo@example.com";

/// Why it refuses the action `fail`.
pub const REFUSAL: &str = "it was told to fail";

const MANIFEST: &str = r#"
[plugin]
name = "showcase"
version = "0.1.0"
title = "Showcase"
summary = "Shows and writes down."
topics = ["link.visited", "merchant.action", "settings.published"]
capabilities = ["links", "tasks"]

[settings]
"$schema" = "https://json-schema.org/draft/2020-12/schema"
type = "object"
additionalProperties = false

[settings.properties.greeting]
title = "Greeting"
type = "string"
default = "Hello"
"#;

/// Texts of a guest in its memory, from 1024 on.
#[derive(Default)]
struct Texts(RefCell<String>);

impl Texts {
    /// The pair of arguments that names a text.
    fn add(&self, text: &str) -> String {
        let mut texts = self.0.borrow_mut();
        let at = 1024 + texts.len();
        texts.push_str(text);
        format!("(i32.const {at}) (i32.const {})", text.len())
    }
}

/// Every event is a line of the state's `log`: its topic and its payload. Actions go by the first letter of their name:
/// `share` shares a link, `query` opens a task that is long due, `give` counts 40 points, `fail` is refused.
fn code() -> String {
    let texts = Texts::default();
    let text = |text: &str| texts.add(text);
    let handle = format!(
        r#"(call $restore)
        (call $payload (i32.const 16))
        (call $append (local.get $topic) (local.get $topic_len)) (call $append {blank})
        (call $append (i32.load (i32.const 16)) (i32.load (i32.const 20))) (call $append {line})
        (call $action (i32.const 160))
        (if (i32.load8_u (i32.const 160)) (then
            (local.set $letter (i32.load8_u (i32.load (i32.const 164))))
            (if (i32.eq (local.get $letter) (i32.const 0x73)) (then
                (call $share (i32.load (i32.const 176)) (i32.load (i32.const 180)) (i32.const 320))
                (if (i32.load8_u (i32.const 320)) (then unreachable))
                (call $set {url} (i32.load (i32.const 332)) (i32.load (i32.const 336)) (i32.const 64))))
            (if (i32.eq (local.get $letter) (i32.const 0x71)) (then
                (call $text (i32.const 2600) {approve}) (call $text (i32.const 2608) {approve_label})
                (call $open {key} {title} (i32.const 0) (i32.const 0)
                    (i32.load (i32.const 172)) (i32.load (i32.const 176)) (i32.load (i32.const 180))
                    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2600) (i32.const 1)
                    (i32.const 1) (i64.const 1) (i32.const 400))
                (if (i32.load8_u (i32.const 400)) (then unreachable))))
            (if (i32.eq (local.get $letter) (i32.const 0x67)) (then
                (call $spend {points} (i64.const 40) (i32.const 500))
                (if (i32.load8_u (i32.const 500)) (then (return (call $reject {budget}))))))
            (if (i32.eq (local.get $letter) (i32.const 0x66)) (then (return (call $reject {refusal}))))))
        (call $set {log} (i32.const 8192) (i32.sub (global.get $end) (i32.const 8192)) (i32.const 64))"#,
        blank = text(" "),
        line = text("\n"),
        url = text("url"),
        approve = text("approve"),
        approve_label = text("Approve it"),
        key = text("order/1"),
        title = text("Is this a friend?"),
        points = text("points"),
        budget = text("the budget is used up"),
        refusal = text(REFUSAL),
        log = text("log"),
    );
    let restore = format!(
        r#"(call $get {log} (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then (call $append (i32.load (i32.const 20)) (i32.load (i32.const 24)))))"#,
        log = text("log"),
    );
    let render = format!(
        r#"(call $text (i32.const 2048) {heading}) (call $text (i32.const 2056) {title})
        (call $text (i32.const 2144) {link}) (call $text (i32.const 2152) {link_title})
        (call $get {url} (i32.const 16))
        (if (i32.load8_u (i32.const 16)) (then
            (call $text (i32.const 2168) (i32.load (i32.const 20)) (i32.load (i32.const 24)))))
        (call $text (i32.const 2240) {form})
        (i32.store (i32.const 2296) (i32.const 2400)) (i32.store (i32.const 2300) (i32.const 1))
        (i32.store8 (i32.const 2304) (i32.const 1))
        (call $text (i32.const 2308) {share}) (call $text (i32.const 2316) {label})
        (call $text (i32.const 2400) {email}) (call $text (i32.const 2408) {email_label}) (call $text (i32.const 2416) {email})
        (i32.store (i32.const 260) (i32.const 2048)) (i32.store (i32.const 264) (i32.const 3))"#,
        heading = text("heading"),
        title = text("Tell a friend"),
        link = text("link"),
        link_title = text("Your link"),
        url = text("url"),
        form = text("form"),
        share = text("share"),
        label = text("Go"),
        email = text("email"),
        email_label = text("E-mail"),
    );
    let texts = texts.0.take();
    format!(
        r#"(module
        (import "regulars:plugin/events@0.1.0" "get-payload-json" (func $payload (param i32)))
        (import "regulars:plugin/events@0.1.0" "get-action" (func $action (param i32)))
        (import "regulars:plugin/state@0.1.0" "get" (func $get (param i32 i32 i32)))
        (import "regulars:plugin/state@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
        (import "regulars:plugin/budget@0.1.0" "spend" (func $spend (param i32 i32 i64 i32)))
        (import "regulars:plugin/links@0.1.0" "share" (func $share (param i32 i32 i32)))
        (import "regulars:plugin/tasks@0.1.0" "open" (func $open (param
            i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i32)))
        (memory (export "memory") 4)
        (data (i32.const 1024) {texts:?})
        (global $free (mut i32) (i32.const 131072))
        (global $end (mut i32) (i32.const 8192))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
            (global.set $free (i32.add (local.get 0) (local.get 3))))
        (func $text (param $at i32) (param $text i32) (param $length i32)
            (i32.store (local.get $at) (local.get $text)) (i32.store offset=4 (local.get $at) (local.get $length)))
        (func $append (param $text i32) (param $length i32)
            (memory.copy (global.get $end) (local.get $text) (local.get $length))
            (global.set $end (i32.add (global.get $end) (local.get $length))))
        (func $restore {restore})
        (func $reject (param $text i32) (param $length i32) (result i32)
            (i32.store8 (i32.const 96) (i32.const 1)) (i32.store8 (i32.const 100) (i32.const 1))
            (call $text (i32.const 104) (local.get $text) (local.get $length)) (i32.const 96))
        (func (export "regulars:plugin/handler@0.1.0#handle")
            (param i32 i32) (param $topic i32) (param $topic_len i32) (param i32 i32 i64 i32) (result i32)
            (local $letter i32)
            {handle} (i32.const 0))
        (func (export "regulars:plugin/panel@0.1.0#render")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
            {render} (i32.const 256)))"#
    )
}

/// A host with one store, in which the plugin is on and one customer is known.
pub struct Stage {
    pub host: Host,
    http: Client,
}

impl Stage {
    pub async fn open() -> Self {
        let http = Client::builder().redirect(Policy::none()).build().expect("a client can be made");
        let stage = Self { host: Host::builder().start(), http };
        let url = "https://fern.example";
        stage.run(&["store", "add", DOMAIN, "--currency", "EUR", "--secret", SECRET, "--name", "Fern", "--url", url]);
        let module = guest::module_of(&code(), &["plugin", "shown"]).expect("the text is a module of these worlds");
        let packed = package::pack(&module, MANIFEST, &Default::default()).expect("the module can be packed");
        let file = stage.file("showcase.wasm", &packed);
        stage.run(&["plugin", "install", &file.to_string_lossy()]);
        stage.run(&["plugin", "enable", DOMAIN, NAME, "--grant-all"]);
        stage.send(&webhook("customers/create", "customer_created", "w-mira")).await;
        eventually("the customer is known", DEADLINE, async || {
            let known = stage.ask("GET", &format!("/v1/stores/{DOMAIN}/customers/{MIRA}"), None).await.0 == 200;
            known.then_some(())
        })
        .await;
        stage
    }

    /// A file in the data directory.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.host.data_dir().join(name);
        std::fs::write(&file, bytes).expect("the data directory can be written to");
        file
    }

    /// Runs a command that has to succeed; what it printed.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.host.cli(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`regulars {}`: {stderr}", args.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that has to fail; all that it printed.
    #[track_caller]
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.host.cli(args);
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(!output.status.success(), "`regulars {}` succeeded: {told}", args.join(" "));
        told
    }

    async fn send(&self, webhook: &Webhook) -> Answer {
        let sender = Sender::to(format!("{}/webhooks/shopify", self.host.webhooks_url())).expect("it is an address");
        sender.send(webhook).await.expect("the host answers")
    }

    /// Asks the JSON API.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("it is a method");
        let mut request = self.http.request(method, format!("{}{path}", self.host.admin_url()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the host answers");
        (response.status().as_u16(), response.json().await.expect("the API answers in JSON"))
    }

    /// Asks for a page; `of` is the listener's address.
    pub async fn page(&self, of: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.http.get(format!("{of}{path}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("the host answers")
    }

    /// Asks for the head of a page alone.
    pub async fn head(&self, of: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.http.head(format!("{of}{path}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("the host answers")
    }

    /// Sends a form.
    pub async fn form(&self, of: &str, path: &str, body: String, headers: &[(&str, &str)]) -> Response {
        let request = self.http.post(format!("{of}{path}")).body(body);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.expect("the host answers")
    }

    /// A merchant's action, until it is decided; the event.
    pub async fn act(&self, name: &str, key: &str) -> Value {
        let path = format!("/v1/stores/{DOMAIN}/plugins/{NAME}/actions");
        let body = json!({ "name": name, "customer": MIRA, "input": {}, "idempotency_key": key });
        let (status, answer) = self.ask("POST", &path, Some(body)).await;
        assert_eq!(status, 202, "{answer}");
        let id = answer["event"].as_str().expect("an event has an id").replace('/', "%2F");
        eventually("the action is decided", DEADLINE, async || {
            let (status, event) = self.ask("GET", &format!("/v1/stores/{DOMAIN}/events/{id}"), None).await;
            (status == 200).then_some(event)
        })
        .await
    }

    /// What the plugin was told, in order: topics with payloads. Whatever was taken in before is in it.
    pub async fn told(&self) -> Vec<(String, Value)> {
        let marker = format!("marker-{}", self.events().await.len());
        self.act("nothing", &marker).await;
        let answer = self.page(self.host.admin_url(), &format!("/v1/stores/{DOMAIN}/export"), &[]).await;
        let export = answer.text().await.expect("the export is whole");
        let mut rows = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
        let log = rows.find(|row| row["kind"] == "state" && row["key"] == "log").expect("something was told");
        let bytes = BASE64.decode(log["value"]["base64"].as_str().expect("it is no JSON").as_bytes());
        let text = String::from_utf8(bytes.expect("it is base64")).expect("it is text");
        let line = |line: &str| {
            let (topic, payload) = line.split_once(' ').expect("a line has two parts");
            (topic.to_owned(), serde_json::from_str(payload).expect("a payload is JSON"))
        };
        text.lines().map(line).collect()
    }

    /// Payloads of what the plugin was told on a topic.
    pub async fn told_of(&self, topic: &str) -> Vec<Value> {
        let told = self.told().await.into_iter();
        told.filter(|(of, _)| of == topic).map(|(_, payload)| payload).collect()
    }

    /// Events of the store, newest first.
    pub async fn events(&self) -> Vec<Value> {
        let (_, events) = self.ask("GET", &format!("/v1/stores/{DOMAIN}/events?limit=1000"), None).await;
        events.as_array().expect("a list").clone()
    }

    /// The page of the customer's link, made if there is none yet, as a path.
    pub async fn link(&self) -> String {
        self.act("share", &format!("share-{}", self.events().await.len())).await;
        let (_, parts) = self.ask("GET", &format!("/v1/stores/{DOMAIN}/customers/{MIRA}/panel"), None).await;
        let url = parts[0]["blocks"][1]["value"].as_str().unwrap_or_else(|| panic!("no link: {parts}")).to_owned();
        let (_, name) = url.rsplit_once("/l/").expect("it is the address of a link");
        format!("/l/{name}")
    }
}

/// The keys of the forms of a page, in order.
pub fn form_keys(html: &str) -> Vec<String> {
    let keys = html.split("name=\"regulars-key\" value=\"").skip(1);
    keys.filter_map(|rest| rest.split_once('"')).map(|(key, _)| key.to_owned()).collect()
}
