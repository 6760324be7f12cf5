//! What becomes of segments whose records have all been applied: they are compressed, kept, and in the end deleted.
//!
//! Every step leaves the log whole if the machine stops after it: a compressed segment is durable under its name before
//! the plain one is deleted, and segments go one at a time, the oldest first, each durably gone before the next.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{
    super::{Error, lock},
    compressed::{self, Builder},
    frame::{HEADER, Header},
    log::{Form, Request, Shared},
    segment::{self, FILE_HEADER},
};
use crate::threads;

/// Retention is counted in days; looking once an hour is often enough.
const INTERVAL: Duration = Duration::from_hours(1);

/// What one pass did, in segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    pub compressed: usize,
    pub deleted: usize,
}

/// The upkeep thread.
pub(super) fn run(shared: &Shared) {
    threads::give_way();
    let mut state = lock(&shared.upkeep);
    while !state.stopping {
        state.wanted = false;
        drop(state);
        if let Err(error) = pass(shared) {
            tracing::error!(dir = %shared.dir.display(), %error, "upkeep of the log failed: {error}");
        }
        let idle = |state: &mut super::log::UpkeepState| !state.wanted && !state.stopping;
        state = shared
            .upkeep_changed
            .wait_timeout_while(lock(&shared.upkeep), INTERVAL, idle)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

/// Deletes and compresses what is due.
pub(super) fn pass(shared: &Shared) -> Result<Upkeep, Error> {
    if shared.is_of_an_earlier_day(shared.clock.now()) {
        // A queue that is full has records that end the segment themselves.
        let _ = shared.queue.push(Request::EndSegment, 0);
    }
    let _files = lock(&shared.files);
    let mut done = Upkeep::default();
    while delete_oldest(shared)? {
        done.deleted += 1;
    }
    let applied = shared.applied.load(Ordering::SeqCst);
    let plain: Vec<(u64, u64, u32, u64)> = {
        let segments = shared.segments();
        let sealed = segments.len().saturating_sub(1);
        let due = segments.iter().take(sealed).filter(|(first, segment)| *first + segment.count <= applied);
        due.filter_map(|(first, segment)| match segment.form {
            Form::Plain { salt, .. } => Some((*first, segment.count, salt, segment.length)),
            Form::Compressed => None,
        })
        .collect()
    };
    for (first, count, salt, length) in plain {
        compress(shared, first, count, salt, length)?;
        done.compressed += 1;
    }
    shared.note_upkeep();
    Ok(done)
}

/// Deletes the oldest segment if it is sealed, applied and past its retention.
fn delete_oldest(shared: &Shared) -> Result<bool, Error> {
    let mut segments = shared.segments_mut();
    let is_sealed = segments.len() > 1;
    let Some(oldest) = segments.first_entry() else { return Ok(false) };
    let (first, segment) = (*oldest.key(), oldest.get());
    let is_applied = first + segment.count <= shared.applied.load(Ordering::SeqCst);
    let is_due = shared.clock.now().since(segment.newest) >= shared.options.retention;
    if !(is_sealed && is_applied && is_due) {
        return Ok(false);
    }
    let path = match segment.form {
        Form::Plain { .. } => segment::plain_path(&shared.dir, first),
        Form::Compressed => shared.compressed_path(first),
    };
    // Under the lock and before the entry: a file that cannot be removed must not be left behind by younger ones.
    remove_durably(shared, &path)?;
    oldest.remove();
    drop(segments);
    forget_handle(shared, first);
    Ok(true)
}

fn compress(shared: &Shared, first: u64, count: u64, salt: u32, length: u64) -> Result<(), Error> {
    let path = segment::plain_path(&shared.dir, first);
    let new_length = write_compressed(shared, &path, first, count, salt).map_err(|error| {
        // A disk that is full needs the room; whatever else is wrong, the next opening removes it.
        let _ = fs::remove_file(compressed::temporary_path(&shared.dir, first));
        Error::io(format!("compress {}", path.display()))(error)
    })?;
    let mut segments = shared.segments_mut();
    if let Some(segment) = segments.get_mut(&first) {
        segment.form = Form::Compressed;
        segment.length = new_length;
    }
    drop(segments);
    forget_handle(shared, first);
    tracing::debug!(path = %path.display(), "compressed {length} bytes to {new_length}");
    remove_durably(shared, &path)
}

/// Copies the frames into a compressed segment, each checked on the way.
fn write_compressed(shared: &Shared, path: &Path, first: u64, count: u64, salt: u32) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(FILE_HEADER))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut builder = Builder::new(&shared.dir, first, salt, &shared.options.durability)?;
    let mut header_bytes = [0; HEADER];
    let mut payload = Vec::new();
    for position in first..first + count {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, format!("the record of position {position} is bad"));
        reader.read_exact(&mut header_bytes)?;
        let header =
            Header::decode(&header_bytes, salt).filter(|header| header.position == position).ok_or_else(bad)?;
        payload.resize(header.length as usize, 0);
        reader.read_exact(&mut payload)?;
        if crc32fast::hash(&payload) != header.payload_crc {
            return Err(bad());
        }
        builder.push(&header_bytes, &payload, header.appended_at)?;
    }
    builder.finish()
}

fn forget_handle(shared: &Shared, first: u64) {
    lock(&shared.handles).retain(|(other, _)| *other != first);
}

fn remove_durably(shared: &Shared, path: &Path) -> Result<(), Error> {
    fs::remove_file(path)
        .and_then(|()| shared.options.durability.sync_dir(&shared.dir))
        .map_err(Error::io(format!("remove {}", path.display())))
}
