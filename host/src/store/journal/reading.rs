//! Reading records out of segments, plain and compressed, without disturbing the writer.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use bytes::Bytes;

use super::{
    super::{Error, Position, lock},
    compressed::Reader,
    frame::{self, HEADER, Header, Parsed},
    log::{Form, Shared},
    segment,
};

/// How much of a plain segment is read at a time.
const CHUNK: usize = 256 << 10;

/// A single record seldom needs more than this.
const SMALL_CHUNK: usize = 8 << 10;

/// How many segments besides the one being written are held open.
const OPEN_SEGMENTS: usize = 16;

/// An open segment.
#[derive(Clone, Debug)]
pub(super) enum Handle {
    Plain(Arc<File>),
    Compressed(Arc<Reader>),
}

/// Where to begin reading.
enum Place {
    Plain { file: Arc<File>, salt: u32, offset: u64, skip: u64, end: u64 },
    Compressed(Arc<Reader>),
}

/// The records found so far, and how many more are wanted.
struct Found {
    records: Vec<(Position, Bytes)>,
    limit: usize,
    bytes_left: usize,
    chunk: usize,
}

impl Found {
    /// Keeps a record if there is room for it; the first has room always.
    fn take(&mut self, position: u64, payload: Bytes) -> bool {
        if self.records.len() >= self.limit || (payload.len() > self.bytes_left && !self.records.is_empty()) {
            return false;
        }
        self.bytes_left = self.bytes_left.saturating_sub(payload.len());
        self.records.push((Position(position), payload));
        self.records.len() < self.limit
    }
}

impl Shared {
    pub fn read(&self, from: u64, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Bytes)>, Error> {
        // No more is read ahead than may be asked for.
        let chunk = max_bytes.saturating_add(SMALL_CHUNK).min(CHUNK);
        let mut found = Found { records: Vec::new(), limit, bytes_left: max_bytes, chunk };
        let mut position = from.max(1);
        if limit == 0 {
            return Ok(found.records);
        }
        while let Some((start, first, end, place)) = self.place_of(position)? {
            let wants_more = match place {
                Place::Plain { file, salt, offset, skip, end } => {
                    read_plain(&file, salt, (offset, end), (start - skip, start), &mut found)
                }
                Place::Compressed(reader) => read_compressed(&reader, start, end, &mut found),
            }
            .map_err(|error| self.say_where(first, error))?;
            if !wants_more {
                break;
            }
            position = end;
        }
        Ok(found.records)
    }

    pub fn get(&self, position: u64) -> Result<Option<Bytes>, Error> {
        let Some((start, first, end, place)) = self.place_of(position)? else { return Ok(None) };
        if start != position {
            return Ok(None);
        }
        let mut found = Found { records: Vec::with_capacity(1), limit: 1, bytes_left: 0, chunk: SMALL_CHUNK };
        match place {
            Place::Plain { file, salt, offset, skip, end } => {
                read_plain(&file, salt, (offset, end), (start - skip, start), &mut found)
            }
            Place::Compressed(reader) => read_compressed(&reader, start, end, &mut found),
        }
        .map_err(|error| self.say_where(first, error))?;
        Ok(found.records.pop().map(|(_, record)| record))
    }

    /// Where `position`, or the oldest after it that is still kept, stands: that position, its segment's first, the
    /// position after the segment's last, and the place. `None` beyond the last durable one.
    fn place_of(&self, position: u64) -> Result<Option<(u64, u64, u64, Place)>, Error> {
        // Files are opened under the lock: they change their form and go only when their entry here has.
        let segments = self.segments();
        let Some(oldest) = segments.keys().next() else { return Ok(None) };
        let start = position.max(*oldest);
        let Some((&first, segment)) = segments.range(..=start).next_back() else { return Ok(None) };
        let end = first + segment.count;
        if start >= end {
            return Ok(None);
        }
        let place = match &segment.form {
            Form::Compressed => match self.handle(first, || Reader::open(&self.dir, first).map(into_compressed))? {
                Handle::Compressed(reader) => Place::Compressed(reader),
                Handle::Plain(_) => return Err(mixed_up(first)),
            },
            Form::Plain { salt, index, open } => {
                let (offset, skip) = index.before(start - first).ok_or_else(|| mixed_up(first))?;
                let file = match open {
                    Some(file) => Arc::clone(file),
                    None => match self.handle(first, || self.open_plain(first))? {
                        Handle::Plain(file) => file,
                        Handle::Compressed(_) => return Err(mixed_up(first)),
                    },
                };
                Place::Plain { file, salt: *salt, offset, skip, end: segment.length }
            }
        };
        Ok(Some((start, first, end, place)))
    }

