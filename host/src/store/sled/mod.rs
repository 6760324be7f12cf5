//! The store on sled 0.34, driven so that what it acknowledges survives a power cut.
//!
//! sled's own `flush` does not: it ends in `sync_file_range`, which makes neither the file's metadata nor the drive's
//! cache durable. So one thread commits, merges what waits into one atomic batch, flushes, and then syncs the file
//! through a descriptor of its own before it answers (`committer`). All keys are in one tree, as a batch is atomic in
//! one tree only. Values stay small enough for sled's log, because larger ones go to files that are never synced
//! (`row`); a store that has such files all the same is not opened (`opening`).
//!
//! Space: sled reclaims a log segment once what lives in it has been rewritten, so the files of a store whose values are
//! small and short-lived level off. `backup::compact` rewrites a store that has grown.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use super::{
    Commit, CommitError, Durability, Error, Key, Scan, Store, Submitted, Value, Version, Write, queue::Queue, scan,
};
use crate::telemetry::{Standing, Writes};

mod chunked;
mod committer;
mod opening;
mod recent;
mod row;
#[cfg(test)]
mod tests;

use committer::Request;
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
    tree: ::sled::Db,
    dir: PathBuf,
    queue: Arc<Queue<Request>>,
    /// The newest version that reads see.
    newest: Arc<AtomicU64>,
    standing: Standing,
    writes: Arc<Writes>,
    committer: Option<JoinHandle<()>>,
}

impl SledStore {
    /// Opens the store in `dir`, which is made if it is not there.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let (tree, file) = opening::open(dir, options.cache_capacity, &options.durability)?;
        Self::start(tree, file, dir, options)
    }

    fn start(tree: ::sled::Db, file: File, dir: &Path, options: Options) -> Result<Self, Error> {
        let sequence = match tree.get(row::SEQUENCE_KEY).map_err(sled_error)? {
            Some(row) => row::decode_sequence(&row)?,
            None => 0,
        };
        let queue = Arc::new(Queue::bounded(options.queue_entries, options.queue_bytes));
        let newest = Arc::new(AtomicU64::new(sequence));
        let (standing, writes) = (Standing::default(), Arc::<Writes>::default());
        let committer = committer::Committer {
            tree: tree.clone(),
            file,
            durability: options.durability,
            queue: Arc::clone(&queue),
            standing: standing.clone(),
            writes: Arc::clone(&writes),
            sequence,
            newest: Arc::clone(&newest),
            recent: Recent::since(sequence, options.recent_keys),
            chunked: chunked::find(&tree)?,
        };
        let thread = std::thread::Builder::new()
            .name("regulars-store".into())
            .spawn(move || committer.run())
            .map_err(Error::io("start the store's committer thread"))?;
        Ok(Self { tree, dir: dir.to_owned(), queue, standing, writes, newest, committer: Some(thread) })
    }

    /// Does `work` between two commits: none is made until it returns.
    pub(super) fn between_commits<T>(&self, work: impl FnOnce(&::sled::Tree) -> T) -> Result<T, Error> {
        let (paused, is_paused) = mpsc::channel();
        let (resume, resumed) = mpsc::channel::<()>();
        self.queue.push(Request::Pause { paused, resumed }, 0)?;
        is_paused.recv().map_err(|_| Error::Stopped("its committer thread has ended".into()))?;
        let result = work(&self.tree);
        drop(resume);
        Ok(result)
    }

    /// Whether commits can be made.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What the committer has done.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// How many commits wait to be made.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What the store's files take.
    pub fn bytes_on_disk(&self) -> Result<u64, Error> {
        self.tree.size_on_disk().map_err(sled_error)
    }

    /// The whole value of a row; `None` if it is being replaced while it is read.
    fn value(&self, key: &Key, row: &[u8]) -> Result<Option<Value>, Error> {
        let damaged = |detail: &str| Error::Damaged { what: format!("the value of {key:?}"), detail: detail.into() };
        let (version, length) = match Row::decode(row).ok_or_else(|| damaged("its row has another shape"))? {
            Row::Whole(version, bytes) => return Ok(Some(Value { version, bytes: bytes.to_vec() })),
            Row::Chunked(version, length) => (version, length),
        };
        let mut bytes = Vec::with_capacity(length);
        for number in 0..row::chunk_count(length) {
            let chunk_row = self.tree.get(row::chunk_key(key, number)).map_err(sled_error)?;
            match chunk_row.as_deref().and_then(|row| row::chunk_of(version, row)) {
                Some(chunk) => bytes.extend_from_slice(chunk),
                None if self.tree.get(key.as_bytes()).map_err(sled_error)?.as_deref() != Some(row) => return Ok(None),
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
        while let Some(row) = self.tree.get(key.as_bytes()).map_err(sled_error)? {
            if let Some(value) = self.value(key, &row)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        let Some(range) = scan::range(scan) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut take = |entry: Result<(::sled::IVec, ::sled::IVec), ::sled::Error>| {
            let (key, row) = entry.map_err(sled_error)?;
            if scan::is_visible(&key) {
                let key = Key::from_bytes(key.to_vec());
                let value = match self.value(&key, &row)? {
                    Some(value) => Some(value),
                    None => self.get(&key)?,
                };
                found.extend(value.map(|value| (key, value)));
            }
            Ok(found.len() < scan.limit)
        };
        let mut rows = self.tree.range(range);
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
        Version(self.newest.load(Ordering::Acquire))
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
        let (answer, submitted) = Submitted::channel();
        match self.queue.push(Request::Commit { commit, answer }, bytes) {
            Ok(()) => submitted,
            Err(error) => Submitted::ready(Err(error.into())),
        }
    }
}

impl Drop for SledStore {
    /// Commits what still waits, then ends the thread.
    fn drop(&mut self) {
        self.queue.close("it has been closed");
        if let Some(thread) = self.committer.take() {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// sled's errors in our words.
fn sled_error(error: ::sled::Error) -> Error {
    match error {
        ::sled::Error::Io(source) => Error::io("use the store")(source),
        error => Error::Damaged { what: "the store".into(), detail: error.to_string() },
    }
}
