//! What customers read in the panel, in their language. `languages` holds the words.

use regulars_sdk::{Date, language::Language};

use crate::calendar::Day;

mod languages;

/// One language's words.
pub struct Texts {
    language: Language,
    pub birthday: &'static str,
    /// Why it is asked.
    pub why: &'static str,
    /// With `{date}`.
    known: &'static str,
    /// With `{date}`.
    locked: &'static str,
    pub day_and_month: &'static str,
    pub year: &'static str,
    pub save: &'static str,
    pub gift: &'static str,
    /// With `{date}`.
    until: &'static str,
}

impl Texts {
    pub fn known(&self, day: Day) -> String {
        self.known.replace("{date}", &self.language.day(day.month(), day.day()))
    }

    pub fn locked(&self, until: Date) -> String {
        self.locked.replace("{date}", &self.language.date(until))
    }

    pub fn until(&self, last: Date) -> String {
        self.until.replace("{date}", &self.language.date(last))
    }
}

/// By the language of an IETF tag, whatever its region; English where it is none of ours.
pub fn of(locale: &str) -> &'static Texts {
    match Language::of(locale) {
        Language::English => &languages::ENGLISH,
        Language::German => &languages::GERMAN,
        Language::French => &languages::FRENCH,
        Language::Spanish => &languages::SPANISH,
        Language::Dutch => &languages::DUTCH,
        Language::Japanese => &languages::JAPANESE,
    }
}
