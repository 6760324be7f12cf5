//! When to try again: a plain function of the schedule, the attempt and what is tried.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// The waits of one kind of work.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub waits: Vec<Duration>,
    /// The share of itself by which a wait may be lengthened, 0 to 1.
    pub jitter: f64,
}

impl Schedule {
    /// The wait after the `attempt`-th try (from 1) has failed; `None` after the last.
    ///
    /// The jitter follows from `name` and the attempt, so that a replay of the same failure waits the same.
    pub fn wait_after(&self, attempt: u32, name: &str) -> Option<Duration> {
        let wait = *self.waits.get(attempt.checked_sub(1)? as usize)?;
        let hash = Sha256::new().chain_update(attempt.to_be_bytes()).chain_update(name).finalize();
        let share = f64::from(u16::from_be_bytes([hash[0], hash[1]])) / f64::from(u16::MAX);
        Some(wait.mul_f64(1.0 + self.jitter * share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_schedule_and_end_with_it() {
        let schedule = Schedule { waits: vec![Duration::from_secs(10), Duration::from_secs(100)], jitter: 0.2 };
        for (attempt, wait) in [(1, 10.0), (2, 100.0)] {
            let waited = schedule.wait_after(attempt, "effect").unwrap().as_secs_f64();
            assert!((wait..=wait * 1.2).contains(&waited), "{waited}");
        }
        assert_eq!(schedule.wait_after(3, "effect"), None);
        assert_eq!(schedule.wait_after(0, "effect"), None);
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let schedule = Schedule { waits: vec![Duration::from_secs(10)], jitter: 0.2 };
        assert_ne!(schedule.wait_after(1, "one"), schedule.wait_after(1, "other"));
        assert_eq!(schedule.wait_after(1, "one"), schedule.wait_after(1, "one"));
    }
}
