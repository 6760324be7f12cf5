//! Bodies in Magento's shapes, read as they are and damaged in every way.

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::Value;

use super::{Shown, read, steps};
use crate::{
    domain::{Change, Currency, Money, Order, Refund, Timestamp, Topic},
    platform::{Context, Problem},
};

mod traps;

const FIXTURES: [(&str, &str); 33] = [
    ("module_order_paid", "order.paid"),
    ("module_order_of_guest", "order.placed"),
    ("module_order_jpy", "order.paid"),
    ("module_order_kwd", "order.paid"),
    ("module_order_prices_with_tax", "order.paid"),
    ("module_order_cancelled", "order.cancelled"),
    ("module_order_without_details", "order.updated"),
    ("module_refund_partial", "order.refunded"),
    ("module_refund_of_money_alone", "order.refunded"),
    ("module_fulfillment_tracked", "fulfillment.created"),
    ("module_fulfillment_untracked", "fulfillment.updated"),
    ("module_customer_created", "customer.created"),
    ("module_customer_deleted", "customer.deleted"),
    ("module_consent_of_guest", "customer.consent"),
    ("module_consent_withdrawn", "customer.consent"),
    ("module_checkout_left", "checkout.updated"),
    ("rest_order_paid", "rest/order.paid"),
    ("rest_order_virtual_of_guest", "rest/order.fulfilled"),
    ("rest_order_for_nothing", "rest/order.placed"),
    ("rest_creditmemo_open", "rest/order.refunded"),
    ("rest_shipment", "rest/fulfillment.updated"),
    ("rest_customer", "rest/customer.updated"),
    ("rest_cart", "rest/checkout.updated"),
    ("rest_cart_of_nobody", "rest/checkout.updated"),
    ("rest_product", "rest/product.updated"),
    ("adobe_io_order", "observer.sales_order_save_commit_after"),
    ("adobe_io_product", "observer.catalog_product_save_commit_after"),
    ("adobe_io_subscriber", "observer.newsletter_subscriber_save_commit_after"),
    ("adobe_io_track", "observer.sales_order_shipment_track_save_commit_after"),
    ("adobe_commerce_order", "observer.checkout_submit_all_after"),
    ("async_events_creditmemo", "async-events/sales.creditmemo.created"),
    ("mageplaza_order", "mageplaza/order"),
    ("mageplaza_order_without_lines", "mageplaza/order"),
];

fn context() -> Context {
    Context { currency: eur(), occurred_at: Timestamp(1_795_285_000_000) }
}

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn cents(minor: i64) -> Money {
    Money::new(minor, eur())
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/magento/{name}.json"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

fn topic_of(fixture: &str) -> &'static str {
    FIXTURES.iter().find(|(name, _)| *name == fixture).unwrap().1
}

fn change(topic: &str, body: &Value) -> Change {
    read(topic, body.to_string().as_bytes(), &context()).unwrap().change
}

fn order_of(topic: &str, body: &Value) -> Order {
    match change(topic, body) {
        Change::Order { order, .. } => *order,
        other => panic!("{other:?}"),
    }
}

fn order(fixture: &str) -> Order {
    order_of(topic_of(fixture), &json(fixture))
}

fn refund(topic: &str, body: &Value) -> Refund {
    match change(topic, body) {
        Change::Refund(refund) => *refund,
        other => panic!("{other:?}"),
    }
}

/// What plugins compute of an order's line.
fn net(order: &Order, line: usize) -> i64 {
    let line = &order.lines[line];
    line.unit_price.minor * i64::from(line.quantity) - line.discount.minor
}

#[test]
fn every_fixture_reads_as_its_snapshot_says() {
    for (name, topic) in FIXTURES {
        insta::assert_debug_snapshot!(name, read(topic, &fixture(name), &context()).unwrap());
    }
}

#[test]
fn every_sender_tells_of_one_order_in_the_same_words() {
    let told = order("module_order_paid");
    for fixture in ["rest_order_paid", "adobe_io_order", "adobe_commerce_order", "mageplaza_order"] {
        let mut other = order(fixture);
        // A Mageplaza template names no address.
        if fixture.starts_with("mageplaza") {
            (other.country, other.signals) = (told.country.clone(), told.signals.clone());
        }
        assert_eq!(other, told, "{fixture}");
    }
}

