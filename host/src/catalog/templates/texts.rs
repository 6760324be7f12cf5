//! Texts of mails by language: one TOML file each, a table for each mail, a text for each name in it.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{Error, Locale};

/// The names that every mail has a text for, or may have: its subject line, and what mail programs show beside it.
pub const SUBJECT: &str = "subject";
pub const PREHEADER: &str = "preheader";

/// A text, itself a template, and the line of its file at which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    pub line: usize,
}

/// One mail's texts by name.
pub(super) type Texts = BTreeMap<String, Text>;

/// Reads the file of one language: texts by mail.
pub(super) fn parse(locale: &Locale, source: &str) -> Result<BTreeMap<String, Texts>, Error> {
    type Tables = BTreeMap<String, BTreeMap<Spanned<String>, String>>;
    let file = file_name(locale);
    let tables: Tables = toml::from_str(source).map_err(|error| {
        let line = error.span().map(|span| line_at(source, span.start));
        Error::syntax(&file, line, error.message(), "write a table for each mail, and in it a text for each name")
    })?;
    let texts = |table: BTreeMap<Spanned<String>, String>| {
        let text = |(name, text): (Spanned<String>, String)| {
            let line = line_at(source, name.span().start);
            (name.into_inner(), Text { text, line })
        };
        table.into_iter().map(text).collect()
    };
    Ok(tables.into_iter().map(|(mail, table)| (mail, texts(table))).collect())
}

pub(super) fn file_name(locale: &Locale) -> String {
    format!("templates/{locale}.toml")
}

/// Counted from 1.
pub(super) fn line_at(source: &str, offset: usize) -> usize {
    source.as_bytes()[..offset.min(source.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Every language says of every mail what English says, and no more: what is missing would be found by a customer.
pub(super) fn check(texts: &BTreeMap<Locale, BTreeMap<String, Texts>>, mails: &[&str]) -> Result<(), Error> {
    let english = Locale::english();
    let Some(complete) = texts.get(&english) else {
        let problem = "there are texts in other languages, and none in English";
        return Err(Error::syntax(
            &file_name(&english),
            None,
            problem,
            "write this file: it is what others fall back to",
        ));
    };
    for (locale, tables) in texts {
        let file = file_name(locale);
        for mail in mails {
            let Some(table) = tables.get(*mail) else {
                let remedy = format!("add [{mail}] with its `{SUBJECT}`");
                return Err(Error::syntax(&file, None, format!("it has no texts for the mail `{mail}`"), remedy));
            };
            if table.get(SUBJECT).is_none_or(|subject| subject.text.trim().is_empty()) {
                let line = table.get(SUBJECT).map(|subject| subject.line);
                let remedy = format!("write `{SUBJECT} = \"...\"` under [{mail}]");
                return Err(Error::syntax(&file, line, format!("the mail `{mail}` has no subject"), remedy));
            }
            let names = complete.get(*mail).into_iter().flatten();
            if let Some((missing, _)) = names.clone().find(|(name, _)| !table.contains_key(*name)) {
                let problem = format!("the mail `{mail}` has no `{missing}`, which it has in English");
                return Err(Error::syntax(&file, None, problem, format!("translate it under [{mail}]")));
            }
            let known: Vec<_> = names.map(|(name, _)| name).collect();
            if let Some((name, text)) = table.iter().find(|(name, _)| !known.contains(name)) {
                let problem = format!("the mail `{mail}` has no `{name}` in English");
                return Err(Error::syntax(&file, Some(text.line), problem, "add it there, or take it away here"));
            }
        }
        if let Some((mail, texts)) = tables.iter().find(|(mail, _)| !mails.contains(&mail.as_str())) {
            let line = texts.values().map(|text| text.line).min();
            let remedy = format!("add [templates.{mail}] to the manifest, or take the texts away");
            return Err(Error::syntax(&file, line, format!("the manifest names no mail `{mail}`"), remedy));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        Locale::parse(tag).unwrap()
    }

    fn checked(files: &[(&str, &str)]) -> Result<(), Error> {
        let texts = files.iter().map(|(tag, source)| (locale(tag), parse(&locale(tag), source).unwrap())).collect();
        check(&texts, &["cup"])
    }

    const ENGLISH: &str = "[cup]\nsubject = \"A cup\"\nhello = \"Hello\"\n";

    #[test]
    fn texts_are_read_with_their_lines() {
        let read = parse(&locale("de"), "# Tea\n[cup]\nsubject = \"Tee\"\n\nhello = \"\"\"Hallo,\nDu\"\"\"\n").unwrap();
        let lines: Vec<_> = read["cup"].iter().map(|(name, text)| (name.as_str(), text.line)).collect();
        assert_eq!(lines, [("hello", 5), ("subject", 3)]);
        assert_eq!(read["cup"]["hello"].text, "Hallo,\nDu");
    }

    #[test]
    fn what_is_no_table_of_texts_is_refused_at_its_line() {
        for (source, place) in [
            ("[cup]\nsubject = 7\n", "templates/de.toml:2: "),
            ("subject = \"Tee\"\n", "templates/de.toml:1: "),
            ("[cup\n", "templates/de.toml:1: "),
        ] {
            let error = parse(&locale("de"), source).unwrap_err().to_string();
            assert!(error.starts_with(place), "{source}: {error}");
        }
    }

    #[test]
    fn languages_say_the_same_of_the_same_mails() {
        assert_eq!(checked(&[("en", ENGLISH)]), Ok(()));
        assert_eq!(checked(&[("en", ENGLISH), ("de", "[cup]\nhello = \"Hallo\"\nsubject = \"Tee\"\n")]), Ok(()));
        for (files, told) in [
            (&[("de", ENGLISH)][..], "templates/en.toml: there are texts in other languages"),
            (&[("en", ENGLISH), ("de", "")], "templates/de.toml: it has no texts for the mail `cup`"),
            (&[("en", "[cup]\nhello = \"Hello\"\n")], "templates/en.toml: the mail `cup` has no subject"),
            (&[("en", ENGLISH), ("de", "[cup]\nsubject = \"Tee\"\n")], "the mail `cup` has no `hello`, which"),
            (
                &[("en", ENGLISH), ("de", "[cup]\nsubject = \"Tee\"\nhello = \"H\"\nhallo = \"H\"\n")],
                "templates/de.toml:4: the mail `cup` has no `hallo` in English",
            ),
            (&[("en", "[cup]\nsubject = \"A\"\n[mug]\nsubject = \"A\"\n")], "templates/en.toml:4: the manifest names"),
        ] {
            let error = checked(files).unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}
