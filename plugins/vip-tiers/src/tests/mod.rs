//! Each edge case is one test, by topic.

use regulars_sdk::{
    Mail, Order, Timestamp,
    test::{Bench, Call, Calls, Delivery, Incoming, Note, OrderBuilder, START, customer, order},
};
use serde_json::{Value, json};

use crate::{
    calendar::Day,
    handle,
    member::{Member, member_key},
};

mod orders;
mod people;
mod perks;
mod settings;
mod terms;

pub const MANIFEST: &str = include_str!("../../../../manifests/plugins/vip-tiers.toml");

/// A shop in UTC on 1 January 2026 with two customers.
pub fn shop() -> Bench {
    Bench::new(handle).manifest(MANIFEST).with_customer(customer("c1")).with_customer(customer("c2"))
}

/// Three tiers, of which the higher two have these perks.
pub fn tiers(silver: Value, gold: Value) -> Value {
    let tier = |id: &str, title: &str, threshold: &str, more: Value| {
        let mut tier = json!({ "id": id, "title": title, "threshold": threshold });
        tier.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tier
    };
    json!([
        tier("bronze", "Bronze", "0", json!({})),
        tier("silver", "Silver", "300", silver),
        tier("gold", "Gold", "1000", gold)
    ])
}

/// A paid order of this many whole euros by c1, placed now.
pub fn bought(shop: &Bench, id: &str, euros: i64) -> OrderBuilder {
    order(id).customer("c1").line(euros * 100, 1).placed_at(shop.now())
}

pub fn pay(shop: &mut Bench, id: &str, euros: i64) -> Delivery {
    let order = bought(shop, id, euros);
    shop.deliver(Incoming::order_paid(order)).unwrap()
}

pub fn paid(shop: &mut Bench, order: impl Into<Order>) -> Delivery {
    shop.deliver(Incoming::order_paid(order)).unwrap()
}

pub fn member(shop: &Bench, customer: &str) -> Member {
    shop.state(&member_key(customer)).unwrap_or_default()
}

pub fn tier(shop: &Bench) -> Option<String> {
    member(shop, "c1").tier
}

pub fn until(shop: &Bench) -> Option<Day> {
    member(shop, "c1").standing.and_then(|it| it.until)
}

pub fn day(text: &str) -> Day {
    Day::read(text).unwrap()
}

/// Noon UTC of a date.
pub fn noon(text: &str) -> Timestamp {
    Timestamp(u64::try_from(day(text).0).unwrap() * 86_400_000 + 43_200_000)
}

/// Lets time pass until noon of a date.
pub fn until_noon(shop: &mut Bench, text: &str) -> Vec<Delivery> {
    shop.advance_to(noon(text)).unwrap()
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

pub fn mails(shop: &Bench) -> Vec<&Mail> {
    shop.calls().mails().collect()
}

pub fn templates(calls: &Calls) -> Vec<&str> {
    calls.mails().map(|it| it.template.as_str()).collect()
}

pub fn var<'a>(mail: &'a Mail, name: &str) -> &'a str {
    mail.vars.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}

/// The tags that a customer wears by all changes so far.
pub fn worn(shop: &Bench, customer: &str) -> Vec<String> {
    let mut worn: Vec<String> = Vec::new();
    for call in shop.calls().iter() {
        if let Call::Tags { customer_id, add, remove, .. } = call
            && customer_id == customer
        {
            worn.retain(|it| !remove.contains(it) && !add.contains(it));
            worn.extend(add.clone());
        }
    }
    worn
}

#[test]
fn the_bench_begins_on_new_years_day() {
    assert_eq!(START, noon("2026-01-01"));
}