#[test]
fn a_topic_that_is_not_listed_changes_nothing_and_its_body_is_not_looked_at() {
    for topic in ["order.archived", "rest/invoice", "async-events/cms.page.created", "mageplaza/category", "observer.x"]
    {
        let read = read(topic, b"no JSON", &context()).unwrap();
        assert_eq!((read.topic.as_str(), read.change), (format!("magento:{topic}").as_str(), Change::None));
    }
    assert_eq!(read("connection.test", b"{}", &context()).unwrap().change, Change::None);
}

/// The names of the steps that a save shows.
fn shown(topic: &str, body: &Value) -> Vec<String> {
    let body = body.to_string();
    let shown = steps(topic, body.as_bytes(), &context());
    for Shown { topic: of_step, .. } in &shown {
        let told = read(of_step, body.as_bytes(), &context()).unwrap();
        assert_eq!(told.change, read(topic, body.as_bytes(), &context()).unwrap().change);
        assert_eq!(of_step, &format!("step/{}/{topic}", told.topic.as_str().trim_start_matches("order.")));
    }
    shown.into_iter().map(|it| it.id.strip_prefix("order/42/").unwrap().to_owned()).collect()
}

#[test]
fn a_save_is_a_change_of_its_order_and_shows_every_step_that_the_order_has_come_to() {
    const SAVE: &str = "observer.sales_order_save_commit_after";
    let told = |state: &str, changes: &[(&str, Value)]| {
        let mut body = json("adobe_io_order");
        let order = &mut body["data"]["value"];
        order["state"] = state.into();
        changes.iter().for_each(|(field, value)| order[*field] = value.clone());
        assert_eq!(read(SAVE, body.to_string().as_bytes(), &context()).unwrap().topic, Topic::ORDER_UPDATED);
        shown(SAVE, &body)
    };
    let (unpaid, new) = (("base_total_paid", Value::Null), ("_isNew", Value::from(true)));
    assert_eq!(told("new", &[unpaid.clone(), new.clone()]), ["placed"]);
    assert_eq!(told("new", std::slice::from_ref(&unpaid)), [""; 0]);
    assert_eq!(told("processing", &[]), ["paid"]);
    // Captured as it is placed, and what is not shipped: one save.
    assert_eq!(told("processing", std::slice::from_ref(&new)), ["placed", "paid"]);
    assert_eq!(told("complete", std::slice::from_ref(&new)), ["placed", "paid", "fulfilled"]);
    assert_eq!(told("complete", &[]), ["paid", "fulfilled"]);
    assert_eq!(told("canceled", &[unpaid, new]), ["placed", "cancelled"]);
    assert_eq!(told("closed", &[("base_total_refunded", "84.98".into())]), [""; 0]);
}

#[test]
fn an_order_says_itself_what_it_has_come_to_whatever_an_unsigned_name_says() {
    let mut body = json("adobe_io_order");
    let order = &mut body["data"]["value"];
    order["base_total_paid"] = Value::Null;
    let unpaid = serde_json::json!({ "data": order });
    for event in ["paid", "cancelled", "shipped", "updated"] {
        let topic = format!("async-events/sales.order.{event}");
        assert_eq!(shown(&topic, &unpaid), [""; 0], "{event}");
        assert_eq!(read(&topic, unpaid.to_string().as_bytes(), &context()).unwrap().topic, Topic::ORDER_UPDATED);
    }
    assert_eq!(shown("async-events/sales.order.created", &unpaid), ["placed"]);
    assert_eq!(shown("observer.checkout_submit_all_after", &json("adobe_commerce_order")), ["placed", "paid"]);
}

#[test]
fn what_tells_steps_itself_or_cannot_be_read_shows_none() {
    for fixture in ["module_order_paid", "rest_creditmemo_open", "mageplaza_order_without_lines", "adobe_io_track"] {
        assert_eq!(shown(topic_of(fixture), &json(fixture)), [""; 0], "{fixture}");
    }
    assert_eq!(steps("mageplaza/order", b"no JSON", &context()), []);
}

