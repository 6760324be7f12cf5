//! A Magento shop's past: pages in order of change, of the shop's own views and websites, each row told as it stands.

use std::collections::BTreeSet;

use regulars_tests::magento_rest::{MagentoRest, Options};

use super::*;

const SHOP: &str = "shop.example.com";

/// A time so many days ago, as Magento writes it.
fn written(days: u32) -> String {
    ago(days)[..19].replace('T', " ")
}

fn customer(id: u64, website: u64) -> Value {
    json!({
        "id": id, "group_id": 1, "email": format!("c{id}@example.com"), "firstname": "Anna", "lastname": "O'Hara",
        "store_id": 1, "website_id": website, "dob": "1990-02-03", "created_at": written(400), "updated_at": written(90),
        "addresses": [], "extension_attributes": { "is_subscribed": true },
    })
}

fn order(id: u64, customer: u64, view: u64, refunded: f64) -> Value {
    json!({
        "entity_id": id, "increment_id": format!("{id:09}"), "state": "complete", "status": "complete", "store_id": view,
        "created_at": written(80), "updated_at": written(70), "base_currency_code": "EUR", "customer_id": customer,
        "customer_is_guest": 0, "customer_email": format!("c{customer}@example.com"), "base_subtotal": 20.0,
        "base_shipping_amount": 5.0, "base_tax_amount": 0.0, "base_grand_total": 25.0, "base_total_paid": 25.0,
        "base_total_refunded": refunded,
        "items": [{
            "item_id": 10 * id, "product_id": 4, "product_type": "simple", "sku": "TEA", "name": "Tea", "qty_ordered": 2,
            "qty_shipped": 2, "qty_refunded": 0, "qty_canceled": 0, "base_price": 10.0, "base_discount_amount": 0.0,
            "base_tax_amount": 0.0,
        }],
    })
}

fn memo(id: u64, order: u64) -> Value {
    json!({
        "entity_id": id, "order_id": order, "state": 2, "created_at": written(75), "updated_at": written(75),
        "base_currency_code": "EUR", "base_subtotal": 10.0, "base_shipping_amount": 0.0, "base_adjustment": 0.0, "base_grand_total": 10.0,
        "items": [{
            "entity_id": 1, "order_item_id": 10 * order, "qty": 1, "base_price": 10.0, "base_row_total": 10.0,
            "base_discount_amount": 0.0, "base_tax_amount": 0.0,
        }],
    })
}

/// A host that serves the shop, which has a page and a bit of each.
struct Scene {
    host: Host,
    shop: MagentoRest,
}

impl Scene {
    fn open(customers: u64) -> Self {
        let shop = MagentoRest::start(Options::default()).unwrap();
        for id in 1..=customers {
            shop.put_customer(customer(id, 1));
            shop.put_order(order(100 + id, id, 1, if id == 1 { 10.0 } else { 0.0 }));
        }
        shop.put_credit_memo(memo(9, 101));
        // Another shop of the same installation.
        shop.put_customer(customer(900, 2));
        shop.put_order(order(901, 900, 2, 0.0));
        let host = Host::builder().start();
        let add = ["store", "add", SHOP, "--platform", "magento", "--currency", "EUR", "--secret", "hush"];
        let access = ["--token", "simulated-token", "--api-url", &shop.base_url()];
        let output = host.cli(&[&add[..], &access[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { host, shop }
    }

    fn history(&self, more: &[&str]) -> Value {
        self.host.cli_json(&[&["store", "history", SHOP, "--json"][..], more].concat())
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/v1/stores/{SHOP}{path}", self.host.admin_url());
        reqwest::Client::new().get(url).send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn a_shops_own_customers_orders_and_credit_memos_are_learnt_from_listings_alone() {
    let scene = Scene::open(120);
    let state = scene.history(&["--again"]);
    assert_eq!((&state["status"], &state["all_orders"]), (&json!("read"), &json!(true)), "{state}");
    assert_eq!(found(&state), [120, 0, 120, 0, 1, 0], "{state}");
    let anna = scene.get("/customers/1").await;
    assert_eq!(anna["customer"]["birthday"], json!({ "year": 1990, "month": 2, "day": 3 }), "{anna}");
    assert_eq!((&anna["customer"]["accepts_marketing"], &anna["orders"][0]["id"]), (&json!(true), &json!("101")));
    let stranger = scene.get("/customers/900").await;
    assert_eq!(stranger["status"], 404, "{stranger}");
    let listings = ["V1/store/storeConfigs", "V1/customers/search", "V1/orders", "V1/creditmemos"];
    let asked: BTreeSet<_> = scene.shop.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, listings.map(str::to_owned).into(), "no row is read again by itself");

    let again = scene.history(&["--again"]);
    assert_eq!(found(&again), [120, 120, 120, 120, 1, 1], "{again}");
}

#[tokio::test]
async fn a_shop_is_counted_by_its_own_views_and_websites() {
    let scene = Scene::open(3);
    assert_eq!(scene.history(&["--again"])["status"], "read");
    let state = scene.history(&["--count"]);
    let of = |what: &str| (&state["counts"][what]["platform"], &state["counts"][what]["known"]);
    let three = json!(3);
    assert_eq!((of("orders"), of("customers")), ((&three, &three), (&three, &three)), "{state}");
    assert_eq!(state["notes"], json!([]), "{state}");
}
