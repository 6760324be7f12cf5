//! How many accepted events wait to be applied, in all and for each store: what ingest is told to stop at.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::domain::StoreId;

/// How many events may wait. Each takes some 50 bytes of memory while it does; its body waits on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub in_all: usize,
    /// Less than in all, so that no store's flood shuts the others out.
    pub of_one_store: usize,
}

#[derive(Debug)]
pub struct Backlog {
    limits: Limits,
    waiting: Mutex<HashMap<StoreId, usize>>,
    in_all: watch::Sender<usize>,
}

impl Backlog {
    pub fn new(limits: Limits) -> Self {
        Self { limits, waiting: Mutex::default(), in_all: watch::Sender::new(0) }
    }

    /// Whether a store's next event has to be refused for now.
    pub fn is_full_for(&self, store: StoreId) -> bool {
        self.is_full() || self.of(store) >= self.limits.of_one_store
    }

    pub fn of(&self, store: StoreId) -> usize {
        self.lock().get(&store).copied().unwrap_or_default()
    }

    pub fn in_all(&self) -> usize {
        *self.in_all.borrow()
    }

    fn is_full(&self) -> bool {
        self.in_all() >= self.limits.in_all
    }

    pub(super) fn add(&self, store: StoreId) {
        *self.lock().entry(store).or_default() += 1;
        self.in_all.send_modify(|count| *count += 1);
    }

    pub(super) fn remove(&self, store: StoreId) {
        let mut waiting = self.lock();
        if let Some(count) = waiting.get_mut(&store) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&store);
            }
        }
        drop(waiting);
        self.in_all.send_modify(|count| *count = count.saturating_sub(1));
    }

    /// Waits until one more may wait.
    pub(super) async fn has_room(&self) {
        // The sender is this value's own, so that it outlives the wait.
        let _ = self.in_all.subscribe().wait_for(|count| *count < self.limits.in_all).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreId, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
