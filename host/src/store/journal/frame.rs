//! One record in a segment: a header of 32 bytes, then the payload.
//!
//! | bytes | content (integers little-endian) |
//! |---|---|
//! | 0..4 | length of the payload |
//! | 4..8 | CRC-32 of the payload |
//! | 8..16 | position |
//! | 16..24 | time of the append, milliseconds since the epoch |
//! | 24..28 | ordinal: how many frames of the same write stand before this one |
//! | 28..32 | CRC-32 of the 28 bytes before, begun with the segment's salt |
//!
//! The header has a checksum of its own, so that its length can be trusted where the payload cannot. The salt differs
//! from segment to segment and is known to nobody outside, so that neither a sender's body nor a block left over from a
//! deleted file passes for a frame. `position - ordinal` is the first position of the write that the frame was part of:
//! everything before it was durable when the frame was written, which tells a torn tail from damage.

use bytes::Bytes;

use crate::domain::Timestamp;

pub(super) const HEADER: usize = 32;

/// The largest payload. A length beyond it can only be damage.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub length: u32,
    pub payload_crc: u32,
    pub position: u64,
    pub appended_at: Timestamp,
    pub ordinal: u32,
}

impl Header {
    pub fn encode(&self, salt: u32) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.appended_at.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.ordinal.to_le_bytes());
        let crc = salted_crc(salt, &bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the header at the beginning of `bytes`; `None` where none stands, or not all of it.
    pub fn decode(bytes: &[u8], salt: u32) -> Option<Self> {
        let bytes = bytes.first_chunk::<HEADER>()?;
        let header = Self {
            length: u32_at(bytes, 0)?,
            payload_crc: u32_at(bytes, 4)?,
            position: u64_at(bytes, 8)?,
            appended_at: Timestamp(u64_at(bytes, 16)?),
            ordinal: u32_at(bytes, 24)?,
        };
        (u32_at(bytes, 28)? == salted_crc(salt, &bytes[..28]) && header.length as usize <= MAX_PAYLOAD)
            .then_some(header)
    }

    /// The bytes that the frame takes, header and payload.
    pub fn frame_bytes(&self) -> usize {
        HEADER + self.length as usize
    }

    /// The first position of the write that this frame was part of.
    pub fn first_of_write(&self) -> u64 {
        self.position.saturating_sub(u64::from(self.ordinal))
    }
}

/// What stands at the beginning of some bytes of a segment.
#[derive(Debug)]
pub(super) enum Parsed {
    Frame {
        header: Header,
        payload: Bytes,
    },
    /// The bytes end before the frame, which takes this many, does.
    Partial(usize),
    Bad,
}

/// Reads the frame of `position` that begins at `at`.
pub(super) fn parse(bytes: &Bytes, at: usize, position: u64, salt: u32) -> Parsed {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.len() < HEADER {
        return Parsed::Partial(HEADER);
    }
    match Header::decode(rest, salt) {
        Some(header) if header.position == position => match rest.get(HEADER..header.frame_bytes()) {
            None => Parsed::Partial(header.frame_bytes()),
            Some(payload) if crc32fast::hash(payload) == header.payload_crc => {
                Parsed::Frame { header, payload: bytes.slice(at + HEADER..at + header.frame_bytes()) }
            }
            Some(_) => Parsed::Bad,
        },
        _ => Parsed::Bad,
    }
}

pub(super) fn salted_crc(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u32 = 0x5eed;

    fn frame(position: u64, ordinal: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            length: payload.len() as u32,
            payload_crc: crc32fast::hash(payload),
            position,
            appended_at: Timestamp(1_700_000_000_000),
            ordinal,
        };
        [&header.encode(SALT)[..], payload].concat()
    }

    #[test]
    fn a_frame_comes_back_as_it_went_in() {
        let bytes = Bytes::from([frame(7, 0, b"one"), frame(8, 1, b"")].concat());
        let Parsed::Frame { header, payload } = parse(&bytes, 0, 7, SALT) else { panic!("no frame") };
        assert_eq!((&payload[..], header.first_of_write(), header.frame_bytes()), (&b"one"[..], 7, 35));
        let Parsed::Frame { header, payload } = parse(&bytes, 35, 8, SALT) else { panic!("no frame") };
        assert_eq!((payload.len(), header.first_of_write()), (0, 7));
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let good = frame(7, 0, b"payload");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(parse(&bad.into(), 0, 7, SALT), Parsed::Bad), "bit {bit}");
        }
    }

    #[test]
    fn another_position_or_salt_is_no_frame() {
        let bytes = Bytes::from(frame(7, 0, b"payload"));
        assert!(matches!(parse(&bytes, 0, 8, SALT), Parsed::Bad));
        assert!(matches!(parse(&bytes, 0, 7, SALT + 1), Parsed::Bad));
    }

    #[test]
    fn a_frame_cut_short_says_how_long_it_is() {
        let whole = Bytes::from(frame(7, 0, b"payload"));
        for length in 0..whole.len() {
            let expected = if length < HEADER { HEADER } else { whole.len() };
            assert!(matches!(parse(&whole.slice(..length), 0, 7, SALT), Parsed::Partial(n) if n == expected));
        }
    }
}
