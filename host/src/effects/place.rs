//! The other sides that effects go to, and which of them take nothing for now.
//!
//! One that does not answer is left alone for a while, longer each time, and then asked by one effect at a time until it
//! answers. What waits for it meanwhile is not touched: no try is used up, and no slot.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Verdict;
use crate::domain::{Destination, StoreId, Timestamp};

/// Effects performed at once at one shop: what it bears within its rate limit, and a quarter of all.
const AT_ONE_SHOP: usize = 4;

/// Mails on their way at once: half of all, so that a mail server that hangs leaves shops their share.
const AT_MAIL_SERVER: usize = 8;

/// How long one that did not answer is left alone at first, and at most.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

/// Failures in a row after which one is left alone: a single one may be the effect's own.
const FAILURES: u32 = 2;

/// One other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// One for all stores.
    MailServer,
    Shop(StoreId),
}

impl Place {
    pub fn of(store: StoreId, to: Destination) -> Self {
        match to {
            Destination::MailServer => Self::MailServer,
            Destination::Storefront => Self::Shop(store),
        }
    }
}

#[derive(Debug, Default)]
struct Health {
    /// Tries in a row that were not answered.
    failures: u32,
    closed_until: Timestamp,
}

/// What is known of those that are not simply up.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<Place, Health>);

impl Places {
    /// How many effects may be on their way to a place at once; 0 while it is left alone.
    pub(super) fn allowed(&self, place: Place, now: Timestamp) -> usize {
        match (self.0.get(&place), place) {
            (Some(health), _) if health.closed_until > now => 0,
            (Some(health), _) if health.failures >= FAILURES => 1,
            (_, Place::MailServer) => AT_MAIL_SERVER,
            (_, Place::Shop(_)) => AT_ONE_SHOP,
        }
    }

    pub(super) fn learn(&mut self, place: Place, verdict: &Verdict, now: Timestamp) {
        match verdict {
            Verdict::Unreachable { .. } => {
                let health = self.0.entry(place).or_default();
                health.failures += 1;
                if health.failures >= FAILURES {
                    let doubled = 2_u32.saturating_pow(health.failures - FAILURES);
                    health.closed_until = now + BACK_OFF_MIN.saturating_mul(doubled).min(BACK_OFF_MAX);
                }
            }
            Verdict::Busy { wait, .. } => {
                let health = self.0.entry(place).or_default();
                health.closed_until = health.closed_until.max(now + *wait);
            }
            // It has answered, whatever it thinks of the effect.
            Verdict::Done { .. } | Verdict::Later { .. } => _ = self.0.remove(&place),
            // These may have been decided without asking.
            Verdict::Wait { .. } | Verdict::Failed { .. } | Verdict::Dead { .. } | Verdict::Dropped { .. } => {}
        }
    }

    pub(super) fn forget(&mut self, place: Place) {
        self.0.remove(&place);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Place = Place::Shop(StoreId(1));

    fn seconds(count: u64) -> Timestamp {
        Timestamp(count * 1_000)
    }

    fn unreachable() -> Verdict {
        Verdict::Unreachable { reason: "nobody answers".into() }
    }

    #[test]
    fn one_that_does_not_answer_is_left_alone_longer_each_time_and_asked_by_one() {
        let mut places = Places::default();
        places.learn(SHOP, &unreachable(), seconds(0));
        assert_eq!(places.allowed(SHOP, seconds(0)), AT_ONE_SHOP, "once may be chance");
        let mut now = seconds(0);
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            places.learn(SHOP, &unreachable(), now);
            let up = now + Duration::from_secs(wait);
            assert_eq!((places.allowed(SHOP, Timestamp(up.0 - 1)), places.allowed(SHOP, up)), (0, 1), "{wait}");
            now = up;
        }
        places.learn(SHOP, &Verdict::Done { receipt: String::new() }, now);
        assert_eq!(places.allowed(SHOP, now), AT_ONE_SHOP);
    }

    #[test]
    fn one_that_is_busy_is_left_alone_for_as_long_as_it_says() {
        let mut places = Places::default();
        let busy = Verdict::Busy { wait: Duration::from_secs(3), reason: "later".into() };
        places.learn(SHOP, &busy, seconds(5));
        assert_eq!((places.allowed(SHOP, seconds(7)), places.allowed(SHOP, seconds(8))), (0, AT_ONE_SHOP));
        assert_eq!(places.allowed(Place::MailServer, seconds(6)), AT_MAIL_SERVER, "the others are not concerned");
    }
}
