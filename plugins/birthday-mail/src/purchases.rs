//! Orders and what they add up to. Each is kept with what it counts for, so that refunds in any order and number take out
//! exactly that.

use regulars_sdk::{Context, Failure, Order, Refund, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{
    people::{self, Milestone, Person, Waiting},
    settings::Settings,
};

/// Orders from before the first one that this plugin was told of which are taken into a customer's sums: one page.
pub const HISTORY: usize = 100;

/// Lines of theirs after which no more are: reading them is most of what a delivery costs.
const HISTORY_LINES: usize = 400;

/// `order/<order>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub customer: String,
    /// What it counts for, in minor units.
    pub value: i64,
    /// It was cancelled or given back whole, and does not count any more. Final.
    pub void: bool,
}

pub fn order_key(order_id: &str) -> String {
    key(&["order", order_id])
}

/// A customer as known; one who is new here, with the orders from before.
pub fn person(cx: &mut Context, settings: &Settings, customer: &str) -> Result<Person> {
    if let Some(person) = people::get(cx, customer)? {
        return Ok(person);
    }
    let mut person = Person::default();
    take_in_history(cx, settings, &mut person, customer, None)?;
    Ok(person)
}

/// Adds the orders that the host knows and this plugin was not told of, but for `except`. Returns how many were read.
/// Whoever has passed a milestone before is not congratulated on it now.
pub fn take_in_history(
    cx: &mut Context,
    settings: &Settings,
    person: &mut Person,
    customer: &str,
    except: Option<&str>,
) -> Result<usize> {
    let history: Vec<_> = cx.orders_of(customer).up_to(HISTORY, HISTORY_LINES).collect();
    for order in history.iter().filter(|it| was_paid(it) && Some(it.id.as_str()) != except) {
        let refunds = cx.refunds_of(&order.id);
        let known = cx.state().get::<Record>(&order_key(&order.id))?.is_some();
        if !known && !is_void(order, &refunds) {
            add(cx, settings, person, customer, order, &refunds)?;
        }
    }
    Ok(history.len())
}

fn was_paid(order: &Order) -> bool {
    let open =
        matches!(order.financial_status.as_deref(), None | Some("pending" | "authorized" | "voided" | "expired"));
    !order.test && !open
}

fn add(
    cx: &mut Context,
    settings: &Settings,
    person: &mut Person,
    customer: &str,
    order: &Order,
    refunds: &[Refund],
) -> Result {
    let record = Record { customer: customer.into(), value: value(order, refunds), void: false };
    cx.state().set(&order_key(&order.id), &record)?;
    person.orders = person.orders.saturating_add(1);
    person.spent = person.spent.saturating_add(record.value);
    let first = person.first.map_or(order.placed_at, |first| first.min(order.placed_at));
    people::set_first(cx, settings, person, Some(first));
    Ok(())
}

/// Goods after discounts, less what was given back of them.
fn value(order: &Order, refunds: &[Refund]) -> i64 {
    let minor = |minor: i64| i128::from(minor.max(0));
    let back = |refund: &Refund| {
        refund.lines.iter().map(|it| minor(it.subtotal.minor)).sum::<i128>()
            + refund.adjustment.map_or(0, |it| minor(it.minor))
    };
    let left = minor(order.subtotal.minor) - refunds.iter().map(back).sum::<i128>();
    i64::try_from(left.max(0)).unwrap_or(i64::MAX)
}

fn is_void(order: &Order, refunds: &[Refund]) -> bool {
    let units = |line: &str| -> u64 {
        let lines = refunds.iter().flat_map(|it| &it.lines).filter(|it| it.line_id == line);
        lines.map(|it| u64::from(it.quantity)).sum()
    };
    let all_back = |order: &Order| order.lines.iter().all(|it| units(&it.id) >= u64::from(it.quantity));
    order.cancelled_at.is_some()
        || (!order.lines.is_empty() && all_back(order))
        || (order.subtotal.minor > 0 && value(order, refunds) == 0)
}

