//! The one thread that commits: it checks what each commit has read, merges those that hold, and makes them durable.

use std::{
    collections::BTreeMap,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use tokio::sync::oneshot;

use super::{
    super::{Commit, CommitError, Durability, Error, Key, Read, Scan, Version, Write, queue::Queue, scan},
    MAX_COMMIT_BYTES,
    chunked::Chunked,
    recent::Recent,
    row::{self, CHUNK, Row},
    sled_error,
};
use crate::{clock::Stopwatch, telemetry::Writes};

/// How many commits one sync may serve: enough to keep the disk busy, few enough to answer soon.
const MAX_COMMITS: usize = 512;

pub(super) enum Request {
    Commit {
        commit: Commit,
        answer: oneshot::Sender<Result<(), CommitError>>,
    },
    /// Stand still until `resumed` is hung up.
    Pause {
        paused: mpsc::Sender<()>,
        resumed: mpsc::Receiver<()>,
    },
}

pub(super) struct Committer {
    pub tree: ::sled::Db,
    pub file: File,
    pub durability: Durability,
    pub queue: Arc<Queue<Request>>,
    pub writes: Arc<Writes>,
    pub sequence: u64,
    /// Published once a batch can be seen by readers.
    pub newest: Arc<AtomicU64>,
    pub recent: Recent,
    /// Every value that lies in chunks.
    pub chunked: Chunked,
}

/// Why a committer has ended before its time.
pub(super) struct Failure {
    pub error: Error,
    /// The last number that a commit was given, durable or not: no later commit may have it again.
    pub sequence: u64,
}

/// The commits of one batch, merged.
#[derive(Default)]
struct Merged {
    writes: ::sled::Batch,
    /// What the batch has made of each key: [`Version::ABSENT`] where it was deleted.
    changed: BTreeMap<Vec<u8>, Version>,
}

type Answered = (oneshot::Sender<Result<(), CommitError>>, Result<(), CommitError>);

impl Committer {
    /// Commits until the queue is closed or a commit has failed.
    pub fn run(mut self) -> Option<Failure> {
        let queue = Arc::clone(&self.queue);
        while let Some(requests) = queue.drain(MAX_COMMITS, MAX_COMMIT_BYTES) {
            let mut commits = Vec::with_capacity(requests.len());
            let mut pauses = Vec::new();
            for request in requests {
                match request {
                    Request::Commit { commit, answer } => commits.push((commit, answer)),
                    Request::Pause { paused, resumed } => pauses.push((paused, resumed)),
                }
            }
            let (begun, size) = (Stopwatch::start(), commits.len() as u64);
            if let Err(error) = self.commit_all(commits) {
                return Some(Failure { error, sequence: self.sequence });
            }
            if size > 0 {
                self.writes.batch.observe(size);
                self.writes.commit.observe_time(begun.elapsed());
            }
            for (paused, resumed) in pauses {
                if paused.send(()).is_ok() {
                    // The other side hangs up when it has finished.
                    let _ = resumed.recv();
                }
            }
        }
        None
    }

    /// Commits what can be committed and answers everybody. An error is the end: nobody can say what is durable.
    fn commit_all(&mut self, commits: Vec<(Commit, oneshot::Sender<Result<(), CommitError>>)>) -> Result<(), Error> {
        let mut answers: Vec<Answered> = Vec::with_capacity(commits.len());
        let mut senders = Vec::with_capacity(commits.len());
        // sled panics as often as it answers an error.
        let committed = catch_unwind(AssertUnwindSafe(|| {
            let mut merged = Merged::default();
            for (commit, answer) in commits {
                senders.push(answer);
                let outcome = self.merge(commit, &mut merged)?;
                answers.extend(senders.pop().map(|answer| (answer, outcome)));
            }
            match merged.changed.is_empty() {
                true => Ok(()),
                false => self.make_durable(merged),
            }
        }))
        .unwrap_or_else(|_| Err(Error::Stopped("sled panicked".into())));
        let stopped = committed.as_ref().err().map(|error| Error::Stopped(error.to_string()));
        for (answer, outcome) in answers {
            // Whoever no longer waits does not need the answer.
            let _ = answer.send(match &stopped {
                Some(stopped) if outcome.is_ok() => Err(stopped.clone().into()),
                _ => outcome,
            });
        }
        if let Some(stopped) = stopped {
            for answer in senders {
                let _ = answer.send(Err(stopped.clone().into()));
            }
        }
        committed
    }

    fn make_durable(&mut self, Merged { mut writes, changed }: Merged) -> Result<(), Error> {
        writes.insert(row::SEQUENCE_KEY, row::sequence_row(self.sequence));
        self.tree.apply_batch(writes).map_err(sled_error)?;
        self.newest.store(self.sequence, Ordering::Release);
        self.recent.add(changed, Version(self.sequence));
        self.tree.flush().map_err(sled_error)?;
        let begun = Stopwatch::start();
        self.durability.sync_data(&self.file).map_err(Error::io("sync the store"))?;
        self.writes.sync.observe_time(begun.elapsed());
        Ok(())
    }

    /// Adds a commit to the batch if everything that it read still holds.
    fn merge(&mut self, commit: Commit, merged: &mut Merged) -> Result<Result<(), CommitError>, Error> {
        let Commit { began, reads, writes } = commit;
        for read in &reads {
            let holds = match read {
                Read::Key(key, version) => self.current(key, began, *version, merged)? == *version,
                Read::Scan(scan, keys) => self.has_keys(scan, keys, merged)?,
            };
            if !holds {
                return Ok(Err(CommitError::Conflict));
            }
        }
        self.sequence += 1;
        for write in writes {
            self.write(write, merged);
        }
        Ok(Ok(()))
    }

    /// The version of a key as the batch would leave it, where it was `seen` at a version no earlier than `began`.
    fn current(&self, key: &Key, began: Version, seen: Version, merged: &Merged) -> Result<Version, Error> {
        if let Some(changed) = merged.changed.get(key.as_bytes()) {
            return Ok(*changed);
        }
        match self.recent.of(key.as_bytes()) {
            Some(version) => Ok(version),
            None if self.recent.reaches(began) => Ok(seen),
            None => self.stored(key),
        }
    }

    fn stored(&self, key: &Key) -> Result<Version, Error> {
        if !scan::is_visible(key.as_bytes()) {
            return Ok(Version::ABSENT);
        }
        match self.tree.get(key.as_bytes()).map_err(sled_error)? {
            None => Ok(Version::ABSENT),
            Some(row) => Row::decode(&row).map(|row| row.version()).ok_or_else(|| Error::Damaged {
                what: format!("the value of {key:?}"),
                detail: "its row has another shape".into(),
            }),
        }
    }

    fn write(&mut self, write: Write, merged: &mut Merged) {
        let version = Version(self.sequence);
        let (key, after, chunks) = match write {
            Write::Delete(key) => {
                merged.writes.remove(key.as_bytes());
                (key, Version::ABSENT, 0)
            }
            Write::Put(key, value) => {
                let chunks = row::chunk_count(value.len());
                if chunks == 0 {
                    merged.writes.insert(key.as_bytes(), row::whole(version, &value));
                } else {
                    merged.writes.insert(key.as_bytes(), row::chunked(version, value.len()));
                    for (number, chunk) in (0..chunks).zip(value.chunks(CHUNK)) {
                        merged.writes.insert(row::chunk_key(&key, number), row::whole(version, chunk));
                    }
                }
                (key, version, chunks)
            }
        };
        for number in self.chunked.replace(&key, chunks) {
            merged.writes.remove(row::chunk_key(&key, number));
        }
        merged.changed.insert(key.into_bytes(), after);
    }

    /// Whether a scan of what the batch would leave returns exactly `keys`.
    fn has_keys(&self, wanted: &Scan, keys: &[Key], merged: &Merged) -> Result<bool, Error> {
        let Some(range) = scan::range(wanted) else { return Ok(keys.is_empty()) };
        let mut changed = merged.changed.range::<[u8], _>(scan::borrowed(&range));
        let mut rows = self.tree.range(range.clone());
        let mut next_row = || {
            loop {
                match if wanted.reverse { rows.next_back() } else { rows.next() } {
                    // What the batch has touched counts as the batch leaves it.
                    Some(Ok((key, _))) if !scan::is_visible(&key) || merged.changed.contains_key(&*key) => {}
                    Some(Ok((key, _))) => return Ok(Some(key)),
                    Some(Err(error)) => return Err(sled_error(error)),
                    None => return Ok(None),
                }
            }
        };
        let mut next_changed = || {
            loop {
                let (key, changed) = if wanted.reverse { changed.next_back() } else { changed.next() }?;
                if *changed != Version::ABSENT {
                    return Some(key);
                }
            }
        };
        let (mut row, mut change) = (next_row()?, next_changed());
        let mut expected = keys.iter();
        for _ in 0..wanted.limit {
            let row_first = match (&row, change) {
                (None, None) => break,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(row), Some(change)) => (row.as_ref() < change.as_slice()) != wanted.reverse,
            };
            let found = match row_first {
                true => row.as_deref(),
                false => change.map(Vec::as_slice),
            };
            if expected.next().map(Key::as_bytes) != found {
                return Ok(false);
            }
            match row_first {
                true => row = next_row()?,
                false => change = next_changed(),
            }
        }
        Ok(expected.next().is_none())
    }
}
