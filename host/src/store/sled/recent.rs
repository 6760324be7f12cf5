//! What the last commits wrote: enough to check a transaction's reads without reading the tree again.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::super::Version;

/// The versions of all keys that were written after `since`.
pub(super) struct Recent {
    versions: HashMap<Vec<u8>, Latest>,
    /// The keys of each batch and the last version in it, oldest first.
    batches: VecDeque<(Vec<Vec<u8>>, Version)>,
    since: Version,
    /// How many keys are remembered.
    limit: usize,
}

struct Latest {
    /// [`Version::ABSENT`] if the key was deleted.
    version: Version,
    /// The last version of the batch that wrote it.
    batch: Version,
}

impl Recent {
    pub fn since(sequence: u64, limit: usize) -> Self {
        Self { versions: HashMap::new(), batches: VecDeque::new(), since: Version(sequence), limit }
    }

    /// Whether everything that was written after `began` is remembered; never for [`Version::ABSENT`], which says that
    /// nobody knows when a key was read.
    pub fn reaches(&self, began: Version) -> bool {
        began != Version::ABSENT && began >= self.since
    }

    pub fn of(&self, key: &[u8]) -> Option<Version> {
        self.versions.get(key).map(|latest| latest.version)
    }

    /// Remembers a batch whose last version is `batch`, and forgets the oldest ones.
    pub fn add(&mut self, changed: BTreeMap<Vec<u8>, Version>, batch: Version) {
        let keys = changed.keys().cloned().collect();
        self.versions.extend(changed.into_iter().map(|(key, version)| (key, Latest { version, batch })));
        self.batches.push_back((keys, batch));
        while self.versions.len() > self.limit
            && let Some((keys, oldest)) = self.batches.pop_front()
        {
            for key in keys {
                if self.versions.get(&key).is_some_and(|latest| latest.batch == oldest) {
                    self.versions.remove(&key);
                }
            }
            self.since = oldest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(keys: &[(&str, u64)]) -> BTreeMap<Vec<u8>, Version> {
        keys.iter().map(|(key, version)| (key.as_bytes().to_vec(), Version(*version))).collect()
    }

    #[test]
    fn the_last_write_of_a_key_is_remembered_a_delete_as_absent() {
        let mut recent = Recent::since(3, 10);
        recent.add(batch(&[("a", 4), ("b", 5)]), Version(5));
        recent.add(batch(&[("a", 6), ("b", 0)]), Version(7));
        assert_eq!(recent.of(b"a"), Some(Version(6)));
        assert_eq!(recent.of(b"b"), Some(Version::ABSENT));
        assert_eq!(recent.of(b"c"), None);
        assert!(recent.reaches(Version(3)) && !recent.reaches(Version(2)));
        assert!(!Recent::since(0, 10).reaches(Version::ABSENT));
    }

    #[test]
    fn what_is_forgotten_is_owned_up_to_and_a_key_written_since_is_kept() {
        const KEYS: usize = 100;
        let last = KEYS as u64 + 1;
        let mut recent = Recent::since(0, KEYS);
        recent.add(batch(&[("often", 1), ("once", 1)]), Version(1));
        for number in 2..=last {
            recent.add(batch(&[("often", number), (&format!("{number}"), number)]), Version(number));
        }
        assert_eq!(recent.of(b"often"), Some(Version(last)));
        assert_eq!(recent.of(b"once"), None);
        assert!(!recent.reaches(Version(1)) && recent.reaches(Version(2)));
        assert!(recent.versions.len() <= KEYS);
    }
}
