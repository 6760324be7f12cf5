//! The webhook ids seen last, so that a platform's repeats are answered from memory.
//!
//! It may forget: whatever is appended a second time is found when it is applied. It may not be wrong about what it
//! remembers, or an event would be lost; hence ids that are durable only, by a hash that nobody can find collisions of.

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use crate::domain::{EventId, StoreId};

/// Ids in one generation; two are kept, at some 40 bytes an id. Shopify repeats after seconds first.
const GENERATION: usize = 100_000;

/// The first half of a SHA-256: collisions cost 2^64 tries.
type Hash = [u8; 16];

#[derive(Default)]
pub struct Recent(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<Hash>,
    old: HashSet<Hash>,
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent")
    }
}

impl Recent {
    pub fn contains(&self, store: StoreId, id: &EventId) -> bool {
        let hash = hash(store, id);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.young.contains(&hash) || known.old.contains(&hash)
    }

    pub fn remember(&self, store: StoreId, id: &EventId) {
        let hash = hash(store, id);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.young.len() >= GENERATION {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(hash);
    }
}

fn hash(store: StoreId, id: &EventId) -> Hash {
    let digest = Sha256::new().chain_update(store.0.to_be_bytes()).chain_update(id.as_str()).finalize();
    let mut half = Hash::default();
    half.copy_from_slice(&digest[..size_of::<Hash>()]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_in_its_own_store_only() {
        let recent = Recent::default();
        recent.remember(StoreId(1), &"webhook/a".into());
        assert!(recent.contains(StoreId(1), &"webhook/a".into()));
        assert!(!recent.contains(StoreId(2), &"webhook/a".into()));
        assert!(!recent.contains(StoreId(1), &"webhook/b".into()));
    }

    #[test]
    fn at_least_the_last_generation_is_remembered_and_at_most_two_are_kept() {
        let recent = Recent::default();
        let id = |number: usize| EventId::from(format!("webhook/{number}"));
        let last = 3 * GENERATION;
        (0..last).for_each(|number| recent.remember(StoreId(1), &id(number)));
        assert!((last - GENERATION..last).all(|number| recent.contains(StoreId(1), &id(number))));
        assert!(!recent.contains(StoreId(1), &id(0)));
        let known = recent.0.lock().unwrap();
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
    }
}
