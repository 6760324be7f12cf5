//! What shoppers read in the panel, in their language. `languages` holds the words.

use regulars_sdk::{
    Date,
    language::{Language, fill},
};

mod languages;

/// One language's texts. `{0}`, `{1}` and `{2}` stand for what is put in.
pub struct Texts {
    language: Language,
    /// One order, several orders, each with its number.
    order: [&'static str; 2],
    pub tier: &'static str,
    /// The last day.
    pub until: &'static str,
    pub safe: &'static str,
    /// What is missing.
    pub to_stay: &'static str,
    /// What is missing, and the next tier.
    pub next: &'static str,
    pub and: &'static str,
    pub or: &'static str,
    pub benefits: &'static str,
    pub free_shipping: &'static str,
    pub reward: &'static str,
    pub code_until: &'static str,
}

impl Texts {
    /// Of a language tag such as `de-AT`; English where there is no such language.
    pub fn of(locale: &str) -> &'static Self {
        match Language::of(locale) {
            Language::English => &languages::ENGLISH,
            Language::German => &languages::GERMAN,
            Language::French => &languages::FRENCH,
            Language::Spanish => &languages::SPANISH,
            Language::Dutch => &languages::DUTCH,
            Language::Japanese => &languages::JAPANESE,
        }
    }

    /// `1 order`, `3 orders`.
    pub fn orders(&self, orders: i64) -> String {
        fill(self.order[usize::from(orders != 1)], &[&orders.to_string()])
    }

    pub fn date(&self, date: Date) -> String {
        self.language.date(date)
    }
}