pub fn paid(cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Err(Failure::retry("the order is not known yet")) };
    let named = [("order", order.name.as_str())];
    if order.test {
        return Ok(cx.note("Not counted: it is a test order", &named)?);
    }
    let Some(customer) = order.customer_id.as_deref() else {
        return Ok(cx.note("Not counted: the order names no customer", &named)?);
    };
    if cx.state().get::<Record>(&order_key(&order.id))?.is_some() {
        return Ok(cx.note("Nothing more: the order was counted before", &named)?);
    }
    let refunds = cx.refunds_of(&order.id);
    if is_void(&order, &refunds) {
        return Ok(cx.note("Not counted: the order was cancelled or given back", &named)?);
    }
    let settings: Settings = cx.settings()?;
    let mut person = match people::get(cx, customer)? {
        Some(person) => person,
        None => {
            let mut person = Person::default();
            take_in_history(cx, &settings, &mut person, customer, Some(&order.id))?;
            person
        }
    };
    let before = (person.orders, person.spent);
    add(cx, &settings, &mut person, customer, &order, &refunds)?;
    let reached = reached(&settings, &order, &person, before);
    let due = cx.now().plus_days(settings.milestone_wait_days);
    for milestone in &reached {
        person.waiting.retain(|it| it.milestone != *milestone);
        person.waiting.push(Waiting { milestone: *milestone, due });
    }
    people::keep(cx, &settings, customer, &person)?;
    let (orders, due) = (person.orders.to_string(), cx.date_of(due).to_string());
    match reached.is_empty() {
        true => Ok(cx.note("Order counted: no milestone", &[named[0], ("orders", &orders)])?),
        false => Ok(
            cx.note("A milestone: thanks wait for the return window", &[named[0], ("orders", &orders), ("on", &due)])?
        ),
    }
}

/// The milestones that this order has passed: the number of orders, and of the marks of lifetime spend the highest.
fn reached(settings: &Settings, order: &Order, person: &Person, before: (u32, i64)) -> Vec<Milestone> {
    let number = settings.order_marks.contains(&person.orders).then_some(Milestone::Orders(person.orders));
    let marks = settings.lifetime_marks(order.subtotal.currency);
    let mark = marks.filter(|mark| before.1 < *mark && *mark <= person.spent).max().map(Milestone::Spend);
    number.into_iter().chain(mark).filter(|it| !person.passed.contains(it)).collect()
}

/// A cancelled or refunded order: it counts for less, or not at all. What has been paid out stays.
pub fn changed(cx: &mut Context) -> Result {
    let Some(order) = cx.order() else { return Ok(cx.note("Nothing taken out: the order is not known", &[])?) };
    let named = [("order", order.name.as_str())];
    let Some(record) = cx.state().get::<Record>(&order_key(&order.id))?.filter(|it| !it.void) else {
        return Ok(cx.note("Nothing taken out: the order does not count", &named)?);
    };
    let refunds = cx.refunds_of(&order.id);
    let void = is_void(&order, &refunds);
    let value = if void { 0 } else { value(&order, &refunds).min(record.value) };
    cx.state().set(&order_key(&order.id), &Record { value, void, ..record.clone() })?;
    let customer = people::survivor(cx, &record.customer);
    let Some(mut person) = people::get(cx, &customer)? else {
        return Ok(cx.note("Nothing taken out: the customer is forgotten", &named)?);
    };
    let settings: Settings = cx.settings()?;
    person.spent = (person.spent - (record.value - value)).max(0);
    if void {
        person.orders = person.orders.saturating_sub(1);
        if person.first == Some(order.placed_at) {
            let first = first_of(cx, &customer, &order.id);
            people::set_first(cx, &settings, &mut person, first);
        }
    }
    let waiting = person.waiting.len();
    let still = person.clone();
    person.waiting.retain(|it| still.is_past(it.milestone));
    let dropped = waiting - person.waiting.len();
    people::keep(cx, &settings, &customer, &person)?;
    let reason = match (dropped, void) {
        (0, true) => "The order does not count any more: nothing that waits depends on it",
        (0, false) => "The order counts for less: nothing that waits depends on it",
        _ => "A milestone dropped: it was not paid out yet",
    };
    Ok(cx.note(reason, &[named[0], ("orders", &person.orders.to_string())])?)
}

/// When the first order that still counts was placed, but for one.
fn first_of(cx: &Context, customer: &str, except: &str) -> Option<Timestamp> {
    let counts = |it: &Order| it.id != except && was_paid(it) && !is_void(it, &cx.refunds_of(&it.id));
    cx.orders_of(customer).up_to(HISTORY, HISTORY_LINES).find(counts).map(|it| it.placed_at)
}
