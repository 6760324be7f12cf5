//! What is particular to sled: chunks, reopening, stopping after a failure.

use std::{fs, path::Path, sync::Arc};

use super::{
    super::{
        Commit, CommitError, Durability, Error, Key, Read, Scan, Store, Table, Value, Version, Write,
        durability::{Fault, Faults},
    },
    Options, SledStore, row,
};
use crate::domain::StoreId;

fn open(dir: &Path) -> Result<SledStore, Error> {
    SledStore::open(dir, Options::default())
}

fn key(text: &str) -> Key {
    Key::of(StoreId(1), Table::State).rest(text.as_bytes())
}

fn put(store: &SledStore, key: &Key, value: Vec<u8>) {
    store
        .commit(Commit { reads: vec![], writes: vec![Write::Put(key.clone(), value)], ..Commit::default() })
        .wait()
        .unwrap();
}

fn chunk_rows(store: &SledStore) -> usize {
    store.tree().unwrap().scan_prefix(Key::of(StoreId(1), Table::Chunk).end().as_bytes()).count()
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[test]
fn large_values_grow_shrink_and_go_with_all_their_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).unwrap();
    for (length, chunks) in
        [(row::CHUNK, 0), (row::CHUNK + 1, 2), (5 * row::CHUNK, 5), (2 * row::CHUNK + 7, 3), (10, 0), (1_000_000, 16)]
    {
        put(&store, &key("large"), bytes(length));
        assert_eq!(chunk_rows(&store), chunks, "{length} bytes");
        assert_eq!(store.get(&key("large")).unwrap().unwrap().bytes, bytes(length));
        drop(store);
        store = open(dir.path()).unwrap();
        assert_eq!(store.get(&key("large")).unwrap().unwrap().bytes, bytes(length));
    }
    let found = store.scan(&Scan::of(Key::from_bytes(vec![]), 99)).unwrap();
    assert_eq!(
        found.iter().map(|(key, value)| (key.clone(), value.bytes.len())).collect::<Vec<_>>(),
        [(key("large"), 1_000_000)]
    );
    store
        .commit(Commit { reads: vec![], writes: vec![Write::Delete(key("large"))], ..Commit::default() })
        .wait()
        .unwrap();
    assert_eq!((chunk_rows(&store), store.get(&key("large")).unwrap()), (0, None));
    assert!(fs::read_dir(dir.path().join("blobs")).unwrap().next().is_none());
}

#[test]
fn commits_of_one_batch_see_each_others_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let commits = [Some(4 * row::CHUNK), Some(2 * row::CHUNK), None, Some(3 * row::CHUNK), Some(5)].map(|length| {
        let write = match length {
            Some(length) => Write::Put(key("large"), bytes(length)),
            None => Write::Delete(key("large")),
        };
        Commit { reads: vec![], writes: vec![write], ..Commit::default() }
    });
    // While the committer stands still, all of them wait for one batch.
    let submitted = store.between_commits(|_| commits.map(|commit| store.commit(commit))).unwrap();
    submitted.into_iter().for_each(|answer| answer.wait().unwrap());
    assert_eq!((chunk_rows(&store), store.get(&key("large")).unwrap().unwrap().bytes), (0, bytes(5)));
}

#[test]
fn conflicts_within_one_batch_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    put(&store, &key("b"), vec![1]);
    let version = store.get(&key("b")).unwrap().unwrap().version;
    let list = Scan::of(key(""), 2);
    let read_list = |keys: &[&str]| Read::Scan(list.clone(), keys.iter().map(|text| key(text)).collect());
    let cases = [
        (vec![Read::Key(key("b"), version)], vec![Write::Delete(key("b"))], true),
        (vec![Read::Key(key("b"), version)], vec![], false),
        (vec![Read::Key(key("b"), Version::ABSENT), read_list(&[])], vec![Write::Put(key("c"), vec![])], true),
        (vec![read_list(&[])], vec![], false),
        (vec![read_list(&["c"])], vec![Write::Put(key("a"), vec![]), Write::Put(key("d"), vec![])], true),
        (vec![read_list(&["a", "c"])], vec![], true),
        (vec![Read::Scan(list.clone().newest_first(), vec![key("d"), key("c")])], vec![], true),
        (vec![Read::Scan(list.clone().after(Some(key("c"))), vec![key("d")])], vec![], true),
        (vec![Read::Scan(list.clone().after(Some(key("c"))), vec![])], vec![], false),
    ];
    let submitted = store
        .between_commits(|_| {
            cases.map(|(reads, writes, holds)| (store.commit(Commit { reads, writes, ..Commit::default() }), holds))
        })
        .unwrap();
    for (number, (answer, holds)) in submitted.into_iter().enumerate() {
        match answer.wait() {
            Ok(()) => assert!(holds, "case {number}"),
            Err(CommitError::Conflict) => assert!(!holds, "case {number}"),
            Err(error) => panic!("case {number}: {error}"),
        }
    }
}

#[test]
fn versions_go_on_rising_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = Version::ABSENT;
    for _ in 0..3 {
        let store = open(dir.path()).unwrap();
        for _ in 0..5 {
            put(&store, &key("a"), vec![1]);
            let version = store.get(&key("a")).unwrap().unwrap().version;
            assert!(version > last);
            last = version;
            // A version is never given twice, even if what had it is gone.
            store
                .commit(Commit { reads: vec![], writes: vec![Write::Delete(key("a"))], ..Commit::default() })
                .wait()
                .unwrap();
        }
    }
}

