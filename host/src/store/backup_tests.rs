//! Backups open and are equal; a compacted store holds all that it held, in less space.

use std::{fs, path::Path, sync::Arc};

use super::*;
use crate::{
    clock,
    domain::{StoreId, Timestamp},
    store::{Commit, Inbox as _, Key, Position, Scan, Store as _, Table, Value, Write, conformance::event, journal},
};

fn key(number: u64) -> Key {
    Key::of(StoreId(1), Table::State).number(number).end()
}

fn put(store: &SledStore, number: u64, value: Vec<u8>) {
    store
        .commit(Commit { reads: vec![], writes: vec![Write::Put(key(number), value)], ..Commit::default() })
        .wait()
        .unwrap();
}

fn all(store: &SledStore) -> Vec<(Key, Value)> {
    store.scan(&Scan::of(Key::of(StoreId(1), Table::State).end(), usize::MAX)).unwrap()
}

struct Host {
    data_dir: DataDir,
    store: SledStore,
    inbox: Journal,
    mails: Log,
}

fn open(path: &Path) -> Host {
    let clock = Arc::new(clock::Manual::at(Timestamp(9_000)));
    let data_dir = DataDir::open(path).unwrap();
    let small = |options| journal::Options { segment_bytes: 5_000, ..options };
    Host {
        store: SledStore::open(&data_dir.store(), sled::Options::default()).unwrap(),
        inbox: Journal::open(&data_dir.inbox(), clock.clone(), small(journal::Options::inbox())).unwrap(),
        mails: Log::open(&data_dir.mails(), clock, small(journal::Options::mails())).unwrap(),
        data_dir,
    }
}

#[test]
fn a_backup_of_a_busy_host_opens_and_is_equal() {
    let dir = tempfile::tempdir().unwrap();
    let host = open(&dir.path().join("data"));
    for number in 1..=100 {
        put(&host.store, number, vec![number as u8; if number % 10 == 0 { 200_000 } else { 50 }]);
        host.inbox.append(&event(number, vec![7; 300])).wait().unwrap();
        host.mails.append(format!("mail {number}").as_bytes()).wait().unwrap();
    }
    host.inbox.applied_before(Position(50));
    host.inbox.maintain_now().unwrap();
    fs::create_dir(host.data_dir.plugins().join("by-hash")).unwrap();
    fs::write(host.data_dir.plugins().join("by-hash/points.wasm"), b"\0asm").unwrap();
    let mail_key = host.data_dir.mail_key().unwrap();
    let before = all(&host.store);

    let target = dir.path().join("backup");
    let sources = Sources { data_dir: &host.data_dir, store: &host.store, inbox: &host.inbox, mails: &host.mails };
    let mut steps = Vec::new();
    let outcome = std::thread::scope(|scope| {
        // Commits and events go on arriving meanwhile.
        let busy = scope.spawn(|| {
            for number in 101..=140 {
                put(&host.store, number, vec![1]);
                host.inbox.append(&event(number, vec![8; 300])).wait().unwrap();
            }
        });
        let outcome = backup(sources, &target, &mut |progress| steps.push(progress));
        busy.join().unwrap();
        outcome
    });
    let done = outcome.unwrap();
    assert_eq!(steps.last(), Some(&done));
    assert!(done.rows > 100 && done.files > 3 && done.bytes > 2_000_000, "{done:?}");
    assert!(matches!(backup(sources, &target, &mut |_| ()), Err(Error::Exists { .. })));

    let copy = open(&target);
    let copied = all(&copy.store);
    assert_eq!(copied[..100], before[..]);
    let events = copy.inbox.read(Position(1), usize::MAX, usize::MAX).unwrap();
    // Whatever the store's copy has seen, the inbox's has too.
    assert!(events.len() >= 100 && events.len() + 1 >= copied.len());
    assert!(events.iter().all(|(position, read)| read.id == event(position.0, vec![]).id));
    assert_eq!(copy.mails.get(Position(100)).unwrap().unwrap(), "mail 100");
    assert_eq!(fs::read(copy.data_dir.plugins().join("by-hash/points.wasm")).unwrap(), b"\0asm");
    assert_eq!(copy.data_dir.mail_key().unwrap(), mail_key, "links in mails go on working");
    put(&copy.store, 1, vec![2]);
    assert!(all(&copy.store)[0].1.version > copied.iter().map(|(_, value)| value.version).max().unwrap());
}

#[test]
fn a_compacted_store_keeps_all_and_takes_less_space() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = DataDir::open(dir.path()).unwrap();
    let store = SledStore::open(&data_dir.store(), sled::Options::default()).unwrap();
    for number in 0..60 {
        put(&store, number, vec![number as u8; 900_000]);
    }
    for number in 3..60 {
        store
            .commit(Commit { reads: vec![], writes: vec![Write::Delete(key(number))], ..Commit::default() })
            .wait()
            .unwrap();
    }
    let before = all(&store);
    drop(store);
    let mut rows = 0;
    let compacted = compact(&data_dir, sled::Options::default(), &mut |progress| rows = progress.rows).unwrap();
    assert_eq!(compacted.rows, rows);
    assert!(compacted.bytes_after * 2 <= compacted.bytes_before, "{compacted:?}");
    let store = SledStore::open(&data_dir.store(), sled::Options::default()).unwrap();
    assert_eq!(all(&store), before);
    assert!(!data_dir.next_store().exists() && !data_dir.previous_store().exists());
}
