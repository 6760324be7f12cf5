//! What is kept of the reading of a store's past, and of the counts that tell whether all of it is known.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// How far a store's past has been read. It is written with each portion, so that a restart goes on there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub started_at: Timestamp,
    /// When it came to its end, was stopped, or failed; `None` while it is being read.
    pub ended_at: Option<Timestamp>,
    /// Customers have been read to their end.
    pub has_customers: bool,
    /// Where the part that is being read goes on, in the platform's own words.
    pub place: Option<String>,
    pub customers: Progress,
    pub orders: Progress,
    pub refunds: Progress,
    /// When the oldest order was placed that was found.
    pub since: Option<Timestamp>,
    /// The platform shows orders of a while, and no older ones.
    pub is_cut: bool,
    /// What was found and cannot be read, and why the first of it cannot.
    pub unreadable: u64,
    pub unreadable_first: Option<String>,
    /// How often a part was begun anew because what was gathered of it was gone.
    pub begun_anew: u32,
    pub stopped: bool,
    /// Why it stopped before its end; it is tried again.
    pub error: Option<String>,
}

/// How much was found of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub found: u64,
    /// Of these, what this host knew.
    pub known: u64,
}

/// What was counted last: by the platform and here, over a span that both know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub counted_at: Timestamp,
    /// When the orders were placed: the end excluded.
    pub from: Timestamp,
    pub until: Timestamp,
    /// The platform's count, and this host's.
    pub orders: (u64, u64),
    pub customers: (u64, u64),
    /// What is missing here is being read again.
    pub is_repairing: bool,
    /// Why nothing could be counted; what was counted before stays.
    pub error: Option<String>,
}

impl History {
    /// Whether the past has been read to its end.
    pub fn is_read(&self) -> bool {
        self.ended_at.is_some() && self.error.is_none() && !self.stopped
    }
}

impl Counts {
    /// Orders and customers that the platform has and this host does not know.
    pub fn missing(&self) -> (u64, u64) {
        (self.orders.0.saturating_sub(self.orders.1), self.customers.0.saturating_sub(self.customers.1))
    }
}
