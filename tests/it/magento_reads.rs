//! What the host reads of the simulated Magento shop: orders and products that have changed, page by page.

use std::{sync::Arc, time::Duration};

use regulars::{
    clock::Manual,
    domain::{CodeKey, Platform, Step, Timestamp as Moment},
    platform::{
        Changes, Client, Context, Failure, Secret,
        http::{Http, Reach},
        magento::{RestClient, rest::Shop},
        read,
    },
};
use regulars_tests::magento_rest::{MagentoRest, Options, Outcome};
use serde_json::{Value, json};

const HOUR: (&str, &str) = ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z");

fn moment(text: &str) -> Moment {
    Moment(text.parse::<jiff::Timestamp>().unwrap().as_millisecond().try_into().unwrap())
}

fn within(hour: (&str, &str)) -> (Moment, Moment) {
    (moment(hour.0), moment(hour.1))
}

fn client(shop: &MagentoRest, host: &str) -> Client {
    client_at(shop, host, &Manual::at(moment("2026-11-20T12:00:00Z")))
}

fn client_at(shop: &MagentoRest, host: &str, clock: &Manual) -> Client {
    let shop = Shop { host: host.into(), base: shop.base_url(), reach: Reach::Anywhere };
    let (token, codes) = (Secret::new("simulated-token"), CodeKey::under(&[7; 32]));
    let clock = Arc::new(clock.clone());
    Client::Magento(Box::new(RestClient::new(Http::new().unwrap(), shop, &token, codes, clock).unwrap()))
}

fn shop() -> (MagentoRest, Client) {
    let shop = MagentoRest::start(Options::default()).unwrap();
    let client = client(&shop, "shop.example.com");
    (shop, client)
}

/// An order as REST tells it, with changes.
fn order(id: u64, changes: Value) -> Value {
    let mut order = json!({
        "entity_id": id, "increment_id": format!("{id:09}"), "state": "new", "status": "pending", "store_id": 1,
        "created_at": "2026-11-20 09:00:00", "updated_at": "2026-11-20 10:30:00", "base_currency_code": "EUR",
        "customer_is_guest": 1, "customer_email": "anna@example.com", "base_subtotal": 20.0, "base_shipping_amount": 5.0,
        "base_tax_amount": 0.0, "base_grand_total": 25.0,
        "items": [{
            "item_id": 10 * id, "product_id": 4, "product_type": "simple", "sku": "TEA", "name": "Tea", "qty_ordered": 2,
            "qty_shipped": 0, "qty_refunded": 0, "qty_canceled": 0, "base_price": 10.0, "base_discount_amount": 0.0,
            "base_tax_amount": 0.0,
        }],
    });
    for (field, value) in changes.as_object().unwrap() {
        order[field] = value.clone();
    }
    order
}

