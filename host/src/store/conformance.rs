//! What every [`Store`] and every [`Inbox`] has to do, whatever its engine: run against each of them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{
    Commit, CommitError, Error, Inbox, Journal, Key, Position, Read, Scan, SledStore, Store, Table, Value, Version,
    Write, journal,
    memory::{MemoryInbox, MemoryStore},
    sled,
};
use crate::{
    clock,
    domain::{Event, Origin, Platform, StoreId, Timestamp},
};

fn key(text: &str) -> Key {
    Key::of(StoreId(1), Table::State).rest(text.as_bytes())
}

/// What a store holds, as the simplest thing that could hold it.
type Model = BTreeMap<Key, Vec<u8>>;

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// Puts (or deletes, without a length), guarded by what is read now of the listed keys.
    Commit {
        writes: Vec<(Key, Option<usize>)>,
        guards: Vec<Key>,
    },
    /// A commit on what was read, after another commit has changed one of the keys read.
    Outdated {
        key: Key,
        other: Key,
    },
    /// A commit on what a scan returned, after another commit has added to it or taken from it.
    OutdatedScan {
        scan: Scan,
        key: Key,
    },
    Scan(Scan),
}

fn any_key() -> impl Strategy<Value = Key> {
    proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0xff)], 0..4)
        .prop_map(|rest| Key::of(StoreId(1), Table::State).rest(&rest))
}

fn any_scan() -> impl Strategy<Value = Scan> {
    (any_key(), proptest::option::of(any_key()), 0_usize..8, any::<bool>())
        .prop_map(|(prefix, after, limit, reverse)| Scan { prefix, after, limit, reverse })
}

fn any_step() -> impl Strategy<Value = Step> {
    // Lengths on both sides of what sled keeps in one row.
    let length = prop_oneof![6 => 0_usize..100, 1 => 65_530_usize..65_540, 1 => 100_000_usize..200_000];
    let writes = proptest::collection::vec((any_key(), proptest::option::weighted(0.7, length)), 0..5);
    prop_oneof![
        4 => (writes, proptest::collection::vec(any_key(), 0..3))
            .prop_map(|(writes, guards)| Step::Commit { writes, guards }),
        1 => (any_key(), any_key()).prop_map(|(key, other)| Step::Outdated { key, other }),
        1 => (any_scan(), any_key()).prop_map(|(scan, key)| Step::OutdatedScan { scan, key }),
        3 => any_scan().prop_map(Step::Scan),
    ]
}

fn scan_model(model: &Model, scan: &Scan) -> Vec<(Key, Vec<u8>)> {
    let mut found: Vec<_> = model
        .iter()
        .filter(|(key, _)| key.as_bytes().starts_with(scan.prefix.as_bytes()))
        .filter(|(key, _)| {
            scan.after.as_ref().is_none_or(|after| if scan.reverse { *key < after } else { *key > after })
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if scan.reverse {
        found.reverse();
    }
    found.truncate(scan.limit);
    found
}

fn version(store: &dyn Store, key: &Key) -> Version {
    store.get(key).unwrap().map_or(Version::ABSENT, |value| value.version)
}

fn put(store: &dyn Store, model: &mut Model, key: &Key, value: Vec<u8>) {
    let mut commit = Commit::default();
    commit.put(key.clone(), value.clone());
    store.commit(commit).wait().unwrap();
    model.insert(key.clone(), value);
}

fn take_step(store: &dyn Store, model: &mut Model, number: usize, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Commit { writes, guards } => {
            let began = store.newest();
            let reads = guards.iter().map(|key| Read::Key(key.clone(), version(store, key))).collect();
            let mut commit = Commit { began, reads, ..Commit::default() };
            for (key, length) in writes {
                match length {
                    Some(length) => {
                        let value = vec![number as u8; *length];
                        commit.put(key.clone(), value.clone());
                        model.insert(key.clone(), value);
                    }
                    None => {
                        commit.delete(key.clone());
                        model.remove(key);
                    }
                }
            }
            prop_assert!(store.commit(commit).wait().is_ok());
        }
        Step::Outdated { key, other } => {
            let began = store.newest();
            let read = Read::Key(key.clone(), version(store, key));
            put(store, model, key, vec![number as u8]);
            let write = Write::Put(other.clone(), b"never".to_vec());
            let outcome = store.commit(Commit { began, reads: vec![read], writes: vec![write] }).wait();
            prop_assert!(matches!(outcome, Err(CommitError::Conflict)));
        }
        Step::OutdatedScan { scan, key } => {
            let keys = |model: &Model| scan_model(model, scan).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
            let before = keys(model);
            let mut change = Commit::default();
            if model.remove(key).is_some() {
                change.delete(key.clone());
            } else {
                change.put(key.clone(), b"added".to_vec());
                model.insert(key.clone(), b"added".to_vec());
            }
            // Both are submitted before either is answered, so that an engine may take them in one batch.
            let changed = store.commit(change);
            let outcome = store.commit(Commit {
                reads: vec![Read::Scan(scan.clone(), before.clone())],
                writes: vec![],
                ..Commit::default()
            });
            changed.wait().unwrap();
            let holds = before == keys(model);
            prop_assert_eq!(outcome.wait().is_ok(), holds);
        }
        Step::Scan(scan) => {
            let found: Vec<_> = store.scan(scan).unwrap().into_iter().map(|(key, value)| (key, value.bytes)).collect();
            prop_assert_eq!(found, scan_model(model, scan));
        }
    }
    Ok(())
}

fn all(store: &dyn Store) -> Vec<(Key, Value)> {
    store.scan(&Scan::of(Key::of(StoreId(1), Table::State).end(), usize::MAX)).unwrap()
}

/// Random histories, against the model; `reopen` closes and opens an engine that can be.
fn histories<S: Store>(cases: u32, open: impl Fn(&Path) -> S, keeps_on_closing: bool) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(any_step(), 1..40);
    TestRunner::new(config)
        .run(&steps, |steps| {
            let dir = tempfile::tempdir().unwrap();
            let mut model = Model::new();
            let store = open(dir.path());
            for (number, step) in steps.iter().enumerate() {
                take_step(&store, &mut model, number, step)?;
            }
            let found = all(&store);
            for (key, value) in &found {
                let got = store.get(key).unwrap();
                prop_assert_eq!(got.as_ref(), Some(value));
            }
            if keeps_on_closing {
                drop(store);
                prop_assert_eq!(&all(&open(dir.path())), &found);
            }
            let found: Model = found.into_iter().map(|(key, value)| (key, value.bytes)).collect();
            prop_assert_eq!(found, model);
            Ok(())
        })
        .unwrap();
}

