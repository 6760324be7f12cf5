//! Secrets at rest: sealed with a key that the store does not hold, each for the one place that it stands in.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha). The nonce is a keyed hash of place and content: it takes no randomness,
//! and no nonce serves two contents. One content sealed twice for one place gives the same bytes, which tells no more than
//! that it has not changed.

use std::{fmt, sync::Arc};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};

use crate::domain::Mac;

const NONCE_BYTES: usize = 24;

/// Bytes by which a seal names its key.
const NAME_BYTES: usize = 8;

/// One key of an installation.
#[derive(Clone)]
pub struct SealKey {
    name: [u8; NAME_BYTES],
    sealing: [u8; 32],
    nonces: [u8; 32],
}

impl SealKey {
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut name = [0; NAME_BYTES];
        name.copy_from_slice(&Mac::of_list(secret, &[b"name"]).bytes()[..NAME_BYTES]);
        Self {
            name,
            sealing: Mac::of_list(secret, &[b"seal"]).bytes(),
            nonces: Mac::of_list(secret, &[b"nonce"]).bytes(),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.sealing.into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey([REDACTED])")
    }
}

/// What has been sealed: its key's name, the nonce, and what the cipher made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("bytes", &self.0.len()).finish()
    }
}

/// Why a seal does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("it was sealed with a key that is not at hand: name that key's file in `secrets.previous_key_files`")]
    UnknownKey,
    #[error("it has been changed, or belongs to another place")]
    Broken,
}

/// Seals and opens.
#[derive(Clone, Debug)]
pub struct Vault {
    current: SealKey,
    /// Keys of before a rotation, which only open.
    previous: Arc<[SealKey]>,
}

impl Vault {
    pub fn new(current: SealKey, previous: Vec<SealKey>) -> Self {
        Self { current, previous: previous.into() }
    }

    /// Seals a content for a place, such as a record's key: it opens for no other.
    pub fn seal(&self, place: &[u8], content: &[u8]) -> Sealed {
        let key = &self.current;
        let made = Mac::of_list(&key.nonces, &[place, content]).bytes();
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|index| made[index]);
        let payload = Payload { msg: content, aad: place };
        let sealed =
            key.cipher().encrypt(&XNonce::from(nonce), payload).expect("a content of memory's size is not too long");
        Sealed([&key.name[..], &nonce, &sealed].concat())
    }

    pub fn open(&self, place: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let (name, rest) = sealed.0.split_at_checked(NAME_BYTES).ok_or(SealError::Broken)?;
        let (nonce, content) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Broken)?;
        let mut keys = std::iter::once(&self.current).chain(self.previous.iter());
        let key = keys.find(|key| key.name == name).ok_or(SealError::UnknownKey)?;
        let payload = Payload { msg: content, aad: place };
        key.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Broken)
    }

    /// Whether today's key sealed it, and not one of before a rotation.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        sealed.0.starts_with(&self.current.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::new(&[byte; 32])
    }

    fn vault() -> Vault {
        Vault::new(key(1), Vec::new())
    }

    #[test]
    fn what_is_sealed_opens_for_its_place_and_no_other() {
        let sealed = vault().seal(b"store 1", b"hush");
        assert_eq!(vault().open(b"store 1", &sealed).as_deref(), Ok(&b"hush"[..]));
        assert_eq!(vault().open(b"store 2", &sealed), Err(SealError::Broken));
        assert!(!sealed.0.windows(4).any(|bytes| bytes == b"hush"));
    }

    #[test]
    fn what_an_earlier_key_sealed_opens_while_that_key_is_at_hand() {
        let sealed = vault().seal(b"store 1", b"hush");
        let rotated = Vault::new(key(2), vec![key(1)]);
        assert_eq!(rotated.open(b"store 1", &sealed).as_deref(), Ok(&b"hush"[..]));
        assert_eq!((vault().is_current(&sealed), rotated.is_current(&sealed)), (true, false));
        assert_eq!(Vault::new(key(2), Vec::new()).open(b"store 1", &sealed), Err(SealError::UnknownKey));
        assert!(rotated.is_current(&rotated.seal(b"store 1", b"hush")));
    }

    #[test]
    fn no_key_can_be_printed() {
        assert!(!format!("{:?}", vault()).contains('1'));
    }

    proptest! {
        #[test]
        fn no_changed_byte_goes_unnoticed(content in prop::collection::vec(any::<u8>(), 0..100), at: prop::sample::Index, flip in 1u8..) {
            let mut sealed = vault().seal(b"store 1", &content);
            prop_assert_eq!(vault().open(b"store 1", &sealed), Ok(content));
            let at = at.index(sealed.0.len());
            sealed.0[at] ^= flip;
            prop_assert!(vault().open(b"store 1", &sealed).is_err());
        }

        #[test]
        fn what_was_never_sealed_does_not_open(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(vault().open(b"store 1", &Sealed(bytes)).is_err());
        }
    }
}
