//! The queue between those who submit and the one thread that commits: bounded in entries and in bytes.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use super::{Error, lock};

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    max_entries: usize,
    max_bytes: usize,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    /// Why nothing more is taken, once that is so.
    closed: Option<String>,
}

impl<T> Queue<T> {
    pub fn bounded(max_entries: usize, max_bytes: usize) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, closed: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_entries, max_bytes }
    }

    /// Adds an item that weighs `bytes`, or says at once that it cannot. An empty queue takes an item of any weight.
    pub fn push(&self, item: T, bytes: usize) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if let Some(reason) = &state.closed {
            return Err(Error::Stopped(reason.clone()));
        }
        let full = state.items.len() >= self.max_entries || state.bytes.saturating_add(bytes) > self.max_bytes;
        if full && !state.items.is_empty() {
            return Err(Error::Full);
        }
        state.items.push_back((item, bytes));
        state.bytes += bytes;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    pub fn len(&self) -> usize {
        lock(&self.state).items.len()
    }

    /// Waits for items and takes what is there, up to `max_entries` and (but for the first) `max_bytes`. `None` once the
    /// queue is closed and empty.
    pub fn drain(&self, max_entries: usize, max_bytes: usize) -> Option<Vec<T>> {
        self.drain_within(None, max_entries, max_bytes)
    }

    /// As [`Queue::drain`], but with nothing if nothing comes within `patience`.
    pub fn drain_within(&self, patience: Option<Duration>, max_entries: usize, max_bytes: usize) -> Option<Vec<T>> {
        let mut state = lock(&self.state);
        while state.items.is_empty() {
            if state.closed.is_some() {
                return None;
            }
            let Some(patience) = patience else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (after, waited) = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
            state = after;
            if waited.timed_out() && state.items.is_empty() && state.closed.is_none() {
                return Some(Vec::new());
            }
        }
        let mut taken = Vec::with_capacity(state.items.len().min(max_entries));
        let mut taken_bytes = 0_usize;
        while let Some((_, bytes)) = state.items.front() {
            let bytes = *bytes;
            if !taken.is_empty() && (taken.len() >= max_entries || taken_bytes.saturating_add(bytes) > max_bytes) {
                break;
            }
            taken_bytes += bytes;
            state.bytes -= bytes;
            taken.extend(state.items.pop_front().map(|(item, _)| item));
        }
        Some(taken)
    }

    /// Takes all that waits, without waiting.
    pub fn take(&self) -> Vec<T> {
        let mut state = lock(&self.state);
        state.bytes = 0;
        state.items.drain(..).map(|(item, _)| item).collect()
    }

    /// Waits so long, or until the queue is closed: then it is true.
    pub fn is_closed_within(&self, patience: Duration) -> bool {
        let is_open = |state: &mut State<T>| state.closed.is_none();
        let waited = self.changed.wait_timeout_while(lock(&self.state), patience, is_open);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed.is_some()
    }

    /// Takes no more items; those that wait are still drained. The first reason stays.
    pub fn close(&self, reason: &str) {
        lock(&self.state).closed.get_or_insert_with(|| reason.to_owned());
        self.changed.notify_all();
    }

    /// Closes the queue when it goes out of scope, so that a committer that panics leaves nobody waiting.
    pub fn close_on_exit(&self) -> CloseOnExit<'_, T> {
        CloseOnExit(self)
    }
}

pub(super) struct CloseOnExit<'a, T>(&'a Queue<T>);

impl<T> Drop for CloseOnExit<'_, T> {
    fn drop(&mut self) {
        self.0.close("its committer thread has ended");
        // Dropping the items drops the senders of their answers.
        let waiting = std::mem::take(&mut lock(&self.0.state).items);
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_refuses_what_exceeds_either_bound() {
        let queue = Queue::bounded(2, 100);
        queue.push(1, 60).unwrap();
        assert!(matches!(queue.push(2, 60), Err(Error::Full)));
        queue.push(3, 40).unwrap();
        assert!(matches!(queue.push(4, 0), Err(Error::Full)));
        assert_eq!(queue.drain(9, 999).unwrap(), [1, 3]);
        queue.push(5, 1_000).unwrap();
        assert_eq!(queue.drain(9, 999).unwrap(), [5]);
    }

    #[test]
    fn a_drain_takes_as_much_as_it_may_and_leaves_the_rest() {
        let queue = Queue::bounded(10, 1_000);
        (0..6).for_each(|n| queue.push(n, 10).unwrap());
        assert_eq!(queue.drain(2, 999).unwrap(), [0, 1]);
        assert_eq!(queue.drain(9, 25).unwrap(), [2, 3]);
        assert_eq!(queue.drain(9, 1).unwrap(), [4]);
    }

    #[test]
    fn a_drain_with_little_patience_takes_nothing_from_an_empty_queue_and_what_there_is_from_another() {
        let queue = Queue::bounded(10, 1_000);
        let little = Some(Duration::from_millis(1));
        assert_eq!(queue.drain_within(little, 9, 9).unwrap(), [] as [i32; 0]);
        queue.push(1, 1).unwrap();
        assert_eq!(queue.drain_within(little, 9, 9).unwrap(), [1]);
        queue.push(2, 1).unwrap();
        assert_eq!(queue.take(), [2]);
        assert!(!queue.is_closed_within(Duration::from_millis(1)));
        queue.close("end of test");
        assert!(queue.is_closed_within(Duration::from_hours(1)));
        assert_eq!(queue.drain_within(little, 9, 9), None);
    }

    #[test]
    fn what_waits_is_still_drained_after_closing() {
        let queue = Queue::bounded(10, 1_000);
        queue.push(1, 1).unwrap();
        queue.close("end of test");
        assert!(matches!(queue.push(2, 1), Err(Error::Stopped(reason)) if reason == "end of test"));
        assert_eq!(queue.drain(9, 9).unwrap(), [1]);
        assert_eq!(queue.drain(9, 9), None);
    }
}
