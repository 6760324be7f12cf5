//! What is kept of a customer: how many orders, and which gifts.

use std::collections::BTreeSet;

use regulars_sdk::{Context, Date, Order, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::orders::{self, Record};

/// Orders from before the first one that this plugin was told of which are taken into a customer's count: one page.
const HISTORY: usize = 100;

/// Lines of theirs after which no more are: reading them is most of what a delivery costs.
const HISTORY_LINES: usize = 400;

/// Days before and after an anniversary on which an order belongs to it.
const ANNIVERSARY_DAYS: u64 = 7;

/// `customer/<customer>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Orders that are paid, no tests, and not called off before shipping.
    pub orders: u32,
    /// When the first of them was placed.
    pub first: Option<Timestamp>,
    /// The last order that a rule for every nth one has given a gift.
    pub nth_given: u32,
    /// The year of the last anniversary that has had its order.
    pub anniversary: i16,
    /// Gifts had since the list was through last.
    pub had: Vec<Had>,
    /// The last gift that may be spoken of.
    pub told: Option<Told>,
}

/// A gift, and the order that it came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Had {
    pub gift: String,
    pub order: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub title: String,
    /// As shoppers see it.
    pub order: String,
    /// Not before.
    pub from: Timestamp,
}

impl Person {
    pub fn had(&self) -> BTreeSet<&str> {
        self.had.iter().map(|it| it.gift.as_str()).collect()
    }
}

pub fn get(cx: &mut Context, customer: &str) -> Result<Option<Person>> {
    Ok(cx.state().get(&customer_key(customer))?)
}

pub fn set(cx: &mut Context, customer: &str, person: &Person) -> Result {
    Ok(cx.state().set(&customer_key(customer), person)?)
}

pub fn customer_key(customer: &str) -> String {
    key(&["customer", customer])
}

/// Who is left of a customer after merges.
pub fn survivor(cx: &Context, customer: &str) -> String {
    cx.customer_by_id(customer).map_or_else(|| customer.to_owned(), |it| it.id)
}

/// Counts an order among its customer's, unless it is among them, and says in `record` what it now is. The caller keeps
/// both.
pub fn count(cx: &mut Context, customer: &str, order: &Order, record: &mut Record) -> Result<Person> {
    let mut person = match get(cx, customer)? {
        Some(person) => person,
        None => {
            let mut person = Person::default();
            take_in_history(cx, &mut person, customer, Some(order))?;
            person
        }
    };
    record.customer = Some(customer.to_owned());
    if !record.counted {
        record.counted = true;
        add(&mut person, order);
    }
    if let Some(year) = anniversary(cx, &person, order).filter(|year| *year > person.anniversary) {
        person.anniversary = year;
        record.anniversary = Some(year);
    }
    Ok(person)
}

fn add(person: &mut Person, order: &Order) {
    person.orders = person.orders.saturating_add(1);
    person.first = Some(person.first.map_or(order.placed_at, |first| first.min(order.placed_at)));
}

/// Counts the orders from before `order` that the host knows and this plugin was not told of. Each gets a record, so that
/// one whose payment is told later is not counted twice.
fn take_in_history(cx: &mut Context, person: &mut Person, customer: &str, order: Option<&Order>) -> Result {
    let earlier = |it: &Order| order.is_none_or(|order| (it.placed_at, &it.id) < (order.placed_at, &order.id));
    let history: Vec<_> =
        cx.orders_of(customer).up_to(HISTORY, HISTORY_LINES).filter(|it| counts(it) && earlier(it)).collect();
    for order in history {
        let mut record = orders::get(cx, &order.id)?.unwrap_or_default();
        if !record.counted {
            record.counted = true;
            record.customer = Some(customer.to_owned());
            orders::set(cx, &order.id, &record)?;
            add(person, &order);
        }
    }
    Ok(())
}

/// Whether an order of the past is one that was paid and not called off.
fn counts(order: &Order) -> bool {
    let open =
        matches!(order.financial_status.as_deref(), None | Some("pending" | "authorized" | "voided" | "expired"));
    !order.test && order.cancelled_at.is_none() && !open
}

