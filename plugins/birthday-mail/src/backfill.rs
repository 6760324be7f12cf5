//! Everybody who was there before this plugin, and everybody's timer after the hour has changed: a page in each delivery.

use regulars_sdk::{Context, Result, Timer};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Day,
    people, purchases,
    settings::{Settings, Timetable},
};

/// The timer of the next page, and the state key of how far the pages have come.
pub const TIMER: &str = "pages";

/// Customers of one page: each may set a timer, and a delivery sets 64.
const CUSTOMERS: usize = 50;

/// Orders that are read for one page before it ends early: a delivery's fuel is bounded.
const ORDERS: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pages {
    /// What everybody's timers are, or will be, set by.
    by: Timetable,
}

/// Settings were saved. Unless they leave all timers as they are, all customers are gone through.
pub fn begin(cx: &mut Context) -> Result {
    let settings: Settings = cx.settings()?;
    for problem in settings.problems(cx.store().currency) {
        cx.note("A setting cannot work", &[("because", &problem)])?;
    }
    let pages = Pages { by: settings.timetable() };
    if cx.state().get::<Pages>(TIMER)?.as_ref() == Some(&pages) {
        return Ok(cx.note("Everybody's next mail stays as it is timed", &[])?);
    }
    cx.state().set(TIMER, &pages)?;
    cx.schedule(TIMER, cx.now(), b"")?;
    Ok(cx.note("Everybody's next mail is timed anew, some customers a minute", &[])?)
}

/// One page, after the customer that the timer names.
pub fn page(cx: &mut Context, timer: &Timer) -> Result {
    let settings: Settings = cx.settings()?;
    let after = String::from_utf8_lossy(&timer.payload).into_owned();
    let customers = cx.list_customers(Some(after.as_str()).filter(|it| !it.is_empty()));
    let (mut seen, mut orders, mut timed) = (0, 0, 0);
    for customer in customers.iter().take(CUSTOMERS) {
        if orders >= ORDERS {
            break;
        }
        seen += 1;
        let known = people::get(cx, &customer.id)?;
        let is_new = known.is_none();
        let mut person = known.unwrap_or_default();
        if is_new {
            orders += purchases::take_in_history(cx, &settings, &mut person, &customer.id, None)?;
        }
        let day = cx.birthday_of(&customer.id).and_then(|it| Day::new(it.month, it.day));
        // A birthday that the shop has had all along is nobody's trick: it was told in time.
        if let Some(day) = day.filter(|_| person.day.is_none() && person.told_at.is_none()) {
            people::set_day(cx, &settings, &mut person, day);
            person.seen = Some(day);
        }
        if !is_new || person.day.is_some() || person.orders > 0 {
            people::keep(cx, &settings, &customer.id, &person)?;
            timed += 1;
        }
    }
    // A listing holds more than a page: what was seen whole was the end.
    let is_last = seen == customers.len();
    if let Some(last) = customers[..seen].last().filter(|_| !is_last) {
        cx.schedule(TIMER, cx.now(), last.id.as_bytes())?;
    }
    let reason = if is_last { "The last customers are timed" } else { "Customers timed: more follow" };
    Ok(cx.note(reason, &[("looked at", &seen.to_string()), ("timed", &timed.to_string())])?)
}
