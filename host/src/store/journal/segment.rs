//! A plain segment file: a header, then frames. Here it is created and, at opening, read through.
//!
//! # A torn tail, or damage?
//!
//! The last segment may end in bytes that were never acknowledged: a power cut interrupts a write, and the blocks of one
//! write reach the disk in any order, so that even whole frames may stand behind a gap. Nobody was answered for any of
//! them, and they are cut off. A bad frame is damage, and a loud error, when something acknowledged must have stood
//! there:
//! - in any segment but the last, because the next one is created only when all before it is durable;
//! - in the last one, when a later frame belongs to a later write: that write began only after the sync of the one
//!   with the bad frame.
//!
//! A bad frame within the very last write of all cannot be told from a torn one and is cut off.

use std::{
    fs::{self, File},
    io::{self, BufReader, IoSlice, Read as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::{
    super::{Durability, Error},
    frame::{self, Header, MAX_PAYLOAD, u32_at, u64_at},
};
use crate::domain::Timestamp;

const MAGIC: [u8; 8] = *b"rglr-log";
const VERSION: u32 = 1;

/// Magic, version, salt, first position, CRC-32 of these, four spare bytes.
pub(super) const FILE_HEADER: u64 = 32;

/// The offset of every so-manyeth frame is kept in memory; those between are found by walking from header to header.
const INDEX_STEP: u64 = 16;

pub(super) fn plain_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.log"))
}

/// A random number, from the source that seeds the standard library's hash maps.
pub(super) fn fresh_salt() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    (RandomState::new().build_hasher().finish() >> 32) as u32
}

/// Where frames begin in a plain segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    offsets: Vec<u64>,
    count: u64,
}

impl Index {
    pub fn push(&mut self, offset: u64) {
        if self.count.is_multiple_of(INDEX_STEP) {
            self.offsets.push(offset);
        }
        self.count += 1;
    }

    /// The number of frames.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// A known offset at or before the `nth` frame, and how many frames lie between.
    pub fn before(&self, nth: u64) -> Option<(u64, u64)> {
        let offset = self.offsets.get(usize::try_from(nth / INDEX_STEP).ok()?)?;
        Some((*offset, nth % INDEX_STEP))
    }
}

/// Creates the segment that begins at `first`, durable in name and header before anything is written to it. An empty
/// file of that name is replaced.
pub(super) fn create(dir: &Path, first: u64, salt: u32, durability: &Durability) -> io::Result<File> {
    let mut header = [0; FILE_HEADER as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&salt.to_le_bytes());
    header[16..24].copy_from_slice(&first.to_le_bytes());
    let crc = crc32fast::hash(&header[..24]);
    header[24..28].copy_from_slice(&crc.to_le_bytes());

    let path = plain_path(dir, first);
    let temporary = path.with_extension("tmp");
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&temporary)?;
    durability.write_all(&file, &mut [IoSlice::new(&header)])?;
    durability.sync_data(&file)?;
    fs::rename(&temporary, &path)?;
    durability.sync_dir(dir)?;
    Ok(file)
}

/// Reads a plain segment's header: its salt.
pub(super) fn read_salt(file: &File, path: &Path, first: u64) -> Result<u32, Error> {
    let mut header = [0; FILE_HEADER as usize];
    let damaged = |detail: &str| Error::Damaged { what: path.display().to_string(), detail: detail.into() };
    match file.read_exact_at(&mut header, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(damaged("its header is cut short")),
        result => result.map_err(Error::io(format!("read {}", path.display())))?,
    }
    if header[..8] != MAGIC || u32_at(&header, 24) != Some(crc32fast::hash(&header[..24])) {
        return Err(damaged("it does not begin with a segment's header"));
    }
    match (u32_at(&header, 8), u32_at(&header, 12), u64_at(&header, 16)) {
        (Some(found), _, _) if found > VERSION => Err(Error::TooNew { what: "journal segment", found, known: VERSION }),
        (Some(VERSION), Some(salt), Some(position)) if position == first => Ok(salt),
        _ => Err(damaged("its header is another segment's")),
    }
}

/// What reading through a segment found.
#[derive(Debug)]
pub(super) struct Scanned {
    pub index: Index,
    pub newest: Timestamp,
    /// Where the last good frame ends.
    pub length: u64,
    /// How many bytes stand behind it: a torn tail. Always zero in a segment that is not the last.
    pub torn: u64,
}

/// Reads a segment through and checks every frame.
pub(super) fn scan(file: &File, path: &Path, first: u64, salt: u32, is_last: bool) -> Result<Scanned, Error> {
    let io_error = || format!("read {}", path.display());
    let file_length = file.metadata().map_err(Error::io(io_error()))?.len();
    let mut reader = BufReader::with_capacity(1 << 20, At { file, offset: FILE_HEADER });
    let mut found = Scanned { index: Index::default(), newest: Timestamp::default(), length: FILE_HEADER, torn: 0 };
    let mut header_bytes = [0; frame::HEADER];
    let mut payload = Vec::new();
    while found.length < file_length {
        let position = first + found.index.count();
        let header = match reader.read_exact(&mut header_bytes) {
            Ok(()) => Header::decode(&header_bytes, salt).filter(|header| header.position == position),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(Error::io(io_error())(error)),
        };
        let Some(header) = header.filter(|header| found.length + header.frame_bytes() as u64 <= file_length) else {
            break;
        };
        payload.resize(header.length as usize, 0);
        reader.read_exact(&mut payload).map_err(Error::io(io_error()))?;
        if crc32fast::hash(&payload) != header.payload_crc {
            break;
        }
        found.index.push(found.length);
        found.newest = found.newest.max(header.appended_at);
        found.length += header.frame_bytes() as u64;
    }
    found.torn = file_length.saturating_sub(found.length);
    if found.torn == 0 {
        return Ok(found);
    }
    let bad = first + found.index.count();
    let later = match is_last {
        true => later_write(file, found.length, file_length, bad, salt).map_err(Error::io(io_error()))?,
        false => Some(bad),
    };
    match later {
        None => Ok(found),
        Some(_) => Err(Error::Damaged {
            what: path.display().to_string(),
            detail: format!("the record of position {bad}, at byte {}, had been made durable and is bad", found.length),
        }),
    }
}

/// Looks behind a bad frame for one of a later write, byte by byte, as the bad one's length may be bad too.
fn later_write(file: &File, from: u64, to: u64, bad: u64, salt: u32) -> io::Result<Option<u64>> {
    const WINDOW: usize = 1 << 20;
    let furthest = bad + (to - from) / frame::HEADER as u64 + 1;
    let mut window = Vec::new();
    let mut offset = from + 1;
    while offset + (frame::HEADER as u64) <= to {
        let length = (to - offset).min((WINDOW + frame::HEADER) as u64);
        window.resize(usize::try_from(length).unwrap_or(WINDOW), 0);
        file.read_exact_at(&mut window, offset)?;
        let candidates = window.windows(frame::HEADER).filter(|candidate| {
            // The position is looked at before the checksum: it rules out nearly every offset.
            u64_at(candidate, 8).is_some_and(|position| position > bad && position <= furthest)
        });
        let is_later = |header: &Header| header.first_of_write() > bad && header.length as usize <= MAX_PAYLOAD;
        if let Some(header) = candidates.filter_map(|bytes| Header::decode(bytes, salt)).find(is_later) {
            return Ok(Some(header.position));
        }
        offset += WINDOW as u64;
    }
    Ok(None)
}

/// Reads a file from an offset without moving its cursor, which belongs to the writer.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
