//! Points on the customer's birthday, which the customer tells in the panel.
//!
//! A birthday that is told less than 30 days ahead earns nothing the first time, nor does one that was changed in the same
//! year: nobody has a birthday whenever points are wanted.

use regulars_sdk::{Action, Context, Date, Event, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{account::Once, gifts, ledger::Book, notes::note, settings::Settings};

/// How long before the day it has to be told.
const LEAD_DAYS: u64 = 30;

/// Points are given at nine in the morning.
const MINUTE: u16 = 9 * 60;

/// A day of the year; the year of birth is nobody's business here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    pub month: u8,
    pub day: u8,
    /// When points are given for it next.
    pub next: Timestamp,
}

/// The input of the action `birthday`: `05-31`, `--05-31`, or a date with a year, which is not kept.
#[derive(Deserialize)]
struct Told {
    birthday: String,
}

/// Month and day, if some year has them.
fn read(told: &str) -> Option<(u8, u8)> {
    let told = told.trim().trim_start_matches("--");
    let number = |text: &str| text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    let parts: Option<Vec<u16>> = told.split('-').map(number).collect();
    let (month, day) = match parts?.as_slice() {
        [month, day] | [_, month, day] => (u8::try_from(*month).ok()?, u8::try_from(*day).ok()?),
        _ => return None,
    };
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((month, day))
}

/// The day's moment in a year; 29 February is the 28th where the year has none.
fn moment(cx: &Context, year: i16, month: u8, day: u8) -> Timestamp {
    cx.instant_of(Date { year, month, day }, MINUTE)
}

/// The shopper's action `birthday`.
pub fn told(cx: &mut Context, settings: &Settings, book: &mut Book, action: &Action) -> Result {
    let Some((month, day)) = action.input().ok().and_then(|Told { birthday }| read(&birthday)) else {
        return note(cx, "No birthday kept: it is no day such as 05-31", &[], 0, Some(&book.account));
    };
    let known = book.account.birthday;
    if known.is_some_and(|known| (known.month, known.day) == (month, day)) {
        return note(cx, "Birthday kept already", &[], 0, Some(&book.account));
    }
    let now = cx.now();
    // Changed, it has to wait for another year.
    let first = cx.date_of(now).year + i16::from(known.is_some());
    let soonest = now.plus_days(LEAD_DAYS);
    let days = (first..=first + 1).map(|year| (year, moment(cx, year, month, day)));
    let next = days.filter(|(year, at)| *at >= soonest && book.account.gift(Once::Birthday(*year)).is_none());
    let next = next.map(|(_, at)| at).min().unwrap_or_else(|| moment(cx, first + 2, month, day));
    book.account.birthday = Some(Birthday { month, day, next });
    let on = cx.date_of(next).to_string();
    let fields: &[_] = if settings.birthday_points == 0 { &[] } else { &[("points_on", on.as_str())] };
    let reason = if known.is_some() { "Birthday changed" } else { "Birthday kept" };
    note(cx, reason, fields, 0, Some(&book.account))
}

/// Sees to a birthday that has come, and to the next one.
pub fn celebrate(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book) -> Result {
    let Some(birthday) = book.account.birthday.filter(|it| it.next <= cx.now()) else { return Ok(()) };
    let year = cx.date_of(birthday.next).year;
    let next = moment(cx, year + 1, birthday.month, birthday.day);
    book.account.birthday = Some(Birthday { next, ..birthday });
    gifts::celebrate(event, cx, settings, book, year)
}
