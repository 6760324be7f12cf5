//! Writes whose answer was lost. They may still arrive, so that nothing else is written to the same thing until then.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::Failure;
use crate::domain::Timestamp;

/// How long a call that was not answered may still be on its way, with room for its slow execution.
pub const ON_ITS_WAY: Duration = Duration::from_secs(120);

/// What was written to without an answer, by its name, and until when that may still arrive.
#[derive(Debug, Default)]
pub struct Unanswered(Mutex<BTreeMap<String, Timestamp>>);

impl Unanswered {
    /// Notes that a write may still arrive, unless its answer says what became of it.
    pub fn note<T>(&self, written: &str, answer: &Result<T, Failure>, now: Timestamp) {
        if matches!(answer, Ok(_) | Err(Failure::Permanent { .. } | Failure::Throttled { .. })) {
            return;
        }
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| *until > now);
        until.insert(written.to_owned(), now + ON_ITS_WAY);
    }

    /// Refuses while an earlier write to the same thing may still arrive.
    pub fn check(&self, written: &str, now: Timestamp) -> Result<(), Failure> {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(written).copied();
        match until.filter(|until| *until > now) {
            Some(until) => Err(Failure::NotYet { until, reason: "an earlier change of it may be on its way".into() }),
            None => Ok(()),
        }
    }
}
