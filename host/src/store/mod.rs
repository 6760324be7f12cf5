//! What is kept: the [`Inbox`] of accepted events and the [`Store`] of everything that follows from them.
//!
//! What belongs here: the two traits, the keys and records that pass through them, and the engines behind them. Only
//! `journal` and `sled` name their engine; everyone else holds the traits.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::sync::oneshot;

use crate::domain::{Event, StoreId};

mod archive;
pub mod audit;
pub mod backup;
pub mod budget;
pub mod checkouts;
pub mod codes;
mod credentials;
pub mod data_dir;
pub mod journal;
pub mod memory;
mod merge;
pub mod sled;

#[cfg(test)]
mod conformance;
pub mod due;
mod durability;
mod key;
mod key_file;
pub mod keys;
mod listing;
pub mod orders;
pub mod outbox;
mod queue;
mod record;
#[cfg(test)]
mod record_tests;
mod scan;
mod seal;
mod transaction;
pub mod upgrade;

pub use credentials::{Access, Credentials, KeptCredentials, Refresh};
pub use data_dir::DataDir;
pub use durability::Durability;
pub use journal::{Journal, Log};
pub use key::{Key, KeyBuilder, Table};
pub use key_file::read_key;
pub use merge::{all_records_of, merged, survivor};
pub use record::{
    AdobeServices, Counts, EnabledRecord, EventRecord, Forgetting, History, LastChange, Letterhead, PausedRecord,
    PluginRecord, ProductsRead, Progress, Reconciled, Reconciliation, Record, SettingsRecord, SharedLink, StateUsage,
    StoreRecord, StoreTerms, TaskRecord, TemplateOverride, TimerRecord, Told, decode, encode,
};
pub use seal::{SealError, SealKey, Sealed, Vault};
pub use sled::SledStore;
pub use transaction::{Savepoint, Transaction};

/// Where an event stands in the inbox: 1 for the first ever appended, one more for each after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every accepted event, durable before its sender is answered, in order of arrival.
pub trait Inbox: Send + Sync {
    /// Appends an event. The answer comes once the event survives a power cut, and not before.
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>>;

    /// Events from `from` on, in order, at most `limit` and at most `max_bytes` of bodies (but at least one event if
    /// there is one).
    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error>;

    /// One event; `None` once its retention has ended, or if there never was one.
    fn get(&self, position: Position) -> Result<Option<Event>, Error>;

    /// The last durable position; it changes whenever events have become durable.
    fn durable(&self) -> tokio::sync::watch::Receiver<Position>;

    /// States that every event before `position` has been applied, so that its segment may be compressed and, when its
    /// retention ends, deleted.
    fn applied_before(&self, position: Position);
}

/// Records kept as they are for a set time: mails as they were sent.
pub trait Archive: Send + Sync {
    /// Appends a record. The answer comes once it survives a power cut.
    fn append(&self, record: Vec<u8>) -> Submitted<Result<Position, Error>>;

    /// One record; `None` once its retention has ended, or if there never was one.
    fn get(&self, position: Position) -> Result<Option<bytes::Bytes>, Error>;
}

/// How often a key has changed: `Version::ABSENT` where it has no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    pub const ABSENT: Self = Self(0);
}

/// A stored value and the version it had when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub version: Version,
    pub bytes: Vec<u8>,
}

/// Keys to list: those that begin with `prefix` and come after `after` (before it, if `reverse`), at most `limit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub prefix: Key,
    pub after: Option<Key>,
    pub limit: usize,
    pub reverse: bool,
}

impl Scan {
    pub fn of(prefix: Key, limit: usize) -> Self {
        Self { prefix, after: None, limit, reverse: false }
    }

    pub fn after(self, key: Option<Key>) -> Self {
        Self { after: key, ..self }
    }

    pub fn newest_first(self) -> Self {
        Self { reverse: true, ..self }
    }
}

/// Something that was read and on which a commit's writes depend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The key had this version.
    Key(Key, Version),
    /// The scan returned exactly these keys.
    Scan(Scan, Vec<Key>),
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Put(Key, Vec<u8>),
    Delete(Key),
}

impl Write {
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }

    /// The bytes of the key and the value.
    fn bytes(&self) -> usize {
        match self {
            Self::Put(key, value) => key.as_bytes().len() + value.len(),
            Self::Delete(key) => key.as_bytes().len(),
        }
    }
}

