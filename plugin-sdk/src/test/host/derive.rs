//! What follows from an event and from nothing else: ids, codes, names of links, chance. Derived as the host derives them,
//! so that a test sees the very codes and draws that a store of this domain and number would.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::Run;
use crate::{EffectId, test::DOMAIN};

/// The bench's installation has this for its secret.
const INSTALLATION: [u8; 32] = [7; 32];

/// Characters of a code behind its readable beginning.
const CODE_CHARS: usize = 10;

/// Characters of a gift card's code.
const GIFT_CARD_CHARS: usize = 16;

/// Bytes of a link's name.
const LINK_BYTES: usize = 5;

/// Parts are hashed with their lengths, so that no two different lists run together.
fn hash_of(parts: &[&str]) -> Sha256 {
    parts
        .iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part))
}

impl Run {
    /// The id of the `ordinal`-th effect that the plugin queues for an event.
    pub(super) fn effect_id(&self, event: &str, ordinal: u32) -> EffectId {
        let hash = hash_of(&[DOMAIN, event, &self.shop.plugin]).chain_update(ordinal.to_be_bytes()).finalize();
        EffectId(BASE32_NOPAD.encode(&hash[..16]).to_lowercase())
    }

    /// The name of a customer's link.
    pub(super) fn link_name(&self, customer: &str) -> String {
        let hash = hash_of(&[DOMAIN, &self.shop.plugin, customer]).chain_update(0_u32.to_be_bytes()).finalize();
        BASE32_NOPAD.encode(&hash[..LINK_BYTES])
    }

    /// The next number drawn: SHA-256 in counter mode.
    pub(super) fn draw(&mut self) -> u64 {
        let mut seed = Sha256::new().chain_update(self.shop.number.to_be_bytes());
        for part in [&*self.shop.plugin, &*self.event_id] {
            seed.update((part.len() as u64).to_be_bytes());
            seed.update(part);
        }
        let block = Sha256::new().chain_update(seed.finalize()).chain_update(self.draws.to_be_bytes()).finalize();
        self.draws += 1;
        u64::from_be_bytes(std::array::from_fn(|index| block[index]))
    }
}

/// The code that an effect makes.
pub(super) fn code_of(prefix: &str, effect: &EffectId) -> String {
    format!("{prefix}-{}", unguessable(effect.0.as_bytes(), CODE_CHARS))
}

/// The one with that number out of many codes that an effect makes.
pub(super) fn numbered_code_of(prefix: &str, effect: &EffectId, number: u32) -> String {
    let of = [effect.0.as_bytes(), &number.to_be_bytes()].concat();
    format!("{prefix}-{}", unguessable(&of, CODE_CHARS))
}

/// The code of the gift card that an effect makes.
pub(super) fn gift_card_code(effect: &EffectId) -> String {
    unguessable(effect.0.as_bytes(), GIFT_CARD_CHARS)
}

fn unguessable(of: &[u8], chars: usize) -> String {
    let key = mac(&INSTALLATION, b"codes");
    let mut code = BASE32_NOPAD.encode(&mac(&key, of));
    code.truncate(chars);
    code
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
