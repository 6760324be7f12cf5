//! What the friend gets, as people of a language write it.

use regulars_sdk::{Benefit, language::Language};

/// What a benefit takes off: `10%`, `5 €`.
pub fn benefit(language: Language, benefit: Benefit) -> String {
    match benefit {
        Benefit::Amount(amount) => language.money(amount),
        Benefit::BasisPoints(share) => {
            let gap = match language {
                Language::English | Language::Dutch | Language::Japanese => "",
                Language::German | Language::French | Language::Spanish => "\u{a0}",
            };
            [(share / 100).to_string().as_str(), gap, "%"].concat()
        }
        _ => String::new(),
    }
}