/// One atomic step: all of `writes` if all of `reads` still hold, else nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// [`Store::newest`] before the first read: what has been written since is all that can have changed it.
    pub began: Version,
    pub reads: Vec<Read>,
    pub writes: Vec<Write>,
}

impl Commit {
    pub fn put(&mut self, key: Key, value: Vec<u8>) {
        self.writes.push(Write::Put(key, value));
    }

    pub fn delete(&mut self, key: Key) {
        self.writes.push(Write::Delete(key));
    }
}

/// State, facts, outbox, timers: ordered keys with versions, changed by optimistic commits.
pub trait Store: Send + Sync {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error>;

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error>;

    /// The newest version that every read from now on sees, so that checking reads need not go further back;
    /// [`Version::ABSENT`] of a store that cannot say.
    fn newest(&self) -> Version {
        Version::ABSENT
    }

    /// Submits a commit. The answer comes once it survives a power cut; a commit that was refused for a conflict has
    /// changed nothing. What is durable is visible to `get` and `scan`, and perhaps what is not durable yet.
    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>>;
}

/// Why a store or an inbox could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the data directory.
    #[error("the data directory {path} is in use by another process")]
    Locked { path: String },
    /// Something stored does not read back as it was written.
    #[error("{what} is damaged: {detail}")]
    Damaged { what: String, detail: String },
    /// A record written by a newer version of this program.
    #[error("{what} has version {found}, newer than this program's {known}")]
    TooNew { what: &'static str, found: u32, known: u32 },
    /// The operating system refused a read, a write or a sync.
    #[error("cannot {action}: {source}")]
    Io { action: String, source: std::sync::Arc<std::io::Error> },
    /// So little room is left on the disk that nothing new is taken: what is free is for the work under way.
    #[error("less than {reserve_mib} MiB are free on the disk, and those are kept for the work under way")]
    NoRoom { reserve_mib: u64 },
    /// Too much waits to be written: the caller should try again later, or send its own caller away to do so.
    #[error("too much is waiting to be written")]
    Full,
    /// One record is larger than its engine takes.
    #[error("{what} of {bytes} bytes is larger than the {limit} that can be stored")]
    TooLarge { what: &'static str, bytes: u64, limit: u64 },
    /// A key that no engine stores.
    #[error("a key cannot be stored: {0}")]
    InvalidKey(&'static str),
    /// Something stands where a new directory should be made.
    #[error("{path} exists already")]
    Exists { path: String },
    /// A directory that this program did not make and therefore leaves alone.
    #[error("{path} holds other files and no FORMAT file: it is not a data directory")]
    NotADataDirectory { path: String },
    /// Sealed with a key that this host does not have, or not as it was written.
    #[error("the credentials of store {store} cannot be opened: {error}")]
    NotOpened { store: StoreId, error: SealError },
    /// The engine has stopped after an earlier failure, which this text gives.
    #[error("the store has stopped: {0}")]
    Stopped(String),
}

impl Error {
    /// Turns an I/O error into one that says what was being done; for `map_err`.
    fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action: action.into(), source: source.into() }
    }
}

/// Locks a mutex whose data is sound after every statement, so that a panic elsewhere does not matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a commit changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// Something that the commit had read has changed since: read again, decide again.
    #[error("a key changed after it was read")]
    Conflict,
    #[error(transparent)]
    Store(#[from] Error),
}

/// An answer that a committer thread will give.
#[derive(Debug)]
pub struct Submitted<T>(oneshot::Receiver<T>);

impl<T> Submitted<T> {
    /// The waiting half and the half that answers it.
    pub fn channel() -> (oneshot::Sender<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// An answer that is there already.
    pub fn ready(answer: T) -> Self {
        let (sender, submitted) = Self::channel();
        // The receiver is at hand, so the send cannot fail.
        let _ = sender.send(answer);
        submitted
    }
}

/// Answers that can say that nobody is left to give them.
pub trait FromStopped {
    fn from_stopped() -> Self;
}

impl<T, E: From<Error>> FromStopped for Result<T, E> {
    fn from_stopped() -> Self {
        Err(Error::Stopped("its committer thread has ended".into()).into())
    }
}

impl<T: FromStopped> Future for Submitted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or_else(|_| T::from_stopped()))
    }
}

impl<T: FromStopped> Submitted<T> {
    /// Waits on the calling thread; for command-line tools and tests, never inside an async task.
    pub fn wait(self) -> T {
        self.0.blocking_recv().unwrap_or_else(|_| T::from_stopped())
    }
}
