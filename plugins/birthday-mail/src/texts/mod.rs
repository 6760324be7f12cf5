//! What customers read in the panel, in their language. `languages` holds the words.

use regulars_sdk::Date;

use crate::calendar::Day;

mod languages;

/// One language's words. `{day}`, `{month}` and `{year}` stand for what is put in.
pub struct Texts {
    months: [&'static str; 12],
    /// The first of a month.
    first: &'static str,
    /// Day and month.
    day: &'static str,
    /// Day, month and year.
    date: &'static str,
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
    fn month(&self, month: u8) -> &'static str {
        self.months.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default()
    }

    fn fill(&self, text: &str, month: u8, day: u8) -> String {
        let day = if day == 1 { self.first.to_owned() } else { day.to_string() };
        text.replace("{day}", &day).replace("{month}", self.month(month))
    }

    fn date(&self, date: Date) -> String {
        self.fill(self.date, date.month, date.day).replace("{year}", &date.year.to_string())
    }

    pub fn known(&self, day: Day) -> String {
        self.known.replace("{date}", &self.fill(self.day, day.month(), day.day()))
    }

    pub fn locked(&self, until: Date) -> String {
        self.locked.replace("{date}", &self.date(until))
    }

    pub fn until(&self, last: Date) -> String {
        self.until.replace("{date}", &self.date(last))
    }
}

/// By the language of an IETF tag, whatever its region; English where it is none of ours.
pub fn of(locale: &str) -> &'static Texts {
    match locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "de" => &languages::GERMAN,
        "fr" => &languages::FRENCH,
        "es" => &languages::SPANISH,
        "nl" => &languages::DUTCH,
        "ja" => &languages::JAPANESE,
        _ => &languages::ENGLISH,
    }
}