    fn open_plain(&self, first: u64) -> Result<Handle, Error> {
        let path = segment::plain_path(&self.dir, first);
        let file = File::open(&path).map_err(Error::io(format!("open {}", path.display())))?;
        Ok(Handle::Plain(Arc::new(file)))
    }

    /// An open segment from the few that are kept, or a newly opened one, which replaces the one unused for longest.
    fn handle(&self, first: u64, open: impl FnOnce() -> Result<Handle, Error>) -> Result<Handle, Error> {
        let mut handles = lock(&self.handles);
        let known = handles.iter().position(|(other, _)| *other == first).and_then(|index| handles.remove(index));
        let entry = match known {
            Some(entry) => entry,
            None => (first, open()?),
        };
        let handle = entry.1.clone();
        handles.push_front(entry);
        handles.truncate(OPEN_SEGMENTS);
        Ok(handle)
    }

    fn say_where(&self, first: u64, error: Bad) -> Error {
        let path = segment::plain_path(&self.dir, first);
        match error {
            Bad::Frame(position) => Error::Damaged {
                what: format!("segment {first} of {}", self.dir.display()),
                detail: format!("the record of position {position} does not read back as it was written"),
            },
            Bad::Io(error) => Error::io(format!("read {}", path.display()))(error),
            Bad::Other(error) => error,
        }
    }
}

fn into_compressed(reader: Reader) -> Handle {
    Handle::Compressed(Arc::new(reader))
}

fn mixed_up(first: u64) -> Error {
    Error::Damaged { what: format!("the index of segment {first}"), detail: "it does not match its file".into() }
}

/// Why records could not be read.
enum Bad {
    Frame(u64),
    Io(io::Error),
    Other(Error),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads from a plain segment: `offset..end` of its bytes, where the record of the first position of `positions` begins
/// and that of the second is wanted. Answers whether more is wanted.
fn read_plain(
    file: &File,
    salt: u32,
    (mut offset, end): (u64, u64),
    (mut position, wanted): (u64, u64),
    found: &mut Found,
) -> Result<bool, Bad> {
    while position < wanted {
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, offset)?;
        match Header::decode(&bytes, salt) {
            Some(header) if header.position == position => offset += header.frame_bytes() as u64,
            _ => return Err(Bad::Frame(position)),
        }
        position += 1;
    }
    let mut want = found.chunk;
    while offset < end {
        let length = usize::try_from(end - offset).map_or(want, |left| left.min(want));
        let mut chunk = vec![0; length];
        file.read_exact_at(&mut chunk, offset)?;
        let chunk = Bytes::from(chunk);
        let mut at = 0;
        while at < chunk.len() {
            match frame::parse(&chunk, at, position, salt) {
                Parsed::Frame { header, payload } => {
                    if !found.take(position, payload) {
                        return Ok(false);
                    }
                    at += header.frame_bytes();
                    position += 1;
                }
                Parsed::Partial(needed) if offset + (at + needed) as u64 <= end => {
                    want = found.chunk.max(needed);
                    break;
                }
                Parsed::Partial(_) | Parsed::Bad => return Err(Bad::Frame(position)),
            }
        }
        offset += at as u64;
    }
    Ok(true)
}

/// Reads from a compressed segment, whose last position is before `end`. Answers whether more is wanted.
fn read_compressed(reader: &Reader, wanted: u64, end: u64, found: &mut Found) -> Result<bool, Bad> {
    let mut next = wanted;
    while next < end {
        let Some((mut position, block)) = reader.block_with(next).map_err(Bad::Other)? else {
            return Err(Bad::Frame(next));
        };
        let mut at = 0;
        while at < block.len() {
            let Parsed::Frame { header, payload } = frame::parse(&block, at, position, reader.salt) else {
                return Err(Bad::Frame(position));
            };
            if position >= wanted && !found.take(position, payload) {
                return Ok(false);
            }
            at += header.frame_bytes();
            position += 1;
        }
        if position <= next {
            return Err(Bad::Frame(next));
        }
        next = position;
    }
    Ok(true)
}
