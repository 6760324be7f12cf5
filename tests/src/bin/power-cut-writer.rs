//! Writes to an inbox and a store without end, and prints a line for each acknowledgement once it has it:
//! `event THREAD NUMBER POSITION` or `commit THREAD NUMBER`. The power-cut test stops it at any moment, and starts it
//! again on what is left: numbers go on from there.

use std::{path::Path, sync::Arc};

use regulars::{
    clock,
    store::{
        Commit, DataDir, Durability, Error, Inbox, Journal, Position, Read, SledStore, Store, Version, journal, sled,
    },
};

#[path = "../../it/power_cut/content.rs"]
mod content;

const EVENT_THREADS: u64 = 3;
const COMMIT_THREADS: u64 = 3;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("the first argument is the directory");
    let durability = match arguments.next().as_deref() {
        None => Durability::default(),
        Some("without-sync") => Durability::lost_at_the_next_power_cut(),
        Some(other) => panic!("the second argument is not known: {other}"),
    };
    let data_dir = DataDir::open(Path::new(&dir))?;
    let options = journal::Options {
        // Small, so that segments are begun, compressed and deleted while the power is cut.
        segment_bytes: 200_000,
        durability: durability.clone(),
        ..journal::Options::inbox()
    };
    let inbox = Journal::open(&data_dir.inbox(), Arc::new(clock::System), options)?;
    let options = sled::Options { cache_capacity: 16 << 20, durability, ..sled::Options::default() };
    let store = SledStore::open(&data_dir.store(), options)?;
    std::thread::scope(|scope| {
        // Greater than any number before, as no thread can have appended more than all of them.
        let first = inbox.durable().borrow().0;
        for thread in 0..EVENT_THREADS {
            let inbox = &inbox;
            scope.spawn(move || append_without_end(inbox, thread, first));
        }
        for thread in 0..COMMIT_THREADS {
            let store = &store;
            scope.spawn(move || commit_without_end(store, thread));
        }
    });
    Ok(())
}

fn append_without_end(inbox: &Journal, thread: u64, first: u64) {
    for number in first.. {
        let position = inbox.append(&content::event(thread, number)).wait().expect("the disk is sound");
        println!("event {thread} {number} {position}");
        inbox.applied_before(Position(position.0.saturating_sub(20)));
    }
}

fn commit_without_end(store: &SledStore, thread: u64) {
    loop {
        let key = content::newest_key(thread);
        let newest = store.get(&key).expect("the disk is sound");
        let (version, number) = match newest {
            Some(value) => (value.version, u64::from_be_bytes(value.bytes.try_into().expect("eight bytes")) + 1),
            None => (Version::ABSENT, 0),
        };
        let mut commit = Commit { reads: vec![Read::Key(key.clone(), version)], ..Commit::default() };
        commit.put(key, number.to_be_bytes().to_vec());
        commit.put(content::key(thread, number), content::value(thread, number));
        if let Some(old) = number.checked_sub(content::KEPT) {
            commit.delete(content::key(thread, old));
        }
        store.commit(commit).wait().expect("the disk is sound and nobody else writes these keys");
        println!("commit {thread} {number}");
    }
}
