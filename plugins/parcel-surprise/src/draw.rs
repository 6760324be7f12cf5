//! Chance that follows from the order: the same order draws the same, in whatever event it comes and however often.
//!
//! The seed is drawn once from the host's seeded random and kept, so that each shop has its own luck and nobody can work
//! out which orders will win.

use regulars_sdk::{Context, Result};

const SEED: &str = "seed";

pub fn seed(cx: &mut Context) -> Result<u64> {
    if let Some(seed) = cx.state().get(SEED)? {
        return Ok(seed);
    }
    let seed = cx.random_u64();
    cx.state().set(SEED, &seed)?;
    Ok(seed)
}

/// A number from 0 to below `bound` for one purpose of one order. Bounds are at most millions, of which 2^64 favours the
/// small numbers by less than one in a billion.
pub fn below(bound: u64, seed: u64, order_id: &str, purpose: &str) -> u64 {
    mix(seed, &[order_id, "\0", purpose]).checked_rem(bound).unwrap_or(0)
}

/// FNV-1a over the texts, then the finish of `SplitMix64`, which spreads what differs in one bit over all.
fn mix(seed: u64, texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_whose_ids_follow_each_other_win_as_often_as_the_chance_says() {
        for seed in [0, 1, u64::MAX] {
            let won = (0..20_000u64).filter(|n| below(10_000, seed, &format!("{}", 5_000_000 + n), "luck") < 500);
            assert!((900..1_100).contains(&won.count()), "5 % of 20000 orders");
        }
    }

    #[test]
    fn one_purpose_says_nothing_of_another_and_one_shop_nothing_of_another() {
        let drawn = |seed, order, purpose| below(u64::MAX, seed, order, purpose);
        assert_eq!(drawn(1, "1", "a"), drawn(1, "1", "a"));
        assert_ne!(drawn(1, "1", "a"), drawn(1, "1", "b"));
        assert_ne!(drawn(1, "1", "a"), drawn(2, "1", "a"));
        assert_ne!(drawn(1, "12", "3"), drawn(1, "1", "23"));
        assert_eq!(below(0, 1, "1", "a"), 0);
    }
}