/// The ids of all changed orders, page by page.
async fn all_pages(client: &Client) -> Vec<Vec<String>> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = client.changed_orders(within(HOUR), after.as_deref()).await.unwrap();
        pages.push(page.orders.iter().map(|order| order.id.to_string()).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn changed_orders_are_those_of_the_shops_own_views_between_two_moments() {
    let (shop, client) = shop();
    shop.put_order(order(1, json!({ "updated_at": "2026-11-20 09:59:59" })));
    shop.put_order(order(2, json!({ "updated_at": "2026-11-20 10:00:00" })));
    shop.put_order(order(3, json!({ "store_id": 2 })));
    shop.put_order(order(4, json!({ "store_id": 3, "updated_at": "2026-11-20 11:00:00" })));
    shop.put_order(order(5, json!({ "updated_at": "2026-11-20 11:00:01" })));
    assert_eq!(all_pages(&client).await, [["2", "4"]]);
    assert!(!shop.requests().iter().any(|it| matches!(it.outcome, Outcome::Invalid(_))));
}

#[tokio::test]
async fn a_store_view_that_the_shop_opens_is_read_within_the_hour() {
    let shop = MagentoRest::start(Options::default()).unwrap();
    let clock = Manual::at(moment("2026-11-20T12:00:00Z"));
    let client = client_at(&shop, "shop.example.com", &clock);
    shop.put_order(order(1, json!({})));
    assert_eq!(all_pages(&client).await, [["1"]]);
    shop.add_view(4, 3, "shop.example.com");
    shop.put_order(order(2, json!({ "store_id": 4 })));
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(all_pages(&client).await, [["1", "2"]]);
    let views = shop.requests().iter().filter(|it| it.path == "V1/store/storeConfigs").count();
    assert_eq!(views, 2);
}

#[tokio::test]
async fn a_shop_without_changes_has_none_and_one_at_another_host_is_no_shop_here() {
    let (shop, client) = shop();
    assert_eq!(all_pages(&client).await, [Vec::<String>::new()]);
    let elsewhere = self::client(&shop, "elsewhere.example.com");
    let failure = elsewhere.changed_orders(within(HOUR), None).await.unwrap_err();
    assert!(matches!(failure, Failure::Permanent { reason } if reason.contains("elsewhere.example.com")));
}

#[tokio::test]
async fn many_orders_of_one_second_are_read_once_each_though_one_moves_on_meanwhile() {
    let (shop, client) = shop();
    for id in 1..=120 {
        shop.put_order(order(id, json!({})));
    }
    let first = client.changed_orders(within(HOUR), None).await.unwrap();
    assert_eq!(first.orders.len(), 50);
    // One of the first page changes again: by number, the second page would begin one too late.
    shop.put_order(order(7, json!({ "updated_at": "2026-11-20 10:40:00" })));
    let second = client.changed_orders(within(HOUR), first.next.as_deref()).await.unwrap();
    let third = client.changed_orders(within(HOUR), second.next.as_deref()).await.unwrap();
    assert_eq!(third.next, None);
    let ids = |page: &regulars::platform::OrdersPage| -> Vec<u64> {
        page.orders.iter().map(|order| order.id.as_str().parse().unwrap()).collect()
    };
    assert_eq!(ids(&second), (51..=100).collect::<Vec<_>>());
    assert_eq!(ids(&third), (101..=120).chain([7]).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_orders_steps_follow_from_its_state_its_sums_and_its_credit_memos() {
    let (shop, client) = shop();
    let shipped = |ordered: u64, shipped: u64| {
        let mut items = order(1, json!({}))["items"].clone();
        items[0]["qty_ordered"] = ordered.into();
        items[0]["qty_shipped"] = shipped.into();
        items
    };
    shop.put_order(order(1, json!({})));
    shop.put_order(order(2, json!({ "state": "processing", "status": "my_own", "base_total_paid": 25.0 })));
    shop.put_order(order(3, json!({ "state": "complete", "base_total_paid": 25.0, "items": shipped(2, 2) })));
    shop.put_order(order(4, json!({ "state": "canceled" })));
    shop.put_order(order(5, json!({ "state": "processing", "base_total_paid": 25.0, "base_total_refunded": 5.0 })));
    for (id, at) in [(51, "2026-11-20 10:10:00"), (52, "2026-11-20 10:20:00")] {
        shop.put_credit_memo(json!({ "entity_id": id, "order_id": 5, "created_at": at, "state": 2 }));
    }
    let page = client.changed_orders(within(HOUR), None).await.unwrap();
    let steps: Vec<_> = page.orders.iter().map(|order| order.steps.clone()).collect();
    let refunded = |id: &str, at: &str| (Step::Refunded(id.into()), Some(moment(at)));
    assert_eq!(steps[0], [(Step::Placed, None)]);
    assert_eq!(steps[1], [(Step::Placed, None), (Step::Paid, None)]);
    assert_eq!(steps[2], [(Step::Placed, None), (Step::Paid, None), (Step::Fulfilled, None)]);
    assert_eq!(steps[3], [(Step::Placed, None), (Step::Cancelled, Some(moment("2026-11-20T10:30:00Z")))]);
    let memos = [refunded("51", "2026-11-20T10:10:00Z"), refunded("52", "2026-11-20T10:20:00Z")];
    assert_eq!(steps[4][..2], [(Step::Placed, None), (Step::Paid, None)]);
    assert_eq!(steps[4][2..], memos);
    assert_eq!(page.orders[0].created_at, moment("2026-11-20T09:00:00Z"));
}

#[tokio::test]
async fn what_is_told_of_a_step_is_read_as_a_webhook_of_it_would_be() {
    let (shop, client) = shop();
    shop.put_order(order(2, json!({ "state": "processing", "base_total_paid": 25.0 })));
    let told = client.told(&"2".into(), &Step::Paid).await.unwrap().unwrap();
    assert_eq!((told.platform, told.topic.as_str()), (Platform::Magento, "rest/order.paid"));
    let context = Context { currency: "EUR".parse().unwrap(), occurred_at: moment(HOUR.0) };
    let event = read(told.platform, &told.topic, &told.body, &context).unwrap();
    assert_eq!(Step::of(&event), Some(Step::Paid));
    assert_eq!(client.told(&"404".into(), &Step::Paid).await.unwrap(), None);
    assert_eq!(client.told(&"2".into(), &Step::Refunded("404".into())).await.unwrap(), None);
}

#[tokio::test]
async fn changed_products_come_with_their_categories() {
    let (shop, client) = shop();
    let links =
        json!({ "category_links": [{ "position": 0, "category_id": "9" }, { "position": 1, "category_id": "3" }] });
    for (id, at) in [(4, "2026-11-20 10:30:00"), (5, "2026-11-20 09:30:00")] {
        shop.put_product(json!({
            "id": id, "sku": format!("SKU-{id}"), "name": "Tea", "price": 12.5, "type_id": "simple",
            "created_at": "2026-01-01 00:00:00", "updated_at": at, "extension_attributes": links,
        }));
    }
    let page = client.changed_products(within(HOUR), None).await.unwrap();
    assert_eq!(page.next, None);
    let listed: Vec<_> = page.products.iter().map(|it| (it.id.as_str(), it.collections.clone())).collect();
    assert_eq!(listed, [("4", vec!["3".to_owned(), "9".to_owned()])]);
    assert_eq!(page.products[0].told.topic, "rest/product.updated");
}
