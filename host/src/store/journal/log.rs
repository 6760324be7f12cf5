//! The log as its users see it, and what its threads share.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::{
    super::{Durability, Error, Position, Submitted, lock, queue::Queue},
    committer, compressed,
    frame::{HEADER, Header, MAX_PAYLOAD},
    opening,
    reading::Handle,
    retention::{self, Upkeep},
    segment::Index,
};
use crate::{
    clock::Clock,
    domain::Timestamp,
    telemetry::{Standing, Writes},
};

/// When a record has served its purpose, so that its segment may be compressed and later deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Once [`Log::applied_before`] says so.
    AsStated,
    /// As soon as it is written: an archive.
    AtOnce,
}

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Names the committer thread; at most 15 bytes, as Linux cuts the rest.
    pub name: &'static str,
    pub applied: Applied,
    /// How long applied records are kept, counted from the newest of their segment.
    pub retention: Duration,
    /// A segment that has reached this size is followed by a new one.
    pub segment_bytes: u64,
    /// With fewer bytes free on the disk nothing is appended.
    pub reserve_bytes: u64,
    /// How many records may wait to be written.
    pub queue_entries: usize,
    /// How many bytes may wait to be written.
    pub queue_bytes: usize,
    pub durability: Durability,
}

impl Options {
    /// The inbox: kept for 30 days once applied, for replay and disputes, inside the privacy deadline.
    pub fn inbox() -> Self {
        Self {
            name: "regulars-inbox",
            applied: Applied::AsStated,
            retention: Duration::from_hours(30 * 24),
            // Large enough that creating one is rare, small enough that compressing one is short work.
            segment_bytes: 64 << 20,
            reserve_bytes: 0,
            // A second's worth of events at the rate that one disk takes.
            queue_entries: 16 << 10,
            queue_bytes: 64 << 20,
            durability: Durability::default(),
        }
    }

    /// An archive of mails as they were sent.
    pub fn mails() -> Self {
        Self { name: "regulars-mails", applied: Applied::AtOnce, ..Self::inbox() }
    }
}

