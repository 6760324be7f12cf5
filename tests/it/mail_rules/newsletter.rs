//! Who leaves, or comes back, is so in the shop's own newsletter as well.

use regulars_tests::magento_rest::{self, MagentoRest};

use super::*;
use crate::{
    magento_module::{file, send},
    shop::SECRET,
};

/// A Magento shop, and a customer of it.
const MAGENTO: (&str, &str) = ("shop.example.com", "7");

/// Waits until the store's latest word has been passed on.
async fn is_passed_on(shop: &Shop, store: &str, words: usize) {
    eventually("what was said is passed on", DEADLINE, async || {
        let effects = shop.get(&format!("/stores/{store}/effects?limit=100")).await;
        let done = |effect: &&Value| effect["kind"] == "consent.set" && effect["status"] == "done";
        (effects.as_array()?.iter().filter(done).count() == words).then_some(())
    })
    .await;
}

#[tokio::test]
async fn shopify_hears_who_leaves_and_who_comes_back() {
    let shop = open().await;
    let customer = format!("gid://shopify/Customer/{CUSTOMER}");
    shop.shopify.put_customer(json!({
        "id": CUSTOMER.parse::<u64>().expect("it is a number"), "email": ADDRESS,
        "email_marketing_consent": { "state": "subscribed", "consent_updated_at": "2026-01-01T00:00:00Z" },
    }));
    ask(&shop, "win-back", "1").await;
    let link = one_click(&arrived(&shop, 1).await[0]);
    let preferences = link.replace("/u/", "/preferences/");

    follow(&shop, reqwest::Method::POST, &link, "List-Unsubscribe=One-Click").await;
    is_passed_on(&shop, DOMAIN, 1).await;
    assert_eq!(shop.shopify.consent(&customer).state, "UNSUBSCRIBED");
    ask(&shop, "win-back", "2").await;
    stands(&shop, "dropped", "unsubscribed").await;
    let (_, page) = follow(&shop, reqwest::Method::GET, &preferences, "").await;
    assert!(page.contains("You are unsubscribed from all"), "{page}");

    follow(&shop, reqwest::Method::POST, &preferences, &format!("topic={NAME}&pause=none")).await;
    is_passed_on(&shop, DOMAIN, 2).await;
    assert_eq!(shop.shopify.consent(&customer).state, "SUBSCRIBED");
    ask(&shop, "win-back", "3").await;
    stands(&shop, "pending", "1 in 24 hours").await;
    let listed = shop.run(&["effect", "list", DOMAIN]);
    assert!(listed.contains("consent.set"), "{listed}");
}

#[tokio::test]
async fn magento_hears_who_leaves_and_all_else_of_the_customer_stays() {
    let shop = open().await;
    let magento = MagentoRest::start(magento_rest::Options::default()).expect("the peer starts");
    let subscribed = json!({
        "id": 7, "email": "mila@example.com", "firstname": "Mila", "lastname": "Verhoeven", "store_id": 1,
        "website_id": 1, "group_id": 1, "extension_attributes": { "is_subscribed": true },
    });
    magento.put_customer(subscribed.clone());
    let (token, api) = ("simulated-token", magento.base_url());
    let added = ["store", "add", MAGENTO.0, "--platform", "magento", "--currency", "EUR", "--secret", SECRET];
    shop.run(&[&added[..], &["--token", token, "--api-url", &api]].concat());
    shop.run(&["plugin", "enable", MAGENTO.0, NAME, "--grant-all"]);
    let created = file("fixtures/magento/module_customer_created.json");
    let mut consent = file("fixtures/magento/module_consent_withdrawn.json");
    consent["data"]["status"] = "subscribed".into();
    for told in [created, consent] {
        let (status, answer) = send(&shop.host, "/webhooks/magento", &told, SECRET).await;
        assert_eq!(status, 200, "{answer}");
    }
    let known = async |wanted: bool| {
        eventually("the customer's word is known", DEADLINE, async || {
            let known = shop.get(&format!("/stores/{}/customers/{}", MAGENTO.0, MAGENTO.1)).await;
            (known["customer"]["accepts_marketing"] == wanted).then_some(())
        })
        .await;
    };
    known(true).await;
    ask_for(&shop, MAGENTO, "win-back", "1").await;
    let link = one_click(&arrived(&shop, 1).await[0]);

    follow(&shop, reqwest::Method::POST, &link, "").await;
    known(false).await;
    is_passed_on(&shop, MAGENTO.0, 1).await;
    assert_eq!(magento.customer(7)["extension_attributes"]["is_subscribed"], false);
    let others = |customer: Value| {
        let mut others = customer;
        others["extension_attributes"] = Value::Null;
        others
    };
    assert_eq!(others(magento.customer(7)), others(subscribed), "all else stays");
}
