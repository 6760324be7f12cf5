//! What the host reads of the simulated shop, page by page.

use std::sync::Arc;

use regulars::{
    clock::Manual,
    domain::{Change, Platform, Product, Timestamp},
    platform::{self, Changes, Client, Context, Secret, Told, http::Http, shopify::AdminClient},
};
use regulars_tests::shopify_admin::{Limits, Options, SchemaSource, ShopifyAdmin};
use serde_json::json;

/// When the first of the products changed; each of the others changed a second after the one before it.
const BEGAN: u64 = 1_790_000_000_000;

fn at(number: u64) -> Timestamp {
    Timestamp(BEGAN + number * 1_000)
}

/// A shop of 25 products, each in as many collections as its number says but for the first, which is in 145.
fn shop() -> (ShopifyAdmin, Client) {
    // What one call may cost, and all of it there again for the next.
    let limits = Limits { maximum: 1_000.0, restore_rate: 1e9 };
    let admin = ShopifyAdmin::start(&SchemaSource::best(), Options { limits, ..Options::default() }).unwrap();
    for number in 1..=25 {
        let collections = if number == 1 { 145 } else { number };
        admin.tell_product(json!({
            "admin_graphql_api_id": format!("gid://shopify/Product/{number}"),
            "title": format!("Tea {number}"), "product_type": "Drinks", "vendor": "Fern", "tags": "organic, loose",
            "created_at": "2026-01-01T00:00:00Z", "updated_at": at(number).to_string(),
            "collections": (1..=collections).collect::<Vec<_>>(),
        }));
    }
    let (http, token) = (Http::new().unwrap(), Secret::new("shpat_simulated"));
    let clock = Arc::new(Manual::at(Timestamp(BEGAN)));
    let client = AdminClient::new(http, &admin.base_url(), &token, clock).unwrap();
    (admin, Client::Shopify(Box::new(client)))
}

/// What is understood of what a webhook would have told.
fn read(told: &Told) -> Product {
    let context = Context { currency: "EUR".parse().unwrap(), occurred_at: Timestamp(0) };
    match platform::read(Platform::Shopify, &told.topic, &told.body, &context).unwrap().change {
        Change::Product(product) => *product,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn changed_products_are_read_with_all_collections_that_they_are_in() {
    let (admin, client) = shop();
    let between = (at(1), at(24));
    let first = client.changed_products(between, None).await.unwrap();
    assert_eq!(
        first.products.iter().map(|product| product.updated_at).collect::<Vec<_>>(),
        (1..=20).map(at).collect::<Vec<_>>()
    );
    let rest = client.changed_products(between, first.next.as_deref()).await.unwrap();
    assert_eq!((rest.products.len(), rest.next), (4, None));
    for product in first.products.iter().chain(&rest.products) {
        let read = read(&product.told);
        assert_eq!(
            (&read.id, read.updated_at, &read.collections),
            (&product.id, product.updated_at, &product.collections)
        );
        let number: usize = product.id.as_str().parse().unwrap();
        assert_eq!(product.collections.len(), if number == 1 { 145 } else { number }, "{number}");
        assert_eq!((read.title, read.kind.as_deref()), (format!("Tea {number}"), Some("Drinks")));
        assert_eq!((read.vendor.as_deref(), read.tags.len()), (Some("Fern"), 2));
    }
    admin.stop();
}
