//! The one thread that writes: all that waits, one write, one sync, then the answers.

use std::{
    fs::File,
    io::{IoSlice, Seek as _, SeekFrom},
    sync::Arc,
    time::Duration,
};

use super::{
    super::{Error, Position, durability},
    frame::HEADER,
    log::{Entry, Form, Request, Segment, Shared},
};
use crate::clock::Stopwatch;

/// How often a log that nobody writes to looks whether its fault has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub file: Arc<File>,
    pub first: u64,
    pub salt: u32,
    /// Bytes of the file that are durable; the file's cursor stands behind them unless a write failed.
    pub length: u64,
    pub count: u64,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    active: Active,
    /// A write or a sync has failed, so that nobody knows what the file holds behind its durable length.
    is_unsure: bool,
    /// The last write was refused, for whatever reason.
    is_faulty: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, active: Active) -> Self {
        Self { shared, active, is_unsure: false, is_faulty: false }
    }

    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _closes = shared.queue.close_on_exit();
        loop {
            let patience = self.is_faulty.then_some(LOOK_AGAIN);
            let Some(requests) = shared.queue.drain_within(patience, usize::MAX, usize::MAX) else { return };
            if requests.is_empty() {
                self.recover();
                continue;
            }
            let mut entries: Vec<_> = requests
                .into_iter()
                .filter_map(|request| match request {
                    Request::Append(entry) => Some(entry),
                    Request::EndSegment => None,
                })
                .collect();
            if entries.is_empty() {
                self.end_segment_of_an_earlier_day();
                continue;
            }
            let begun = Stopwatch::start();
            match self.commit(&mut entries) {
                Ok(()) => {
                    shared.writes.batch.observe(entries.len() as u64);
                    shared.writes.commit.observe_time(begun.elapsed());
                    self.note(Ok(()));
                    for entry in entries {
                        // Whoever no longer waits does not need the answer.
                        let _ = entry.answer.send(Ok(Position(entry.header.position)));
                    }
                }
                Err(error) => {
                    self.note(Err(&error));
                    for entry in entries {
                        let _ = entry.answer.send(Err(error.clone()));
                    }
                    self.recover();
                }
            }
        }
    }

    /// Makes the entries durable, or none of them.
    fn commit(&mut self, entries: &mut [Entry]) -> Result<(), Error> {
        self.check_room()?;
        if self.is_unsure {
            self.settle()?;
        }
        let is_full = self.active.length >= self.shared.options.segment_bytes && self.active.count > 0;
        let is_of_an_earlier_day =
            entries.first().is_some_and(|entry| self.shared.is_of_an_earlier_day(entry.header.appended_at));
        if is_full || is_of_an_earlier_day {
            self.begin_segment()?;
        }
        let first = self.active.first + self.active.count;
        for ((position, ordinal), entry) in (first..).zip(0..).zip(&mut *entries) {
            entry.header.position = position;
            entry.header.ordinal = ordinal;
            if let Some(header) = entry.frame.first_chunk_mut::<HEADER>() {
                *header = entry.header.encode(self.active.salt);
            }
        }
        let mut slices: Vec<_> = entries.iter().map(|entry| IoSlice::new(&entry.frame)).collect();
        let durability = &self.shared.options.durability;
        self.is_unsure = true;
        durability
            .write_all(&self.active.file, &mut slices)
            .and_then(|()| {
                let begun = Stopwatch::start();
                durability.sync_data(&self.active.file)?;
                self.shared.writes.sync.observe_time(begun.elapsed());
                Ok(())
            })
            .map_err(Error::io(format!("append to segment {} of {}", self.active.first, self.shared.dir.display())))?;
        self.is_unsure = false;
        self.publish(entries)
    }

    /// Lets readers see what has become durable.
    fn publish(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let mut segments = self.shared.segments_mut();
        let missing = || Error::Stopped("the segment being written is not known".into());
        let segment = segments.get_mut(&self.active.first).ok_or_else(missing)?;
        let Form::Plain { index, .. } = &mut segment.form else { return Err(missing()) };
        for entry in entries {
            index.push(self.active.length);
            self.active.length += entry.frame.len() as u64;
            self.active.count += 1;
            segment.newest = segment.newest.max(entry.header.appended_at);
        }
        segment.count = self.active.count;
        segment.length = self.active.length;
        drop(segments);
        self.shared.durable.send_replace(Position(self.active.first + self.active.count - 1));
        Ok(())
    }

    /// Starts the segment after the active one, which is durable to its end.
    fn begin_segment(&mut self) -> Result<(), Error> {
        let first = self.active.first + self.active.count;
        let active = Active::create(&self.shared.dir, first, &self.shared.options.durability)?;
        let mut segments = self.shared.segments_mut();
        if let Some(Segment { form: Form::Plain { open, .. }, .. }) = segments.get_mut(&self.active.first) {
            *open = None;
        }
        segments.insert(first, active.segment());
        drop(segments);
        self.active = active;
        self.shared.note_upkeep();
        Ok(())
    }

    fn end_segment_of_an_earlier_day(&mut self) {
        if !self.is_unsure
            && self.shared.is_of_an_earlier_day(self.shared.clock.now())
            && let Err(error) = self.begin_segment()
        {
            tracing::error!(dir = %self.shared.dir.display(), %error, "no segment can be begun: {error}");
        }
    }

    /// Finds out, without a record to write, whether the next one could be written.
    fn recover(&mut self) {
        let settled = match self.is_unsure {
            true => self.settle(),
            false => Ok(()),
        };
        let recovered = settled.and_then(|()| self.check_room());
        self.note(recovered.as_ref().copied());
    }

    /// Says what is wrong, or that nothing is any more: once, however often it is met.
    fn note(&mut self, outcome: Result<(), &Error>) {
        let was_faulty = std::mem::replace(&mut self.is_faulty, outcome.is_err());
        let dir = self.shared.dir.display();
        match outcome {
            Err(error) => {
                let (told, reason) = (self.shared.standing.trouble(), error.to_string());
                if told.as_ref() != Some(&reason) {
                    tracing::error!(%dir, %error, "nothing can be appended to {dir}: {reason}");
                }
                self.shared.standing.broken(reason);
            }
            Ok(()) if was_faulty => {
                self.shared.standing.sound();
                tracing::info!(%dir, "{dir} takes records again");
            }
            Ok(()) => {}
        }
    }

    /// An error if what is free on the disk is for others.
    fn check_room(&self) -> Result<(), Error> {
        let Shared { dir, options, .. } = &*self.shared;
        if options.reserve_bytes == 0 {
            return Ok(());
        }
        let free = durability::free_bytes(dir)
            .map_err(Error::io(format!("see what is free on the disk of {}", dir.display())))?;
        match free >= options.reserve_bytes {
            true => Ok(()),
            false => Err(Error::NoRoom { reserve_mib: options.reserve_bytes >> 20 }),
        }
    }

    /// Brings the log back to its last durable record after a failed write or sync. After a failed sync the kernel may
    /// hold pages that it takes for written and that are not, so nothing more is written to that file: it is cut to its
    /// durable length and a fresh one follows.
    fn settle(&mut self) -> Result<(), Error> {
        let durability = &self.shared.options.durability;
        let cut = || {
            self.active.file.set_len(self.active.length)?;
            (&*self.active.file).seek(SeekFrom::Start(self.active.length))?;
            durability.read_from_disk(&self.active.file)
        };
        let path = format!("segment {} of {}", self.active.first, self.shared.dir.display());
        cut().map_err(Error::io(format!("cut {path} to its durable length")))?;
        // An empty segment is replaced by a new file of the same name.
        self.begin_segment()?;
        self.is_unsure = false;
        Ok(())
    }
}
