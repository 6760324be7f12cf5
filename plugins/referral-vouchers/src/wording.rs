//! Amounts, shares and days as people of a language write them.

use regulars_sdk::{Benefit, Date, Money};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Dutch,
    Japanese,
}

impl Language {
    /// The language of an IETF tag, whatever its region; English where there is none of ours.
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

    /// What a benefit takes off: `10%`, `5 €`.
    pub fn benefit(self, benefit: Benefit) -> String {
        match benefit {
            Benefit::Amount(amount) => self.money(amount),
            Benefit::BasisPoints(share) => {
                let gap = match self {
                    Self::English | Self::Dutch | Self::Japanese => "",
                    Self::German | Self::French | Self::Spanish => "\u{a0}",
                };
                [(share / 100).to_string().as_str(), gap, "%"].concat()
            }
            _ => String::new(),
        }
    }

    pub fn date(self, date: Date) -> String {
        let month = |names: [&'static str; 12]| names[usize::from(date.month.clamp(1, 12)) - 1];
        let (day, year) = (date.day.to_string(), date.year.to_string());
        match self {
            Self::English => [&day, " ", month(ENGLISH), " ", &year].concat(),
            Self::German => [&day, ". ", month(GERMAN), " ", &year].concat(),
            Self::French if date.day == 1 => ["1er ", month(FRENCH), " ", &year].concat(),
            Self::French => [&day, " ", month(FRENCH), " ", &year].concat(),
            Self::Spanish => [&day, " de ", month(SPANISH), " de ", &year].concat(),
            Self::Dutch => [&day, " ", month(DUTCH), " ", &year].concat(),
            Self::Japanese => [&year, "年", &date.month.to_string(), "月", &day, "日"].concat(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn days_are_written_as_the_language_does() {
        let date = |tag, day| Language::of(tag).date(Date { year: 2026, month: 3, day });
        assert_eq!(date("en", 12), "12 March 2026");
        assert_eq!(date("de", 12), "12. März 2026");
        assert_eq!(date("fr-CA", 1), "1er mars 2026");
        assert_eq!(date("es", 12), "12 de marzo de 2026");
        assert_eq!(date("nl", 12), "12 maart 2026");
        assert_eq!(date("ja-JP", 12), "2026年3月12日");
    }
}
