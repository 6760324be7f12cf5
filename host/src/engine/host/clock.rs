//! `clock`: time frozen at the event.

use jiff::{civil, tz::TimeZone};

use super::super::{bindings::clock, delivery::Delivery};
use crate::domain::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl clock::Host for Delivery {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.input.now().0)
    }

    fn date_of(&mut self, instant: u64) -> wasmtime::Result<clock::Date> {
        let date = Timestamp(instant).date_in(&self.input.store.time_zone);
        Ok(clock::Date { year: date.year(), month: date.month().unsigned_abs(), day: date.day().unsigned_abs() })
    }

    fn instant_of(&mut self, date: clock::Date, minute: u16) -> wasmtime::Result<u64> {
        Ok(instant(existing(&date), minute, self.input.store.time_zone.clone()))
    }
}

/// The date, or the last of its month if the month has no such day. What is out of all range is brought to its end.
fn existing(date: &clock::Date) -> civil::Date {
    let year = date.year.clamp(civil::Date::MIN.year(), civil::Date::MAX.year());
    let month = i8::try_from(date.month).unwrap_or(12).clamp(1, 12);
    let first = civil::date(year, month, 1);
    let day = i8::try_from(date.day).unwrap_or(31).clamp(1, first.days_in_month());
    civil::date(year, month, day)
}

/// The instant at which clocks show a date and a minute of the day: moved on by the gap if they skip it, the first of the two
/// if they show it twice. Nothing is before the epoch, or behind the last instant that there is.
fn instant(date: civil::Date, minute: u16, zone: TimeZone) -> u64 {
    let minute = minute.min(DAY - 1);
    let [hour, minute] = [minute / 60, minute % 60].map(|part| part as i8);
    let shown = date.at(hour, minute, 0, 0).to_zoned(zone).map(|zoned| zoned.timestamp());
    let instant = shown.unwrap_or(if date.year() < 1970 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX });
    u64::try_from(instant.as_millisecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(year: i16, month: u8, day: u8) -> clock::Date {
        clock::Date { year, month, day }
    }

    /// The instant in Berlin, as text in UTC.
    fn in_berlin(date: &clock::Date, minute: u16) -> String {
        let instant = instant(existing(date), minute, TimeZone::get("Europe/Berlin").unwrap());
        jiff::Timestamp::from_millisecond(instant as i64).unwrap().to_string()
    }

    #[test]
    fn a_minute_of_a_day_is_an_instant_by_the_stores_clocks() {
        assert_eq!(in_berlin(&date(2026, 1, 15), 9 * 60 + 30), "2026-01-15T08:30:00Z");
        assert_eq!(in_berlin(&date(2026, 7, 15), 9 * 60 + 30), "2026-07-15T07:30:00Z");
        assert_eq!(in_berlin(&date(2026, 1, 15), 9_999), in_berlin(&date(2026, 1, 15), 1_439));
    }

    #[test]
    fn a_time_that_clocks_skip_is_moved_on_by_the_gap() {
        assert_eq!(in_berlin(&date(2026, 3, 29), 2 * 60 + 30), "2026-03-29T01:30:00Z", "half past three");
    }

    #[test]
    fn a_time_that_clocks_show_twice_is_the_first() {
        assert_eq!(in_berlin(&date(2026, 10, 25), 2 * 60 + 30), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn a_day_that_its_month_has_not_is_the_last_of_it() {
        assert_eq!(in_berlin(&date(2027, 2, 29), 0), "2027-02-27T23:00:00Z");
        assert_eq!(in_berlin(&date(2028, 2, 29), 0), "2028-02-28T23:00:00Z");
        assert_eq!(in_berlin(&date(2026, 4, 200), 0), "2026-04-29T22:00:00Z");
        assert_eq!(in_berlin(&date(2026, 13, 0), 0), "2026-11-30T23:00:00Z");
    }

    #[test]
    fn what_is_out_of_range_is_its_end() {
        assert_eq!(in_berlin(&date(1930, 5, 1), 0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(existing(&date(i16::MIN, 1, 1)), 0, TimeZone::UTC), 0);
        let last = u64::try_from(jiff::Timestamp::MAX.as_millisecond()).unwrap();
        assert!(instant(existing(&date(i16::MAX, 12, 31)), 1_439, TimeZone::UTC) <= last);
    }

    proptest! {
        #[test]
        fn any_date_has_an_instant(year: i16, month: u8, day: u8, minute: u16) {
            instant(existing(&date(year, month, day)), minute, TimeZone::get("Asia/Kathmandu").unwrap());
        }

        #[test]
        fn a_day_of_the_calendar_comes_back(days in 0_i32..60_000, minute in 0_u16..1_440) {
            let day = civil::date(1970, 1, 2).checked_add(jiff::Span::new().days(days)).unwrap();
            let [month, of_month] = [day.month(), day.day()].map(i8::unsigned_abs);
            let given = date(day.year(), month, of_month);
            prop_assert_eq!(existing(&given), day);
            let zone = TimeZone::get("America/Sao_Paulo").unwrap();
            let instant = i64::try_from(instant(day, minute, zone.clone())).unwrap();
            prop_assert_eq!(jiff::Timestamp::from_millisecond(instant).unwrap().to_zoned(zone).date(), day);
        }
    }
}
