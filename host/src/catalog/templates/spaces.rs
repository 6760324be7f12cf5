//! Spaces at which a line never breaks: texts are written with ordinary ones.

use super::Locale;

const JOINED: char = '\u{a0}';

/// Keeps `10 %` on one line, and French punctuation with its word.
pub fn joined(text: &str, locale: &Locale) -> String {
    let (after, before): (&[char], &[char]) = match locale.language() {
        "fr" => (&['«'], &[':', ';', '!', '?', '»', '%']),
        "de" | "es" => (&[], &['%']),
        _ => return text.to_owned(),
    };
    let mut joined = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let is_joint = joined.ends_with(after) || rest.peek().is_some_and(|it| before.contains(it));
        joined.push(if letter == ' ' && is_joint { JOINED } else { letter });
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_before_no_unit_and_no_french_punctuation() {
        let joined = |locale, text| joined(text, &Locale::parse(locale).unwrap());
        assert_eq!(joined("de", "10 % auf: alles"), "10\u{a0}% auf: alles");
        assert_eq!(joined("fr-ca", "Le « thé » : 5 % ?"), "Le «\u{a0}thé\u{a0}»\u{a0}: 5\u{a0}%\u{a0}?");
        assert_eq!(joined("en", "5 % : tea"), "5 % : tea");
    }
}
