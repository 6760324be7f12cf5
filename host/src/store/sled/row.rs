//! How values lie in sled: the version as eight bytes big-endian, then the value.
//!
//! A value longer than [`CHUNK`] is cut into rows of the chunk table, each of the same version, and its own row holds
//! its length instead; the version's highest bit says so. Chunk rows have the key of their value with the chunk table in
//! place of its own table, followed by that table and the chunk's number.

use super::super::{Error, Key, Table, Version};

/// sled keeps pages of up to sixteen values together, and puts what is larger than a quarter of its segment into files
/// that it never syncs. Values of this size stay far below.
pub(super) const CHUNK: usize = 64 << 10;

const IS_CHUNKED: u64 = 1 << 63;
const VERSION_BYTES: usize = 8;

/// Holds the format and the number of the newest commit. Too short to be anybody's key.
pub(super) const SEQUENCE_KEY: &[u8] = b"\0";

const FORMAT: u32 = 1;

/// What a value's own row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    Whole(Version, &'a [u8]),
    /// The value lies in chunk rows; its length.
    Chunked(Version, usize),
}

impl<'a> Row<'a> {
    pub fn decode(row: &'a [u8]) -> Option<Self> {
        let (version, rest) = split_version(row)?;
        if version & IS_CHUNKED == 0 {
            return Some(Self::Whole(Version(version), rest));
        }
        let length = usize::try_from(u64::from_be_bytes(rest.try_into().ok()?)).ok()?;
        Some(Self::Chunked(Version(version & !IS_CHUNKED), length))
    }

    pub fn version(&self) -> Version {
        match self {
            Self::Whole(version, _) | Self::Chunked(version, _) => *version,
        }
    }

    /// How many chunk rows the value has.
    pub fn chunks(&self) -> u32 {
        match self {
            Self::Whole(..) => 0,
            Self::Chunked(_, length) => chunk_count(*length),
        }
    }
}

/// The row of a value short enough for one, or of a chunk.
pub(super) fn whole(version: Version, bytes: &[u8]) -> Vec<u8> {
    [&version.0.to_be_bytes()[..], bytes].concat()
}

/// The row of a value that lies in chunks.
pub(super) fn chunked(version: Version, length: usize) -> Vec<u8> {
    [(version.0 | IS_CHUNKED).to_be_bytes(), (length as u64).to_be_bytes()].concat()
}

/// The rows of a value's chunks; none if it needs none.
pub(super) fn chunk_count(length: usize) -> u32 {
    match length <= CHUNK {
        true => 0,
        false => u32::try_from(length.div_ceil(CHUNK)).unwrap_or(u32::MAX),
    }
}

/// A chunk's bytes, if it is of `version`.
pub(super) fn chunk_of(version: Version, row: &[u8]) -> Option<&[u8]> {
    split_version(row).filter(|(found, _)| *found == version.0).map(|(_, bytes)| bytes)
}

pub(super) fn chunk_key(key: &Key, number: u32) -> Vec<u8> {
    let (store, rest) = key.as_bytes().split_at_checked(4).unwrap_or((&[], key.as_bytes()));
    [store, &[Table::Chunk as u8], rest, &number.to_be_bytes()].concat()
}

/// The key of the value that a chunk row belongs to.
pub(super) fn chunked_key(chunk_key: &[u8]) -> Option<Vec<u8>> {
    let (store, rest) = chunk_key.split_at_checked(4)?;
    let (_, rest) = rest.split_first()?;
    Some([store, rest.strip_suffix(rest.last_chunk::<4>()?)?].concat())
}

pub(super) fn sequence_row(sequence: u64) -> Vec<u8> {
    [&FORMAT.to_be_bytes()[..], &sequence.to_be_bytes()].concat()
}

pub(super) fn decode_sequence(row: &[u8]) -> Result<u64, Error> {
    let damaged = || Error::Damaged { what: "the store's sequence row".into(), detail: "it has another shape".into() };
    let (format, sequence) = row.split_first_chunk().ok_or_else(damaged)?;
    match u32::from_be_bytes(*format) {
        FORMAT => sequence.try_into().map(u64::from_be_bytes).map_err(|_| damaged()),
        found if found > FORMAT => Err(Error::TooNew { what: "the store", found, known: FORMAT }),
        _ => Err(damaged()),
    }
}

fn split_version(row: &[u8]) -> Option<(u64, &[u8])> {
    let (version, rest) = row.split_first_chunk::<VERSION_BYTES>()?;
    Some((u64::from_be_bytes(*version), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::StoreId;

    #[test]
    fn rows_lie_as_format_1_has_them() {
        assert_eq!(whole(Version(0x0102), b"ab"), b"\0\0\0\0\0\0\x01\x02ab");
        assert_eq!(chunked(Version(1), 0x1_0001), b"\x80\0\0\0\0\0\0\x01\0\0\0\0\0\x01\0\x01");
        assert_eq!(sequence_row(5), b"\0\0\0\x01\0\0\0\0\0\0\0\x05");
        let key = Key::of(StoreId(3), Table::State).rest(b"k");
        assert_eq!(chunked_key(&chunk_key(&key, 2)).as_deref(), Some(key.as_bytes()));
        assert_eq!(chunk_key(&key, 2), b"\0\0\0\x03\x3c\x28k\0\0\0\x02");
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        assert_eq!(Row::decode(&whole(Version(7), b"x")), Some(Row::Whole(Version(7), b"x")));
        let chunked = chunked(Version(7), CHUNK + 1);
        assert_eq!(Row::decode(&chunked), Some(Row::Chunked(Version(7), CHUNK + 1)));
        assert_eq!(Row::decode(&chunked).unwrap().chunks(), 2);
        assert_eq!(decode_sequence(&sequence_row(9)).unwrap(), 9);
        assert_eq!((Row::decode(b"short"), Row::decode(&[0xff; 9])), (None, None));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let error = decode_sequence(b"\0\0\0\x02\0\0\0\0\0\0\0\x05").unwrap_err();
        assert!(matches!(error, Error::TooNew { found: 2, known: 1, .. }));
    }
}
