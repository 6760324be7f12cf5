//! What the platform knows of its orders and customers, at every moment of a season.
//!
//! Webhooks tell what was known when they were triggered; a read tells what is known when it is made.

use std::collections::BTreeMap;

use super::world::START;
use crate::domain::Timestamp;

/// An order as it stands from some moment on. Times are milliseconds after the start.
#[derive(Clone, Debug)]
pub struct Sold {
    pub id: u64,
    /// None for a guest's.
    pub customer: Option<u64>,
    pub is_paid: bool,
    /// Line items with how many of each.
    pub lines: [(u64, u64); 2],
    pub created: u64,
    pub updated: u64,
    pub cancelled: Option<u64>,
    pub refunds: Vec<Returned>,
}

/// One unit of a line that was given back.
#[derive(Clone, Debug)]
pub struct Returned {
    pub id: u64,
    pub line: u64,
    pub at: u64,
}

impl Sold {
    /// Only a guest's names an address.
    pub fn email(&self) -> Option<&'static str> {
        self.customer.is_none().then_some(GUESTS_ADDRESS)
    }

    /// The platform's word for the payment, as webhooks spell it.
    pub fn status(&self) -> &'static str {
        match (self.is_paid, self.refunds.is_empty(), self.cancelled) {
            (true, false, _) => "partially_refunded",
            (true, ..) => "paid",
            (false, _, Some(_)) => "voided",
            (false, ..) => "pending",
        }
    }
}

/// A customer as it stands from some moment on.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub id: u64,
    pub updated: u64,
    /// Which of the addresses is theirs.
    pub address: u64,
}

/// The customer who has ordered as a guest before, and whose address the platform has seen.
pub const REGISTERED: u64 = 5;

/// The address of that customer, and of the guest.
pub const GUESTS_ADDRESS: &str = "mira5@example.com";

impl Person {
    pub fn is_seen(self) -> bool {
        self.id == REGISTERED
    }

    pub fn first_name(self) -> String {
        format!("Mira {}", self.updated)
    }

    /// One customer has no address: mails to it are dropped.
    pub fn email(self) -> Option<String> {
        (self.address != 3).then(|| format!("mira{}@example.com", self.address))
    }
}

/// A customer that became one with another.
#[derive(Clone, Copy, Debug)]
struct Merged {
    at: u64,
    kept: u64,
    removed: u64,
}

/// One shop's records, each change with its time, oldest first.
#[derive(Debug, Default)]
pub struct Records {
    orders: Vec<Sold>,
    people: Vec<Person>,
    merged: Option<Merged>,
}

impl Records {
    pub fn keep_order(&mut self, order: &Sold) {
        self.orders.push(order.clone());
    }

    pub fn keep_person(&mut self, person: Person) {
        self.people.push(person);
    }

    pub fn merge(&mut self, at: u64, kept: u64, removed: u64) {
        self.merged = Some(Merged { at, kept, removed });
    }

    /// All orders as they stood at a moment.
    pub fn orders_at(&self, at: u64) -> BTreeMap<u64, &Sold> {
        self.orders.iter().filter(|order| order.updated <= at).map(|order| (order.id, order)).collect()
    }

    pub fn order_at(&self, at: u64, id: u64) -> Option<&Sold> {
        self.orders.iter().rfind(|order| order.updated <= at && order.id == id)
    }

    /// A refund, and the order that it is of.
    pub fn refund_at(&self, at: u64, id: u64) -> Option<(&Sold, &Returned)> {
        let orders = self.orders.iter().filter(|order| order.updated <= at);
        orders.flat_map(|order| order.refunds.iter().map(move |refund| (order, refund))).find(|(_, it)| it.id == id)
    }

    /// Whose an order of this customer was at a moment: after a merge, the orders of the one are the other's.
    pub fn owner_at(&self, at: u64, customer: u64) -> Person {
        let id = match self.merged {
            Some(merged) if merged.at <= at && merged.removed == customer => merged.kept,
            _ => customer,
        };
        let known = self.people.iter().rfind(|person| person.updated <= at && person.id == id);
        known.copied().unwrap_or(Person { id, updated: 0, address: id })
    }
}

/// A moment as the platform writes it.
pub fn written_at(millis: u64) -> String {
    moment(millis).to_string()
}

pub fn moment(millis: u64) -> Timestamp {
    START + std::time::Duration::from_millis(millis)
}
