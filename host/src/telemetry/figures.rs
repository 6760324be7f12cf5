//! Numbers that are cheap to add to: a few atomic additions each, no lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde::Serialize;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add_one(&self) {
        self.add(1);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Serialize for Counter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

/// What a histogram counts and where its buckets end.
#[derive(Debug, PartialEq, Eq)]
pub struct Scale {
    /// The buckets' upper ends, in what is observed.
    ends: &'static [u64],
    /// How many of what is observed make one of the unit that is shown.
    per_unit: u32,
}

/// Seconds, observed in microseconds: from a system call's time to that of a patient retry.
pub static SECONDS: Scale = Scale {
    ends: &[
        50,
        100,
        250,
        500,
        1_000,
        2_500,
        5_000,
        10_000,
        25_000,
        50_000,
        100_000,
        250_000,
        500_000,
        1_000_000,
        2_500_000,
        5_000_000,
        10_000_000,
        60_000_000,
        600_000_000,
    ],
    per_unit: 1_000_000,
};

/// Things in a batch.
pub static COUNT: Scale = Scale { ends: &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096], per_unit: 1 };

/// Fuel; the default budget of a delivery is a bucket's end.
pub static FUEL: Scale = Scale {
    ends: &[10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 11_000_000, 30_000_000, 100_000_000],
    per_unit: 1,
};

/// How observed values are spread.
#[derive(Debug)]
pub struct Histogram {
    scale: &'static Scale,
    /// One for each end, one for what lies behind the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    pub fn of(scale: &'static Scale) -> Self {
        let counts = (0..=scale.ends.len()).map(|_| AtomicU64::new(0)).collect();
        Self { scale, counts, sum: AtomicU64::new(0) }
    }

    pub fn observe(&self, value: u64) {
        let bucket = self.scale.ends.partition_point(|end| *end < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Observes a time; for a histogram whose bounds are in seconds.
    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// The sum, the count, and for each bucket its end and its own count, in the unit that is shown.
    pub(super) fn read(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let per_unit = f64::from(self.scale.per_unit);
        let ends = self.scale.ends.iter().map(|end| *end as f64 / per_unit).chain([f64::INFINITY]);
        let buckets: Vec<_> = ends.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        (self.sum.load(Ordering::Relaxed) as f64 / per_unit, count, buckets)
    }
}

/// What one committer thread does.
#[derive(Debug)]
pub struct Writes {
    /// What one batch holds.
    pub batch: Histogram,
    /// From taking a batch to its being durable.
    pub commit: Histogram,
    /// The `fdatasync` alone.
    pub sync: Histogram,
}

impl Default for Writes {
    fn default() -> Self {
        Self { batch: Histogram::of(&COUNT), commit: Histogram::of(&SECONDS), sync: Histogram::of(&SECONDS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_bucket_whose_end_it_does_not_pass() {
        let histogram = Histogram::of(&COUNT);
        for value in [0, 1, 2, 3, 4_096, 5_000] {
            histogram.observe(value);
        }
        let (sum, count, buckets) = histogram.read();
        assert_eq!((sum, count), (9_102.0, 6));
        let filled: Vec<_> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(1.0, 2), (2.0, 1), (4.0, 1), (4_096.0, 1), (f64::INFINITY, 1)]);
    }

    #[test]
    fn times_are_shown_in_seconds() {
        let histogram = Histogram::of(&SECONDS);
        histogram.observe_time(Duration::from_micros(1_500));
        let (sum, _, buckets) = histogram.read();
        assert!((sum - 0.0015).abs() < 1e-12, "{sum}");
        assert_eq!(buckets.iter().find(|(_, count)| *count == 1).map(|(end, _)| *end), Some(0.0025));
    }
}
