//! Reading and writing several keys as one optimistic step, with a way back for the part of it that fails.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    Commit, CommitError, Error, Key, Read, Record, Scan, Store, Submitted, Value, Version, Write, decode, encode,
};

/// Reads through to the store and remembers what it saw; keeps writes to itself until it is committed.
///
/// Reading a key twice gives the same answer, and a write is seen by later reads.
pub struct Transaction {
    store: Arc<dyn Store>,
    began: Version,
    seen: HashMap<Key, Option<Value>>,
    scans: Vec<(Scan, Vec<Key>)>,
    writes: BTreeMap<Key, Option<Vec<u8>>>,
    /// What each write replaced in `writes`, for the way back.
    undo: Vec<(Key, Option<Option<Vec<u8>>>)>,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint(usize);

impl Transaction {
    pub fn new(store: Arc<dyn Store>) -> Self {
        let began = store.newest();
        Self { store, began, seen: HashMap::new(), scans: Vec::new(), writes: BTreeMap::new(), undo: Vec::new() }
    }

    pub fn get_bytes(&mut self, key: &Key) -> Result<Option<&[u8]>, Error> {
        if self.writes.contains_key(key) {
            return Ok(self.writes[key].as_deref());
        }
        if !self.seen.contains_key(key) {
            let value = self.store.get(key)?;
            self.seen.insert(key.clone(), value);
        }
        Ok(self.seen[key].as_ref().map(|value| value.bytes.as_slice()))
    }

    pub fn get<T: Record>(&mut self, key: &Key) -> Result<Option<T>, Error> {
        self.get_bytes(key)?.map(decode).transpose()
    }

    pub fn contains(&mut self, key: &Key) -> Result<bool, Error> {
        Ok(self.get_bytes(key)?.is_some())
    }

    /// Whether this transaction writes a key under which it found nothing.
    pub(super) fn is_new(&self, key: &Key) -> bool {
        self.writes.contains_key(key) && self.seen.get(key).is_some_and(Option::is_none)
    }

    pub fn put_bytes(&mut self, key: Key, value: Vec<u8>) {
        self.write(key, Some(value));
    }

    pub fn put<T: Record>(&mut self, key: Key, record: &T) {
        self.write(key, Some(encode(record)));
    }

    pub fn delete(&mut self, key: Key) {
        self.write(key, None);
    }

    fn write(&mut self, key: Key, value: Option<Vec<u8>>) {
        let replaced = self.writes.insert(key.clone(), value);
        self.undo.push((key, replaced));
    }

    /// Keys and values of a forward scan, this transaction's own writes included.
    pub fn scan(&mut self, scan: &Scan) -> Result<Vec<(Key, Vec<u8>)>, Error> {
        debug_assert!(!scan.reverse, "a transaction scans forward");
        let in_range = |key: &Key| {
            key.as_bytes().starts_with(scan.prefix.as_bytes()) && scan.after.as_ref().is_none_or(|after| key > after)
        };
        let own: Vec<_> = self
            .writes
            .range(scan.prefix.clone()..)
            .take_while(|(key, _)| key.as_bytes().starts_with(scan.prefix.as_bytes()))
            .filter(|(key, _)| in_range(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // Every own delete may hide one stored row of the asked number.
        let wider =
            Scan { limit: scan.limit + own.iter().filter(|(_, value)| value.is_none()).count(), ..scan.clone() };
        let stored = self.store.scan(&wider)?;
        self.scans.push((wider, stored.iter().map(|(key, _)| key.clone()).collect()));
        let mut merged: BTreeMap<Key, Option<Vec<u8>>> = BTreeMap::new();
        for (key, value) in stored {
            let first = self.seen.entry(key.clone()).or_insert(Some(value));
            merged.insert(key, first.as_ref().map(|value| value.bytes.clone()));
        }
        merged.extend(own);
        Ok(merged.into_iter().filter_map(|(key, value)| Some((key, value?))).take(scan.limit).collect())
    }

    /// Whether committing it would change anything.
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint(self.undo.len())
    }

    /// Takes back every write since the savepoint. What was read stays read.
    pub fn roll_back(&mut self, to: Savepoint) {
        for (key, replaced) in self.undo.drain(to.0..).rev() {
            match replaced {
                Some(value) => self.writes.insert(key, value),
                None => self.writes.remove(&key),
            };
        }
    }

    pub fn commit(self) -> Submitted<Result<(), CommitError>> {
        let reads = self
            .seen
            .into_iter()
            .map(|(key, value)| Read::Key(key, value.map_or(Version::ABSENT, |value| value.version)))
            .chain(self.scans.into_iter().map(|(scan, keys)| Read::Scan(scan, keys)))
            .collect();
        let writes = self
            .writes
            .into_iter()
            .map(|(key, value)| match value {
                Some(value) => Write::Put(key, value),
                None => Write::Delete(key),
            })
            .collect();
        self.store.commit(Commit { began: self.began, reads, writes })
    }
}
