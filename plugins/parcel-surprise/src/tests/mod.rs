//! Each edge case is one test, by topic.

use regulars_sdk::{
    EffectId, Order, Timestamp,
    test::{Bench, Call, Delivery, Incoming, Note, OrderBuilder, START, order},
};
use serde_json::{Value, json};

use crate::{
    budget::{Month, month_key},
    handle,
    orders::{Record, order_key},
    people::{Person, customer_key},
    stock::{Stock, stock_key},
};

mod after_delivery;
mod bounds;
mod by_hand;
mod cards;
mod giving;
mod people;
mod returning;

pub const MANIFEST: &str = include_str!("../../../../manifests/plugins/parcel-surprise.toml");

/// A shop where every order gets a gift, of which there are two.
pub fn shop() -> Bench {
    Bench::new(handle).manifest(MANIFEST).setting("rules", json!([every(1)])).setting("gifts", two_gifts())
}

pub fn every(n: u32) -> Value {
    json!({ "name": format!("every {n}"), "every_nth": n })
}

pub fn gift(id: &str, stock: u32, cost: &str) -> Value {
    json!({ "id": id, "title": id.to_uppercase(), "variant_id": format!("variant-{id}"), "stock": stock, "cost": cost })
}

fn two_gifts() -> Value {
    json!([gift("soap", 10, "2.00"), gift("tea", 10, "3.00")])
}

pub fn basket(id: &str) -> OrderBuilder {
    order(id).customer("c1").line(5_000, 1)
}

pub fn paid(order: impl Into<Order>) -> Incoming {
    Incoming::order_paid(order)
}

/// The order as it is after `minutes`, cancelled.
pub fn cancelled(order: OrderBuilder, minutes: u64) -> Incoming {
    let at = Timestamp(START.0 + minutes * 60_000);
    Incoming::order_cancelled(order.cancelled_at(at)).at(at)
}

pub fn order_of(shop: &Bench, id: &str) -> Record {
    shop.state(&order_key(id)).unwrap_or_default()
}

pub fn person(shop: &Bench, id: &str) -> Person {
    shop.state(&customer_key(id)).unwrap_or_default()
}

pub fn left(shop: &Bench, gift: &str) -> u32 {
    shop.state::<Stock>(&stock_key(gift)).unwrap().left
}

/// Minor units and pieces of a month.
pub fn spent(shop: &Bench, month: &str) -> (i64, u32) {
    shop.state::<Month>(&month_key(month)).map_or((0, 0), |it| (it.spent.minor, it.pieces))
}

pub fn effect(shop: &Bench, order: &str) -> EffectId {
    order_of(shop, order).gift.expect("the order has had a gift").effect
}

/// The delivery's only note.
pub fn note(delivery: &Delivery) -> &Note {
    let notes: Vec<_> = delivery.calls.notes().collect();
    assert_eq!(notes.len(), 1, "every delivery leaves one note: {notes:?}");
    notes[0]
}

pub fn why(delivery: &Delivery) -> &str {
    &note(delivery).reason
}

/// The gifts' titles, in the order in which they were given.
pub fn given(shop: &Bench) -> Vec<String> {
    shop.calls().gifts().map(|gift| gift.title.clone()).collect()
}

/// What a delivery queued, without notes.
pub fn deeds(delivery: &Delivery) -> Vec<&Call> {
    delivery.calls.iter().filter(|call| !matches!(call, Call::Note(_))).collect()
}
