//! The disk: what is durable, and a store, an inbox and an archive over it that lose what is not.
//!
//! They keep the promises of the real ones and no more. A store's batch is seen before it is durable, and is lost whole;
//! of the events that are being appended any number may be durable, in order, whether or not anybody was told.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{Notify, oneshot, watch};

use super::{
    faults::Broken,
    world::{World, lock},
};
use crate::{
    domain::Event,
    store::{
        Archive, Commit, CommitError, Error, Inbox, Key, Position, Scan, Store, Submitted, Table, Value, Write,
        memory::{MemoryInbox, MemoryStore},
    },
};

/// What survives a crash.
#[derive(Debug)]
pub struct Disk {
    pub store: MemoryStore,
    pub inbox: MemoryInbox,
    mails: Mutex<Vec<Vec<u8>>>,
}

impl Disk {
    pub fn holding(store: &MemoryStore) -> Self {
        Self { store: store.copy(), inbox: MemoryInbox::default(), mails: Mutex::default() }
    }
}

/// Commits and appends that wait at once, and how many one sync serves at most.
const BATCH: u64 = 6;

/// How long a step of the disk takes at most, in milliseconds.
const SLOW: u64 = 4;

/// How long a stall lasts at most, in milliseconds: long enough for what others see meanwhile to have its effect.
const STALL: u64 = 400;

type Waiting<T, A> = Mutex<VecDeque<(T, oneshot::Sender<A>)>>;

fn take<T>(world: &World, waiting: &Mutex<VecDeque<T>>) -> Vec<T> {
    let most = world.random(|random| random.between(1, BATCH));
    let mut waiting = lock(waiting);
    let count = waiting.len().min(usize::try_from(most).unwrap());
    waiting.drain(..count).collect()
}

/// The answer to what is asked of a process that is dead.
fn nobody<A: Send + 'static>(world: &World) -> Submitted<A> {
    let (sender, submitted) = Submitted::channel();
    world.bury(sender);
    submitted
}

fn dead() -> Error {
    Error::Stopped("the process is dead".into())
}

#[derive(Debug)]
pub struct SimStore {
    world: Arc<World>,
    disk: Arc<Disk>,
    /// What this process sees.
    visible: MemoryStore,
    waiting: Waiting<Commit, Result<(), CommitError>>,
    rung: Notify,
}

impl SimStore {
    pub fn open(world: &Arc<World>, disk: &Arc<Disk>) -> Arc<Self> {
        let visible = disk.store.copy();
        let (world, disk) = (Arc::clone(world), Arc::clone(disk));
        let store = Arc::new(Self { world, disk, visible, waiting: Mutex::default(), rung: Notify::new() });
        tokio::spawn(Arc::clone(&store).commit_for_ever());
        store
    }

    pub fn is_idle(&self) -> bool {
        lock(&self.waiting).is_empty()
    }

    async fn commit_for_ever(self: Arc<Self>) {
        loop {
            self.rung.notified().await;
            while !self.is_idle() {
                self.world.pause(SLOW).await;
                let batch = take(&self.world, &self.waiting);
                let mut answers = Vec::new();
                let mut made = Vec::new();
                for (mut commit, answer) in batch {
                    self.break_on_purpose(&mut commit);
                    let writes = commit.writes.clone();
                    let outcome = self.visible.commit(commit).now_or_never().expect("memory answers at once");
                    if outcome.is_ok() {
                        made.push(writes);
                    }
                    answers.push((answer, outcome));
                }
                if !made.is_empty() && !self.make_durable(made).await {
                    self.world.bury(answers);
                    return;
                }
                for (answer, outcome) in answers {
                    // Whoever no longer waits does not need the answer.
                    let _ = answer.send(outcome);
                }
            }
        }
    }

    /// False if the process has died meanwhile.
    async fn make_durable(&self, batch: Vec<Vec<Write>>) -> bool {
        let stalls = self.world.chance(self.world.faults.stalled);
        self.world.pause(if stalls { STALL } else { SLOW }).await;
        if self.world.dies_at("before a commit is durable") {
            if self.world.is_broken(Broken::TornCommits) {
                let torn: Vec<_> = batch.into_iter().flatten().collect();
                let half = torn.len() / 2;
                self.write(torn.into_iter().take(half).collect());
            }
            return false;
        }
        for writes in batch {
            self.world.note(format_args!("commits {:x}", fingerprint(&writes)));
            self.write(writes);
        }
        !self.world.dies_at("after a commit is durable")
    }

    fn write(&self, writes: Vec<Write>) {
        let written = self.disk.store.commit(Commit { writes, ..Commit::default() }).now_or_never();
        written.expect("memory answers at once").expect("a commit that reads nothing meets no conflict");
    }

