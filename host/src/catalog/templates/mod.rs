//! Mail templates: what a plugin's file holds of its mails, in which languages, and how they become subject, HTML and
//! text.
//!
//! A mail is an MJML file and its plain-text twin, which fill the host's layout, and a subject with the other texts in
//! a file for each language. An older form has everything in one language: the subject in the manifest, the words in
//! the two files. What is here parses and compiles once; a rendering costs one pass over what is compiled.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use minijinja::Environment;

use super::manifest::TemplateHead;
use crate::store::TemplateOverride;

mod amounts;
mod check;
mod dates;
mod environment;
mod error;
mod locale;
mod render;
mod spaces;
mod texts;

pub use dates::written as date_in_words;
pub use error::{Error, Place};
pub use locale::{Locale, wanted};
pub use render::{Letter, Rendered, Shop, UnsubscribeLinks};
use texts::Texts;
pub use texts::{PREHEADER, SUBJECT};

/// The largest file of a template. Mail readers cut a mail off at about 100 KiB.
pub const MAX_FILE_BYTES: usize = 256 << 10;

/// A plugin's template files by name, such as `earned.mjml`, `earned.txt` and `de.toml`.
pub type Sources = BTreeMap<String, String>;

/// One of a mail's two bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Mjml,
    Text,
}

impl Part {
    const BOTH: [Self; 2] = [Self::Mjml, Self::Text];

    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mjml => "mjml",
            Self::Text => "txt",
        }
    }
}

/// A plugin's mails, complete and compiled.
#[derive(Clone)]
pub struct Templates {
    mails: BTreeMap<String, TemplateHead>,
    /// Texts by language and mail; empty in the older form.
    texts: BTreeMap<Locale, BTreeMap<String, Texts>>,
    /// Bodies that a merchant has written, by mail and language.
    replaced: BTreeSet<(String, Locale, Part)>,
    environment: Environment<'static>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").field("mails", &self.mails.keys()).finish_non_exhaustive()
    }
}

impl Templates {
    /// Compiles a plugin's template files: all that its manifest names, and no other.
    pub fn new(mails: &BTreeMap<String, TemplateHead>, sources: &Sources) -> Result<Self, Error> {
        let mut environment = environment::base().clone();
        let mut texts = BTreeMap::new();
        for (file, source) in sources {
            if source.len() > MAX_FILE_BYTES {
                return Err(Error::TooLarge { file: file.clone(), bytes: source.len(), limit: MAX_FILE_BYTES });
            }
            match file.rsplit_once('.') {
                Some((mail, "mjml" | "txt")) if mails.contains_key(mail) => {
                    environment::add(&mut environment, file, source)?
                }
                Some((tag, "toml")) => _ = texts.insert(locale_of(file, tag)?, source),
                Some((mail, "mjml" | "txt")) => {
                    return Err(Error::UnnamedMail { file: file.clone(), mail: mail.to_owned() });
                }
                _ => return Err(Error::ForeignFile { file: file.clone() }),
            }
        }
        for (mail, part) in mails.keys().flat_map(|mail| Part::BOTH.map(|part| (mail, part))) {
            if !sources.contains_key(&environment::body(mail, part)) {
                return Err(Error::MissingFile { mail: mail.clone(), extension: part.extension() });
            }
        }
        let texts: BTreeMap<_, _> = texts
            .into_iter()
            .map(|(locale, source)| Ok((locale.clone(), texts::parse(&locale, source)?)))
            .collect::<Result<_, Error>>()?;
        check_heads(mails, &texts)?;
        for (locale, tables) in &texts {
            for (mail, table) in tables {
                environment::add_texts(&mut environment, locale, mail, table)?;
            }
        }
        for (mail, subject) in mails.iter().filter_map(|(mail, head)| Some((mail, head.subject.as_ref()?))) {
            environment::add(&mut environment, &environment::subject(mail), subject)?;
        }
        Ok(Self { mails: mails.clone(), texts, replaced: BTreeSet::new(), environment })
    }

    /// The mails' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.mails.keys().map(String::as_str)
    }

    /// Languages that there are texts in; none where the mails have but one language.
    pub fn locales(&self) -> impl Iterator<Item = &Locale> {
        self.texts.keys()
    }

    pub fn contains(&self, mail: &str) -> bool {
        self.mails.contains_key(mail)
    }

    /// A mail's texts in a language, by name; empty where there are none.
    pub fn texts_of(&self, mail: &str, locale: &Locale) -> BTreeMap<String, String> {
        let texts = self.texts.get(locale).and_then(|tables| tables.get(mail)).into_iter().flatten();
        texts.map(|(name, text)| (name.clone(), text.text.clone())).collect()
    }

    /// A mail's body as it was written.
    pub fn source_of(&self, mail: &str, part: Part) -> Option<String> {
        let body = self.environment.get_template(&environment::body(mail, part)).ok()?;
        Some(body.source().to_owned())
    }

    /// The manifest's values of a mail's variables for trying it out.
    pub fn sample_of(&self, mail: &str) -> Option<&BTreeMap<String, String>> {
        self.mails.get(mail)?.sample.as_ref()
    }

    /// The same mails with what a merchant has put in place of one in one language, if it renders.
    ///
    /// A language that the plugin has no texts in takes the place of no other: the merchant writes all of them.
    pub fn overridden(&self, mail: &str, locale: &Locale, own: &TemplateOverride) -> Result<Self, Error> {
        if !self.contains(mail) {
            return Err(Error::NoMail(mail.to_owned()));
        }
        let mut changed = self.clone();
        let english = Locale::english();
        let known = self.texts_of(mail, if self.texts.contains_key(locale) { locale } else { &english });
        let is_rewritten = own.mjml.is_some() || own.text.is_some();
        if let Some(name) = own.texts.keys().find(|name| !known.contains_key(*name) && *name != SUBJECT)
            && !is_rewritten
        {
            let there_are = known.into_keys().collect::<Vec<_>>().join(", ");
            return Err(Error::NoText { mail: mail.to_owned(), name: name.clone(), there_are });
        }
        if !own.texts.is_empty() {
            let table = changed.texts.entry(locale.clone()).or_default().entry(mail.to_owned()).or_default();
            for (name, text) in &own.texts {
                let text = texts::Text { text: text.clone(), line: 1 };
                table.insert(name.clone(), text);
            }
            environment::add_texts(&mut changed.environment, locale, mail, table)?;
        }
        for (part, source) in [(Part::Mjml, &own.mjml), (Part::Text, &own.text)] {
            let Some(source) = source else { continue };
            if source.len() > MAX_FILE_BYTES {
                let file = environment::body(mail, part);
                return Err(Error::TooLarge { file, bytes: source.len(), limit: MAX_FILE_BYTES });
            }
            environment::add(&mut changed.environment, &environment::replaced_body(locale, mail, part), source)?;
            changed.replaced.insert((mail.to_owned(), locale.clone(), part));
        }
        changed.try_out(mail, locale)?;
        Ok(changed)
    }
}

