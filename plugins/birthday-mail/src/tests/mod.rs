//! Each edge case is one test, by topic.

use regulars_sdk::{
    Mail, Timestamp,
    test::{Bench, Delivery, Incoming, Note, START, customer},
};
use serde_json::json;

use crate::{
    handle,
    people::{Person, customer_key, timer_key},
};

mod birthdays;
mod due;
mod everybody;
mod panel;
mod purchases;

pub const MANIFEST: &str = include_str!("../../../../manifests/plugins/birthday-mail.toml");

const HOUR: u64 = 3_600_000;

/// A shop in UTC on 1 January 2026 that congratulates on the day at nine, and whose customers are still to come.
pub fn bare() -> Bench {
    Bench::new(handle).manifest(MANIFEST).setting("days_before", 0)
}

/// The same with two customers.
pub fn shop() -> Bench {
    bare().with_customer(customer("c1")).with_customer(customer("c2"))
}

pub fn tell(customer: &str, month: u8, day: u8) -> Incoming {
    Incoming::action("birthday", customer, json!({ "month": month, "day": day }))
}

pub fn person(shop: &Bench, customer: &str) -> Person {
    shop.state(&customer_key(customer)).unwrap_or_default()
}

pub fn due(shop: &Bench, customer: &str) -> Option<Timestamp> {
    shop.due(&timer_key(customer))
}

/// Hours after midnight UTC of the day that many days after 1 January 2026.
pub fn at(days: u64, hours: u64) -> Timestamp {
    Timestamp(START.plus_days(days).0 - 12 * HOUR + hours * HOUR)
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

pub fn var<'a>(mail: &'a Mail, name: &str) -> &'a str {
    mail.vars.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}
