//! The store on sled 0.34, driven so that what it acknowledges survives a power cut.
//!
//! sled's own `flush` does not: it ends in `sync_file_range`, which makes neither the file's metadata nor the drive's
//! cache durable. So one thread commits, merges what waits into one atomic batch, flushes, and then syncs the file
//! through a descriptor of its own before it answers (`committer`). All keys are in one tree, as a batch is atomic in
//! one tree only. Values stay small enough for sled's log, because larger ones go to files that are never synced
//! (`row`); a store that has such files all the same is not opened (`opening`).
//!
//! After a failed write or sync nobody knows what is durable: the database is closed and opened anew from the disk
//! (`recovery`).
//!
//! Space: sled reclaims a log segment once what lives in it has been rewritten, so the files of a store whose values are
//! small and short-lived level off. `backup::compact` rewrites a store that has grown.

use std::{
    fmt,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use super::{
    Commit, CommitError, Durability, Error, Key, Scan, Store, Submitted, Value, Version, Write, queue::Queue, scan,
};
use crate::telemetry::{Standing, Writes};

mod cache;
mod chunked;
mod committer;
mod opening;
mod recent;
mod recovery;
mod row;
#[cfg(test)]
mod tests;

pub use cache::capacity as cache_capacity;
use committer::{Committer, Request};
pub(super) use opening::copy_rows;
use recent::Recent;
use row::Row;

/// How much one commit may write, and how much is merged into one batch: half of sled's log segment, so that a batch
/// spans two at most.
const MAX_COMMIT_BYTES: usize = 8 << 20;

/// How a store is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of pages that sled keeps in memory. It takes two to three times as much in all: give it at most a quarter
    /// of what the process may use.
    pub cache_capacity: u64,
    /// How many commits may wait.
    pub queue_entries: usize,
    /// How many bytes of keys and values may wait.
    pub queue_bytes: usize,
    /// Keys written last whose versions are kept in memory, some 150 bytes each, so that a commit's reads are checked
    /// without reading. A transaction that took longer than these last has its reads looked up.
    pub recent_keys: usize,
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_capacity: 64 << 20,
            queue_entries: 8 << 10,
            queue_bytes: 64 << 20,
            recent_keys: 1 << 16,
            durability: Durability::default(),
        }
    }
}

/// A [`Store`] on sled.
pub struct SledStore {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
}

/// What the readers and the committer's thread share.
struct Shared {
    dir: PathBuf,
    options: Options,
    queue: Arc<Queue<Request>>,
    /// The database; none between a failure and its next opening.
    open: ArcSwapOption<::sled::Db>,
    /// The newest version that reads see.
    newest: Arc<AtomicU64>,
    standing: Standing,
    writes: Arc<Writes>,
    fault: watch::Sender<Option<Fault>>,
}

/// Why nothing can be read or committed at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: String,
    /// It does not go away until the process is started anew.
    pub is_final: bool,
}

impl Shared {
    /// Says what is wrong, or that nothing is; true if that is news.
    fn set_fault(&self, fault: Option<Fault>) -> bool {
        match &fault {
            Some(fault) => self.standing.broken(&*fault.reason),
            None => self.standing.sound(),
        }
        self.fault.send_if_modified(|known| std::mem::replace(known, fault.clone()) != fault)
    }

    /// Why the database is not there.
    fn stopped(&self) -> Error {
        let fault = self.fault.borrow().as_ref().map(|fault| fault.reason.clone());
        Error::Stopped(fault.unwrap_or_else(|| "it has been closed".into()))
    }

    /// Lets readers see an opened database. `failed` is the last number that a commit was given whose fate is not known.
    fn begin(&self, tree: ::sled::Db, file: File, failed: Option<u64>) -> Result<Committer, Error> {
        let stored = match tree.get(row::SEQUENCE_KEY).map_err(sled_error)? {
            Some(row) => row::decode_sequence(&row)?,
            None => 0,
        };
        // Whoever began to read before the failure may have seen what is gone: all that was read up to then counts as
        // read before anything that is remembered, and is looked up.
        let sequence = stored.max(failed.map_or(0, |failed| failed + 1));
        let committer = Committer {
            tree: tree.clone(),
            file,
            durability: self.options.durability.clone(),
            queue: Arc::clone(&self.queue),
            writes: Arc::clone(&self.writes),
            sequence,
            newest: Arc::clone(&self.newest),
            recent: Recent::since(sequence, self.options.recent_keys),
            chunked: chunked::find(&tree)?,
        };
        self.newest.store(sequence, Ordering::Release);
        self.open.store(Some(Arc::new(tree)));
        Ok(committer)
    }
}

