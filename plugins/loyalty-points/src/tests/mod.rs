//! Each path, with the note it leaves.

use regulars_sdk::{
    Mail, Order,
    test::{Bench, Delivery, Incoming, Note},
};

use crate::{
    account::Account,
    handle,
    ledger::{Entry, Kind, account_key, entry_key},
    orders::record::{OrderRecord, order_key},
};

mod codes;
mod earning;
mod gifts;
mod lots;
mod members;
mod merchant;
mod panel;
mod refunds;
mod rewards;
mod tiers;

pub const MANIFEST: &str = include_str!("../../../../manifests/plugins/loyalty-points.toml");

/// A shop with the settings that it ships with.
pub fn as_shipped() -> Bench {
    Bench::new(handle).manifest(MANIFEST)
}

/// A shop whose points are available at once, without bounds.
pub fn shop() -> Bench {
    as_shipped().setting("pending_days", 0).setting("max_points_per_day", 0)
}

pub fn account(shop: &Bench, customer: &str) -> Account {
    shop.state(&account_key(customer)).unwrap_or_default()
}

pub fn entries(shop: &Bench, customer: &str) -> Vec<Entry> {
    (1..=account(shop, customer).entries).map(|n| shop.state(&entry_key(customer, n)).unwrap()).collect()
}

pub fn record(shop: &Bench, order: &str) -> Option<OrderRecord> {
    shop.state(&order_key(order))
}

fn points(shop: &Bench, customer: &str) -> Vec<(Kind, i64)> {
    entries(shop, customer).iter().map(|entry| (entry.kind, entry.points)).collect()
}

/// The delivery's only note.
fn note(delivery: &Delivery) -> &Note {
    let notes: Vec<_> = delivery.calls.notes().collect();
    assert_eq!(notes.len(), 1, "every delivery leaves one note: {notes:?}");
    notes[0]
}

/// Reason, points and balance of the delivery's note.
fn why(delivery: &Delivery) -> (&str, &str, Option<&str>) {
    let note = note(delivery);
    (&note.reason, note.field("points").unwrap(), note.field("balance"))
}

/// The reasons of all of a delivery's notes.
fn reasons(delivery: &Delivery) -> Vec<&str> {
    delivery.calls.notes().map(|note| note.reason.as_str()).collect()
}

fn var<'a>(mail: &'a Mail, name: &str) -> &'a str {
    mail.vars.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap()
}

fn paid(order: impl Into<Order>) -> Incoming {
    Incoming::order_paid(order)
}

/// A customer with points to spend.
fn with_balance(minor: i64) -> Bench {
    let mut shop = shop().setting("mail_on_earning", false);
    shop.deliver(paid(regulars_sdk::test::order("seed").customer("c1").line(minor, 1))).unwrap();
    shop
}