/// The language that a file's name tells, in its usual spelling.
fn locale_of(file: &str, tag: &str) -> Result<Locale, Error> {
    match Locale::parse(tag) {
        Some(locale) if locale.as_str() == tag => Ok(locale),
        Some(locale) => Err(Error::Misnamed { file: file.to_owned(), usual: format!("{locale}.toml") }),
        None => Err(Error::ForeignFile { file: file.to_owned() }),
    }
}

/// The subject stands in the texts, or in the manifest where there are none; samples go with texts.
fn check_heads(
    mails: &BTreeMap<String, TemplateHead>,
    texts: &BTreeMap<Locale, BTreeMap<String, Texts>>,
) -> Result<(), Error> {
    if texts.is_empty() {
        return match mails.iter().find(|(_, head)| head.subject.is_none()) {
            Some((mail, _)) => Err(Error::NoSubject(mail.clone())),
            None => Ok(()),
        };
    }
    let names: Vec<_> = mails.keys().map(String::as_str).collect();
    texts::check(texts, &names)?;
    for (mail, head) in mails {
        if head.subject.is_some() {
            return Err(Error::TwoSubjects(mail.clone()));
        }
        if head.sample.is_none() {
            return Err(Error::NoSample(mail.clone()));
        }
    }
    Ok(())
}

/// A mail that a merchant has changed in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedMail {
    pub mail: String,
    pub locale: Locale,
    pub version: u32,
    /// Why the plugin's own is sent instead, as after an upgrade that knows a variable no more.
    pub warning: Option<Error>,
}

/// A plugin's mails in one store.
#[derive(Clone, Debug)]
pub struct StoreTemplates {
    /// As the plugin's file has them.
    pub own: Arc<Templates>,
    /// With the merchant's changes.
    changed: Arc<Templates>,
    pub changes: Vec<ChangedMail>,
}

impl StoreTemplates {
    pub fn unchanged(own: Arc<Templates>) -> Self {
        Self { changed: Arc::clone(&own), own, changes: Vec::new() }
    }

    /// Puts a merchant's changes in place, those that render; the others are kept with the reason.
    pub fn changed(own: Arc<Templates>, changes: &[(String, Locale, u32, TemplateOverride)]) -> Self {
        let mut mails = Self::unchanged(own);
        for (mail, locale, version, change) in changes {
            let warning = match mails.changed.overridden(mail, locale, change) {
                Ok(changed) => {
                    mails.changed = Arc::new(changed);
                    None
                }
                Err(error) => Some(error),
            };
            mails.changes.push(ChangedMail { mail: mail.clone(), locale: locale.clone(), version: *version, warning });
        }
        mails
    }

    /// The changes that are not sent, each with the reason.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.changes.iter().filter_map(|change| {
            let ChangedMail { mail, locale, warning, .. } = change;
            let error = warning.as_ref()?;
            Some(format!("your `{mail}` in `{locale}` does not fit the plugin any more, its own is sent: {error}"))
        })
    }

    /// Whether these are the same mails with the same changes.
    pub fn is_of(&self, own: &Arc<Templates>, changes: &[(String, Locale, u32, TemplateOverride)]) -> bool {
        let known = self.changes.iter().map(|change| (&change.mail, &change.locale, change.version));
        Arc::ptr_eq(&self.own, own) && known.eq(changes.iter().map(|(mail, locale, at, _)| (mail, locale, *at)))
    }

    /// Renders what the merchant has written, and the plugin's own where that fails, with why it did: a mail is not
    /// lost over a word.
    pub fn render(&self, letter: &Letter<'_>) -> Result<(Rendered, Option<Error>), Error> {
        match self.changed.render(letter) {
            Ok(rendered) => Ok((rendered, None)),
            Err(error) if self.changes.is_empty() => Err(error),
            Err(error) => Ok((self.own.render(letter)?, Some(error))),
        }
    }

    /// A mail with its sample, as this shop's customers get it; `None` if it has none.
    pub fn preview(
        &self,
        mail: &str,
        locale: &Locale,
        shop: Shop<'_>,
        marketing: bool,
    ) -> Result<Option<Rendered>, Error> {
        self.changed.preview(mail, locale, shop, marketing)
    }
}

#[cfg(test)]
mod tests;
