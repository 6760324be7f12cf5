//! Products and their collections are known, whatever webhooks tell of them.

use super::*;
use crate::{clock::Clock, domain::Product, store::ProductsRead};

const DAY: Duration = Duration::from_secs(86_400);

/// A product as the platform lists it; `updated` is in minutes after the store was added, and may be before.
fn listed(id: u64, updated: i64, collections: &[&str]) -> ListedProduct {
    let collections: Vec<_> = collections.iter().map(|id| (*id).to_owned()).collect();
    let updated_at = minutes(updated);
    let body = json!({
        "id": id, "title": format!("Tea {id}"), "updated_at": updated_at.to_string(), "collections": collections,
    });
    let (topic, api_version) = ("products/update".into(), "2026-10".into());
    let told = Told { platform: Platform::Shopify, topic, api_version, body: body.to_string().into() };
    ListedProduct { id: id.to_string().into(), updated_at, collections, told }
}

fn selling(products: Vec<ListedProduct>) -> Shop {
    Shop { products, ..Shop::default() }
}

/// One run, and everything applied that it appended; how much that was.
async fn read_on(bench: &Bench, shop: &Shop) -> u64 {
    let before = *bench.inbox.durable().borrow();
    crate::reconcile::products::read_on(&bench.pipeline, SETTINGS, bench.id, shop).await.unwrap();
    apply_from(bench, before.next()).await;
    bench.inbox.durable().borrow().0 - before.0
}

fn collections(bench: &Bench, id: u64) -> Option<Vec<String>> {
    let product = bench.read::<Product>(&keys::product(bench.id, &id.to_string().into()))?;
    Some(product.collections)
}

fn kept(bench: &Bench) -> ProductsRead {
    bench.read(&keys::products_read(bench.id)).unwrap()
}

#[tokio::test]
async fn all_products_are_read_once_and_then_those_that_change() {
    let bench = store().await;
    let mut shop = selling((1..=5).map(|id| listed(id, -1_000 * id as i64, &["all"])).collect());
    assert_eq!(read_on(&bench, &shop).await, 5, "long before the store was added");
    assert_eq!((collections(&bench, 1), collections(&bench, 5)), (Some(vec!["all".into()]), Some(vec!["all".into()])));
    assert_eq!(read_on(&bench, &shop).await, 0);
    shop.products[0] = listed(1, 60, &["all", "sale"]);
    shop.products.push(listed(6, 61, &[]));
    assert_eq!(read_on(&bench, &shop).await, 2);
    assert_eq!(
        (collections(&bench, 1), collections(&bench, 6)),
        (Some(vec!["all".into(), "sale".into()]), Some(vec![]))
    );
}

#[tokio::test]
async fn a_webhook_leaves_the_collections_and_a_read_takes_a_product_out_of_them() {
    let bench = store().await;
    read_on(&bench, &selling(vec![listed(1, 10, &["all", "sale"])])).await;
    let body = json!({"id": 1, "title": "Green tea", "updated_at": minutes(20).to_string()});
    bench.accept(&bench.webhook("told", "products/update", &body)).await;
    assert_eq!(collections(&bench, 1), Some(vec!["all".into(), "sale".into()]));
    assert_eq!(read_on(&bench, &selling(vec![listed(1, 20, &["all"])])).await, 1);
    assert_eq!(collections(&bench, 1), Some(vec!["all".into()]));
    assert_eq!(read_on(&bench, &selling(vec![listed(1, 20, &[])])).await, 1);
    assert_eq!(collections(&bench, 1), Some(vec![]));
}

#[tokio::test]
async fn a_new_round_finds_what_entered_a_collection_without_being_changed() {
    let bench = store().await;
    let selling = |collections: &[&str]| selling(vec![listed(1, -900, collections), listed(2, 10, &[])]);
    read_on(&bench, &selling(&[])).await;
    let shop = selling(&["sale"]);
    assert_eq!(read_on(&bench, &shop).await, 0, "nothing says that it has changed");
    bench.clock.advance(DAY);
    assert_eq!((read_on(&bench, &shop).await, collections(&bench, 1)), (1, Some(vec!["sale".into()])));
}

#[tokio::test]
async fn a_round_through_many_products_takes_several_runs() {
    let bench = store().await;
    let shop = selling((1..=90).map(|id| listed(id, id as i64 - 1_000, &["all"])).collect());
    assert_eq!(read_on(&bench, &shop).await, 40);
    assert_eq!((kept(&bench).until, kept(&bench).round_ended_at), (minutes(-960), None));
    bench.clock.advance(DAY * 2);
    assert_eq!(read_on(&bench, &shop).await, 39, "it goes on, with the last that it had read");
    assert_eq!((read_on(&bench, &shop).await, kept(&bench).round_ended_at), (11, Some(bench.clock.now())));
}

#[tokio::test]
async fn what_the_platform_refuses_is_read_with_the_next_run() {
    let bench = store().await;
    let shop = selling((1..=5).map(|id| listed(id, id as i64, &["all"])).collect());
    *shop.faults.lock().unwrap() = vec![None, Some(Failure::Permanent { reason: "no".into() })];
    assert_eq!(read_on(&bench, &shop).await, 2);
    assert_eq!((read_on(&bench, &shop).await, collections(&bench, 5)), (3, Some(vec!["all".into()])));
}

#[tokio::test]
async fn a_product_that_is_gone_or_has_changed_again_is_left_to_what_tells_it() {
    let bench = store().await;
    bench.accept(&bench.webhook("gone", "products/delete", &json!({"id": 1}))).await;
    let body = json!({"id": 2, "title": "Green tea", "updated_at": minutes(20).to_string()});
    bench.accept(&bench.webhook("newer", "products/update", &body)).await;
    let shop = selling(vec![listed(1, 10, &["all"]), listed(2, 10, &["all"]), listed(3, 90, &["all"])]);
    assert_eq!(read_on(&bench, &shop).await, 0, "and what changed just now to its webhook");
}
