//! The [`Store`] and the [`Inbox`] in memory: for unit tests and simulations. They keep every promise of the real ones
//! but durability.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError, RwLock},
};

use tokio::sync::watch;

use super::{
    Commit, CommitError, Error, Inbox, Key, Position, Read, Scan, Store, Submitted, Value, Version, Write, lock, scan,
};
use crate::domain::Event;

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Contents>);

#[cfg(test)]
impl MemoryStore {
    /// The same keys, values and versions, apart from this one from now on.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }
}

#[derive(Clone, Default)]
struct Contents {
    values: BTreeMap<Vec<u8>, Value>,
    sequence: u64,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys after {} commits", self.values.len(), self.sequence)
    }
}

impl Contents {
    fn scan(&self, wanted: &Scan) -> Vec<(Key, Value)> {
        let Some(range) = scan::range(wanted) else { return Vec::new() };
        let range = self.values.range::<[u8], _>(scan::borrowed(&range));
        let owned = |(key, value): (&Vec<u8>, &Value)| (Key::from_bytes(key.clone()), value.clone());
        match wanted.reverse {
            false => range.take(wanted.limit).map(owned).collect(),
            true => range.rev().take(wanted.limit).map(owned).collect(),
        }
    }

    fn holds(&self, read: &Read) -> bool {
        match read {
            Read::Key(key, version) => {
                self.values.get(key.as_bytes()).map_or(Version::ABSENT, |value| value.version) == *version
            }
            Read::Scan(scan, keys) => self.scan(scan).iter().map(|(key, _)| key).eq(keys),
        }
    }

    fn commit(&mut self, commit: Commit) -> Result<(), CommitError> {
        for write in &commit.writes {
            scan::check_key(write.key())?;
        }
        if !commit.reads.iter().all(|read| self.holds(read)) {
            return Err(CommitError::Conflict);
        }
        self.sequence += 1;
        for write in commit.writes {
            match write {
                Write::Put(key, bytes) => {
                    self.values.insert(key.as_bytes().to_vec(), Value { version: Version(self.sequence), bytes });
                }
                Write::Delete(key) => {
                    self.values.remove(key.as_bytes());
                }
            }
        }
        Ok(())
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        Ok(lock(&self.0).values.get(key.as_bytes()).cloned())
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        Ok(lock(&self.0).scan(scan))
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        Submitted::ready(lock(&self.0).commit(commit))
    }
}

/// An [`Inbox`] in memory, which keeps every event.
#[derive(Debug)]
pub struct MemoryInbox {
    events: RwLock<Vec<Event>>,
    last: watch::Sender<Position>,
}

impl Default for MemoryInbox {
    fn default() -> Self {
        Self { events: RwLock::default(), last: watch::Sender::new(Position::default()) }
    }
}

impl Inbox for MemoryInbox {
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>> {
        let mut events = self.events.write().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
        let position = Position(events.len() as u64);
        self.last.send_replace(position);
        drop(events);
        Submitted::ready(Ok(position))
    }

    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error> {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        let mut bytes = 0_usize;
        let first = from.0.max(1);
        let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
        for (event, position) in events.iter().skip(skipped).zip(first..).take(limit) {
            bytes = bytes.saturating_add(event.body.len());
            if bytes > max_bytes && !found.is_empty() {
                break;
            }
            found.push((Position(position), event.clone()));
        }
        Ok(found)
    }

    fn get(&self, position: Position) -> Result<Option<Event>, Error> {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let index = position.0.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| events.get(index)).cloned())
    }

    fn durable(&self) -> watch::Receiver<Position> {
        self.last.subscribe()
    }

    fn applied_before(&self, _: Position) {}
}
