//! When each topic was last heard of in a store, and from whom: what tells that webhooks have stopped.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use super::Job;
use crate::{
    domain::{StoreId, Timestamp, Topic},
    store::{Error, Key, Scan, Store, decode, keys},
};

/// More rows than a store can have: topics of ours, each from a handful of senders.
const LISTED: usize = 1_000;

/// Moments by topic and by who told.
pub type HeardOf = BTreeMap<(Topic, String), Timestamp>;

/// When each topic was last heard of.
///
/// Noted in memory and written down with the position up to which all is applied: events after it are read again, and noted
/// again, so that a crash loses nothing of it.
#[derive(Debug, Default)]
pub struct Heard(Mutex<HashMap<StoreId, OfStore>>);

type OfStore = BTreeMap<(Topic, String), Last>;

/// The last time.
#[derive(Debug, Default)]
struct Last {
    at: Timestamp,
    /// Whether it is still to be written down.
    is_new: bool,
}

impl Heard {
    /// Notes an event that a platform has told of, and that could be read.
    pub(super) fn note_event(&self, job: &Job) {
        if let (Some(by), Ok(read)) = (job.event.origin.told_by(), &job.read)
            && (!read.topic.is_foreign() || read.topic == Topic::CONNECTION_TEST)
        {
            self.note(job.event.store, &read.topic, by, job.event.received_at);
        }
    }

    /// Notes what is answered at once and is no event.
    pub fn note(&self, store: StoreId, topic: &Topic, by: &str, at: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known.entry(store).or_default().entry((topic.clone(), by.to_owned())).or_default();
        if last.at < at {
            *last = Last { at, is_new: true };
        }
    }

    /// All that was heard of a store.
    pub fn of(&self, rows: &dyn Store, store: StoreId) -> Result<HeardOf, Error> {
        let mut heard = HeardOf::new();
        for (key, value) in rows.scan(&Scan::of(keys::all_heard(store), LISTED))? {
            if let Some(named) = keys::heard_of(&key) {
                heard.insert(named, decode(&value.bytes)?);
            }
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (named, last) in known.get(&store).into_iter().flatten() {
            let at = heard.entry(named.clone()).or_default();
            *at = last.at.max(*at);
        }
        Ok(heard)
    }

    /// Rows that have changed since they were last asked for.
    pub(crate) fn take_changed(&self) -> Vec<(StoreId, Key, Timestamp)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        for (store, heard) in known.iter_mut() {
            for ((topic, by), last) in heard.iter_mut().filter(|(_, last)| last.is_new) {
                last.is_new = false;
                rows.push((*store, keys::heard(*store, topic, by), last.at));
            }
        }
        rows
    }
}
