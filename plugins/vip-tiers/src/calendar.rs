//! Civil days as numbers, so that they can be counted and compared. Which day an instant is on, the store's time zone says.

use regulars_sdk::{Context, Date, Timestamp};
use serde::{Deserialize, Serialize};

/// Days since 1 January 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// The day on which an instant is, by the store's clocks.
    pub fn at(cx: &Context, instant: Timestamp) -> Self {
        Self::of(cx.date_of(instant))
    }

    pub fn today(cx: &Context) -> Self {
        Self::at(cx, cx.now())
    }

    /// The day's first instant by the store's clocks.
    pub fn begins(self, cx: &Context) -> Timestamp {
        cx.instant_of(self.date(), 0)
    }

    /// Source of this and its inverse: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Years begin in
    /// March, so that a leap day is the last of its year.
    pub fn of(date: Date) -> Self {
        let (month, day) = (i32::from(date.month), i32::from(date.day));
        let year = i32::from(date.year) - i32::from(month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    pub fn date(self) -> Date {
        let shifted = self.0 + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = (shifted_month + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        Date {
            year: year.clamp(i16::MIN.into(), i16::MAX.into()) as i16,
            month: month.clamp(1, 12) as u8,
            day: day.clamp(1, 31) as u8,
        }
    }

    /// `2026-05-31`; `None` for a date that does not exist.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let date = Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        let is_near = (1970..3000).contains(&date.year) && (1..=12).contains(&date.month) && date.day >= 1;
        let read = is_near.then(|| Self::of(date))?;
        (read.date() == date).then_some(read)
    }

    pub fn plus(self, days: u32) -> Self {
        Self(self.0.saturating_add(i32::try_from(days).unwrap_or(i32::MAX)))
    }

    pub fn minus(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)))
    }

    /// The same day of the month so many months later, or the month's last: a year after 29 February is 28 February.
    pub fn plus_months(self, months: u32) -> Self {
        let date = self.date();
        let first = |months: i32| {
            let year = i16::try_from(months.div_euclid(12)).unwrap_or(i16::MAX);
            Self::of(Date { year, month: months.rem_euclid(12) as u8 + 1, day: 1 })
        };
        let month =
            i32::from(date.year) * 12 + i32::from(date.month) - 1 + i32::try_from(months).unwrap_or(i32::MAX / 2);
        let last = first(month + 1).minus(1);
        first(month).plus(u32::from(date.day) - 1).min(last)
    }

    pub fn year(self) -> i16 {
        self.date().year
    }

    /// 1 January.
    pub fn first_of(year: i16) -> Self {
        Self::of(Date { year, month: 1, day: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::read(text).unwrap()
    }

    #[test]
    fn every_day_of_a_thousand_years_has_one_date() {
        assert_eq!(day("1970-01-01"), Day(0));
        for number in 0..365_000 {
            assert_eq!(Day::of(Day(number).date()), Day(number));
            assert!(Day(number).date() < Day(number + 1).date());
        }
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        assert_eq!(day("2028-02-29").plus_months(12), day("2029-02-28"));
        assert_eq!(day("2027-02-28").plus_months(12), day("2028-02-28"));
        assert_eq!(day("2026-08-31").plus_months(6), day("2027-02-28"));
        assert_eq!(day("2026-12-15").plus_months(1), day("2027-01-15"));
        assert_eq!(day("2024-01-01").year(), 2024);
        assert_eq!(Day::first_of(2027), day("2027-01-01"));
    }

    #[test]
    fn what_is_no_date_does_not_read() {
        for text in
            ["", "2027", "2027-02-29", "2027-13-01", "2027-00-10", "2027-01-00", "27-1-1", "2027-01-01-01", "x-1-1"]
        {
            assert_eq!(Day::read(text), None, "{text}");
        }
    }
}
