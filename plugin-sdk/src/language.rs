//! Dates, amounts and texts in the languages that panels speak.
//!
//! ```
//! use regulars_sdk::{Date, language::{Language, fill}};
//!
//! let language = Language::of("fr-CA");
//! let until = language.date(Date { year: 2026, month: 3, day: 1 });
//! assert_eq!(fill("Valable jusqu'au {0}", &[&until]), "Valable jusqu'au 1er mars 2026");
//! ```

use crate::{Date, Money};

/// A language that there are words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `en`, and whatever is none of the others.
    English,
    /// `de`
    German,
    /// `fr`
    French,
    /// `es`
    Spanish,
    /// `nl`
    Dutch,
    /// `ja`
    Japanese,
}

impl Language {
    /// The language of an IETF tag, whatever its region; English where it is none of these.
    pub fn of(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "de" => Self::German,
            "fr" => Self::French,
            "es" => Self::Spanish,
            "nl" => Self::Dutch,
            "ja" => Self::Japanese,
            _ => Self::English,
        }
    }

    /// A date in words: `1 March 2026`, `1. März 2026`.
    pub fn date(self, date: Date) -> String {
        let (day, year) = (self.day(date.month, date.day), date.year.to_string());
        match self {
            Self::Japanese => [&year, "年", &day].concat(),
            Self::Spanish => [&day, " de ", &year].concat(),
            _ => [&day, " ", &year].concat(),
        }
    }

    /// A day of every year, the month from 1 to 12: `1 March`, `1er mars`.
    pub fn day(self, month: u8, day: u8) -> String {
        let number = day.to_string();
        let name = self.months()[usize::from(month.clamp(1, 12)) - 1];
        match self {
            Self::German => [&number, ". ", name].concat(),
            Self::French if day == 1 => ["1er ", name].concat(),
            Self::Spanish => [&number, " de ", name].concat(),
            Self::Japanese => [name, &number, "日"].concat(),
            Self::English | Self::French | Self::Dutch => [&number, " ", name].concat(),
        }
    }

    fn months(self) -> [&'static str; 12] {
        match self {
            Self::English => ENGLISH,
            Self::German => GERMAN,
            Self::French => FRENCH,
            Self::Spanish => SPANISH,
            Self::Dutch => DUTCH,
            Self::Japanese => JAPANESE,
        }
    }

    /// An amount, without decimals where they say nothing: `10 €`, `$12.50`, `500円`.
    pub fn money(self, amount: Money) -> String {
        let decimal = amount.decimal();
        let number = match decimal.split_once('.') {
            Some((whole, fraction)) if fraction.bytes().all(|it| it == b'0') => whole.to_owned(),
            Some((whole, fraction)) => [whole, self.decimal_mark(), fraction].concat(),
            None => decimal,
        };
        let symbol = match amount.currency.code() {
            "EUR" => "€",
            "GBP" => "£",
            "USD" => "$",
            "JPY" if self == Self::Japanese => return [number.as_str(), "円"].concat(),
            "JPY" => "¥",
            code => return [number.as_str(), "\u{a0}", code].concat(),
        };
        match self {
            Self::English | Self::Japanese => [symbol, &number].concat(),
            Self::Dutch => [symbol, "\u{a0}", &number].concat(),
            Self::German | Self::French | Self::Spanish => [&number, "\u{a0}", symbol].concat(),
        }
    }

    fn decimal_mark(self) -> &'static str {
        match self {
            Self::English | Self::Japanese => ".",
            Self::German | Self::French | Self::Spanish | Self::Dutch => ",",
        }
    }
}

/// Puts values into a text, the first for `{0}`, and so on; nothing for one that is not there.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut rest = text;
    let mut filled = String::with_capacity(text.len() + 16);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((index, tail)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(index.parse().ok().and_then(|index: usize| values.get(index)).copied().unwrap_or_default());
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
const DUTCH: [&str; 12] = [
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
];
const JAPANESE: [&str; 12] = ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_language_does() {
        let date = |tag, day| Language::of(tag).date(Date { year: 2026, month: 3, day });
        assert_eq!(date("en", 12), "12 March 2026");
        assert_eq!(date("de", 12), "12. März 2026");
        assert_eq!(date("fr-CA", 1), "1er mars 2026");
        assert_eq!(date("fr", 12), "12 mars 2026");
        assert_eq!(date("es", 12), "12 de marzo de 2026");
        assert_eq!(date("nl", 12), "12 maart 2026");
        assert_eq!(date("ja-JP", 12), "2026年3月12日");
        assert_eq!(Language::of("ja").day(12, 31), "12月31日");
    }

    #[test]
    fn amounts_are_written_as_the_language_does() {
        let money = |tag, minor, code: &str| Language::of(tag).money(Money::new(minor, code.parse().unwrap()));
        assert_eq!(money("en-GB", 1000, "GBP"), "£10");
        assert_eq!(money("de_AT", 1250, "EUR"), "12,50\u{a0}€");
        assert_eq!(money("nl", 1000, "EUR"), "€\u{a0}10");
        assert_eq!(money("ja", 500, "JPY"), "500円");
        assert_eq!(money("xx", 1234, "KWD"), "1.234\u{a0}KWD");
    }

    #[test]
    fn values_go_where_the_text_says() {
        assert_eq!(fill("{1} of {0}, {0}", &["a", "b"]), "b of a, a");
        assert_eq!(fill("{2}|{x}|{0", &["a"]), "||{0");
    }
}
