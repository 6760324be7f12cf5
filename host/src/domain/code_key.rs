//! The key behind codes: money hangs on them, so that they must not follow from what outsiders know.

use std::fmt;

use data_encoding::BASE32_NOPAD;

use super::{EffectId, Mac};

/// Makes the unguessable part of codes. A code follows from the effect that makes it and from this key, so that a repeat
/// of a delivery finds the same code, and nobody without the key does.
#[derive(Clone)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// The key for codes under an installation's secret, which has other uses as well.
    pub fn under(secret: &[u8; 32]) -> Self {
        Self(Mac::of(secret, &[b"codes"]).bytes())
    }

    /// What the code has that `effect` makes: `chars` of A-Z and 2-7, at most 51, of 5 bits each.
    pub fn code(&self, effect: &EffectId, chars: usize) -> String {
        self.letters(&[effect.as_str().as_bytes()], chars)
    }

    /// The same of the one with that number out of many codes that `effect` makes.
    pub fn numbered_code(&self, effect: &EffectId, number: u32, chars: usize) -> String {
        self.letters(&[effect.as_str().as_bytes(), &number.to_be_bytes()], chars)
    }

    fn letters(&self, of: &[&[u8]], chars: usize) -> String {
        let mut code = BASE32_NOPAD.encode(&Mac::of(&self.0, of).bytes());
        code.truncate(chars);
        code
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_for_one_effect_and_key_and_another_for_any_other() {
        let (key, other) = (CodeKey::under(&[1; 32]), CodeKey::under(&[2; 32]));
        let (first, second) = ("q3zkm5a2w7".into(), "q3zkm5a2w8".into());
        let code = key.code(&first, 16);
        assert_eq!((code.len(), &code), (16, &key.code(&first, 16)));
        assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)), "{code}");
        assert_ne!(code, key.code(&second, 16));
        assert_ne!(code, other.code(&first, 16));
        assert_eq!(key.code(&first, 10), code[..10]);
    }

    #[test]
    fn each_of_many_codes_is_another() {
        let (key, effect) = (CodeKey::under(&[1; 32]), "q3zkm5a2w7".into());
        let codes: std::collections::BTreeSet<_> =
            (0..250).map(|number| key.numbered_code(&effect, number, 10)).collect();
        assert_eq!((codes.len(), codes.contains(&key.code(&effect, 10))), (250, false));
    }

    #[test]
    fn a_key_for_codes_cannot_be_printed() {
        assert_eq!(format!("{:?}", CodeKey::under(&[1; 32])), "CodeKey([REDACTED])");
    }
}
