//! A mail's templates and its variables become subject, HTML and plain text.

use std::collections::BTreeMap;

use minijinja::{Value, context};

use super::{
    Error, Locale, PREHEADER, Part, Place, SUBJECT, Templates,
    environment::{self, WORDS},
    spaces,
};

/// Bytes of one rendered part: mail readers cut a mail off at about 100 KiB, and nobody reads on behind a multiple of
/// it.
const PART_BYTES: usize = 1 << 20;

/// Characters of a line of MJML that an error shows.
const NEAR_CHARS: usize = 100;

/// What a mail is rendered from.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    pub mail: &'a str,
    /// The plugin's variables.
    pub vars: &'a BTreeMap<String, String>,
    /// Languages, the most wanted first.
    pub locales: &'a [Locale],
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub shop: Shop<'a>,
    /// Where the recipient of marketing gets out of it; none for what is no marketing.
    pub links: Option<&'a UnsubscribeLinks>,
}

/// What mails tell of the shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub postal_address: Option<&'a str>,
}

/// Where a recipient unsubscribes, and where they choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubscribeLinks {
    pub unsubscribe: String,
    pub preferences: String,
}

/// A mail as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The language that was chosen.
    pub locale: Locale,
    pub subject: String,
    pub html: String,
    pub text: String,
}

