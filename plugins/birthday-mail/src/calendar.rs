//! Days of the year, and when a year's mail for one is due. All of it by the clocks of the store's time zone.

use regulars_sdk::{Context, Date, Timestamp};
use serde::{Deserialize, Serialize};

const DAY: u64 = 86_400_000;
const NOON: u16 = 12 * 60;

/// A day that comes once a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day {
    month: u8,
    day: u8,
}

impl Day {
    /// `None` for a day that no year has.
    pub fn new(month: u8, day: u8) -> Option<Self> {
        let days = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { month, day })
    }

    /// `05-31`.
    pub fn read(text: &str) -> Option<Self> {
        let (month, day) = text.trim().split_once('-')?;
        Self::new(month.parse().ok()?, day.parse().ok()?)
    }

    pub fn of(date: Date) -> Self {
        Self { month: date.month, day: date.day }
    }

    pub fn month(self) -> u8 {
        self.month
    }

    pub fn day(self) -> u8 {
        self.day
    }

    /// The date on which it is kept in a year: 29 February is 28 February in common years.
    pub fn in_year(self, year: i16) -> Date {
        let day = if (self.month, self.day) == (2, 29) && !is_leap(year) { 28 } else { self.day };
        Date { year, month: self.month, day }
    }
}

/// Whether 29 February is a date of the year.
pub fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// When the mail for a day goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    pub days_before: u64,
    /// Minute of that day.
    pub minute: u16,
}

impl Course {
    /// When the mail for `day` in `year` is due. With days before, that may be in the year before.
    pub fn due(self, cx: &Context, day: Day, year: i16) -> Timestamp {
        let date = day.in_year(year);
        // From noon, an hour more or less where clocks are changed stays on the same date.
        let earlier = Timestamp(cx.instant_of(date, NOON).0.saturating_sub(self.days_before * DAY));
        cx.instant_of(cx.date_of(earlier), self.minute)
    }

    /// The last year whose mail for `day` is due now or has been.
    pub fn latest(self, cx: &Context, day: Day) -> i16 {
        let now = cx.now();
        let next = cx.date_of(now).year + 1;
        let past = (0..=2).map(|back| next - back).find(|year| self.due(cx, day, *year) <= now);
        past.unwrap_or(next - 3)
    }
}

/// Whole days from one date to a later one; 0 if it is not later.
pub fn days_between(cx: &Context, from: Date, to: Date) -> u64 {
    let noon = |date| cx.instant_of(date, NOON).0;
    (noon(to).saturating_sub(noon(from)) + DAY / 2) / DAY
}
