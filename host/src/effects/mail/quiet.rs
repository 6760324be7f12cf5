//! Quiet hours: when nobody is written to without need, by the clock on the recipient's wall.

use std::{fmt, time::Duration};

use jiff::{ToSpan as _, civil, tz::TimeZone};

use crate::domain::Timestamp;

/// Where a zone's clock never shows the end of the quiet hours, it is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

/// From a time of the day until another, past midnight if that comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: civil::Time,
    until: civil::Time,
}

impl QuietHours {
    /// `None` if they are equal: then no hour is quiet.
    pub fn new(from: civil::Time, until: civil::Time) -> Option<Self> {
        (from != until).then_some(Self { from, until })
    }

    /// Whether a clock that shows this is in the quiet hours.
    pub fn holds(&self, time: civil::Time) -> bool {
        match self.from < self.until {
            true => self.from <= time && time < self.until,
            false => time >= self.from || time < self.until,
        }
    }

    /// When the quiet hours end that it is in at `at`; `None` if it is in none.
    ///
    /// On a day on which clocks are set back over their end, they end when the clock shows it first and begin again
    /// with the repeated time.
    pub fn end_after(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = local(at, zone)?;
        if !self.holds(local.time()) {
            return None;
        }
        let days = (0..=2).filter_map(|days| local.date().checked_add(days.days()).ok());
        let shown = days.flat_map(|day| {
            let shown = zone.to_ambiguous_timestamp(day.to_datetime(self.until));
            [shown.earlier(), shown.later()]
        });
        let ends = shown.flatten().filter_map(|end| u64::try_from(end.as_millisecond()).ok().map(Timestamp));
        let is_end = |end: &Timestamp| *end > at && !self.is_quiet(*end, zone);
        Some(ends.filter(is_end).min().unwrap_or(at + LOOK_AGAIN))
    }

    fn is_quiet(&self, at: Timestamp, zone: &TimeZone) -> bool {
        local(at, zone).is_some_and(|local| self.holds(local.time()))
    }
}

/// What clocks in the zone show; `None` for a time beyond all calendars.
fn local(at: Timestamp, zone: &TimeZone) -> Option<civil::DateTime> {
    let instant = jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(zone.to_datetime(instant))
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from.strftime("%H:%M"), self.until.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, until: &str) -> QuietHours {
        QuietHours::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as u64)
    }

    #[test]
    fn a_night_ends_in_the_morning_by_the_recipients_clock() {
        let night = quiet("21:00", "08:00");
        for (place, now, end) in [
            ("Europe/Berlin", "2026-07-01T18:59:59Z", None),
            ("Europe/Berlin", "2026-07-01T19:00:00Z", Some("2026-07-02T06:00:00Z")),
            ("Europe/Berlin", "2026-07-02T05:59:59Z", Some("2026-07-02T06:00:00Z")),
            ("Europe/Berlin", "2026-07-02T06:00:00Z", None),
            ("Asia/Tokyo", "2026-07-01T19:00:00Z", Some("2026-07-01T23:00:00Z")),
            ("America/New_York", "2026-07-01T19:00:00Z", None),
        ] {
            assert_eq!(night.end_after(at(now), &zone(place)), end.map(at), "{place} {now}");
        }
    }

    #[test]
    fn a_pause_at_noon_holds_at_noon_alone() {
        let noon = quiet("12:00", "13:00");
        assert_eq!(noon.end_after(at("2026-07-01T11:59:00Z"), &TimeZone::UTC), None);
        let end = noon.end_after(at("2026-07-01T12:59:00Z"), &TimeZone::UTC);
        assert_eq!(end, Some(at("2026-07-01T13:00:00Z")));
        assert_eq!(QuietHours::new(civil::time(8, 0, 0, 0), civil::time(8, 0, 0, 0)), None);
    }

    #[test]
    fn nights_in_which_clocks_are_set_end_when_the_clock_says_so() {
        let (berlin, night) = (zone("Europe/Berlin"), quiet("21:00", "08:00"));
        // An hour shorter in March, an hour longer in October.
        let march = night.end_after(at("2026-03-28T20:00:00Z"), &berlin);
        assert_eq!(march, Some(at("2026-03-29T06:00:00Z")));
        let october = night.end_after(at("2026-10-24T19:00:00Z"), &berlin);
        assert_eq!(october, Some(at("2026-10-25T07:00:00Z")));
        // An end that the clock skips, and one that it shows twice.
        let skipped = quiet("21:00", "02:30").end_after(at("2026-03-29T00:00:00Z"), &berlin);
        assert_eq!(skipped, Some(at("2026-03-29T01:30:00Z")), "02:30 is 03:30");
        let twice = quiet("21:00", "02:30");
        assert_eq!(twice.end_after(at("2026-10-24T23:00:00Z"), &berlin), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(twice.end_after(at("2026-10-25T00:45:00Z"), &berlin), None);
        assert_eq!(twice.end_after(at("2026-10-25T01:10:00Z"), &berlin), Some(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn a_day_that_a_zone_left_out_ends_no_night_for_ever() {
        // Samoa crossed the date line: 30 December 2011 did not happen there.
        let end = quiet("21:00", "08:00").end_after(at("2011-12-30T09:00:00Z"), &zone("Pacific/Apia"));
        assert_eq!(end, Some(at("2011-12-30T18:00:00Z")));
    }

    #[test]
    fn a_time_beyond_all_calendars_is_not_quiet() {
        assert_eq!(quiet("21:00", "08:00").end_after(Timestamp(u64::MAX), &TimeZone::UTC), None);
    }
}