/// An append-only log of opaque records.
pub struct Log {
    pub(super) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// A framed record on its way to the committer, its position still blank.
pub(super) struct Entry {
    pub frame: Vec<u8>,
    pub header: Header,
    pub answer: oneshot::Sender<Result<Position, Error>>,
}

/// What the committer is asked to do.
pub(super) enum Request {
    Append(Entry),
    /// Begin a segment, so that the one that is being written can go when its retention ends.
    EndSegment,
}

/// What the committer, the upkeep and the readers share.
pub(super) struct Shared {
    pub dir: PathBuf,
    pub options: Options,
    pub clock: Arc<dyn Clock>,
    /// Whether the last write came through.
    pub standing: Standing,
    pub writes: Arc<Writes>,
    pub queue: Queue<Request>,
    /// By first position; the last one is being written.
    segments: RwLock<BTreeMap<u64, Segment>>,
    pub durable: watch::Sender<Position>,
    /// Every position below this one has been applied.
    pub applied: AtomicU64,
    /// The last position of the oldest sealed segment that is not compressed yet.
    pub upkeep_from: AtomicU64,
    pub upkeep: Mutex<UpkeepState>,
    pub upkeep_changed: Condvar,
    /// Held while segment files are compressed, deleted or copied.
    pub files: Mutex<()>,
    pub handles: Mutex<VecDeque<(u64, Handle)>>,
}

#[derive(Default)]
pub(super) struct UpkeepState {
    pub wanted: bool,
    pub stopping: bool,
}

/// What is known of one segment file.
#[derive(Debug)]
pub(super) struct Segment {
    pub count: u64,
    pub newest: Timestamp,
    /// Bytes of the file that are durable.
    pub length: u64,
    pub form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Plain { salt: u32, index: Index, open: Option<Arc<File>> },
    Compressed,
}

impl Log {
    /// Opens the log in `dir`, which is made if it is not there: cuts off a torn tail, refuses a damaged log.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Self, Error> {
        let opened = opening::open(dir, &options.durability)?;
        let last = Position(opened.next - 1);
        let applied = match options.applied {
            Applied::AsStated => 0,
            Applied::AtOnce => u64::MAX,
        };
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            queue: Queue::bounded(options.queue_entries, options.queue_bytes),
            segments: RwLock::new(opened.segments),
            standing: Standing::default(),
            writes: Arc::default(),
            durable: watch::Sender::new(last),
            applied: AtomicU64::new(applied),
            upkeep_from: AtomicU64::new(0),
            upkeep: Mutex::default(),
            upkeep_changed: Condvar::new(),
            files: Mutex::default(),
            handles: Mutex::default(),
            clock,
            options,
        });
        shared.note_upkeep();
        let writer = committer::Writer::new(Arc::clone(&shared), opened.active);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.into()).spawn(work).map_err(Error::io(format!("start the thread {name}")))
        };
        let upkeep_shared = Arc::clone(&shared);
        let mut log = Self { shared, threads: Vec::with_capacity(2) };
        log.threads.push(spawn(log.shared.options.name, Box::new(move || writer.run()))?);
        log.threads.push(spawn("regulars-upkeep", Box::new(move || retention::run(&upkeep_shared)))?);
        Ok(log)
    }

    /// Appends a record. The answer comes once the record survives a power cut; [`Error::Full`] comes at once.
    pub fn append(&self, payload: &[u8]) -> Submitted<Result<Position, Error>> {
        self.append_with(payload.len(), |mut buffer| {
            buffer.extend_from_slice(payload);
            buffer
        })
    }

    /// Appends the record that `encode` adds to the buffer it is given, so that no record is copied twice.
    pub(super) fn append_with(
        &self,
        capacity: usize,
        encode: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) -> Submitted<Result<Position, Error>> {
        let mut frame = Vec::with_capacity(HEADER + capacity);
        frame.resize(HEADER, 0);
        let frame = encode(frame);
        let payload = frame.get(HEADER..).unwrap_or_default();
        let length = match u32::try_from(payload.len()) {
            Ok(length) if payload.len() <= MAX_PAYLOAD => length,
            _ => {
                let (bytes, limit) = (payload.len() as u64, MAX_PAYLOAD as u64);
                return Submitted::ready(Err(Error::TooLarge { what: "a record", bytes, limit }));
            }
        };
        let header = Header {
            length,
            payload_crc: crc32fast::hash(payload),
            position: 0,
            appended_at: self.shared.clock.now(),
            ordinal: 0,
        };
        let bytes = frame.len();
        let (answer, submitted) = Submitted::channel();
        match self.shared.queue.push(Request::Append(Entry { frame, header, answer }), bytes) {
            Ok(()) => submitted,
            Err(error) => Submitted::ready(Err(error)),
        }
    }

    /// Records from `from` on, in order: at most `limit`, and at most `max_bytes` of them, but at least one if there is
    /// one. What comes before the oldest that is still kept is passed over.
    pub fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Bytes)>, Error> {
        self.shared.read(from.0, limit, max_bytes)
    }

    /// One record; `None` once its retention has ended, or if there never was one.
    pub fn get(&self, position: Position) -> Result<Option<Bytes>, Error> {
        self.shared.get(position.0)
    }

    /// The last durable position.
    pub fn durable(&self) -> watch::Receiver<Position> {
        self.shared.durable.subscribe()
    }

    /// Whether records can be appended.
    pub fn standing(&self) -> &Standing {
        &self.shared.standing
    }

    /// What the committer has done.
    pub fn writes(&self) -> &Writes {
        &self.shared.writes
    }

    /// How many records wait to be written.
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// States that every record before `position` has been applied.
    pub fn applied_before(&self, position: Position) {
        let before = self.shared.applied.fetch_max(position.0, Ordering::SeqCst);
        let from = self.shared.upkeep_from.load(Ordering::SeqCst);
        if before <= from && from < position.0 {
            self.shared.want_upkeep();
        }
    }

    /// Compresses and deletes what is due now, on the calling thread.
    pub fn maintain_now(&self) -> Result<Upkeep, Error> {
        retention::pass(&self.shared)
    }

    /// Copies the log into a directory, which is made: every record that is durable now. Calls `copied` with the bytes of each segment.
    pub(in crate::store) fn copy_to(&self, target: &Path, copied: &mut dyn FnMut(u64)) -> Result<(), Error> {
        opening::copy(&self.shared, target, copied)
    }
}

impl Drop for Log {
    /// Writes what still waits, then ends the threads.
    fn drop(&mut self) {
        self.shared.queue.close("it has been closed");
        lock(&self.shared.upkeep).stopping = true;
        self.shared.upkeep_changed.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on its own.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

impl Shared {
    pub fn segments(&self) -> RwLockReadGuard<'_, BTreeMap<u64, Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn segments_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<u64, Segment>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the segment being written holds records of a day before `now`'s.
    pub fn is_of_an_earlier_day(&self, now: Timestamp) -> bool {
        let segments = self.segments();
        segments.values().next_back().is_some_and(|active| active.count > 0 && day(active.newest) < day(now))
    }

    pub fn want_upkeep(&self) {
        lock(&self.upkeep).wanted = true;
        self.upkeep_changed.notify_all();
    }

    /// Recomputes which statement of progress will make upkeep due.
    pub fn note_upkeep(&self) {
        let segments = self.segments();
        let active = segments.keys().next_back().copied();
        let oldest_plain = segments
            .iter()
            .find(|(first, segment)| Some(**first) != active && matches!(segment.form, Form::Plain { .. }))
            .map_or(u64::MAX, |(first, segment)| first + segment.count - 1);
        self.upkeep_from.store(oldest_plain, Ordering::SeqCst);
        drop(segments);
        if oldest_plain < self.applied.load(Ordering::SeqCst) {
            self.want_upkeep();
        }
    }

    pub fn compressed_path(&self, first: u64) -> PathBuf {
        compressed::path(&self.dir, first)
    }
}

/// The UTC day of an instant. A segment holds records of one day: else a quiet log would keep its records until its
/// segment is full, whatever their retention.
fn day(instant: Timestamp) -> u64 {
    instant.0 / 86_400_000
}
