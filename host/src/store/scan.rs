//! What keys are allowed and which of them a [`Scan`] covers: the same for every engine.

use std::ops::Bound;

use super::{Error, Key, Scan, Table};

/// The longest key: sled keeps keys within its pages, and all of ours are far shorter.
pub(super) const MAX_KEY_BYTES: usize = 1024;

/// A store's number and a table.
const SHORTEST: usize = 5;

/// Whether `key` is one that a commit may write.
pub(super) fn check_key(key: &Key) -> Result<(), Error> {
    match key.as_bytes() {
        bytes if bytes.len() > MAX_KEY_BYTES => Err(Error::InvalidKey("it is longer than 1024 bytes")),
        bytes if bytes.len() < SHORTEST => Err(Error::InvalidKey("it names no store and table")),
        bytes if !is_visible(bytes) => Err(Error::InvalidKey("the chunk table belongs to the engine")),
        _ => Ok(()),
    }
}

/// Whether a stored key is a record's own, rather than one with which the engine keeps its books.
pub(super) fn is_visible(key: &[u8]) -> bool {
    key.get(SHORTEST - 1).is_some_and(|&table| table != Table::Chunk as u8)
}

pub(super) type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The range of keys that `scan` covers; `None` if no key can be in it.
pub(super) fn range(scan: &Scan) -> Option<Range> {
    let prefix = scan.prefix.as_bytes();
    let end = after_all_with(prefix);
    let (from, to) = match &scan.after {
        None => (Bound::Included(prefix), end),
        Some(after) if scan.reverse => {
            let after = after.as_bytes().to_vec();
            let to = match end {
                Bound::Excluded(end) => Bound::Excluded(end.min(after)),
                _ => Bound::Excluded(after),
            };
            (Bound::Included(prefix), to)
        }
        Some(after) if after.as_bytes() < prefix => (Bound::Included(prefix), end),
        Some(after) => (Bound::Excluded(after.as_bytes()), end),
    };
    let start = match from {
        Bound::Included(key) | Bound::Excluded(key) => key,
        Bound::Unbounded => &[],
    };
    match &to {
        Bound::Excluded(key) | Bound::Included(key) if start >= key.as_slice() => None,
        _ => Some((from.map(<[u8]>::to_vec), to)),
    }
}

/// The same range, borrowed, as a map of keys takes it.
pub(super) fn borrowed((from, to): &Range) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice))
}

/// The bound that excludes the first key after all that begin with `prefix`.
fn after_all_with(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(0xff)], 0..5)
    }

    proptest! {
        #[test]
        fn the_range_holds_exactly_the_keys_that_the_scan_describes(
            keys in proptest::collection::btree_set(key(), 0..40), prefix in key(), after in proptest::option::of(key()), reverse: bool,
        ) {
            let after = after.map(Key::from_bytes);
            let scan = Scan { prefix: Key::from_bytes(prefix.clone()), after: after.clone(), limit: 99, reverse };
            let expected: BTreeSet<_> = keys.iter().filter(|key| {
                let beyond = after.as_ref().is_none_or(|after| {
                    if reverse { key.as_slice() < after.as_bytes() } else { key.as_slice() > after.as_bytes() }
                });
                key.starts_with(&prefix) && beyond
            }).cloned().collect();
            let found = match range(&scan) {
                None => BTreeSet::new(),
                Some(range) => keys.range(range).cloned().collect(),
            };
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn keys_are_checked() {
        assert!(check_key(&Key::from_bytes(vec![0, 0, 0, 1, Table::State as u8])).is_ok());
        for bad in [vec![7; MAX_KEY_BYTES + 1], vec![0; 4], vec![0, 0, 0, 1, Table::Chunk as u8, 9]] {
            assert!(matches!(check_key(&Key::from_bytes(bad)), Err(Error::InvalidKey(_))));
        }
    }
}
