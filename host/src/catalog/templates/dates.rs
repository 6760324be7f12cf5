//! Dates as people write them in the languages of the host's own texts.

use jiff::civil::Date;

use super::Locale;

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

/// A date in words, whose day and month stay on one line; in figures (ISO 8601) where the language is not known.
pub fn written(date: Date, locale: &Locale) -> String {
    let (year, day) = (date.year(), date.day());
    let month = |names: [&'static str; 12]| names[date.month() as usize - 1];
    match locale.language() {
        "en" => format!("{day}\u{a0}{} {year}", month(ENGLISH)),
        "de" => format!("{day}.\u{a0}{} {year}", month(GERMAN)),
        "fr" if day == 1 => format!("1er\u{a0}{} {year}", month(FRENCH)),
        "fr" => format!("{day}\u{a0}{} {year}", month(FRENCH)),
        "es" => format!("{day}\u{a0}de {} de {year}", month(SPANISH)),
        "nl" => format!("{day}\u{a0}{} {year}", month(DUTCH)),
        "ja" => format!("{year}年{}月{day}日", date.month()),
        _ => date.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_its_language_writes_it() {
        let date = |locale| written("2026-03-01".parse().unwrap(), &Locale::parse(locale).unwrap());
        for (locale, text) in [
            ("en-gb", "1\u{a0}March 2026"),
            ("de", "1.\u{a0}März 2026"),
            ("fr", "1er\u{a0}mars 2026"),
            ("es-mx", "1\u{a0}de marzo de 2026"),
            ("nl", "1\u{a0}maart 2026"),
            ("ja", "2026年3月1日"),
            ("pl", "2026-03-01"),
        ] {
            assert_eq!(date(locale), text);
        }
    }
}
