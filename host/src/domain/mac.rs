//! HMAC-SHA256 (RFC 2104): what a secret makes of a message, and nobody makes without it.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

/// The code of a message, to be written down or compared.
#[derive(Clone)]
pub struct Mac(Hmac<Sha256>);

impl Mac {
    /// Of a message that is given in parts, which run together.
    pub fn of(key: &[u8], message: &[&[u8]]) -> Self {
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        message.iter().for_each(|part| mac.update(part));
        Self(mac)
    }

    /// Of a list: each part is led by its length, so that no two different lists run together.
    pub fn of_list(key: &[u8], parts: &[&[u8]]) -> Self {
        let mut mac = Self::of(key, &[]);
        for part in parts {
            mac.0.update(&(part.len() as u64).to_be_bytes());
            mac.0.update(part);
        }
        mac
    }

    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }

    /// Whether this is the code that somebody claims, in constant time.
    pub fn is(self, claimed: &[u8]) -> bool {
        self.0.verify_slice(claimed).is_ok()
    }

    /// Whether it begins with what somebody claims, in constant time. Nothing is no beginning.
    pub fn begins_with(self, claimed: &[u8]) -> bool {
        self.0.verify_truncated_left(claimed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn a_published_code_comes_out_however_the_message_is_divided() {
        let published = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for message in [&[&b"what do ya want for nothing?"[..]][..], &[b"what do ya want ", b"for nothing?"]] {
            assert_eq!(data_encoding::HEXLOWER.encode(&Mac::of(b"Jefe", message).bytes()), published);
        }
    }

    #[test]
    fn lists_that_are_divided_otherwise_have_other_codes() {
        let of = |parts: &[&[u8]]| Mac::of_list(b"key", parts).bytes();
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"abc"]), of(&[b"abc", b""]));
    }

    #[test]
    fn a_claim_is_compared_whole_or_by_its_beginning() {
        let code = Mac::of(b"key", &[b"message"]);
        let bytes = code.clone().bytes();
        assert!(code.clone().is(&bytes) && code.clone().begins_with(&bytes[..16]));
        assert!(!code.clone().is(&bytes[..16]) && !code.clone().is(&[]) && !code.begins_with(&[]));
    }
}
