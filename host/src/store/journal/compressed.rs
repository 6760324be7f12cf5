//! A compressed segment file: the frames of a plain one, in blocks that are decompressed one at a time.
//!
//! Header (magic, version, salt, first position, CRC-32), blocks, table of blocks, trailer. A block holds whole frames,
//! 256 KiB of them or one larger, as one zstd frame. The file is written under a temporary name and takes its own only
//! when it is durable, so what carries the name is complete.

use std::{
    fs::{self, File},
    io::{self, IoSlice},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    super::{Durability, Error},
    frame::{u32_at, u64_at},
};
use crate::domain::Timestamp;

const MAGIC: [u8; 8] = *b"rglr-zst";
const END_MAGIC: [u8; 8] = *b"rglr-end";
const VERSION: u32 = 1;
const FILE_HEADER: usize = 32;

/// A single read decompresses this much.
const BLOCK: usize = 256 << 10;

/// Webhook bodies shrink about eightfold at this level, at some 300 MB/s.
const LEVEL: i32 = 3;

/// First position, offset, length in the file, length of the frames, CRC-32 of the bytes in the file, four spare bytes.
const TABLE_ENTRY: usize = 32;

/// Offset of the table, its entries and CRC-32, number of frames, newest append, CRC-32 of these, magic.
const TRAILER: usize = 8 + 4 + 4 + 8 + 8 + 4 + 8;

/// Where a segment is compressed to until it is whole.
pub(super) fn temporary_path(dir: &Path, first: u64) -> PathBuf {
    path(dir, first).with_extension("zst.tmp")
}

pub(super) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.zst"))
}

/// Writes a compressed segment. Nothing is there under its name until [`Builder::finish`].
pub(super) struct Builder {
    file: File,
    temporary: PathBuf,
    dir: PathBuf,
    first: u64,
    durability: Durability,
    compressor: zstd::bulk::Compressor<'static>,
    offset: u64,
    pending: Vec<u8>,
    pending_first: u64,
    table: Vec<u8>,
    count: u64,
    newest: Timestamp,
}

impl Builder {
    pub fn new(dir: &Path, first: u64, salt: u32, durability: &Durability) -> io::Result<Self> {
        let temporary = temporary_path(dir, first);
        let file = File::create(&temporary)?;
        let mut header = Vec::with_capacity(FILE_HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&salt.to_le_bytes());
        header.extend_from_slice(&first.to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        header.resize(FILE_HEADER, 0);
        durability.write_all(&file, &mut [IoSlice::new(&header)])?;
        Ok(Self {
            file,
            temporary,
            dir: dir.to_owned(),
            first,
            durability: durability.clone(),
            compressor: zstd::bulk::Compressor::new(LEVEL)?,
            offset: FILE_HEADER as u64,
            pending: Vec::with_capacity(BLOCK),
            pending_first: first,
            table: Vec::new(),
            count: 0,
            newest: Timestamp::default(),
        })
    }

    /// Adds the next frame, as its bytes stand in the plain segment.
    pub fn push(&mut self, header: &[u8], payload: &[u8], appended_at: Timestamp) -> io::Result<()> {
        if !self.pending.is_empty() && self.pending.len() + header.len() + payload.len() > BLOCK {
            self.end_block()?;
        }
        self.pending.extend_from_slice(header);
        self.pending.extend_from_slice(payload);
        self.count += 1;
        self.newest = self.newest.max(appended_at);
        Ok(())
    }

    fn end_block(&mut self) -> io::Result<()> {
        let compressed = self.compressor.compress(&self.pending)?;
        self.durability.write_all(&self.file, &mut [IoSlice::new(&compressed)])?;
        self.table.extend_from_slice(&self.pending_first.to_le_bytes());
        self.table.extend_from_slice(&self.offset.to_le_bytes());
        self.table.extend_from_slice(&length_u32(compressed.len())?.to_le_bytes());
        self.table.extend_from_slice(&length_u32(self.pending.len())?.to_le_bytes());
        self.table.extend_from_slice(&crc32fast::hash(&compressed).to_le_bytes());
        self.table.extend_from_slice(&[0; 4]);
        self.offset += compressed.len() as u64;
        self.pending.clear();
        self.pending_first = self.first + self.count;
        Ok(())
    }

    /// Makes the segment durable under its name. Answers the length of the file.
    pub fn finish(mut self) -> io::Result<u64> {
        if !self.pending.is_empty() {
            self.end_block()?;
        }
        let mut trailer = Vec::with_capacity(TRAILER);
        trailer.extend_from_slice(&self.offset.to_le_bytes());
        trailer.extend_from_slice(&length_u32(self.table.len() / TABLE_ENTRY)?.to_le_bytes());
        trailer.extend_from_slice(&crc32fast::hash(&self.table).to_le_bytes());
        trailer.extend_from_slice(&self.count.to_le_bytes());
        trailer.extend_from_slice(&self.newest.0.to_le_bytes());
        trailer.extend_from_slice(&crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend_from_slice(&END_MAGIC);
        self.durability.write_all(&self.file, &mut [IoSlice::new(&self.table), IoSlice::new(&trailer)])?;
        self.durability.sync_data(&self.file)?;
        fs::rename(&self.temporary, path(&self.dir, self.first))?;
        self.durability.sync_dir(&self.dir)?;
        Ok(self.offset + (self.table.len() + TRAILER) as u64)
    }
}

fn length_u32(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}

/// What a compressed segment says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Summary {
    pub count: u64,
    pub newest: Timestamp,
    pub length: u64,
    table_offset: u64,
    table_entries: u32,
    table_crc: u32,
}

/// One block of a compressed segment.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: u64,
    offset: u64,
    compressed: u32,
    raw: u32,
    crc: u32,
}

