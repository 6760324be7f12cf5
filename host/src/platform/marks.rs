//! What our effects leave at a platform, so that a repeat finds them done.

use crate::domain::EffectId;

/// Characters of an effect's id in a mark: 40 bits, for the effects on one order.
const MARK_CHARS: usize = 8;

/// The title of an effect's discount, and the note of its gift card. Buyers see the code; merchants see this.
pub fn title_of(effect: &EffectId) -> String {
    format!("Regulars {effect}")
}

/// The mark at the end of a text of ours on an order, which people read.
pub fn mark_of(effect: &EffectId) -> String {
    let id = effect.as_str();
    format!("(Regulars {})", id.get(..MARK_CHARS).unwrap_or(id))
}

/// A text on one line, with the effect's mark at its end.
pub fn marked(text: &str, effect: &EffectId) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    format!("{} {}", words.join(" "), mark_of(effect))
}
