//! The journal: an append-only [`Log`] of opaque records, and the inbox ([`Journal`]) on top of it.
//!
//! What belongs here: everything that knows the files of a log. Segments of framed records are named by the position of
//! their first; one committer thread writes all that waits with one write and one `fdatasync`, then answers everybody.
//! Segments whose records have all been applied are compressed by another thread and deleted when their retention ends.

use std::{path::Path, sync::Arc};

use tokio::sync::watch;

use super::{Error, Inbox, Position, Submitted};
use crate::{clock::Clock, domain::Event};

mod committer;
mod compressed;
mod frame;
mod log;
mod opening;
mod reading;
mod record;
mod retention;
mod segment;
#[cfg(test)]
mod tests;

pub use log::{Applied, Log, Options};
pub use retention::Upkeep;

/// The inbox on a [`Log`].
#[derive(Debug)]
pub struct Journal(Log);

impl Journal {
    /// Opens the inbox in `dir`, which is made if it is not there.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<Self, Error> {
        Log::open(dir, clock, options).map(Self)
    }

    /// Compresses and deletes what is due now, on the calling thread.
    pub fn maintain_now(&self) -> Result<Upkeep, Error> {
        self.0.maintain_now()
    }

    /// The log underneath.
    pub fn log(&self) -> &Log {
        &self.0
    }
}

impl Inbox for Journal {
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>> {
        // Room for the ids of a header; the body is the rest.
        self.0.append_with(event.body.len() + 192, |buffer| record::encode_into(buffer, event))
    }

    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error> {
        let records = self.0.read(from, limit, max_bytes)?;
        records.into_iter().map(|(position, record)| Ok((position, record::decode(&record)?))).collect()
    }

    fn get(&self, position: Position) -> Result<Option<Event>, Error> {
        self.0.get(position)?.map(|record| record::decode(&record)).transpose()
    }

    fn durable(&self) -> watch::Receiver<Position> {
        self.0.durable()
    }

    fn applied_before(&self, position: Position) {
        self.0.applied_before(position);
    }
}
