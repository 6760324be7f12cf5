//! RSA keys, and signatures with them (PKCS #1 v1.5 with SHA-256), which is what Adobe signs with.

use std::fmt;

use data_encoding::BASE64;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

/// The algorithm of an RSA key in its `SubjectPublicKeyInfo` (RFC 3279, section 2.3.1).
const RSA: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// Somebody's RSA key, as `RSAPublicKey` (RFC 8017, appendix A.1.1).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

/// The text is no RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no RSA key in PEM, as in `-----BEGIN PUBLIC KEY-----`")]
pub struct NotAKey;

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("bytes", &self.0.len()).finish()
    }
}

impl PublicKey {
    /// Reads a key in PEM (RFC 7468).
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let inner = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----").ok_or(NotAKey)?;
        let inner = inner.strip_suffix("-----END PUBLIC KEY-----").ok_or(NotAKey)?;
        let base64: String = inner.split_whitespace().collect();
        let der = BASE64.decode(base64.as_bytes()).map_err(|_| NotAKey)?;
        Self::from_der(&der).ok_or(NotAKey)
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280).
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (content, []) = value(SEQUENCE, der)? else { return None };
        let (bits, []) = value(BIT_STRING, content.strip_prefix(&RSA)?)? else { return None };
        // The first byte counts bits that do not belong to it.
        Some(Self(bits.strip_prefix(&[0])?.to_owned()))
    }

    /// The length of its modulus.
    pub fn bits(&self) -> Option<usize> {
        let (key, []) = value(SEQUENCE, &self.0)? else { return None };
        let (modulus, _) = value(INTEGER, key)?;
        // Numbers have a sign: a zero stands before one whose first bit is set.
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        Some(modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?)
    }

    /// Whether the key's owner signed a message; the signature is in base 64.
    pub fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return false };
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0).verify(message, &signature).is_ok()
    }
}

/// The content of a DER value of this kind, and what follows it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), rest.get(2..)?),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        let pem = |inner: &str| format!("-----BEGIN PUBLIC KEY-----\n{inner}\n-----END PUBLIC KEY-----\n");
        // The second is an elliptic curve's.
        let of_a_curve = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur\
                          q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw==";
        for text in ["", "MIIB", &pem(""), &pem(of_a_curve), &pem("MIIB"), &pem("not base 64")] {
            assert_eq!(PublicKey::from_pem(text), Err(NotAKey), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let whole = [&[SEQUENCE, 0x82, 0, bytes.len() as u8 + 15][..], &RSA, &bytes].concat();
            for der in [&bytes, &whole] {
                if let Some(key) = PublicKey::from_der(der) {
                    prop_assert!(!key.has_signed(b"message", "AAAA"));
                    prop_assert!(key.bits().is_none_or(|bits| bits <= 8 * bytes.len()));
                }
            }
        }
    }
}
