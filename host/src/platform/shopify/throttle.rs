//! The Admin API's rate limit: a bucket of points that refills at a steady rate, whose level every answer states.

use std::time::Duration;

use serde::Deserialize;

use crate::domain::Timestamp;

/// A shorter wait than this only earns another refusal.
pub const WAIT_MIN: Duration = Duration::from_secs(1);

/// Past an hour a statement about waiting is not believed.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The slowest refill that Shopify has documented, where an answer states none.
const RESTORE_RATE_MIN: f64 = 50.0;

/// A bucket's level, as an answer states it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    pub maximum_available: f64,
    pub currently_available: f64,
    pub restore_rate: f64,
}

/// What is known of a store's bucket: its last stated level and when that was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throttle(Option<(Level, Timestamp)>);

impl Throttle {
    pub fn observe(&mut self, level: Level, now: Timestamp) {
        self.0 = Some((level, now));
    }

    /// The earliest instant at which the bucket holds `cost` points, if nothing else draws on it.
    pub fn next_allowed(&self, now: Timestamp, cost: u32) -> Timestamp {
        let Some((level, observed_at)) = self.0 else { return now };
        let refilled = level.currently_available + now.since(observed_at).as_secs_f64() * level.restore_rate.max(0.0);
        // A call dearer than the bucket is deep waits for a full bucket; the answer then says what is wrong with it.
        let needed = f64::from(cost).min(level.maximum_available);
        match needed - refilled {
            missing if missing > 0.0 => now + refill_time(missing, level.restore_rate),
            _ => now,
        }
    }
}

/// How long a call has to wait that was refused for costing `requested` points.
pub fn wait_after_refusal(requested: f64, level: Option<Level>) -> Duration {
    match level {
        Some(level) => refill_time(requested - level.currently_available, level.restore_rate),
        None => WAIT_MIN,
    }
}

fn refill_time(missing: f64, restore_rate: f64) -> Duration {
    let rate = if restore_rate > 0.0 { restore_rate } else { RESTORE_RATE_MIN };
    stated_wait(missing / rate)
}

/// A wait of so many seconds, within bounds whatever the number.
pub fn stated_wait(seconds: f64) -> Duration {
    let seconds = seconds.clamp(WAIT_MIN.as_secs_f64(), WAIT_MAX.as_secs_f64());
    // What is not a number stays none when clamped.
    Duration::try_from_secs_f64(seconds).unwrap_or(WAIT_MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEVEL: Level = Level { maximum_available: 1000.0, currently_available: 10.0, restore_rate: 50.0 };

    fn seconds(count: u64) -> Timestamp {
        Timestamp(count * 1000)
    }

    #[test]
    fn an_unknown_bucket_delays_nothing() {
        assert_eq!(Throttle::default().next_allowed(seconds(7), 1000), seconds(7));
    }

    #[test]
    fn a_call_waits_until_the_bucket_holds_its_cost() {
        let mut throttle = Throttle::default();
        throttle.observe(LEVEL, seconds(100));
        assert_eq!(throttle.next_allowed(seconds(100), 10), seconds(100));
        assert_eq!(throttle.next_allowed(seconds(100), 210), seconds(104));
        assert_eq!(throttle.next_allowed(seconds(103), 210), seconds(104));
        assert_eq!(throttle.next_allowed(seconds(105), 210), seconds(105));
    }

    #[test]
    fn a_refused_call_waits_for_what_it_lacks_and_at_least_a_second() {
        assert_eq!(wait_after_refusal(110.0, Some(LEVEL)), Duration::from_secs(2));
        assert_eq!(wait_after_refusal(11.0, Some(LEVEL)), WAIT_MIN);
        assert_eq!(wait_after_refusal(110.0, None), WAIT_MIN);
        assert_eq!(wait_after_refusal(110.0, Some(Level { restore_rate: 0.0, ..LEVEL })), Duration::from_secs(2));
    }

    proptest! {
        #[test]
        fn every_wait_is_between_a_second_and_an_hour(requested: f64, available: f64, rate: f64) {
            let level = Level { maximum_available: 1000.0, currently_available: available, restore_rate: rate };
            let wait = wait_after_refusal(requested, Some(level));
            prop_assert!((WAIT_MIN..=WAIT_MAX).contains(&wait));
            let mut throttle = Throttle::default();
            throttle.observe(level, seconds(1));
            prop_assert!(throttle.next_allowed(seconds(1), 100) <= seconds(1) + WAIT_MAX);
        }
    }
}
