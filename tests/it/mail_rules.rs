//! Mails end to end: one click ends marketing and nothing else, caps put mails off, a bounce stops an address, and a
//! merchant's words outlast the plugin's.

use std::collections::BTreeMap;

use regulars::catalog::package;
use regulars_tests::{
    DEADLINE, guest,
    host::{Host, eventually},
    smtp_sink::Message,
};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, Shop, webhook};

mod newsletter;

const NAME: &str = "herald";
const CUSTOMER: &str = "9107200431558877203";
const ADDRESS: &str = "mira.okonjo@example.com";

/// Where the host believes that it is reached; the tests know its port.
const PUBLIC: &str = "https://mail.fern.example";

const MANIFEST: &str = r#"
[plugin]
name = "herald"
version = "0.1.0"
title = "Herald's news"
summary = "Writes whatever it is asked to."
topics = ["shopper.action"]
capabilities = ["mail"]

[templates.note.sample]
"#;

/// Sends the mail `note` for the purpose that the action is called by.
const CODE: &str = r#"(module
    (import "regulars:plugin/events@0.1.0" "get-action" (func $action (param i32)))
    (import "regulars:plugin/mail@0.1.0" "send" (func $send (param i32 i32)))
    (memory (export "memory") 2)
    (data (i32.const 1024) "note")
    (global $free (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local.tee 0 (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
        (global.set $free (i32.add (local.get 0) (local.get 3))))
    (func (export "regulars:plugin/handler@0.1.0#handle")
        (param i32 i32 i32 i32 i32 i32 i64 i32) (result i32)
        (call $action (i32.const 512))
        (if (i32.eqz (i32.load8_u (i32.const 512))) (then (return (i32.const 0))))
        (i64.store (i32.const 2048) (i64.load (i32.const 528)))
        (i32.store (i32.const 2056) (i32.const 1024)) (i32.store (i32.const 2060) (i32.const 4))
        (i64.store (i32.const 2072) (i64.load (i32.const 516)))
        (call $send (i32.const 2048) (i32.const 64))
        (i32.const 0)))"#;

const MJML: &str = r#"{% extends "layout" %}
{% block content %}
<mj-section><mj-column><mj-text><h1>{{ t.hello }}</h1></mj-text>{{ button(t.visit, shop.url) }}</mj-column></mj-section>
{% endblock %}"#;

const TEXT: &str =
    "{% extends \"layout\" %}\n{% block content %}{{ t.hello }}\n{{ button(t.visit, shop.url) }}{% endblock %}";

fn texts(subject: &str, hello: &str) -> String {
    format!("[note]\nsubject = \"{subject}\"\nhello = \"{hello}\"\nvisit = \"Go\"\n")
}

/// A shop whose customer accepts marketing, with the plugin switched on.
async fn open() -> Shop {
    let shop = Shop::without_plugins(Host::builder().env("REGULARS__PUBLIC_URL", PUBLIC)).await;
    let sources: BTreeMap<String, String> = [
        ("note.mjml", MJML.to_owned()),
        ("note.txt", TEXT.to_owned()),
        ("en.toml", texts("News from {{ shop.name }}", "Hello, {{ customer.first_name }}")),
        ("de.toml", texts("Neues von {{ shop.name }}", "Hallo, {{ customer.first_name }}")),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    let module = guest::module(CODE, "plugin").expect("the text is a module of this world");
    let packed = package::pack(&module, MANIFEST, &sources).expect("the module can be packed");
    let file = shop.host.data_dir().join("herald.wasm");
    std::fs::write(&file, packed).expect("the data directory can be written to");
    shop.run(&["plugin", "check", &file.to_string_lossy()]);
    shop.run(&["plugin", "install", &file.to_string_lossy()]);
    shop.run(&["plugin", "enable", DOMAIN, NAME, "--grant-all"]);
    for (topic, fixture) in
        [("customers/create", "customer_created"), ("customers_email_marketing_consent/update", "customer_consent")]
    {
        let answer = shop.send(&webhook(topic, fixture, fixture)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    shop.settled(2).await;
    shop
}

/// Asks the plugin for a mail.
async fn ask(shop: &Shop, purpose: &str, key: &str) {
    ask_for(shop, (DOMAIN, CUSTOMER), purpose, key).await;
}

async fn ask_for(shop: &Shop, (store, customer): (&str, &str), purpose: &str, key: &str) {
    let body = json!({ "plugin": NAME, "action": purpose, "input": {}, "idempotency_key": key });
    let (status, answer) = shop.post(&format!("/stores/{store}/customers/{customer}/actions"), &body).await;
    assert!(matches!(status, 200 | 202), "{answer}");
}

/// The plugin's mails at the mail server, once there are so many.
async fn arrived(shop: &Shop, count: usize) -> Vec<Message> {
    eventually(&format!("{count} of the plugin's mails have arrived"), DEADLINE, async || {
        let mails: Vec<_> = shop.mails.messages().into_iter().filter(is_heralds).collect();
        (mails.len() >= count).then_some(mails)
    })
    .await
}

fn is_heralds(mail: &Message) -> bool {
    mail.subject.as_ref().is_some_and(|subject| subject.contains("News") || subject.contains("Tidings"))
}

/// The plugin's latest effect, once it stands like this.
async fn stands(shop: &Shop, status: &str, told: &str) -> Value {
    eventually(&format!("the latest mail is {status}: {told}"), DEADLINE, async || {
        let effects = shop.effects().await;
        let latest = effects.into_iter().find(|effect| effect["plugin"] == NAME)?;
        let fits = latest["status"] == status && latest["told"].as_str().is_some_and(|it| it.contains(told));
        fits.then_some(latest)
    })
    .await
}

/// Asks for a page of the host that a link in a mail leads to.
async fn follow(shop: &Shop, method: reqwest::Method, link: &str, form: &str) -> (u16, String) {
    let path = link.strip_prefix(PUBLIC).expect("links lead to the public address");
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("it is a client");
    let request = client.request(method, format!("{}{path}", shop.host.webhooks_url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
    let answer = request.send().await.expect("the host answers");
    (answer.status().as_u16(), answer.text().await.expect("it is text"))
}

fn one_click(mail: &Message) -> String {
    assert_eq!(mail.header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    let header = mail.header("List-Unsubscribe").expect("marketing names a way out");
    header.trim_start_matches('<').trim_end_matches('>').to_owned()
}

#[tokio::test]
async fn one_click_ends_marketing_at_once_and_what_a_customer_has_to_know_still_comes() {
    let shop = open().await;
    ask(&shop, "win-back", "1").await;
    let mail = arrived(&shop, 1).await.remove(0);
    assert_eq!(mail.subject.as_deref(), Some("News from fern"));
    let link = one_click(&mail);
    assert!(
        mail.html.as_ref().is_some_and(|html| html.contains(&link)) && mail.text.is_some_and(|it| it.contains(&link))
    );

    // A scanner that follows the link changes nothing.
    let (status, page) = follow(&shop, reqwest::Method::GET, &link, "").await;
    assert_eq!((status, page.contains("<form method=\"post\">")), (200, true), "{page}");
    let contact = format!("/stores/{DOMAIN}/contacts/{ADDRESS}");
    assert_eq!(shop.get(&contact).await["unsubscribed_at"], Value::Null);
    let (status, page) = follow(&shop, reqwest::Method::POST, &link, "List-Unsubscribe=One-Click").await;
    assert_eq!((status, page.contains("You are unsubscribed")), (200, true), "{page}");
    assert!(shop.get(&contact).await["unsubscribed_at"].is_u64());

    ask(&shop, "win-back", "2").await;
    stands(&shop, "dropped", "unsubscribed").await;
    ask(&shop, "service", "3").await;
    let mails = arrived(&shop, 2).await;
    assert_eq!((mails.len(), mails[1].header("List-Unsubscribe")), (2, None));
    assert_eq!(shop.mails.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_link_that_nobody_has_made_leads_nowhere() {
    let shop = open().await;
    for path in ["/u/AQAAAAE", "/preferences/AQAAAAE", "/u/~"] {
        for method in [reqwest::Method::GET, reqwest::Method::POST] {
            let (status, page) = follow(&shop, method, &format!("{PUBLIC}{path}"), "").await;
            assert_eq!((status, page.contains("<!doctype html>")), (404, true), "{path}: {page}");
        }
    }
}

#[tokio::test]
async fn a_second_marketing_mail_of_a_day_waits_for_the_next_and_says_why() {
    let shop = open().await;
    ask(&shop, "win-back", "1").await;
    arrived(&shop, 1).await;
    ask(&shop, "win-back", "2").await;
    let waits = stands(&shop, "pending", "1 in 24 hours").await;
    let day = 86_400_000;
    let contact = shop.get(&format!("/stores/{DOMAIN}/contacts/{ADDRESS}")).await;
    assert_eq!(waits["due"].as_u64(), contact["mails"][0]["at"].as_u64().map(|at| at + day));
    assert_eq!(waits["attempts"], 0);
}

#[tokio::test]
async fn a_bounce_stops_every_mail_to_the_address_until_somebody_lifts_it() {
    let shop = open().await;
    ask(&shop, "service", "1").await;
    let mail = arrived(&shop, 1).await.remove(0);
    let id = mail.message_id.expect("every mail has one");
    let report = format!(
        "From: mailer-daemon@example.com\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=cut\r\n\r\n\
         --cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n\
         Final-Recipient: rfc822; {ADDRESS}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         --cut\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--cut--\r\n"
    );
    let url = format!("{}/v1/mail/reports", shop.host.admin_url());
    let answer = reqwest::Client::new().post(url).body(report).send().await.expect("the host answers");
    let answer: Value = answer.json().await.expect("the API answers in JSON");
    assert_eq!((&answer["status"], &answer["cause"]), (&"suppressed".into(), &"hard-bounce".into()), "{answer}");

    ask(&shop, "service", "2").await;
    stands(&shop, "dropped", "no such mailbox").await;
    let listed = shop.run(&["mail", "suppressions", DOMAIN]);
    assert!(listed.contains(CUSTOMER) && listed.contains("hard-bounce"), "{listed}");
    shop.run(&["mail", "lift", DOMAIN, ADDRESS]);
    ask(&shop, "service", "3").await;
    assert_eq!(arrived(&shop, 2).await.len(), 2);
}

#[tokio::test]
async fn a_recipient_chooses_topics_and_pauses_on_a_plain_page() {
    let shop = open().await;
    ask(&shop, "win-back", "1").await;
    let link = one_click(&arrived(&shop, 1).await[0]).replace("/u/", "/preferences/");
    let (status, page) = follow(&shop, reqwest::Method::GET, &link, "").await;
    assert_eq!(status, 200);
    for part in ["<html lang=\"en\">", "Herald&#x27;s news", "value=\"herald\" checked", "Pause for 90 days"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script"), "no script is needed");

    let (status, _) = follow(&shop, reqwest::Method::POST, &link, "topic=loyalty-points&pause=30").await;
    assert_eq!(status, 303);
    let contact = shop.get(&format!("/stores/{DOMAIN}/contacts/{ADDRESS}")).await;
    assert_eq!(contact["topics_off"], json!([NAME]));
    assert!(contact["paused_until"].is_u64());
    let (_, page) = follow(&shop, reqwest::Method::GET, &format!("{link}?saved"), "").await;
    assert!(page.contains("Your choice has been saved.") && page.contains("Stay paused until"), "{page}");
    ask(&shop, "win-back", "2").await;
    stands(&shop, "dropped", "wants no mails of `herald`").await;
}

#[tokio::test]
async fn a_merchants_words_are_tried_sent_and_taken_back() {
    let shop = open().await;
    let change = shop.host.data_dir().join("change.json");
    let set = |texts: Value| {
        std::fs::write(&change, json!({ "texts": texts }).to_string()).expect("the data directory can be written to");
        shop.host.cli(&["plugin", "template", "set", DOMAIN, NAME, "note", "en", "--from", &change.to_string_lossy()])
    };
    let refused = set(json!({ "hello": "Hello, {{ naem }}" }));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("`naem` is not there"), "{told}");

    assert!(set(json!({ "subject": "Tidings", "hello": "Dear {{ customer.first_name }}" })).status.success());
    let preview = shop.run(&["plugin", "template", "preview", DOMAIN, NAME, "note", "en"]);
    assert!(preview.contains("Dear Ada") && preview.contains("prefers-color-scheme: dark"), "{preview}");
    ask(&shop, "service", "1").await;
    assert_eq!(arrived(&shop, 1).await[0].subject.as_deref(), Some("Tidings"));

    shop.run(&["mail", "letterhead", DOMAIN, "--postal-address", "1 Mill Lane, Ashby"]);
    shop.run(&["plugin", "template", "reset", DOMAIN, NAME, "note", "en"]);
    ask(&shop, "service", "2").await;
    let mail = arrived(&shop, 2).await.remove(1);
    assert_eq!(mail.subject.as_deref(), Some("News from fern"));
    assert!(mail.text.is_some_and(|text| text.contains("Hello, Mira") && text.contains("1 Mill Lane, Ashby")));
    let shown = shop.get(&format!("/stores/{DOMAIN}/plugins/{NAME}/templates/note/en")).await;
    assert_eq!(shown["versions"].as_array().map(Vec::len), Some(2), "{shown}");
}
