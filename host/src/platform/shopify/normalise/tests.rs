//! Bodies in Shopify's shapes, read as they are and damaged in every way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::read;
use crate::{
    domain::{Change, Currency, Money, Order, ReadEvent, Refund, Timestamp, Topic},
    platform::{Context, Problem, Unreadable},
};

mod person;

/// Every topic with a word of ours.
const TOPICS: [&str; 31] = [
    "orders/create",
    "orders/paid",
    "orders/updated",
    "orders/edited",
    "orders/cancelled",
    "orders/delete",
    "orders/fulfilled",
    "orders/partially_fulfilled",
    "refunds/create",
    "customers/create",
    "customers/update",
    "customers/delete",
    "customers/merge",
    "customers/enable",
    "customers/disable",
    "customers_email_marketing_consent/update",
    "fulfillments/create",
    "fulfillments/update",
    "checkouts/create",
    "checkouts/update",
    "checkouts/delete",
    "products/create",
    "products/update",
    "products/delete",
    "disputes/create",
    "disputes/update",
    "customers/redact",
    "customers/data_request",
    "shop/redact",
    "app/uninstalled",
    "app/scopes_update",
];

const FIXTURES: [(&str, &str); 31] = [
    ("order_placed", "orders/create"),
    ("order_two_currencies", "orders/create"),
    ("order_jpy", "orders/paid"),
    ("order_kwd", "orders/paid"),
    ("order_nulls", "orders/create"),
    ("order_updated", "orders/updated"),
    ("order_cancelled", "orders/cancelled"),
    ("order_before_2025", "orders/fulfilled"),
    ("order_of_guest", "orders/create"),
    ("order_edited", "orders/edited"),
    ("order_deleted", "orders/delete"),
    ("refund_partial", "refunds/create"),
    ("refund_shipping_line", "refunds/create"),
    ("refund_of_money_alone", "refunds/create"),
    ("refund_without_sets", "refunds/create"),
    ("customer_created", "customers/create"),
    ("customer_before_2025", "customers/update"),
    ("customer_with_birthday", "customers/update"),
    ("customer_deleted", "customers/delete"),
    ("customer_merged", "customers/merge"),
    ("customer_consent", "customers_email_marketing_consent/update"),
    ("fulfillment_delivered", "fulfillments/update"),
    ("checkout_left", "checkouts/update"),
    ("checkout_deleted", "checkouts/delete"),
    ("product_updated", "products/update"),
    ("product_deleted", "products/delete"),
    ("dispute_created", "disputes/create"),
    ("customer_redacted", "customers/redact"),
    ("guest_redacted", "customers/redact"),
    ("data_requested", "customers/data_request"),
    ("scopes_changed", "app/scopes_update"),
];

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn context() -> Context {
    Context { currency: eur(), occurred_at: Timestamp(1_791_000_000_000) }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fixture(name: &str) -> Vec<u8> {
    let path = workspace().join(format!("tests/fixtures/shopify/{name}.json"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn fixture_json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

fn read_json(topic: &str, body: &Value) -> Result<ReadEvent, Unreadable> {
    read(topic, body.to_string().as_bytes(), &context())
}

fn order(name: &str) -> Order {
    match read("orders/updated", &fixture(name), &context()).unwrap().change {
        Change::Order { order, .. } => *order,
        other => panic!("{other:?}"),
    }
}

fn refund(name: &str) -> Refund {
    match read("refunds/create", &fixture(name), &context()).unwrap().change {
        Change::Refund(refund) => *refund,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fixture_reads_as_its_snapshot_says() {
    for (name, topic) in FIXTURES {
        insta::assert_debug_snapshot!(name, read(topic, &fixture(name), &context()).unwrap());
    }
}

#[test]
fn ids_keep_every_digit() {
    let order = order("order_placed");
    assert_eq!(order.id.as_str(), "9007199254740993001");
    assert_eq!(order.lines[0].id.as_str(), "18446744073709551610");
    assert_eq!(order.lines[0].product.as_ref().unwrap().as_str(), "9007199254740993");
}

#[test]
fn a_global_id_goes_before_a_rounded_number_and_only_if_it_is_of_the_right_kind() {
    let mut body = fixture_json("order_placed");
    body["id"] = json!(9_007_199_254_740_992_000_u64);
    let id = |body: &Value| match read_json("orders/create", body).unwrap().change {
        Change::Order { order, .. } => order.id.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&body), "9007199254740993001");
    for other in
        ["https://shop.example/", "gid://shopify/Refund/1", "gid://shopify/Order/", "gid://shopify/Order/1/2", ""]
    {
        body["admin_graphql_api_id"] = json!(other);
        assert_eq!(id(&body), "9007199254740992000", "{other}");
    }
    body["id"] = json!("9007199254740993001");
    assert_eq!(id(&body), "9007199254740993001");
}

#[test]
fn an_id_that_went_through_floating_point_is_not_believed() {
    for id in ["9.007199254740993e18", "9007199254740993001.0", "99007199254740993001", "-1", "\"a b\"", "\"\"", "[]"] {
        let error = read("orders/delete", format!(r#"{{"id":{id}}}"#).as_bytes(), &context()).unwrap_err();
        assert_eq!(error.path, "id", "{id}");
    }
}

#[test]
fn amounts_are_in_the_shops_currency_and_never_in_the_buyers() {
    let order = order("order_two_currencies");
    assert_eq!(order.total, Money::new(9030, eur()));
    assert_eq!(order.tip, Money::new(250, eur()));
    assert_eq!(order.lines[0].discount, Money::new(870, eur()));
}

#[test]
fn discounts_and_taxes_of_a_line_are_summed_or_taken_from_the_total() {
    let mut body = fixture_json("order_placed");
    let set = |amount: &str| json!({"shop_money": {"amount": amount, "currency_code": "EUR"}});
    body["line_items"][0]["discount_allocations"] =
        json!([{"amount_set": set("1.10")}, {"amount": "2.20"}, {"amount_set": null, "amount": 3.3}]);
    body["line_items"][0]["tax_lines"] = json!([{"price": "0.40"}, {"price_set": set("0.02")}]);
    body["line_items"][1]["discount_allocations"] = json!([]);
    body["line_items"][1]["total_discount"] = json!("9.99");
    body["line_items"][1]["total_discount_set"] = json!(null);
    let Change::Order { order, .. } = read_json("orders/create", &body).unwrap().change else { panic!() };
    assert_eq!((order.lines[0].discount.minor, order.lines[0].tax.minor), (660, 42));
    assert_eq!(order.lines[1].discount.minor, 999);
}

#[test]
fn numbers_are_read_digit_by_digit() {
    let mut body = fixture_json("order_placed");
    body["total_price_set"] = json!(null);
    let text = body.to_string();
    let total = |number: &str| {
        let body = text.replace(r#""total_price":"49.72""#, &format!(r#""total_price":{number}"#));
        match read("orders/create", body.as_bytes(), &context()) {
            Ok(ReadEvent { change: Change::Order { order, .. }, .. }) => Ok(order.total.minor),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.path),
        }
    };
    assert_eq!(total("49.7"), Ok(4970));
    assert_eq!(total("90071992547409.93"), Ok(9_007_199_254_740_993));
    for number in ["49.725", "4e1", "true", "{}", "\"\"", "\"\\u0034\"", "99999999999999999999", &"9".repeat(100)] {
        assert_eq!(total(number), Err("total_price".into()), "{number}");
    }
}

#[test]
fn a_field_at_fault_is_named_with_its_place() {
    let damage = |pointer: &str, value: Value| {
        let mut body = fixture_json("order_placed");
        *body.pointer_mut(pointer).unwrap() = value;
        read_json("orders/create", &body).unwrap_err()
    };
    for (pointer, value, path) in [
        ("/line_items/1/price_set/shop_money/amount", json!("x"), "line_items[1].price_set.shop_money.amount"),
        (
            "/line_items/1/price_set/shop_money/currency_code",
            json!("XX"),
            "line_items[1].price_set.shop_money.currency_code",
        ),
        (
            "/line_items/0/tax_lines/0/price_set/shop_money/amount",
            json!("1.001"),
            "line_items[0].tax_lines[0].price_set.shop_money.amount",
        ),
        ("/line_items/0/quantity", json!(-1), "line_items[0].quantity"),
        ("/line_items/0/quantity", json!(null), "line_items[0].quantity"),
        ("/line_items", json!("none"), "line_items"),
        ("/updated_at", json!("yesterday"), "updated_at"),
        ("/processed_at", json!("1969-12-31T23:59:59Z"), "processed_at"),
        ("/customer/created_at", json!("x"), "customer.created_at"),
        ("/currency", json!("example string"), "currency"),
    ] {
        assert_eq!(damage(pointer, value).path, path);
    }
    let shown = damage("/line_items/0/quantity", json!(null)).to_string();
    assert_eq!(shown, "cannot read `line_items[0].quantity`: it is missing");
}

#[test]
fn amounts_of_several_currencies_are_not_added_up() {
    let mut body = fixture_json("order_placed");
    let part = |code: &str| json!({"amount_set": {"shop_money": {"amount": "1.00", "currency_code": code}}});
    body["line_items"][0]["discount_allocations"] = json!([part("EUR"), part("CHF")]);
    let error = read_json("orders/create", &body).unwrap_err();
    assert_eq!(
        error,
        Unreadable { path: "line_items[0].discount_allocations".into(), problem: Problem::MixedCurrencies }
    );
}

#[test]
fn a_long_value_is_not_repeated_in_full() {
    let mut body = fixture_json("order_placed");
    for (field, value) in
        [("id", "9".repeat(100_000)), ("updated_at", "y".repeat(100_000)), ("currency", "z".repeat(100_000))]
    {
        let mut damaged = body.clone();
        damaged["admin_graphql_api_id"] = json!(null);
        damaged[field] = json!(value);
        assert!(read_json("orders/create", &damaged).unwrap_err().to_string().len() < 400, "{field}");
    }
    body["test"] = json!("\u{e4}".repeat(100_000));
    assert!(read_json("orders/create", &body).unwrap_err().to_string().len() < 800);
}

#[test]
fn what_a_lines_properties_hold_does_not_matter() {
    let expected = read_json("orders/create", &fixture_json("order_placed"));
    for properties in
        [json!(null), json!({}), json!([]), json!("junk"), json!(7), json!([{"name": null}]), json!({"a": [1]})]
    {
        let mut body = fixture_json("order_placed");
        body["line_items"][0]["properties"] = properties;
        assert_eq!(read_json("orders/create", &body), expected);
    }
}

#[test]
fn shipping_given_back_is_told_whether_it_comes_as_lines_or_as_adjustments() {
    let euros = |minor| Some(Money::new(minor, eur()));
    assert_eq!(refund("refund_partial").shipping, euros(412));
    // Both forms at once tell of the same money.
    assert_eq!(refund("refund_shipping_line").shipping, euros(490));
    assert_eq!(refund("refund_of_money_alone").shipping, euros(0));
}

#[test]
fn money_given_back_beyond_the_lines_is_told_and_money_kept_back_is_not() {
    let euros = |minor| Some(Money::new(minor, eur()));
    assert_eq!(refund("refund_of_money_alone").adjustment, euros(595));
    assert_eq!(refund("refund_without_sets").adjustment, euros(0));
    assert_eq!(refund("refund_partial").adjustment, euros(0));
}

#[test]
fn a_body_of_an_id_alone_is_to_be_read_again_unless_the_id_says_all() {
    for topic in TOPICS {
        let change = read(topic, &fixture("bare_id"), &context()).map(|event| event.change);
        let id = "9007199254740993001";
        match topic {
            "orders/delete" => assert_eq!(change, Ok(Change::OrderDeleted(id.into()))),
            "customers/delete" => assert_eq!(change, Ok(Change::CustomerDeleted(id.into()))),
            "checkouts/delete" => assert_eq!(change, Ok(Change::CheckoutDeleted(id.into()))),
            "products/delete" => assert_eq!(change, Ok(Change::ProductDeleted(id.into()))),
            "customers/redact" | "customers/data_request" => assert_eq!(change.unwrap_err().path, "customer"),
            "app/uninstalled" => assert_eq!(change, Ok(Change::AppUninstalled { shop: None })),
            "app/scopes_update" => assert_eq!(change.unwrap_err().path, "current"),
            "shop/redact" => assert_eq!(change.unwrap_err().path, "shop_domain"),
            _ => assert_eq!(change, Ok(Change::ReadAgain { id: id.into() }), "{topic}"),
        }
    }
    let with_global = br#"{"id":1,"admin_graphql_api_id":"gid://shopify/Order/12"}"#;
    let read = read("orders/paid", with_global, &context()).unwrap();
    assert_eq!(read, ReadEvent { topic: Topic::ORDER_PAID, change: Change::ReadAgain { id: "12".into() } });
}

#[test]
fn a_topic_without_a_word_of_ours_changes_nothing_whatever_its_body() {
    for topic in ["collections/update", "customers_marketing_consent/update", "customer.tags_added", "order/create", ""]
    {
        let event = read(topic, b"not JSON", &context()).unwrap();
        assert_eq!((event.topic.as_str(), event.change), (format!("shopify:{topic}").as_str(), Change::None));
    }
}

#[test]
fn a_gift_that_this_host_has_put_in_is_no_edit_that_plugins_hear_of() {
    let mut edit = fixture_json("order_edited");
    edit["order_edit"]["staff_note"] = json!("By the shop");
    assert_eq!(read_json("orders/edited", &edit).unwrap().topic, Topic::ORDER_EDITED);
    edit["order_edit"]["staff_note"] = json!("A gift by Regulars (Regulars 1a2b3c4d)");
    let own = read_json("orders/edited", &edit).unwrap();
    assert_eq!((own.topic.as_str(), own.change), ("shopify:orders/edited", Change::None));
}

#[test]
fn only_a_confirmed_subscription_is_consent() {
    for (state, accepts) in [
        (json!("subscribed"), true),
        (json!("SUBSCRIBED"), true),
        (json!("not_subscribed"), false),
        (json!("pending"), false),
        (json!("unsubscribed"), false),
        (json!("redacted"), false),
        (json!(null), false),
    ] {
        let mut body = fixture_json("customer_consent");
        body["email_marketing_consent"]["state"] = state.clone();
        let event = read_json("customers_email_marketing_consent/update", &body).unwrap();
        assert!(matches!(event.change, Change::Consent(consent) if consent.accepts_marketing == accepts), "{state}");
    }
}

#[test]
fn a_customer_of_an_order_says_nothing_of_consent_unless_the_body_does() {
    let customer = |name: &str| match read("orders/create", &fixture(name), &context()).unwrap().change {
        Change::Order { customer, .. } => customer.unwrap(),
        other => panic!("{other:?}"),
    };
    let today = customer("order_placed");
    assert_eq!((today.accepts_marketing, today.tags.len()), (None, 0));
    assert_eq!(today.locale.as_deref(), Some("de-DE"));
    let before = customer("order_before_2025");
    assert_eq!((before.accepts_marketing, before.tags), (Some(true), vec!["VIP".into(), "tea".into()]));
}

#[test]
fn a_merge_counts_only_once_it_is_complete() {
    for (status, completed) in [("completed", true), ("in_progress", false), ("failed", false), ("requested", false)] {
        let mut body = fixture_json("customer_merged");
        body["status"] = json!(status);
        let event = read_json("customers/merge", &body).unwrap();
        assert!(matches!(event.change, Change::Merge(merge) if merge.completed == completed), "{status}");
    }
    let mut body = fixture_json("customer_merged");
    body["admin_graphql_api_customer_kept_id"] = json!("gid://shopify/Company/1");
    assert_eq!(read_json("customers/merge", &body).unwrap_err().path, "admin_graphql_api_customer_kept_id");
}

#[test]
fn what_is_not_an_object_of_the_topic_is_unreadable() {
    for topic in TOPICS {
        for body in [
            "",
            " ",
            "null",
            "[]",
            "{}",
            "7",
            "\"\"",
            "{",
            "{\"id\":",
            "\u{feff}{}",
            "{\"order\":{\"id\":1}}",
            "{\"id\":null}",
        ] {
            assert!(read(topic, body.as_bytes(), &context()).is_err(), "{topic} {body}");
        }
    }
    let error = read("orders/create", b"{\"id\":1,\"name\":\"a\"} x", &context()).unwrap_err();
    assert!(matches!(error.problem, Problem::Shape(_)), "{error}");
}

/// Replaces the value at the `index`-th place of a document, counted depth first.
fn replace(value: &mut Value, index: &mut usize, with: &Value) {
    if *index == 0 {
        *value = with.clone();
    }
    *index = index.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, index, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, index, with)),
        _ => {}
    }
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!([])),
        Just(json!([[]])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("9223372036854775807")),
        Just(json!("-92233720368547758.08")),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(topic in prop::sample::select(TOPICS.to_vec()), body: Vec<u8>) {
        let _ = read(topic, &body, &context());
    }

    #[test]
    fn no_change_of_bytes_makes_reading_panic(
        (name, topic) in prop::sample::select(FIXTURES.to_vec()),
        at: prop::sample::Index,
        with in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut body = fixture(name);
        let at = at.index(body.len());
        body.splice(at..(at + with.len()).min(body.len()), with);
        let _ = read(topic, &body, &context());
    }

    #[test]
    fn no_value_in_any_place_makes_reading_panic(
        (name, topic) in prop::sample::select(FIXTURES.to_vec()),
        mut index in 0usize..400,
        with in junk(),
    ) {
        let mut body = fixture_json(name);
        replace(&mut body, &mut index, &with);
        let _ = read_json(topic, &body);
    }

    #[test]
    fn whole_numbers_of_64_bits_come_back_digit_by_digit(id: u64) {
        let event = read("orders/delete", format!(r#"{{"id":{id}}}"#).as_bytes(), &context()).unwrap();
        prop_assert_eq!(event.change, Change::OrderDeleted(id.to_string().into()));
    }
}

/// Sample payloads that are not part of the project: under `REGULARS_CORPUS`, or beside the workspace.
fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("REGULARS_CORPUS").map_or_else(|| workspace().join("../shared/corpus"), PathBuf::from);
    Some(root.join("shopify/payloads")).filter(|payloads| payloads.is_dir())
}

#[test]
fn published_samples_read_or_say_why_not() {
    let Some(corpus) = corpus() else {
        eprintln!("not run: no samples beside the workspace or under REGULARS_CORPUS");
        return;
    };
    let (mut understood, mut foreign, mut unreadable) = (0, 0, 0);
    for folder in fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let body = fs::read(&path).unwrap();
            let named = path.file_stem().unwrap().to_str().unwrap().replace("__", "/");
            match read(&named, &body, &context()) {
                Ok(event) if TOPICS.contains(&named.as_str()) => {
                    assert!(!event.topic.as_str().starts_with("shopify:"), "{named}");
                    understood += 1;
                }
                Ok(event) => {
                    assert_eq!((event.topic.to_string(), event.change), (format!("shopify:{named}"), Change::None));
                    foreign += 1;
                }
                Err(error) => panic!("{}: {error}", path.display()),
            }
            // Whatever arrives under the wrong topic is read as far as it goes, or the field that is wrong is named.
            for error in TOPICS.iter().filter_map(|topic| read(topic, &body, &context()).err()) {
                assert!(!error.path.is_empty(), "{}: {error}", path.display());
                unreadable += 1;
            }
        }
    }
    assert!(understood >= TOPICS.len() - 2, "{understood}");
    eprintln!("{understood} samples understood, {foreign} foreign, {unreadable} readings under other topics refused");
}
