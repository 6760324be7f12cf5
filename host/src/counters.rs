//! What the host counts while it runs, from zero at every start.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
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

/// One counter for each thing an operator asks about first.
#[derive(Debug, Default, Serialize)]
pub struct Counters {
    /// Webhooks answered 200 and kept.
    pub webhooks_accepted: Counter,
    /// Webhooks answered 200 because they were here already.
    pub webhooks_duplicate: Counter,
    /// Webhooks refused for a bad or missing signature.
    pub webhooks_unsigned: Counter,
    /// Webhooks refused for anything else that was wrong with them.
    pub webhooks_refused: Counter,
    /// Webhooks that could not be kept: the sender was told to come again.
    pub webhooks_failed: Counter,
    pub events_applied: Counter,
    /// Events whose topic has no word of ours; they are kept.
    pub events_unknown_topic: Counter,
    /// Events whose body did not have the shape of its topic; they are kept and can be replayed.
    pub events_unreadable: Counter,
    /// Appended twice, counted once.
    pub events_repeated: Counter,
    /// Webhooks that came after reconciliation had made up for them, and reads of what a webhook had told.
    pub events_told_before: Counter,
    pub deliveries_done: Counter,
    pub deliveries_failed: Counter,
    pub deliveries_dead: Counter,
    /// Commits that had to run again because something they read had changed.
    pub conflicts: Counter,
    pub effects_done: Counter,
    pub effects_failed: Counter,
    pub effects_dead: Counter,
    pub effects_dropped: Counter,
    pub timers_fired: Counter,
}
