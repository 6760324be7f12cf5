//! The population: the same for a seed, true to Shopify's shapes, and owed what a person would work out by hand.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{
    model::{Line, Product, Refund},
    oracle::{Points, points},
    *,
};
use crate::corpus;

fn season(seed: u64) -> Population {
    Population::sized(seed, Shop::named("regulars-test"), Size { customers: 150, days: 90 })
}

fn bodies(population: &Population, topic: &str) -> Vec<Value> {
    let of_topic = population.webhooks().filter(|scheduled| scheduled.webhook.topic == topic);
    of_topic.map(|scheduled| serde_json::from_slice(&scheduled.webhook.body).unwrap()).collect()
}

/// Minor units of a decimal string with two digits.
fn minor(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_season_to_the_byte() {
    let all = |seed| season(seed).webhooks().collect::<Vec<_>>();
    assert_eq!(all(7), all(7));
    assert_ne!(all(7), all(8));
    assert_eq!(season(7).expected(), season(7).expected());
}

#[test]
fn the_season_never_changes_for_a_seed() {
    let population = season(7);
    let mut body_bytes = 0;
    let mut topics = BTreeMap::<_, usize>::new();
    for scheduled in population.webhooks() {
        body_bytes += scheduled.webhook.body.len();
        *topics.entry(scheduled.webhook.topic).or_default() += 1;
    }
    let balance: i64 = population.expected().values().map(Expected::balance).sum();
    let reversed: i64 = population.expected().values().map(|expected| expected.reversed).sum();
    let expected_topics = [
        ("customers/create", 150),
        ("customers/update", 23),
        ("orders/cancelled", 8),
        ("orders/create", 237),
        ("orders/paid", 235),
        ("orders/updated", 295),
        ("refunds/create", 52),
    ];
    assert_eq!(topics, expected_topics.into());
    assert_eq!((body_bytes, balance, reversed), (6_808_693, 18_365, 2_414));
}

#[test]
fn a_signature_is_the_one_that_openssl_computes() {
    // printf '{"id":820982911946154508}' | openssl dgst -sha256 -hmac hush -binary | base64
    let secret = Secret::new("hush");
    assert_eq!(sign(&secret, br#"{"id":820982911946154508}"#), "qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=");
    assert_eq!(format!("{secret:?}"), "[REDACTED]");
}

#[test]
fn signatures_are_those_that_shopify_s_own_libraries_accept() {
    let what = "comparing signatures with Shopify's own test cases";
    let Some(path) = corpus::file_or_note("shopify/vectors/webhook_hmac.json", what) else { return };
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let accepted = |case: &&Value| case["expect"] == "valid";
    let cases: Vec<_> = vectors["cases"].as_array().unwrap().iter().filter(accepted).collect();
    assert!(cases.len() >= 2);
    for case in cases {
        let signature =
            sign(&Secret::new(case["secret"].as_str().unwrap()), case["raw_body"].as_str().unwrap().as_bytes());
        assert_eq!(case["x_shopify_hmac_sha256"], signature, "{}", case["name"]);
    }
}

#[test]
fn webhooks_carry_what_shopify_documents() {
    let population = season(7);
    let mut ids = BTreeSet::new();
    let mut topics_of_event = HashMap::<String, Vec<&str>>::new();
    let mut last = Moment::ZERO;
    for Scheduled { at, webhook } in population.webhooks() {
        assert!(at >= last);
        last = at;
        assert!(ids.insert(webhook.id().to_owned()), "a webhook id came twice");
        assert_eq!(webhook.header("x-shopify-topic"), Some(webhook.topic));
        assert_eq!(webhook.header("X-Shopify-Shop-Domain"), Some("regulars-test.myshopify.com"));
        assert_eq!(webhook.header("X-Shopify-API-Version"), Some("2026-04"));
        let signature = sign(&population.shop().secret, &webhook.body);
        assert_eq!(webhook.header("X-Shopify-Hmac-Sha256"), Some(signature.as_str()));
        let triggered: Timestamp = webhook.header("X-Shopify-Triggered-At").unwrap().parse().unwrap();
        assert_eq!(triggered, population.shop().opens + at);
        let event = webhook.header("X-Shopify-Event-Id").unwrap().to_owned();
        topics_of_event.entry(event).or_default().push(webhook.topic);
    }
    assert!(topics_of_event.values().any(|topics| topics == &["orders/paid", "orders/updated"]));
    assert!(topics_of_event.values().all(|topics| topics.len() <= 2));
}

#[test]
fn an_order_is_as_large_as_real_ones_and_some_ids_pass_two_to_the_53() {
    let population = season(7);
    let orders: Vec<_> = population.webhooks().filter(|scheduled| scheduled.webhook.topic == "orders/create").collect();
    let mean = orders.iter().map(|scheduled| scheduled.webhook.body.len()).sum::<usize>() / orders.len();
    assert!((6_000..8_500).contains(&mean), "{mean}");
    let wide = population.orders().iter().filter(|order| order.id > 1 << 53).count();
    assert!(wide > 0 && wide < orders.len() / 2);
    let ids: BTreeSet<_> = population.orders().iter().map(|order| order.id).collect();
    assert_eq!(ids.len(), orders.len());
}

#[test]
fn the_amounts_of_every_order_add_up() {
    for body in bodies(&season(7), "orders/create") {
        let lines = body["line_items"].as_array().unwrap();
        let mut subtotal = 0;
        for line in lines {
            let discount: i64 =
                line["discount_allocations"].as_array().unwrap().iter().map(|part| minor(&part["amount"])).sum();
            subtotal += minor(&line["price"]) * line["quantity"].as_i64().unwrap() - discount;
        }
        assert_eq!(minor(&body["subtotal_price"]), subtotal);
        assert_eq!(minor(&body["total_price"]), subtotal + minor(&body["shipping_lines"][0]["price"]));
        assert_eq!(body["total_price_set"]["shop_money"]["amount"], body["total_price"]);
        assert_eq!(body["currency"], "EUR");
        for field in ["tags", "orders_count", "total_spent", "email_marketing_consent"] {
            assert_eq!(body["customer"].get(field), None, "gone since 2025-01");
        }
    }
}

#[test]
fn the_season_holds_every_case_that_matters() {
    let population = season(7);
    let orders = population.orders();
    let some = |condition: fn(&Order) -> bool| assert!(orders.iter().any(condition));
    some(|order| order.customer.is_none());
    some(|order| order.test);
    some(|order| order.foreign_money);
    some(|order| order.code.is_some());
    some(|order| order.paid.is_none() && order.cancelled.is_some());
    some(|order| order.paid.is_some() && order.cancelled.is_some());
    some(|order| order.refunds.len() == 2);
    some(|order| order.lines.iter().any(|line| line.product.gift_card) && order.lines.len() > 1);
    some(|order| order.lines.iter().all(|line| line.product.gift_card));
    let bodies = bodies(&population, "orders/create");
    let foreign = bodies.iter().find(|body| body["presentment_currency"] == "USD").unwrap();
    assert_ne!(foreign["total_price_set"]["presentment_money"]["amount"], foreign["total_price"]);
}

#[test]
fn an_order_is_rendered_as_it_was_at_the_time() {
    let population = season(7);
    let order = population.orders().iter().find(|order| order.refunds.len() == 2 && order.customer.is_some()).unwrap();
    let all: Vec<_> = population.webhooks().map(|scheduled| scheduled.webhook).collect();
    let statuses: Vec<_> = all
        .iter()
        .filter(|webhook| webhook.topic.starts_with("orders/"))
        .map(|webhook| serde_json::from_slice::<Value>(&webhook.body).unwrap())
        .filter(|body| body["id"] == order.id)
        .map(|body| {
            format!("{} {}", body["financial_status"].as_str().unwrap(), body["refunds"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(statuses[statuses.len() - 2..], ["partially_refunded 1", "refunded 2"]);
}

#[test]
fn refunds_of_an_order_are_parts_of_its_lines() {
    let population = season(7);
    let refunds = bodies(&population, "refunds/create");
    assert!(refunds.len() > 20);
    for refund in &refunds {
        for line in refund["refund_line_items"].as_array().unwrap() {
            assert_eq!(line["line_item"]["id"], line["line_item_id"]);
            assert_eq!(
                line["subtotal"].as_f64().unwrap(),
                minor(&line["subtotal_set"]["shop_money"]["amount"]) as f64 / 100.0
            );
        }
    }
    for order in population.orders() {
        for (index, line) in order.lines.iter().enumerate() {
            let refunded =
                order.refunds.iter().flat_map(|refund| &refund.lines).filter(|refunded| refunded.line == index);
            let (units, amount) =
                refunded.fold((0, 0), |(units, amount), part| (units + part.quantity, amount + part.subtotal));
            assert!(units <= line.quantity);
            assert!(if units == line.quantity { amount == line.net() } else { amount < line.net() });
        }
    }
}

#[test]
fn a_bad_day_repeats_and_delays_but_loses_nothing() {
    let population = season(7);
    let disorder = Disorder { repeated_per_mille: 200, late_per_mille: 300, delay: Duration::from_secs(4 * 60 * 60) };
    let delivered = as_delivered(1, population.webhooks(), disorder);
    assert_eq!(delivered, as_delivered(1, population.webhooks(), disorder));
    let ids = |webhooks: &[Scheduled]| -> BTreeSet<String> {
        webhooks.iter().map(|scheduled| scheduled.webhook.id().to_owned()).collect()
    };
    let sent: Vec<_> = population.webhooks().collect();
    assert_eq!(ids(&delivered), ids(&sent));
    assert!(delivered.len() > sent.len());
    assert!(delivered.iter().zip(&sent).any(|(delivered, sent)| delivered.webhook.id() != sent.webhook.id()));
}

static LAMP: Product = Product { id: 1, title: "Lamp", sku: "LAMP", price: 3333, gift_card: false, grams: 1 };
static CARD: Product = Product { id: 2, title: "Gift card", sku: "CARD", price: 5000, gift_card: true, grams: 0 };

/// Three lamps at 33.33 with 10 % off and a gift card, prices with 21 % tax: 99.99 - 9.99 = 90.00, tax 15.62.
fn lamps() -> Order {
    Order {
        id: 1,
        number: 1001,
        customer: Some(0),
        placed: Moment::ZERO,
        paid: Some(Moment::ZERO),
        cancelled: None,
        test: false,
        foreign_money: false,
        code: Some("TEN"),
        lines: vec![
            Line { id: 11, product: &LAMP, quantity: 3, discount: 999, tax: 1562 },
            Line { id: 12, product: &CARD, quantity: 1, discount: 0, tax: 0 },
        ],
        shipping: 495,
        shipping_tax: 86,
        refunds: vec![],
    }
}

fn refund(order: &mut Order, line: usize, quantity: u32) {
    let lines = vec![order.refund_line(0, line, quantity)];
    order.refunds.push(Refund { id: 0, at: Moment::ZERO, lines, shipping: 0, shipping_tax: 0 });
}

#[test]
fn points_are_for_goods_after_discount_without_tax_and_gift_cards() {
    let shop = Shop::named("x");
    let order = lamps();
    assert_eq!(points(&shop, &order), Points { earned: 74, reversed: 0 }); // 90.00 - 15.62 = 74.38
    let without_tax = Shop { taxes_included: false, ..shop.clone() };
    assert_eq!(points(&without_tax, &order), Points { earned: 90, reversed: 0 });
    assert_eq!(points(&shop, &Order { test: true, ..order.clone() }), Points::default());
    assert_eq!(points(&shop, &Order { paid: None, ..order.clone() }), Points::default());
    let only_card = Order { lines: order.lines[1..].to_vec(), ..order };
    assert_eq!(points(&shop, &only_card), Points::default());
}

#[test]
fn partial_refunds_take_back_their_share_and_together_all() {
    let shop = Shop::named("x");
    let mut order = lamps();
    refund(&mut order, 0, 1);
    // One lamp: 30.00 - 5.20 = 24.80 of 74.38; 74 x 24.80 / 74.38 = 24.67.
    assert_eq!(points(&shop, &order), Points { earned: 74, reversed: 24 });
    refund(&mut order, 1, 1);
    assert_eq!(points(&shop, &order).reversed, 24, "a gift card earned nothing");
    refund(&mut order, 0, 2);
    assert_eq!(points(&shop, &order).reversed, 74);
}
