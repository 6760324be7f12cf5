//! What is kept of a customer: `customer/<customer>`, and the one timer for what comes next.

use regulars_sdk::{Context, EffectId, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{calendar::Day, purchases, settings::Settings};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The birthday; the year of birth is nobody's business here.
    pub day: Option<Day>,
    /// When it was told, or changed last; none where it was known from the start.
    pub told_at: Option<Timestamp>,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
    /// The platform's own field as it was last taken in.
    pub seen: Option<Day>,
    /// The last year whose birthday has been seen to, one way or the other.
    pub birthday_year: i16,
    /// Orders that are paid, no tests, and neither cancelled nor given back whole.
    pub orders: u32,
    /// When the first of them was placed.
    pub first: Option<Timestamp>,
    /// What they come to, less what was given back; minor units.
    pub spent: i64,
    /// The last year whose anniversary has been seen to.
    pub anniversary_year: i16,
    /// Milestones that wait for the end of the return window.
    pub waiting: Vec<Waiting>,
    /// Milestones that have been paid out: none is twice.
    pub passed: Vec<Milestone>,
    /// The last code.
    pub code: Option<Code>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Milestone {
    Orders(u32),
    /// Lifetime spend in minor units.
    Spend(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub milestone: Milestone,
    pub due: Timestamp,
}

/// A code that was given, and the mail that tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    pub effect: EffectId,
    pub code: String,
    pub ends_at: Timestamp,
    pub mail: Option<EffectId>,
    pub template: String,
    /// The mail's variables, but for the code's own.
    pub vars: Vec<(String, String)>,
}

impl Person {
    /// Whether the milestone still holds.
    pub fn is_past(&self, milestone: Milestone) -> bool {
        match milestone {
            Milestone::Orders(number) => self.orders >= number,
            Milestone::Spend(mark) => self.spent >= mark,
        }
    }
}

pub fn get(cx: &mut Context, customer: &str) -> Result<Option<Person>> {
    Ok(cx.state().get(&customer_key(customer))?)
}

pub fn customer_key(customer: &str) -> String {
    key(&["customer", customer])
}

/// Who is left of a customer after merges.
pub fn survivor(cx: &Context, customer: &str) -> String {
    cx.customer_by_id(customer).map_or_else(|| customer.to_owned(), |it| it.id)
}

/// Keeps a customer, and sets the one timer to what comes next.
pub fn keep(cx: &mut Context, settings: &Settings, customer: &str, person: &Person) -> Result {
    cx.state().set(&customer_key(customer), person)?;
    let timer = timer_key(customer);
    match next(cx, settings, person) {
        Some(due) => Ok(cx.schedule(&timer, due, customer.as_bytes())?),
        None => {
            cx.cancel(&timer);
            Ok(())
        }
    }
}

/// When there is something to see to next. What is due already is due at once.
fn next(cx: &Context, settings: &Settings, person: &Person) -> Option<Timestamp> {
    let birthday = person
        .day
        .filter(|_| settings.birthdays)
        .map(|day| settings.birthday_course().due(cx, day, person.birthday_year + 1));
    let anniversary = person
        .first
        .filter(|_| settings.anniversaries)
        .map(|first| settings.anniversary_course().due(cx, Day::of(cx.date_of(first)), person.anniversary_year + 1));
    let waiting = person.waiting.iter().map(|it| it.due);
    waiting.chain(birthday).chain(anniversary).min()
}

pub fn timer_key(customer: &str) -> String {
    key(&["occasion", customer])
}

/// Takes in a birthday: mails are for days to come, and for no year that has been seen to.
pub fn set_day(cx: &Context, settings: &Settings, person: &mut Person, day: Day) {
    person.day = Some(day);
    person.birthday_year = person.birthday_year.max(settings.birthday_course().latest(cx, day));
}

/// The same for the first order; its own year has no anniversary.
pub fn set_first(cx: &Context, settings: &Settings, person: &mut Person, first: Option<Timestamp>) {
    if person.first == first {
        return;
    }
    person.first = first;
    if let Some(first) = first {
        let date = cx.date_of(first);
        let latest = settings.anniversary_course().latest(cx, Day::of(date)).max(date.year);
        person.anniversary_year = person.anniversary_year.max(latest);
    }
}

/// One person has one birthday, one count, and what either has had.
pub fn merged(cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else { return Ok(cx.note("Nothing moved: the merge is not complete", &[])?) };
    let (from, to) = (&merge.absorbed_id, &merge.kept_id);
    let is_new = get(cx, to)?.is_none();
    let moved =
        cx.state().merge(&customer_key(from), &customer_key(to), |_, moved: Person, there: Option<Person>| {
            Ok(match there {
                Some(there) => join(there, moved),
                None => moved,
            })
        })?;
    cx.cancel(&timer_key(from));
    let Some(mut person) = get(cx, to)?.filter(|_| moved > 0) else {
        return Ok(cx.note("Nothing moved: the absorbed customer has nothing here", &[("from", from)])?);
    };
    let settings: Settings = cx.settings()?;
    if is_new {
        purchases::take_in_history(cx, &settings, &mut person, to, None)?;
    }
    keep(cx, &settings, to, &person)?;
    Ok(cx.note("Birthday, orders and milestones moved: two customers became one", &[("from", from), ("to", to)])?)
}

/// Of two birthdays the kept customer's counts; of what has been had, all.
fn join(kept: Person, absorbed: Person) -> Person {
    let day_of = if kept.day.is_some() { &kept } else { &absorbed };
    let (day, told_at) = (day_of.day, day_of.told_at);
    let mut passed = kept.passed;
    passed.extend(absorbed.passed.into_iter().filter(|it| !passed.contains(it)).collect::<Vec<_>>());
    let mut waiting = kept.waiting;
    // Those that one has waiting and the other has passed are found out when they are due.
    waiting.extend(absorbed.waiting);
    Person {
        day,
        told_at,
        changed_at: kept.changed_at.max(absorbed.changed_at),
        seen: kept.seen.or(absorbed.seen),
        birthday_year: kept.birthday_year.max(absorbed.birthday_year),
        orders: kept.orders.saturating_add(absorbed.orders),
        first: kept.first.into_iter().chain(absorbed.first).min(),
        spent: kept.spent.saturating_add(absorbed.spent),
        anniversary_year: kept.anniversary_year.max(absorbed.anniversary_year),
        waiting,
        passed,
        code: kept.code.or(absorbed.code),
    }
}

/// Nothing is kept of somebody who is gone or is to be forgotten.
pub fn forgotten(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return Ok(cx.note("Nothing to forget: the customer is not known", &[])?);
    };
    cx.state().delete(&customer_key(&customer.id))?;
    cx.cancel(&timer_key(&customer.id));
    Ok(cx.note("Forgotten: birthday, orders counted and milestones", &[])?)
}
