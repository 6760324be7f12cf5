//! How often each of many may do something, in a memory that does not grow with them.
//!
//! Who is counted shares a counter with whoever has the same hash: a share of one in [`COUNTERS`] may be told to come
//! later for another's haste. Nobody is let through more often for it.

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use std::net::IpAddr;

use crate::domain::Timestamp;

/// Counters: 256 KiB.
const COUNTERS: usize = 1 << 14;

/// At most so many times in a window of time, which begins anew for all at once.
pub struct Rates {
    most: u32,
    window: Duration,
    hasher: RandomState,
    counters: Mutex<Box<[Counter]>>,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    /// The number of the window that `count` belongs to.
    window: u64,
    count: u32,
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").field("most", &self.most).field("window", &self.window).finish_non_exhaustive()
    }
}

impl Rates {
    pub fn new(most: u32, window: Duration) -> Self {
        let counters = vec![Counter::default(); COUNTERS].into_boxed_slice();
        Self { most, window, hasher: RandomState::new(), counters: Mutex::new(counters) }
    }

    /// Whether it may be done once more now, and counts it if so.
    pub fn allows(&self, who: impl Hash, now: Timestamp) -> bool {
        let index = self.hasher.hash_one(who) as usize % COUNTERS;
        let window = (now.since(Timestamp(0)).as_millis() / self.window.as_millis().max(1)) as u64;
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = &mut counters[index];
        if counter.window != window {
            *counter = Counter { window, count: 0 };
        }
        let allowed = counter.count < self.most;
        counter.count += u32::from(allowed);
        allowed
    }
}

/// Who is behind an address: of one of version 6, whoever has the network of 64 bits that providers give to one household.
/// All whose address is not known are one.
pub fn household(address: Option<IpAddr>) -> impl Hash {
    match address {
        Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => Some(IpAddr::V4(mapped)),
            None => Some(IpAddr::V6((address.to_bits() >> 64 << 64).into())),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    proptest! {
        /// Whoever comes, in whatever order.
        #[test]
        fn nobody_is_let_through_more_often_than_they_may_be(
            most in 1_u32..5,
            steps in prop::collection::vec((0_u32..4, 0_u64..40), 1..200),
        ) {
            let rates = Rates::new(most, WINDOW);
            let (mut now, mut allowed) = (Timestamp(0), BTreeMap::<_, u32>::new());
            for (who, seconds) in steps {
                now = now + Duration::from_secs(seconds);
                let window = now.0 / 60_000;
                if rates.allows(who, now) {
                    *allowed.entry((who, window)).or_default() += 1;
                }
            }
            prop_assert!(allowed.values().all(|count| *count <= most), "{allowed:?}");
        }

        #[test]
        fn one_who_comes_alone_is_let_through_as_often_as_they_may_be(most in 1_u32..50, windows in 1_u64..5) {
            let rates = Rates::new(most, WINDOW);
            for window in 0..windows {
                let now = Timestamp(window * 60_000);
                let allowed = (0..2 * most).filter(|_| rates.allows(7, now)).count();
                prop_assert_eq!(allowed, most as usize);
            }
        }
    }

    #[test]
    fn a_household_is_one_whichever_of_its_addresses_it_comes_from() {
        let rates = Rates::new(1, WINDOW);
        let allows = |text: &str| rates.allows(household(Some(text.parse().unwrap())), Timestamp(0));
        assert!(allows("2001:db8:1:2::1"));
        assert!(!allows("2001:db8:1:2:ffff::9"));
        assert!(allows("203.0.113.7"));
        assert!(!allows("::ffff:203.0.113.7"), "one machine, whichever way it is written");
    }

    #[test]
    fn memory_does_not_grow_with_those_who_come() {
        let rates = Rates::new(1, WINDOW);
        (0..100_000).for_each(|number| _ = rates.allows(number, Timestamp(0)));
        assert_eq!(rates.counters.lock().unwrap().len(), COUNTERS);
    }
}
