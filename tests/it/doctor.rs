//! `regulars doctor`: what is said of stores that are well, and of stores that are not, with what helps.

use std::net::Ipv4Addr;

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    magento_rest::{self, MagentoRest},
    name_server::NameServer,
    sender::Sender,
    shopify_admin::{App, Options, SchemaSource, ShopifyAdmin, Storefront},
};
use serde_json::{Value, json};

use crate::{
    magento_module,
    reconcile_on_request::new_order,
    shop::{DOMAIN, SECRET, plugin_file, signed, webhook},
};

const MAGENTO: &str = "shop.example.com";
const SELECTOR: &str = "s1._domainkey.fern.example";

/// A host with a store on each platform, everything around it in order, and nothing that has come from the stores yet.
struct Practice {
    host: Host,
    shopify: ShopifyAdmin,
    magento: MagentoRest,
    dns: NameServer,
}

impl Practice {
    fn open() -> Self {
        let app = App { client_secret: SECRET.into(), ..Options::default().app };
        let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options { app, ..Options::default() }).unwrap();
        let magento = MagentoRest::start(magento_rest::Options::default()).unwrap();
        let dns = NameServer::start().unwrap();
        dns.put_address("relay.fern.example", Ipv4Addr::new(192, 0, 2, 10));
        dns.put_text("fern.example", "v=spf1 include:_spf.relay.example -all");
        dns.put_text("_spf.relay.example", "v=spf1 ip4:192.0.2.0/24 -all");
        dns.put_text(SELECTOR, "v=DKIM1; k=ed25519; p=iK4PLYYS84qYRR1EmSogjVpAbr1ylGX0Fu6iiafJ8+M=");
        dns.put_text("_dmarc.fern.example", "v=DMARC1; p=quarantine; rua=mailto:postmaster@fern.example");
        dns.put_mail_host("fern.example", "mx.fern.example");
        let config = format!(
            "[mail]\nsmtp = \"smtp://relay.fern.example:2525\"\nfrom = \"Fern <hello@fern.example>\"\n\
             [doctor]\nnameserver = \"{}\"\ndkim_selector = \"s1\"\n\
             [reconcile]\nevery_seconds = 0\nsettle_seconds = 0\n",
            dns.address()
        );
        let host = Host::builder().env("REGULARS__PUBLIC_URL", "https://regulars.example").config(config).start();
        let url = format!("{}/shopify/proxy", host.webhooks_url());
        shopify.set_storefront(Storefront::Proxy { shop: DOMAIN.into(), url });
        let practice = Self { host, shopify, magento, dns };
        let shared = ["--currency", "EUR", "--secret", SECRET];
        let (token, api) = (Options::default().access_token, practice.shopify.base_url());
        practice.run(&[&["store", "add", DOMAIN, "--token", &token, "--api-url", &api], &shared[..]].concat());
        let (token, api) = ("simulated-token", practice.magento.base_url());
        let of_magento = ["store", "add", MAGENTO, "--platform", "magento", "--token", token, "--api-url", &api];
        practice.run(&[&of_magento, &shared[..]].concat());
        practice.enable("vip-tiers", &[DOMAIN, MAGENTO]);
        practice
    }

    fn enable(&self, plugin: &str, stores: &[&str]) {
        self.run(&["plugin", "install", &plugin_file(plugin).to_string_lossy()]);
        stores.iter().for_each(|store| self.run(&["plugin", "enable", store, plugin, "--grant-all"]));
    }

    #[track_caller]
    fn run(&self, args: &[&str]) {
        let output = self.host.cli(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Both shops tell what the plugin listens to every day.
    async fn tell(&self) {
        let sender = Sender::to(format!("{}/webhooks/shopify", self.host.webhooks_url())).unwrap();
        for (topic, fixture) in [
            ("customers/create", "customer_created"),
            ("orders/paid", "order_placed"),
            ("orders/updated", "order_updated"),
        ] {
            let answer = sender.send(&webhook(topic, fixture, fixture)).await.unwrap();
            assert_eq!(answer.status, 200, "{topic}: {}", answer.body);
        }
        let paid = magento_module::file("fixtures/magento/module_order_paid.json");
        let (mut updated, mut test) = (paid.clone(), magento_module::envelope("connection.test", json!({})));
        updated["topic"] = "order.updated".into();
        updated["id"] = "5d1f0c7e-0000-4000-8000-000000000901".into();
        test["id"] = "5d1f0c7e-0000-4000-8000-000000000902".into();
        let customer = magento_module::file("fixtures/magento/module_customer_created.json");
        for message in [&customer, &paid, &updated, &test] {
            let (status, answer) = magento_module::send(&self.host, "/webhooks/magento", message, SECRET).await;
            assert_eq!(status, 200, "{answer}");
        }
        for (store, count) in [(DOMAIN, 3), (MAGENTO, 4)] {
            eventually(&format!("what {store} has told is applied"), DEADLINE, async || {
                let events = self.host.cli_json(&["event", "list", store, "--json"]);
                let told =
                    events.as_array().unwrap().iter().filter(|it| it["id"].as_str().unwrap().starts_with("webhook/"));
                (told.count() == count).then_some(())
            })
            .await;
        }
    }

    /// What the command prints, and whether it found no fault.
    fn examine(&self, store: &str) -> (String, bool) {
        let output = self.host.cli(&["doctor", store]);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (without_chance(&format!("{stdout}{stderr}")), output.status.success())
    }

    /// The findings of one subject that are not well.
    async fn ailing(&self, store: &str, subject: &str) -> Vec<(String, String, String)> {
        let url = format!("{}/v1/stores/{store}/doctor", self.host.admin_url());
        let report: Value = reqwest::Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        findings
            .filter(|finding| finding["subject"] == subject && finding["verdict"] != "well")
            .map(|finding| (text(finding, "verdict"), text(finding, "seen"), text(finding, "remedy")))
            .collect()
    }
}

/// The text without what differs from run to run: ports, and seconds between two clocks.
fn without_chance(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let plain = words.iter().enumerate().map(|(at, word)| {
        let is_seconds = words.get(at + 1) == Some(&"s") && word.bytes().all(|byte| byte.is_ascii_digit());
        match word.strip_prefix("127.0.0.1:") {
            Some(_) => "127.0.0.1:PORT",
            None if is_seconds => "N",
            None => word,
        }
    });
    plain.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn stores_that_are_well_are_told_so() {
    let practice = Practice::open();
    practice.tell().await;
    let show = magento_module::envelope("panel.show", json!({ "customer_id": "7", "locale": "nl-NL" }));
    let (status, page) = magento_module::send(&practice.host, "/magento/panel", &show, SECRET).await;
    assert_eq!(status, 200, "{page}");
    for store in [DOMAIN, MAGENTO] {
        let (told, is_sound) = practice.examine(store);
        assert!(is_sound, "{told}");
        insta::assert_snapshot!(format!("well-{store}"), told);
    }
}

#[tokio::test]
async fn everything_that_is_wrong_around_a_store_is_told_with_what_helps() {
    let practice = Practice::open();
    practice.enable("loyalty-points", &[DOMAIN, MAGENTO]);
    practice.shopify.grant(&["read_orders", "read_products", "write_customers"]);
    practice.shopify.set_storefront(Storefront::Plain);
    practice.shopify.set_clock_ahead(600);
    practice.magento.deny(&["Magento_SalesRule::quote", "Magento_Catalog::products"]);
    practice.magento.set_clock_ahead(-600);
    for name in ["fern.example", SELECTOR, "_dmarc.fern.example"] {
        practice.dns.forget(name);
    }
    practice.dns.put_text(SELECTOR, "v=DKIM1; p=");
    practice.dns.put_mail_host("fern.example", ".");
    for store in [DOMAIN, MAGENTO] {
        let (told, is_sound) = practice.examine(store);
        assert!(!is_sound, "{told}");
        insta::assert_snapshot!(format!("ill-{store}"), told);
    }
}

#[tokio::test]
async fn a_token_that_the_shop_refuses_is_told_apart_from_a_shop_that_is_away() {
    let practice = Practice::open();
    for store in [DOMAIN, MAGENTO] {
        practice.run(&["store", "update", store, "--token", "another"]);
        let [(verdict, seen, remedy)] = practice.ailing(store, "token").await.try_into().unwrap();
        assert!(verdict == "fault" && seen.starts_with("the shop does not accept it"), "{store}: {seen}");
        assert!(remedy.contains(&format!("regulars store update {store} --token-file FILE")), "{remedy}");
        let [(verdict, ..)] = practice.ailing(store, "permissions").await.try_into().unwrap();
        assert_eq!(verdict, "unknown");
    }
    let Practice { host, shopify, magento, dns } = practice;
    shopify.stop();
    drop(magento);
    for store in [DOMAIN, MAGENTO] {
        let url = format!("{}/v1/stores/{store}/doctor", host.admin_url());
        let report: Value = reqwest::Client::new().get(url).send().await.unwrap().json().await.unwrap();
        let of = |subject: &str| {
            let mut findings = report["findings"].as_array().unwrap().iter();
            findings.find(|finding| finding["subject"] == subject).unwrap()["verdict"].clone()
        };
        assert_eq!(["token", "permissions", "clock"].map(of), ["unknown"; 3], "{report:#}");
    }
    drop(dns);
}

#[tokio::test]
async fn a_password_on_the_storefront_and_a_proxy_that_signs_with_another_secret_are_told() {
    let practice = Practice::open();
    practice.shopify.set_storefront(Storefront::Password);
    let [(verdict, seen, remedy)] = practice.ailing(DOMAIN, "storefront").await.try_into().unwrap();
    assert!(verdict == "unknown" && seen.contains("password") && remedy.contains("Password protection"), "{seen}");
    let url = format!("{}/shopify/proxy", practice.host.webhooks_url());
    practice.shopify.set_storefront(Storefront::Proxy { shop: DOMAIN.into(), url });
    practice.run(&["store", "update", DOMAIN, "--secret", "another", "--drop-old-secrets"]);
    let [(verdict, seen, remedy)] = practice.ailing(DOMAIN, "storefront").await.try_into().unwrap();
    assert!(verdict == "fault" && seen.contains("does not believe its signature"), "{seen}");
    assert!(remedy.contains("--secret-file"), "{remedy}");
}

#[tokio::test]
async fn the_last_event_of_a_topic_is_known_after_a_crash_and_apart_from_what_was_only_read() {
    let mut practice = Practice::open();
    practice.shopify.put_order(new_order(101));
    practice.run(&["store", "reconcile", DOMAIN]);
    let only_read = |findings: Vec<(String, String, String)>| {
        let paid = findings.into_iter().find(|(_, seen, _)| seen.starts_with("order.paid "));
        paid.is_some_and(|(verdict, seen, _)| verdict == "warning" && seen.contains("by no webhook"))
    };
    eventually("what was read is applied", DEADLINE, async || {
        only_read(practice.ailing(DOMAIN, "topics").await).then_some(())
    })
    .await;
    practice.host.kill_9();
    practice.host.restart();
    assert!(only_read(practice.ailing(DOMAIN, "topics").await));

    let url = format!("{}/webhooks/shopify", practice.host.webhooks_url());
    let told = signed("orders/paid", new_order(102).to_string().into_bytes(), "told");
    assert_eq!(Sender::to(url).unwrap().send(&told).await.unwrap().status, 200);
    eventually("the webhook is applied", DEADLINE, async || {
        (!only_read(practice.ailing(DOMAIN, "topics").await)).then_some(())
    })
    .await;
    practice.host.kill_9();
    practice.host.restart();
    eventually("what was told before the crash is known again", DEADLINE, async || {
        (!only_read(practice.ailing(DOMAIN, "topics").await)).then_some(())
    })
    .await;
}