#[test]
fn mageplazas_template_fills_every_field_of_its_fixture_and_says_of_a_new_order_that_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/magento/mageplaza/order.liquid");
    let template = fs::read_to_string(path).unwrap();
    let mut body = json("mageplaza_order");
    for field in body["data"].as_object().unwrap().keys() {
        assert!(template.contains(&format!("\"{field}\":")), "{field}");
    }
    assert!(template.contains("\"_isNew\":\"{{ item.mp_new | url_encode }}\""), "as Mageplaza's own observer sets it");
    assert_eq!(shown("mageplaza/order", &body), ["placed", "paid"]);
    body["data"]["_isNew"] = "".into();
    assert_eq!(shown("mageplaza/order", &body), ["paid"]);
}

#[test]
fn a_body_that_cannot_be_read_names_the_field_at_fault() {
    let cases: [(&str, &[&str], Value, &str); 9] = [
        ("module_order_paid", &["version"], 2.into(), "version"),
        ("module_order_paid", &["data"], Value::Null, "data"),
        ("module_order_paid", &["data", "id"], "".into(), "data.id"),
        ("module_order_paid", &["data", "totals", "subtotal", "base"], "1,5".into(), "data.totals.subtotal"),
        ("module_order_paid", &["data", "updated_at"], "yesterday".into(), "data.updated_at"),
        ("module_order_paid", &["data", "base_currency"], "EURO".into(), "data.base_currency"),
        ("rest_order_paid", &["items"], Value::Null, "items"),
        ("adobe_io_order", &["data", "value", "base_grand_total"], Value::Null, "data.value.base_grand_total"),
        ("async_events_creditmemo", &["data", "order_id"], 0.into(), "data.order_id"),
    ];
    for (fixture, path, value, at) in cases {
        let mut body = json(fixture);
        *path.iter().fold(&mut body, |body, field| &mut body[*field]) = value;
        let unreadable = read(topic_of(fixture), body.to_string().as_bytes(), &context()).unwrap_err();
        assert_eq!(unreadable.path, at, "{unreadable}");
    }
    let unreadable = read("rest/order.paid", b"{\"entity_id\": 1, \"entity_id\": 2}", &context()).unwrap_err();
    assert!(matches!(unreadable.problem, Problem::Shape(_)), "nothing is said twice: {unreadable}");
}

/// Sets one of a document's values, by its place among all of them.
fn set_nth(value: &mut Value, nth: &mut usize, to: &Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| set_nth(value, nth, to)),
        Value::Array(items) => items.iter_mut().for_each(|value| set_nth(value, nth, to)),
        leaf => {
            if *nth == 0 {
                *leaf = to.clone();
            }
            *nth = nth.wrapping_sub(1);
        }
    }
}

fn damage() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Array(vec![])),
        Just(serde_json::json!({})),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,20}".prop_map(Into::into),
        "-?[0-9]{1,25}\\.[0-9]{0,8}".prop_map(Into::into),
    ]
}

proptest! {
    #[test]
    fn a_damaged_body_is_read_or_refused_without_panic(fixture in 0..FIXTURES.len(), at in 0..300_usize, to in damage()) {
        let (name, topic) = FIXTURES[fixture];
        let mut body = json(name);
        set_nth(&mut body, &mut at.clone(), &to);
        let _ = read(topic, body.to_string().as_bytes(), &context());
        let _ = super::changed_at(topic, body.to_string().as_bytes());
    }

    #[test]
    fn a_cut_body_is_refused_without_panic(fixture in 0..FIXTURES.len(), at: prop::sample::Index) {
        let (name, topic) = FIXTURES[fixture];
        let body = fixture_trimmed(name);
        prop_assert!(read(topic, &body[..at.index(body.len())], &context()).is_err());
    }
}

fn fixture_trimmed(name: &str) -> Vec<u8> {
    fixture(name).trim_ascii().to_owned()
}