fn commits(store: &dyn Store) {
    // A refused commit changes nothing, and of two on the same read one is refused.
    let guarded = |value: &str| Commit {
        began: store.newest(),
        reads: vec![Read::Key(key("points"), Version::ABSENT)],
        writes: vec![Write::Put(key("points"), value.into()), Write::Put(key(value), vec![1])],
    };
    let (first, second) = (store.commit(guarded("first")), store.commit(guarded("second")));
    assert!(first.wait().is_ok());
    assert!(matches!(second.wait(), Err(CommitError::Conflict)));
    assert_eq!(store.get(&key("points")).unwrap().unwrap().bytes, b"first");
    assert_eq!(store.get(&key("second")).unwrap(), None);

    // Versions differ whenever the value has been written, even if it is the same again.
    let before = version(store, &key("points"));
    let rewrite = |value: &str| {
        let mut commit = Commit::default();
        commit.delete(key("points"));
        commit.put(key("points"), value.into());
        commit
    };
    store.commit(rewrite("first")).wait().unwrap();
    assert!(version(store, &key("points")) > before);

    // The last write of a key within a commit is the one that counts.
    let mut commit = rewrite("kept");
    commit.put(key("gone"), vec![1]);
    commit.delete(key("gone"));
    store.commit(commit).wait().unwrap();
    assert_eq!(store.get(&key("points")).unwrap().unwrap().bytes, b"kept");
    assert_eq!(store.get(&key("gone")).unwrap(), None);

    // Keys that no engine stores.
    for bad in [Key::from_bytes(vec![9; 1025]), Key::from_bytes(vec![]), Key::of(StoreId(1), Table::Chunk).end()] {
        let mut commit = Commit::default();
        commit.put(bad.clone(), vec![]);
        assert!(matches!(store.commit(commit).wait(), Err(CommitError::Store(Error::InvalidKey(_)))), "{bad:?}");
        assert_eq!(store.get(&bad).unwrap(), None);
    }
    let mut longest = Commit::default();
    longest.put(Key::of(StoreId(1), Table::Meta).rest(&[7; 1019]), vec![1]);
    store.commit(longest).wait().unwrap();
}