impl Templates {
    /// Renders a mail.
    ///
    /// Templates see the plugin's variables, `customer.first_name`, `customer.last_name`, `shop.name`, `shop.url`,
    /// their texts as `t`, and as `mail` what the layout shows. In MJML all of these are escaped.
    pub fn render(&self, letter: &Letter<'_>) -> Result<Rendered, Error> {
        let Letter { mail, vars, shop, .. } = *letter;
        let head = self.mails.get(mail).ok_or_else(|| Error::NoMail(mail.to_owned()))?;
        let locale = self.locale_for(mail, letter.locales);
        let vars = Value::from_pairs(vars.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let colon = self.word(mail, &locale, "colon", &Value::UNDEFINED)?;
        let people = context! {
            customer => context! { first_name => letter.first_name, last_name => letter.last_name },
            shop => context! { name => shop.name, url => shop.url },
            mail => context! { locale => locale.as_str(), colon => colon.as_str() },
            ..vars
        };
        let texts = self.rendered_texts(mail, &locale, &people)?;
        let subject = match (texts.get(SUBJECT), &head.subject) {
            (Some(subject), _) => subject.clone(),
            (None, Some(_)) => self.part(mail, "subject", &environment::subject(mail), &people)?,
            (None, None) => return Err(Error::NoSubject(mail.to_owned())),
        };
        // A line break in a subject would begin another header.
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let word = |name: &str| self.word(mail, &locale, name, &people);
        let reason = if letter.links.is_some() { "reason_marketing" } else { "reason_service" };
        let about = context! {
            locale => locale.as_str(),
            colon => colon.as_str(),
            subject => subject.as_str(),
            preheader => texts.get(PREHEADER).map(String::as_str),
            marketing => letter.links.is_some(),
            reason => word(reason)?,
            unsubscribe => word("unsubscribe")?,
            preferences => word("preferences")?,
            unsubscribe_url => letter.links.map(|links| links.unsubscribe.as_str()),
            preferences_url => letter.links.map(|links| links.preferences.as_str()),
            postal_address => shop.postal_address,
        };
        let texts_value = Value::from_pairs(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let context = context! { mail => about, t => texts_value, ..people };
        let mjml = self.part(mail, "MJML", &self.body(mail, &locale, Part::Mjml), &context)?;
        let text = self.part(mail, "plain text", &self.body(mail, &locale, Part::Text), &context)?;
        let html = self.html(mail, &locale, &mjml)?;
        Ok(Rendered { locale, subject, html, text: tidied(&text) })
    }

    /// The first language that is wanted and that the mail is there in.
    fn locale_for(&self, mail: &str, wanted: &[Locale]) -> Locale {
        let has_texts = |locale: &Locale| self.texts.get(locale).is_some_and(|tables| tables.contains_key(mail));
        let is_replaced = |locale: &Locale| {
            Part::BOTH.into_iter().any(|part| self.replaced.contains(&(mail.to_owned(), locale.clone(), part)))
        };
        let found = wanted.iter().find(|locale| has_texts(locale) || is_replaced(locale));
        found.cloned().unwrap_or_else(Locale::english)
    }

    fn rendered_texts(&self, mail: &str, locale: &Locale, context: &Value) -> Result<BTreeMap<String, String>, Error> {
        let table = self.texts.get(locale).and_then(|tables| tables.get(mail)).into_iter().flatten();
        let rendered = table.map(|(name, _)| {
            let text = self.part(mail, "text", &environment::text(locale, mail, name), context)?;
            Ok((name.clone(), spaces::joined(&text, locale)))
        });
        rendered.collect()
    }

    /// The name of the template of a mail's body: the merchant's own, if there is one.
    fn body(&self, mail: &str, locale: &Locale, part: Part) -> String {
        match self.replaced.contains(&(mail.to_owned(), locale.clone(), part)) {
            true => environment::replaced_body(locale, mail, part),
            false => environment::body(mail, part),
        }
    }

    /// One of the layout's words, in English where it has no other.
    fn word(&self, mail: &str, locale: &Locale, name: &str, context: &Value) -> Result<String, Error> {
        let known = locale.and_wider().find(|locale| WORDS.contains_key(locale)).unwrap_or_else(Locale::english);
        let word = self.part(mail, "layout", &environment::word(&known, name), context)?;
        Ok(spaces::joined(&word, &known))
    }

    fn part(&self, mail: &str, what: &'static str, template: &str, context: &Value) -> Result<String, Error> {
        let line_of = |locale: &Locale, name: &str| Some(self.texts.get(locale)?.get(mail)?.get(name)?.line);
        let rendered = self.environment.get_template(template).and_then(|template| template.render(context.clone()));
        let rendered = rendered.map_err(|error| environment::explain(&error, mail, line_of))?;
        match rendered.len() {
            bytes if bytes > PART_BYTES => {
                Err(Error::LongMail { mail: mail.to_owned(), what, bytes, limit: PART_BYTES })
            }
            _ => Ok(rendered),
        }
    }

    fn html(&self, mail: &str, locale: &Locale, mjml: &str) -> Result<String, Error> {
        let body = self.body(mail, locale, Part::Mjml);
        let wrong = |problem: String, at: Option<usize>| {
            let near = at.and_then(|at| line_around(mjml, at));
            // The layout stands around what was written, so that a line of the result is looked for in the source.
            let source = self.environment.get_template(&body).ok();
            let line = near.zip(source).and_then(|(near, source)| {
                source.source().lines().position(|line| line.trim() == near).map(|index| index + 1)
            });
            let near = near.map(|near| near.chars().take(NEAR_CHARS).collect());
            Error::Mjml { place: Place { line, ..environment::place_of(&body, Some(mail)) }, problem, near }
        };
        let parsed = mrml::parse(mjml).map_err(|error| wrong(error.to_string(), position(&error)))?;
        let rendered = parsed.element.render(&mrml::prelude::render::RenderOptions::default());
        let html = rendered.map_err(|error| wrong(error.to_string(), None))?;
        // Elements that are not known pass through as they are.
        let Some(at) = html.find("<mj-") else { return Ok(html) };
        let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let name = html[at + 1..].split(|letter| !in_name(letter)).next().unwrap_or_default();
        let mut begun = mjml.match_indices(&html[at..=at + name.len()]);
        let at = begun.find(|(at, tag)| !mjml[at + tag.len()..].starts_with(in_name)).map(|(at, _)| at);
        Err(wrong(format!("there is no element `{name}`"), at))
    }
}

/// Where in the source a parser's error is.
fn position(error: &mrml::prelude::parser::Error) -> Option<usize> {
    use mrml::prelude::parser::Error;
    match error {
        Error::UnexpectedElement { position, .. }
        | Error::UnexpectedToken { position, .. }
        | Error::MissingAttribute { position, .. }
        | Error::InvalidAttribute { position, .. }
        | Error::InvalidFormat { position, .. }
        | Error::IncludeLoaderError { position, .. } => Some(position.start),
        Error::EndOfStream { .. } | Error::SizeLimit { .. } | Error::ParserError { .. } | Error::NoRootNode => None,
    }
}

/// The line that a byte stands in, without blanks around it.
fn line_around(text: &str, at: usize) -> Option<&str> {
    let begin = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    text[begin..].lines().next().map(str::trim).filter(|line| !line.is_empty())
}

/// Plain text without blanks at line ends, with one empty line at most between paragraphs: what is left out of a
/// template by a condition leaves no gap.
fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        empty = line.is_empty();
    }
    tidy.truncate(tidy.trim_end().len());
    tidy.push('\n');
    tidy
}
