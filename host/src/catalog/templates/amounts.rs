//! Amounts as people write them in the languages of the host's own texts.

use super::Locale;
use crate::domain::{Currency, Money};

/// What keeps a number and its unit on one line.
const JOINED: char = '\u{a0}';

/// An amount without decimals that say nothing; as plugins write it where the language is not known.
pub fn written(amount: Money, locale: &Locale) -> String {
    let language = locale.language();
    let (group, mark) = match language {
        "en" | "ja" => (',', '.'),
        "de" | "es" | "nl" => ('.', ','),
        "fr" => ('\u{202f}', ','),
        _ => return amount.to_string(),
    };
    let number = number(amount, group, mark);
    match (language, symbol(amount.currency)) {
        ("ja", Some("¥")) => format!("{number}円"),
        ("en" | "ja", Some(symbol)) => format!("{symbol}{number}"),
        ("nl", Some(symbol)) => format!("{symbol}{JOINED}{number}"),
        (_, Some(symbol)) => format!("{number}{JOINED}{symbol}"),
        (_, None) => format!("{number}{JOINED}{}", amount.currency),
    }
}

fn symbol(currency: Currency) -> Option<&'static str> {
    match currency.code() {
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        "USD" => Some("$"),
        "JPY" => Some("¥"),
        _ => None,
    }
}

/// The digits in groups of three.
fn number(amount: Money, group: char, mark: char) -> String {
    let decimal = amount.decimal();
    let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
    let digits = whole.trim_start_matches('-').len();
    let mut number = String::with_capacity(decimal.len() + digits);
    for (index, letter) in whole.char_indices() {
        let left = whole.len() - index;
        if left < digits && left % 3 == 0 {
            number.push(group);
        }
        number.push(letter);
    }
    if fraction.bytes().any(|digit| digit != b'0') {
        number.push(mark);
        number.push_str(fraction);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_its_language_writes_it() {
        let written = |locale, amount, code: &str| {
            let currency = code.parse().unwrap();
            written(Money::parse(amount, currency).unwrap(), &Locale::parse(locale).unwrap())
        };
        for (locale, amount, code, text) in [
            ("en-gb", "10.00", "GBP", "£10"),
            ("en", "1234.50", "EUR", "€1,234.50"),
            ("de", "1234567.89", "EUR", "1.234.567,89\u{a0}€"),
            ("de", "-120", "EUR", "-120\u{a0}€"),
            ("fr", "1000", "EUR", "1\u{202f}000\u{a0}€"),
            ("es", "5.05", "USD", "5,05\u{a0}$"),
            ("nl", "48.20", "EUR", "€\u{a0}48,20"),
            ("ja", "12000", "JPY", "12,000円"),
            ("ja", "12.50", "EUR", "€12.50"),
            ("fr", "1.234", "KWD", "1,234\u{a0}KWD"),
            ("pl", "40", "EUR", "40.00 EUR"),
        ] {
            assert_eq!(written(locale, amount, code), text);
        }
    }
}