/// An open compressed segment.
#[derive(Debug)]
pub(super) struct Reader {
    file: File,
    path: PathBuf,
    pub salt: u32,
    blocks: Vec<Block>,
}

/// Reads the header and the trailer: the salt and the summary.
pub(super) fn summary(file: &File, path: &Path, first: u64) -> Result<(u32, Summary), Error> {
    let damaged = |detail: &str| Error::Damaged { what: path.display().to_string(), detail: detail.into() };
    let read = || Error::io(format!("read {}", path.display()));
    let length = file.metadata().map_err(read())?.len();
    let Some(trailer_offset) = length.checked_sub(TRAILER as u64).filter(|&offset| offset >= FILE_HEADER as u64) else {
        return Err(damaged("it is cut short"));
    };
    let mut header = [0; FILE_HEADER];
    file.read_exact_at(&mut header, 0).map_err(read())?;
    if header[..8] != MAGIC || u32_at(&header, 24) != Some(crc32fast::hash(&header[..24])) {
        return Err(damaged("it does not begin with a compressed segment's header"));
    }
    let salt = match (u32_at(&header, 8), u32_at(&header, 12), u64_at(&header, 16)) {
        (Some(found), _, _) if found > VERSION => {
            return Err(Error::TooNew { what: "compressed journal segment", found, known: VERSION });
        }
        (Some(VERSION), Some(salt), Some(position)) if position == first => salt,
        _ => return Err(damaged("its header is another segment's")),
    };
    let mut trailer = [0; TRAILER];
    file.read_exact_at(&mut trailer, trailer_offset).map_err(read())?;
    if trailer[36..] != END_MAGIC || u32_at(&trailer, 32) != Some(crc32fast::hash(&trailer[..32])) {
        return Err(damaged("its trailer is bad"));
    }
    let summary = (|| {
        Some(Summary {
            table_offset: u64_at(&trailer, 0)?,
            table_entries: u32_at(&trailer, 8)?,
            table_crc: u32_at(&trailer, 12)?,
            count: u64_at(&trailer, 16)?,
            newest: Timestamp(u64_at(&trailer, 24)?),
            length,
        })
    })();
    summary.map(|summary| (salt, summary)).ok_or_else(|| damaged("its trailer is bad"))
}

impl Reader {
    pub fn open(dir: &Path, first: u64) -> Result<Self, Error> {
        let path = path(dir, first);
        let file = File::open(&path).map_err(Error::io(format!("open {}", path.display())))?;
        let (salt, summary) = summary(&file, &path, first)?;
        let damaged =
            || Error::Damaged { what: path.display().to_string(), detail: "its table of blocks is bad".into() };
        let length = summary.table_entries as usize * TABLE_ENTRY;
        if summary.table_offset + (length + TRAILER) as u64 != summary.length {
            return Err(damaged());
        }
        let mut table = vec![0; length];
        file.read_exact_at(&mut table, summary.table_offset).map_err(Error::io(format!("read {}", path.display())))?;
        if crc32fast::hash(&table) != summary.table_crc {
            return Err(damaged());
        }
        let block = |entry: &[u8]| {
            Some(Block {
                first: u64_at(entry, 0)?,
                offset: u64_at(entry, 8)?,
                compressed: u32_at(entry, 16)?,
                raw: u32_at(entry, 20)?,
                crc: u32_at(entry, 24)?,
            })
        };
        let blocks = table.chunks_exact(TABLE_ENTRY).map(block).collect::<Option<_>>().ok_or_else(damaged)?;
        Ok(Self { file, path, salt, blocks })
    }

    /// The frames of the block that holds `position`, and the position of the first of them.
    pub fn block_with(&self, position: u64) -> Result<Option<(u64, Bytes)>, Error> {
        let after = self.blocks.partition_point(|block| block.first <= position);
        let Some(block) = after.checked_sub(1).and_then(|index| self.blocks.get(index)) else { return Ok(None) };
        let mut compressed = vec![0; block.compressed as usize];
        self.file
            .read_exact_at(&mut compressed, block.offset)
            .map_err(Error::io(format!("read {}", self.path.display())))?;
        let damaged = |detail: String| Error::Damaged { what: self.path.display().to_string(), detail };
        if crc32fast::hash(&compressed) != block.crc {
            return Err(damaged(format!("the block of position {} is bad", block.first)));
        }
        let raw =
            zstd::bulk::decompress(&compressed, block.raw as usize).map_err(|error| damaged(error.to_string()))?;
        Ok(Some((block.first, raw.into())))
    }
}