impl SledStore {
    /// Opens the store in `dir`, which is made if it is not there.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let (tree, file) = opening::open(dir, options.cache_capacity, &options.durability)?;
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            queue: Arc::new(Queue::bounded(options.queue_entries, options.queue_bytes)),
            open: ArcSwapOption::empty(),
            newest: Arc::new(AtomicU64::new(0)),
            standing: Standing::default(),
            writes: Arc::default(),
            fault: watch::Sender::new(None),
            options,
        });
        let committer = shared.begin(tree, file, None)?;
        let thread_shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("regulars-store".into())
            .spawn(move || recovery::run(&thread_shared, committer))
            .map_err(Error::io("start the store's committer thread"))?;
        Ok(Self { shared, committer: Some(thread) })
    }

    /// Why nothing can be read or committed at the moment, if that is so; it changes when that does.
    pub fn fault(&self) -> watch::Receiver<Option<Fault>> {
        self.shared.fault.subscribe()
    }

    fn tree(&self) -> Result<Arc<::sled::Db>, Error> {
        self.shared.open.load_full().ok_or_else(|| self.shared.stopped())
    }

    /// Does `work` between two commits: none is made until it returns.
    pub(super) fn between_commits<T>(&self, work: impl FnOnce(&::sled::Tree) -> T) -> Result<T, Error> {
        let (paused, is_paused) = mpsc::channel();
        let (resume, resumed) = mpsc::channel::<()>();
        self.shared.queue.push(Request::Pause { paused, resumed }, 0)?;
        is_paused.recv().map_err(|_| Error::Stopped("its committer thread has ended".into()))?;
        let result = work(&*self.tree()?);
        drop(resume);
        Ok(result)
    }

    /// Whether commits can be made.
    pub fn standing(&self) -> &Standing {
        &self.shared.standing
    }

    /// What the committer has done.
    pub fn writes(&self) -> &Writes {
        &self.shared.writes
    }

    /// How many commits wait to be made.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// What the store's files take.
    pub fn bytes_on_disk(&self) -> Result<u64, Error> {
        self.tree()?.size_on_disk().map_err(sled_error)
    }

    /// The whole value of a row; `None` if it is being replaced while it is read.
    fn value(tree: &::sled::Tree, key: &Key, row: &[u8]) -> Result<Option<Value>, Error> {
        let damaged = |detail: &str| Error::Damaged { what: format!("the value of {key:?}"), detail: detail.into() };
        let (version, length) = match Row::decode(row).ok_or_else(|| damaged("its row has another shape"))? {
            Row::Whole(version, bytes) => return Ok(Some(Value { version, bytes: bytes.to_vec() })),
            Row::Chunked(version, length) => (version, length),
        };
        let mut bytes = Vec::with_capacity(length);
        for number in 0..row::chunk_count(length) {
            let chunk_row = tree.get(row::chunk_key(key, number)).map_err(sled_error)?;
            match chunk_row.as_deref().and_then(|row| row::chunk_of(version, row)) {
                Some(chunk) => bytes.extend_from_slice(chunk),
                None if tree.get(key.as_bytes()).map_err(sled_error)?.as_deref() != Some(row) => return Ok(None),
                None => return Err(damaged("a part of it is missing")),
            }
        }
        match bytes.len() == length {
            true => Ok(Some(Value { version, bytes })),
            false => Err(damaged("its parts have another length")),
        }
    }
}

impl Store for SledStore {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        if !scan::is_visible(key.as_bytes()) {
            return Ok(None);
        }
        // Again whenever the value was replaced between its rows.
        let tree = self.tree()?;
        while let Some(row) = tree.get(key.as_bytes()).map_err(sled_error)? {
            if let Some(value) = Self::value(&tree, key, &row)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        let Some(range) = scan::range(scan) else { return Ok(Vec::new()) };
        let tree = self.tree()?;
        let mut found = Vec::new();
        let mut take = |entry: Result<(::sled::IVec, ::sled::IVec), ::sled::Error>| {
            let (key, row) = entry.map_err(sled_error)?;
            if scan::is_visible(&key) {
                let key = Key::from_bytes(key.to_vec());
                let value = match Self::value(&tree, &key, &row)? {
                    Some(value) => Some(value),
                    None => self.get(&key)?,
                };
                found.extend(value.map(|value| (key, value)));
            }
            Ok(found.len() < scan.limit)
        };
        let mut rows = tree.range(range);
        while scan.limit > 0
            && let Some(entry) = if scan.reverse { rows.next_back() } else { rows.next() }
        {
            if !take(entry)? {
                break;
            }
        }
        Ok(found)
    }

    fn newest(&self) -> Version {
        Version(self.shared.newest.load(Ordering::Acquire))
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        if let Some(error) = commit.writes.iter().find_map(|write| scan::check_key(write.key()).err()) {
            return Submitted::ready(Err(error.into()));
        }
        let bytes = commit.writes.iter().map(Write::bytes).sum();
        if bytes > MAX_COMMIT_BYTES {
            let (bytes, limit) = (bytes as u64, MAX_COMMIT_BYTES as u64);
            return Submitted::ready(Err(Error::TooLarge { what: "a commit", bytes, limit }.into()));
        }
        if self.shared.fault.borrow().is_some() {
            return Submitted::ready(Err(self.shared.stopped().into()));
        }
        let (answer, submitted) = Submitted::channel();
        match self.shared.queue.push(Request::Commit { commit, answer }, bytes) {
            Ok(()) => submitted,
            Err(error) => Submitted::ready(Err(error.into())),
        }
    }
}

impl Drop for SledStore {
    /// Commits what still waits, then ends the thread.
    fn drop(&mut self) {
        self.shared.queue.close("it has been closed");
        if let Some(thread) = self.committer.take() {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
        // A last sync that fails is a panic of sled's.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.shared.open.swap(None))));
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

/// sled's errors in our words.
fn sled_error(error: ::sled::Error) -> Error {
    match error {
        ::sled::Error::Io(source) => Error::io("use the store")(source),
        error => Error::Damaged { what: "the store".into(), detail: error.to_string() },
    }
}
