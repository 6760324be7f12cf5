//! Codes for cards, from the merchant's wish to the shop and to their end: many codes are one effect, which is done when the
//! shop has made all of them.

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
};
use serde_json::{Value, json};

use crate::shop::{DOMAIN, Shop, plugin_file};

const NAME: &str = "parcel-surprise";

/// The shop's only effect of a kind, once it is done.
async fn done(shop: &Shop, kind: &str) -> Value {
    eventually(&format!("{kind} is done"), DEADLINE, async || {
        shop.effects().await.into_iter().find(|effect| effect["kind"] == kind && effect["status"] == "done")
    })
    .await
}

#[tokio::test]
async fn a_merchant_who_asks_for_cards_reads_their_codes_and_can_end_them_all_by_one() {
    let shop = Shop::without_plugins(Host::builder()).await;
    shop.run(&["plugin", "install", &plugin_file(NAME).to_string_lossy()]);
    shop.run(&["plugin", "enable", DOMAIN, NAME, "--grant-all"]);
    let act = |action: &str, input: Value, key: &str| {
        shop.run(&["plugin", "act", DOMAIN, NAME, action, "--input", &input.to_string(), "--key", key]);
    };
    for _ in 0..2 {
        act("cards", json!({ "count": 40, "percent": 10, "prefix": "THANKS" }), "print");
    }
    let effect = done(&shop, "discount.create-many").await;
    let batch = &effect["content"]["CreateDiscounts"];
    let others = batch["others"].as_array().unwrap().iter();
    let told: Vec<_> = others.map(|code| code.as_str().unwrap()).collect();
    let discounts = shop.shopify.codes();
    assert_eq!((discounts.len(), &*discounts[0].id), (1, effect["told"].as_str().unwrap()));
    assert_eq!(
        (discounts[0].code.as_str(), &discounts[0].added.iter().map(String::as_str).collect::<Vec<_>>()),
        (batch["first"]["code"].as_str().unwrap(), &told)
    );
    assert_eq!((told.len(), told.iter().all(|code| code.starts_with("THANKS-"))), (39, true));

    act("end-cards", json!({ "code": told[38].to_lowercase() }), "end");
    done(&shop, "discount.disable").await;
    assert!(shop.shopify.codes()[0].ends_at.is_some());
}