fn counters_lose_no_increment(store: &dyn Store) {
    const THREADS: u64 = 4;
    const EACH: u64 = 25;
    let increment = || {
        loop {
            let began = store.newest();
            let value = store.get(&key("counter")).unwrap();
            let version = value.as_ref().map_or(Version::ABSENT, |value| value.version);
            let count = value.map_or(0, |value| u64::from_be_bytes(value.bytes.try_into().unwrap()));
            let reads = vec![Read::Key(key("counter"), version)];
            let writes = vec![Write::Put(key("counter"), (count + 1).to_be_bytes().to_vec())];
            match store.commit(Commit { began, reads, writes }).wait() {
                Ok(()) => return,
                Err(CommitError::Conflict) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..EACH).for_each(|_| increment()));
        }
    });
    let count = store.get(&key("counter")).unwrap().unwrap().bytes;
    assert_eq!(count, (THREADS * EACH).to_be_bytes());
}

fn open_sled(dir: &Path) -> SledStore {
    SledStore::open(&dir.join("store"), sled::Options::default()).unwrap()
}

#[test]
fn the_memory_store_does_as_the_model_does() {
    histories(256, |_| MemoryStore::default(), false);
}

#[test]
fn the_sled_store_does_as_the_model_does() {
    histories(12, open_sled, true);
    // As one in which every transaction takes long.
    let forgetful = sled::Options { recent_keys: 2, ..sled::Options::default() };
    histories(6, |dir| SledStore::open(&dir.join("store"), forgetful.clone()).unwrap(), true);
}

#[test]
fn the_memory_store_commits_as_it_should() {
    commits(&MemoryStore::default());
    counters_lose_no_increment(&MemoryStore::default());
}

#[test]
fn the_sled_store_commits_as_it_should() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_sled(dir.path());
    commits(&store);
    counters_lose_no_increment(&store);
}

pub(super) fn event(number: u64, body: Vec<u8>) -> Event {
    Event {
        id: format!("event-{number}").into(),
        store: StoreId(1),
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/create".into(),
            api_version: "2026-01".into(),
        },
        occurred_at: Timestamp(1_000 + number),
        received_at: Timestamp(2_000 + number),
        body: Bytes::from(body),
    }
}

fn appends_and_reads(inbox: &dyn Inbox) {
    let durable = inbox.durable();
    assert_eq!((*durable.borrow(), inbox.get(Position(1)).unwrap()), (Position(0), None));
    assert_eq!(inbox.read(Position(1), 10, 1_000).unwrap(), []);
    let events: Vec<_> = (1..=300).map(|number| event(number, vec![number as u8; number as usize * 7])).collect();
    let submitted: Vec<_> = events.iter().map(|event| inbox.append(event)).collect();
    let positions: Vec<_> = submitted.into_iter().map(|answer| answer.wait().unwrap()).collect();
    assert_eq!(positions, (1..=300).map(Position).collect::<Vec<_>>());
    assert!(durable.has_changed().unwrap());
    assert_eq!(*durable.borrow(), Position(300));

    let expected: Vec<_> = positions.iter().copied().zip(events.iter().cloned()).collect();
    assert_eq!(inbox.read(Position(1), usize::MAX, usize::MAX).unwrap(), expected);
    assert_eq!(inbox.read(Position(0), 2, usize::MAX).unwrap(), expected[..2]);
    assert_eq!(inbox.read(Position(200), 3, usize::MAX).unwrap(), expected[199..202]);
    assert_eq!(inbox.read(Position(301), 3, usize::MAX).unwrap(), []);
    assert_eq!(inbox.read(Position(1), 0, usize::MAX).unwrap(), []);
    for event in &expected {
        assert_eq!(inbox.get(event.0).unwrap().as_ref(), Some(&event.1));
    }
    assert_eq!((inbox.get(Position(0)).unwrap(), inbox.get(Position(301)).unwrap()), (None, None));

    // However few bytes are asked for, a reader gets on, and never gets more than it asked for but for one event.
    for max_bytes in [0, 700, 5_000] {
        let mut from = Position(1);
        let mut found = Vec::new();
        while let Some((last, _)) = found.last().cloned().or(Some((Position(0), events[0].clone())))
            && last < Position(300)
        {
            let some = inbox.read(from, usize::MAX, max_bytes).unwrap();
            let bytes: usize = some.iter().map(|(_, event)| event.body.len()).sum();
            assert!(some.len() == 1 || bytes <= max_bytes);
            from = some.last().unwrap().0.next();
            found.extend(some);
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn the_memory_inbox_appends_and_reads() {
    appends_and_reads(&MemoryInbox::default());
}

#[test]
fn the_journal_appends_and_reads() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(clock::Manual::at(Timestamp(5_000)));
    // Small segments, so that reads cross from one to the next.
    let options = journal::Options { segment_bytes: 10_000, ..journal::Options::inbox() };
    appends_and_reads(&Journal::open(dir.path(), clock, options).unwrap());
}