    fn break_on_purpose(&self, commit: &mut Commit) {
        for (broken, table) in [(Broken::DedupeIdsLost, Table::EventId), (Broken::ToldForgotten, Table::Told)] {
            if self.world.is_broken(broken) {
                commit.writes.retain(|write| write.key().as_bytes().get(4) != Some(&(table as u8)));
            }
        }
        if self.world.is_broken(Broken::ConflictsIgnored) {
            commit.reads.clear();
        }
    }
}

fn fingerprint(writes: &[Write]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for write in writes {
        write.key().hash(&mut hasher);
        if let Write::Put(_, bytes) = write {
            bytes.hash(&mut hasher);
        }
    }
    hasher.finish()
}

impl Store for SimStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        if self.world.is_dead() { Err(dead()) } else { self.visible.get(key) }
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        if self.world.is_dead() { Err(dead()) } else { self.visible.scan(scan) }
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        if self.world.is_dead() {
            return nobody(&self.world);
        }
        if self.world.chance(self.world.faults.full) {
            return Submitted::ready(Err(Error::Full.into()));
        }
        let (answer, submitted) = Submitted::channel();
        lock(&self.waiting).push_back((commit, answer));
        self.rung.notify_one();
        submitted
    }
}

#[derive(Debug)]
pub struct SimInbox {
    world: Arc<World>,
    disk: Arc<Disk>,
    waiting: Waiting<Event, Result<Position, Error>>,
    rung: Notify,
}

impl SimInbox {
    pub fn open(world: &Arc<World>, disk: &Arc<Disk>) -> Arc<Self> {
        let (world, disk) = (Arc::clone(world), Arc::clone(disk));
        let inbox = Arc::new(Self { world, disk, waiting: Mutex::default(), rung: Notify::new() });
        tokio::spawn(Arc::clone(&inbox).append_for_ever());
        inbox
    }

    pub fn is_idle(&self) -> bool {
        lock(&self.waiting).is_empty()
    }

    async fn append_for_ever(self: Arc<Self>) {
        loop {
            self.rung.notified().await;
            while !self.is_idle() {
                self.world.pause(SLOW).await;
                let mut batch = take(&self.world, &self.waiting);
                if self.world.is_broken(Broken::AnsweredTooEarly) {
                    for (_, answer) in &mut batch {
                        let _ = mem::replace(answer, oneshot::channel().0).send(Ok(Position(1)));
                    }
                    self.world.pause(SLOW).await;
                }
                if self.world.dies_at("before an event is durable") {
                    let written = self.world.random(|random| random.below(batch.len() as u64 + 1));
                    for (event, _) in batch.iter().take(usize::try_from(written).unwrap()) {
                        self.write(event);
                    }
                    self.world.bury(batch);
                    return;
                }
                let positions: Vec<_> = batch.iter().map(|(event, _)| self.write(event)).collect();
                if self.world.dies_at("after an event is durable") {
                    self.world.bury(batch);
                    return;
                }
                for ((_, answer), position) in batch.into_iter().zip(positions) {
                    let _ = answer.send(Ok(position));
                }
            }
        }
    }

    fn write(&self, event: &Event) -> Position {
        let appended = self.disk.inbox.append(event).now_or_never().expect("memory answers at once").unwrap();
        self.world.note(format_args!("appends {} of {} as {appended}", event.id, event.store));
        appended
    }
}

impl Inbox for SimInbox {
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>> {
        if self.world.is_dead() {
            return nobody(&self.world);
        }
        if self.world.chance(self.world.faults.full) {
            return Submitted::ready(Err(Error::Full));
        }
        let (answer, submitted) = Submitted::channel();
        lock(&self.waiting).push_back((event.clone(), answer));
        self.rung.notify_one();
        submitted
    }

    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error> {
        self.disk.inbox.read(from, limit, max_bytes)
    }

    fn get(&self, position: Position) -> Result<Option<Event>, Error> {
        self.disk.inbox.get(position)
    }

    fn durable(&self) -> watch::Receiver<Position> {
        self.disk.inbox.durable()
    }

    fn applied_before(&self, _: Position) {}
}

/// Mails as they were sent. Two copies of one mail are no harm, so that nothing more is asked of it.
#[derive(Debug)]
pub struct SimArchive {
    pub world: Arc<World>,
    pub disk: Arc<Disk>,
}

impl Archive for SimArchive {
    fn append(&self, record: Vec<u8>) -> Submitted<Result<Position, Error>> {
        if self.world.dies_at("before a mail's copy is durable") {
            return nobody(&self.world);
        }
        let mut mails = lock(&self.disk.mails);
        mails.push(record);
        let position = Position(mails.len() as u64);
        drop(mails);
        if self.world.dies_at("after a mail's copy is durable") {
            return nobody(&self.world);
        }
        Submitted::ready(Ok(position))
    }

    fn get(&self, position: Position) -> Result<Option<Bytes>, Error> {
        let index = usize::try_from(position.0).unwrap() - 1;
        Ok(lock(&self.disk.mails).get(index).cloned().map(Bytes::from))
    }
}
