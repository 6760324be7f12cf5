//! Languages of mails: which one a customer gets of those that there are.

use std::fmt;

/// An IETF language tag (BCP 47) in lower case, such as `de` or `pt-br`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(String);

impl Locale {
    /// The language that every mail with translations has.
    pub fn english() -> Self {
        Self("en".into())
    }

    /// Reads a tag as platforms write it: `de`, `pt-BR`, `de_DE`. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let tag = text.trim().to_ascii_lowercase().replace('_', "-");
        let is_word = |word: &str| (1..=8).contains(&word.len()) && word.bytes().all(|it| it.is_ascii_alphanumeric());
        let mut words = tag.split('-');
        let language = words.next()?;
        let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|it| it.is_ascii_lowercase());
        (is_language && words.all(is_word) && tag.len() <= 35).then_some(Self(tag))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language alone, without region and script.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The tag and what it is a kind of, the narrowest first (RFC 4647, 3.4): `zh-hans-cn`, `zh-hans`, `zh`.
    pub fn and_wider(&self) -> impl Iterator<Item = Self> + '_ {
        std::iter::successors(Some(self.0.as_str()), |tag| tag.rsplit_once('-').map(|(wider, _)| wider))
            .map(|tag| Self(tag.to_owned()))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Languages in the order in which they are wanted: the customer's, the shop's, English.
pub fn wanted(customer: Option<&str>, shop: &str) -> Vec<Locale> {
    let said = customer.into_iter().chain([shop]).filter_map(Locale::parse);
    let mut wanted: Vec<Locale> = Vec::new();
    for locale in said.chain([Locale::english()]).flat_map(|locale| locale.and_wider().collect::<Vec<_>>()) {
        if !wanted.contains(&locale) {
            wanted.push(locale);
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_in_every_platforms_spelling_and_nothing_else_is_one() {
        for (text, tag) in [("de", "de"), ("pt-BR", "pt-br"), ("de_DE", "de-de"), (" zh-Hans-CN ", "zh-hans-cn")] {
            assert_eq!(Locale::parse(text).unwrap().as_str(), tag);
        }
        for text in ["", "d", "deutsch", "de-", "de--at", "../en", "de-AT.toml", "12", "de-ärger"] {
            assert_eq!(Locale::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_customers_language_comes_before_the_shops_and_english_is_the_last() {
        let tags = |customer, shop| wanted(customer, shop).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(tags(Some("de-AT"), "fr-CH"), ["de-at", "de", "fr-ch", "fr", "en"]);
        assert_eq!(tags(None, "en-GB"), ["en-gb", "en"]);
        assert_eq!(tags(Some("?"), "?"), ["en"]);
    }
}