/// Waits on this thread until the store says that it has a fault, or that it has none.
fn wait_until(store: &SledStore, is_faulty: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.fault().wait_for(|fault| fault.is_some() == is_faulty)).unwrap();
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_until_the_store_has_been_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let durability = Durability::with_faults(Arc::clone(&faults));
    let store = SledStore::open(dir.path(), Options { durability, ..Options::default() }).unwrap();
    put(&store, &key("before"), vec![1]);
    faults.set(Some(Fault::Sync));
    let commit = || Commit { reads: vec![], writes: vec![Write::Put(key("after"), vec![1])], ..Commit::default() };
    assert!(matches!(store.commit(commit()).wait(), Err(CommitError::Store(Error::Stopped(_)))));
    // The disk is asked again and again, and refuses each time.
    wait_until(&store, true);
    assert!(matches!(store.commit(commit()).wait(), Err(CommitError::Store(Error::Stopped(_)))));
    assert!(!store.fault().borrow().as_ref().unwrap().is_final);
    faults.set(None);
    wait_until(&store, false);
    assert_eq!(store.get(&key("before")).unwrap().unwrap(), Value { version: Version(1), bytes: vec![1] });
    // The commit that was refused may have reached the disk as the second: its number is nobody else's.
    store.commit(commit()).wait().unwrap();
    assert!(store.get(&key("after")).unwrap().unwrap().version > Version(2));
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.get(&key("before")).unwrap().unwrap().bytes, [1]);
    assert_eq!(store.get(&key("after")).unwrap().unwrap().bytes, [1]);
}

#[test]
fn a_store_whose_disk_stays_faulty_can_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let durability = Durability::with_faults(Arc::clone(&faults));
    let store = SledStore::open(dir.path(), Options { durability, ..Options::default() }).unwrap();
    put(&store, &key("before"), vec![1]);
    faults.set(Some(Fault::Sync));
    let commit = Commit { reads: vec![], writes: vec![Write::Put(key("after"), vec![1])], ..Commit::default() };
    assert!(store.commit(commit).wait().is_err());
    wait_until(&store, true);
    drop(store);
    assert_eq!(open(dir.path()).unwrap().get(&key("before")).unwrap().unwrap().bytes, [1]);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path(), Options { queue_entries: 2, ..Options::default() }).unwrap();
    let commit = || Commit { reads: vec![], writes: vec![Write::Put(key("a"), vec![1])], ..Commit::default() };
    let submitted = store.between_commits(|_| [(); 3].map(|()| store.commit(commit()))).unwrap();
    let outcomes = submitted.map(super::super::Submitted::wait);
    assert!(matches!(outcomes, [Ok(()), Ok(()), Err(CommitError::Store(Error::Full))]), "{outcomes:?}");
}

#[test]
fn a_commit_of_the_largest_size_is_made_and_a_larger_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let largest = bytes(super::MAX_COMMIT_BYTES - 100);
    for round in 0..6 {
        put(&store, &key(&format!("large-{}", round % 2)), largest.clone());
    }
    let commit = Commit {
        reads: vec![],
        writes: vec![Write::Put(key("larger"), bytes(super::MAX_COMMIT_BYTES))],
        ..Commit::default()
    };
    assert!(matches!(store.commit(commit).wait(), Err(CommitError::Store(Error::TooLarge { .. }))));
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.get(&key("large-1")).unwrap().unwrap().bytes, largest);
    assert!(fs::read_dir(dir.path().join("blobs")).unwrap().next().is_none());
}

#[test]
fn a_store_with_values_that_were_never_synced_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("blobs/12345"), b"x").unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Damaged { detail, .. }) if detail.contains("blobs/")));
}

#[test]
fn a_snapshot_cut_short_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    put(&store, &key("a"), vec![1]);
    drop(store);
    fs::write(dir.path().join("snap.7FFFFFFFFFFFFFFF.generating"), b"half").unwrap();
    assert_eq!(open(dir.path()).unwrap().get(&key("a")).unwrap().unwrap().bytes, [1]);
}

#[test]
fn a_store_that_sled_cannot_read_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for number in 0..200 {
        put(&store, &key(&number.to_string()), bytes(40));
    }
    drop(store);
    // Opening writes a snapshot of what it found.
    drop(open(dir.path()).unwrap());
    let mut paths = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let snapshot = paths.find(|path| path.display().to_string().contains("/snap.")).unwrap();
    let good = fs::read(&snapshot).unwrap();
    fs::write(&snapshot, &good[..good.len() - 1]).unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));

    // A log that is not what the snapshot says: here sled panics.
    fs::write(&snapshot, &good).unwrap();
    let length = fs::metadata(dir.path().join("db")).unwrap().len() as usize;
    fs::write(dir.path().join("db"), vec![0x5a; length]).unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));
}

#[test]
fn a_reader_never_sees_parts_of_two_values() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    put(&store, &key("large"), vec![0; 3 * row::CHUNK]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..=60_usize {
                put(&store, &key("large"), vec![round as u8; (round % 4 + 1) * row::CHUNK]);
            }
        });
        while !writer.is_finished() {
            let value = store.get(&key("large")).unwrap().unwrap().bytes;
            assert!(value.iter().all(|byte| *byte == value[0]));
            let scanned = store.scan(&Scan::of(key(""), 9)).unwrap();
            assert!(scanned[0].1.bytes.iter().all(|byte| *byte == scanned[0].1.bytes[0]));
        }
    });
}
