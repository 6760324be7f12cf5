//! The signature of a webhook: base64 of HMAC-SHA256 over the raw body, keyed with the app's client secret.

use data_encoding::BASE64;

use crate::platform::{Refusal, Secret, hmac};

/// Accepts a body that one of `secrets` signed. Rotated secrets stay valid until they are revoked, hence a list.
///
/// An empty body is never signed by Shopify, and an empty secret signs for everyone: both are refused.
pub fn verify(secrets: &[Secret], body: &[u8], signature: &str) -> Result<(), Refusal> {
    if body.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    let claimed = BASE64.decode(signature.trim().as_bytes()).map_err(|_| Refusal::BadSignature)?;
    match is_signed(secrets, body, &claimed) {
        true => Ok(()),
        false => Err(Refusal::BadSignature),
    }
}

/// Whether one of `secrets` signed a message.
pub(super) fn is_signed(secrets: &[Secret], message: &[u8], claimed: &[u8]) -> bool {
    hmac::is_signed(secrets, &[message], claimed)
}

/// The signature that Shopify would send for `body`.
pub fn sign(secret: &Secret, body: &[u8]) -> String {
    BASE64.encode(&hmac::code(secret, &[body]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|&text| Secret::new(text)).collect()
    }

    /// RFC 4231, test case 2.
    #[test]
    fn a_published_digest_comes_out() {
        let digest = data_encoding::HEXLOWER
            .decode(b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
            .unwrap();
        assert_eq!(sign(&Secret::new("Jefe"), b"what do ya want for nothing?"), BASE64.encode(&digest));
    }

    #[test]
    fn any_of_the_secrets_will_do() {
        let body = br#"{"id":1}"#;
        let signature = sign(&Secret::new("old"), body);
        assert_eq!(verify(&secrets(&["new", "old"]), body, &signature), Ok(()));
        assert_eq!(verify(&secrets(&["new"]), body, &signature), Err(Refusal::BadSignature));
        assert_eq!(verify(&[], body, &signature), Err(Refusal::BadSignature));
    }

    #[test]
    fn whitespace_round_a_signature_does_not_matter() {
        let signature = format!(" {}\n", sign(&Secret::new("key"), b"{}"));
        assert_eq!(verify(&secrets(&["key"]), b"{}", &signature), Ok(()));
    }

    #[test]
    fn an_empty_body_is_refused_even_if_signed() {
        let signature = sign(&Secret::new("key"), b"");
        assert_eq!(verify(&secrets(&["key"]), b"", &signature), Err(Refusal::EmptyBody));
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        let signature = sign(&Secret::new(""), b"{}");
        assert_eq!(verify(&secrets(&[""]), b"{}", &signature), Err(Refusal::BadSignature));
    }

    #[test]
    fn a_text_that_is_no_signature_is_refused() {
        for text in ["", "fake", "not base64!", "AAAA", "\u{e4}"] {
            assert_eq!(verify(&secrets(&["key"]), b"{}", text), Err(Refusal::BadSignature), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_body_is_refused(body in prop::collection::vec(any::<u8>(), 1..200), at: prop::sample::Index, flip in 1u8..) {
            let signature = sign(&Secret::new("key"), &body);
            let mut changed = body.clone();
            changed[at.index(body.len())] ^= flip;
            prop_assert_eq!(verify(&secrets(&["key"]), &body, &signature), Ok(()));
            prop_assert_eq!(verify(&secrets(&["key"]), &changed, &signature), Err(Refusal::BadSignature));
        }
    }
}
