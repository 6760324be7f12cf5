//! `clock`: time frozen at the event.

use super::super::{bindings::clock, delivery::Delivery};

impl clock::Host for Delivery {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.input.now().0)
    }

    fn date_of(&mut self, instant: u64) -> wasmtime::Result<clock::Date> {
        let instant = i64::try_from(instant).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        // A date past jiff's range is past any date a plugin can mean: it gets the last one there is.
        let date = instant.unwrap_or(jiff::Timestamp::MAX).to_zoned(self.input.store.time_zone.clone()).date();
        Ok(clock::Date { year: date.year(), month: date.month().unsigned_abs(), day: date.day().unsigned_abs() })
    }
}