/// Takes an order that was called off before shipping out of its customer's count. The caller keeps the record.
pub fn uncount(cx: &mut Context, order: &Order, record: &mut Record) -> Result {
    let Some(customer) = record.customer.as_deref().filter(|_| record.counted) else { return Ok(()) };
    let customer = survivor(cx, customer);
    record.counted = false;
    let Some(mut person) = get(cx, &customer)? else { return Ok(()) };
    person.orders = person.orders.saturating_sub(1);
    if person.first == Some(order.placed_at) {
        let mut rest =
            cx.orders_of(&customer).up_to(HISTORY, HISTORY_LINES).filter(|it| counts(it) && it.id != order.id);
        person.first = rest.next().map(|it| it.placed_at).filter(|_| person.orders > 0);
    }
    if let Some(year) = record.anniversary.take().filter(|year| *year == person.anniversary) {
        person.anniversary = year - 1;
    }
    set(cx, &customer, &person)
}

/// The year of the anniversary of the first order that this one was placed around; 29 February is 28 February in common
/// years.
fn anniversary(cx: &Context, person: &Person, order: &Order) -> Option<i16> {
    let first = cx.date_of(person.first?);
    let placed = cx.date_of(order.placed_at);
    let noon = |date: Date| cx.instant_of(date, 12 * 60).0;
    let days = |year| noon(Date { year, ..first }).abs_diff(noon(placed)).saturating_add(43_200_000) / 86_400_000;
    // The noons of two dates are whole days apart but for the hour that clocks are put on or back.
    let years = [placed.year - 1, placed.year, placed.year.saturating_add(1)];
    years.into_iter().find(|year| *year > first.year && days(*year) <= ANNIVERSARY_DAYS)
}

/// Takes back that a customer has had the gift of an order.
pub fn return_gift(cx: &mut Context, customer: &str, order_id: &str, nth: Option<u32>) -> Result {
    let customer = survivor(cx, customer);
    let Some(mut person) = get(cx, &customer)? else { return Ok(()) };
    person.had.retain(|it| it.order != order_id);
    if let Some(nth) = nth.filter(|nth| *nth == person.nth_given) {
        person.nth_given = nth - 1;
    }
    set(cx, &customer, &person)
}

/// One person has one count and one list of gifts had.
pub fn merged(cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else { return Ok(cx.note("Nothing moved: the merge is not complete", &[])?) };
    let (from, to) = (&merge.absorbed_id, &merge.kept_id);
    let both = get(cx, to)?.is_some();
    let moved =
        cx.state().merge(&customer_key(from), &customer_key(to), |_, moved: Person, there: Option<Person>| {
            Ok(join(there.unwrap_or_default(), moved))
        })?;
    if moved == 0 {
        return Ok(cx.note("Nothing moved: the absorbed customer has no orders here", &[("from", from)])?);
    }
    if let (false, Some(mut person)) = (both, get(cx, to)?) {
        take_in_history(cx, &mut person, to, None)?;
        set(cx, to, &person)?;
    }
    Ok(cx.note("Orders and gifts moved: two customers became one", &[("from", from), ("to", to)])?)
}

fn join(one: Person, other: Person) -> Person {
    let mut had = one.had;
    had.extend(other.had);
    Person {
        orders: one.orders.saturating_add(other.orders),
        first: one.first.into_iter().chain(other.first).min(),
        nth_given: one.nth_given.max(other.nth_given),
        anniversary: one.anniversary.max(other.anniversary),
        had,
        told: one.told.into_iter().chain(other.told).max_by_key(|it| it.from),
    }
}

/// Nothing is kept of somebody who is gone or is to be forgotten. What an order has cost stays with the order, by ids and sums.
pub fn forgotten(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return Ok(cx.note("Nothing to forget: the customer is not known", &[])?);
    };
    cx.state().delete(&customer_key(&customer.id))?;
    Ok(cx.note("Forgotten: orders counted and gifts had", &[])?)
}
