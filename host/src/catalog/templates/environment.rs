//! The template engine as mails use it: the host's layout and helpers, names of templates, and what an error means to
//! whoever wrote one.
//!
//! | name | holds |
//! |---|---|
//! | `host/layout.mjml`, `host/button.txt`, ... | the layout and the helpers |
//! | `host/texts/de/unsubscribe` | the layout's words |
//! | `earned.mjml`, `earned.txt` | a mail's bodies |
//! | `de/earned.mjml` | a body that a merchant has written |
//! | `texts/de/earned/subject` | a text |
//! | `subject/earned` | a subject of the manifest |

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use jiff::civil::Date;
use minijinja::{
    AutoEscape, Environment, Error as EngineError, ErrorKind, State, UndefinedBehavior, Value, escape_formatter,
    value::Rest,
};

use super::{Error, Locale, Part, Place, Texts, amounts, dates, texts};
use crate::domain::Money;

/// Work that one template may cause, so that a loop in a template ends.
const FUEL: u64 = 1_000_000;

const LAYOUT: &[(&str, &str)] = &[
    ("host/layout.mjml", include_str!("layout/layout.mjml")),
    ("host/layout.txt", include_str!("layout/layout.txt")),
    ("host/box.mjml", include_str!("layout/box.mjml")),
    ("host/box.txt", include_str!("layout/box.txt")),
    ("host/button.mjml", include_str!("layout/button.mjml")),
    ("host/button.txt", include_str!("layout/button.txt")),
    ("host/code.mjml", include_str!("layout/code.mjml")),
    ("host/code.txt", include_str!("layout/code.txt")),
    ("host/figure.mjml", include_str!("layout/figure.mjml")),
    ("host/figure.txt", include_str!("layout/figure.txt")),
    ("host/progress.mjml", include_str!("layout/progress.mjml")),
    ("host/progress.txt", include_str!("layout/progress.txt")),
    ("host/title.mjml", include_str!("layout/title.mjml")),
    ("host/title.txt", include_str!("layout/title.txt")),
];

const LAYOUT_TEXTS: &[(&str, &str)] = &[
    ("de", include_str!("layout/texts/de.toml")),
    ("en", include_str!("layout/texts/en.toml")),
    ("es", include_str!("layout/texts/es.toml")),
    ("fr", include_str!("layout/texts/fr.toml")),
    ("ja", include_str!("layout/texts/ja.toml")),
    ("nl", include_str!("layout/texts/nl.toml")),
];

/// The layout's words by language and name.
pub(super) static WORDS: LazyLock<BTreeMap<Locale, BTreeMap<String, String>>> = LazyLock::new(|| {
    let read = |(tag, source): &(&str, &str)| {
        let locale = Locale::parse(tag).expect("the host's languages are tags");
        (locale, toml::from_str(source).expect("the host's texts are TOML"))
    };
    LAYOUT_TEXTS.iter().map(read).collect()
});

/// An environment with the layout and the helpers, compiled once for all plugins.
pub(super) fn base() -> &'static Environment<'static> {
    static BASE: LazyLock<Environment<'static>> = LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // Errors tell which expression failed.
        environment.set_debug(true);
        environment.set_auto_escape_callback(|name| match name.ends_with(".mjml") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        environment.set_path_join_callback(|name, from| match (name, name.contains('.')) {
            ("layout", _) => format!("host/layout.{}", extension(from)).into(),
            (_, true) => Cow::Borrowed(name),
            (_, false) => format!("{name}.{}", extension(from)).into(),
        });
        environment.set_formatter(|out, state, value| match state.auto_escape() {
            // Such as the name of somebody who has told none.
            _ if value.is_none() => Ok(()),
            AutoEscape::Html if !value.is_safe() => Ok(out.write_str(&escaped(&value.to_string()))?),
            _ => escape_formatter(out, state, value),
        });
        environment.add_function("box", |state: &State<'_, '_>, said: Rest<Value>| {
            helper(state, "box", &["text", "label"], 1, &said)
        });
        environment.add_function("button", |state: &State<'_, '_>, said: Rest<Value>| {
            helper(state, "button", &["label", "url"], 2, &said)
        });
        environment.add_function("code", |state: &State<'_, '_>, said: Rest<Value>| {
            helper(state, "code", &["code", "label"], 1, &said)
        });
        environment.add_function("figure", |state: &State<'_, '_>, said: Rest<Value>| {
            helper(state, "figure", &["figure", "label"], 1, &said)
        });
        environment.add_function("progress", |state: &State<'_, '_>, done: i64, whole: i64| {
            let percent = (done.clamp(0, whole.max(0)) * 100).checked_div(whole).unwrap_or(0);
            helper(state, "progress", &["percent"], 1, &[percent.into()])
        });
        environment.add_function("title", |state: &State<'_, '_>, said: Rest<Value>| {
            helper(state, "title", &["title"], 1, &said)
        });
        environment.add_filter("date", date);
        environment.add_filter("money", money);
        for (name, source) in LAYOUT {
            environment.add_template(name, source).expect("the host's layout compiles");
        }
        for (locale, words) in &*WORDS {
            for (name, source) in words {
                environment.add_template_owned(word(locale, name), source.clone()).expect("the host's texts compile");
            }
        }
        environment
    });
    &BASE
}

/// The ending that tells which twin a template is part of.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("txt", |(_, extension)| extension)
}

/// A piece of the layout in the twin that asks for it, with its arguments by name, of which so many are needed.
fn helper(
    state: &State<'_, '_>,
    name: &str,
    arguments: &[&'static str],
    needed: usize,
    said: &[Value],
) -> Result<Value, EngineError> {
    if !(needed..=arguments.len()).contains(&said.len()) {
        let detail = format!("`{name}` takes {}", arguments.join(" and "));
        return Err(EngineError::new(ErrorKind::InvalidOperation, detail));
    }
    let mut context = BTreeMap::new();
    for (index, argument) in arguments.iter().enumerate() {
        let value = said.get(index).cloned().unwrap_or(Value::from(()));
        if value.is_undefined() {
            let detail = format!("the {argument} of `{name}`");
            return Err(EngineError::new(ErrorKind::UndefinedError, detail));
        }
        context.insert(*argument, value);
    }
    if let Some(colon) = state.lookup("mail").and_then(|mail| mail.get_attr("colon").ok()) {
        context.insert("colon", colon);
    }
    let part = if matches!(state.auto_escape(), AutoEscape::Html) { Part::Mjml } else { Part::Text };
    let piece = state.env().get_template(&format!("host/{name}.{}", part.extension()))?;
    let piece = piece.render(Value::from_pairs(context))?;
    Ok(Value::from_safe_string(piece.trim_end_matches('\n').to_owned()))
}

/// A text in MJML. The engine's own escaping takes slashes for dangerous, which no address in a mail survives as people
/// know it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// `2026-03-01` in words, in the mail's language.
fn date(state: &State<'_, '_>, date: &str) -> Result<String, EngineError> {
    let read: Date = date.parse().map_err(|_| {
        EngineError::new(ErrorKind::InvalidOperation, format!("`{date}` is no date such as 2026-03-01"))
    })?;
    Ok(dates::written(read, &locale(state)))
}

/// `12.50 EUR` as the mail's language writes it.
fn money(state: &State<'_, '_>, amount: &str) -> Result<String, EngineError> {
    let read = amount.split_once(' ').and_then(|(number, code)| Money::parse(number, code.parse().ok()?).ok());
    let read = read.ok_or_else(|| {
        EngineError::new(ErrorKind::InvalidOperation, format!("`{amount}` is no amount such as 12.50 EUR"))
    })?;
    Ok(amounts::written(read, &locale(state)))
}

/// The mail's language.
fn locale(state: &State<'_, '_>) -> Locale {
    let tag = state.lookup("mail").and_then(|mail| mail.get_attr("locale").ok());
    tag.as_ref().and_then(Value::as_str).and_then(Locale::parse).unwrap_or_else(Locale::english)
}

pub(super) fn body(mail: &str, part: Part) -> String {
    format!("{mail}.{}", part.extension())
}

pub(super) fn replaced_body(locale: &Locale, mail: &str, part: Part) -> String {
    format!("{locale}/{mail}.{}", part.extension())
}

pub(super) fn subject(mail: &str) -> String {
    format!("subject/{mail}")
}

pub(super) fn text(locale: &Locale, mail: &str, name: &str) -> String {
    format!("texts/{locale}/{mail}/{name}")
}

pub(super) fn word(locale: &Locale, name: &str) -> String {
    format!("host/texts/{locale}/{name}")
}

/// Compiles a template.
pub(super) fn add(environment: &mut Environment<'static>, name: &str, source: &str) -> Result<(), Error> {
    let added = environment.add_template_owned(name.to_owned(), source.to_owned());
    added.map_err(|error| {
        let place = Place { line: error.line(), ..place_of(name, None) };
        let problem = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Error::Syntax { place, problem, remedy: "see the syntax of Jinja templates".into() }
    })
}

/// Compiles a mail's texts in one language.
pub(super) fn add_texts(
    environment: &mut Environment<'static>,
    locale: &Locale,
    mail: &str,
    table: &Texts,
) -> Result<(), Error> {
    for (name, said) in table {
        add(environment, &text(locale, mail, name), &said.text).map_err(|error| match error {
            Error::Syntax { problem, remedy, .. } => {
                Error::syntax(&texts::file_name(locale), Some(said.line), format!("`{name}`: {problem}"), remedy)
            }
            error => error,
        })?;
    }
    Ok(())
}

/// What a failed rendering of the template `name` means to its author. `texts_of` knows the lines of texts.
pub(super) fn explain(error: &EngineError, mail: &str, texts_of: impl Fn(&Locale, &str) -> Option<usize>) -> Error {
    let name = error.name().unwrap_or_default();
    let line = match name.strip_prefix("texts/").map(|rest| rest.split('/').collect::<Vec<_>>()) {
        Some(parts) => match parts[..] {
            [tag, _, text] => Locale::parse(tag).and_then(|locale| texts_of(&locale, text)),
            _ => None,
        },
        None => error.line(),
    };
    let expression = error.range().and_then(|range| error.template_source()?.get(range)).map(str::trim);
    let is_undefined = error.kind() == ErrorKind::UndefinedError;
    let (problem, remedy) = match (expression, is_undefined) {
        (Some(expression), true) => (
            match helper_of(error) {
                Some(argument) => format!("{argument} is not there, in `{expression}`"),
                None => format!("`{expression}` is not there"),
            },
            format!("mend the name, or give it a value under [templates.{mail}.sample] of the manifest"),
        ),
        _ => {
            let told = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let at = expression.map(|expression| format!(", at `{expression}`")).unwrap_or_default();
            (format!("{told}{at}"), "mend the template, or its sample in the manifest".to_owned())
        }
    };
    Error::Render { place: Place { line, ..place_of(name, Some(mail)) }, problem, remedy }
}

/// The argument of a helper that an error tells of.
fn helper_of(error: &EngineError) -> Option<&str> {
    error.detail().filter(|detail| detail.starts_with("the "))
}

/// The file that a template's name stands for.
pub(super) fn place_of(name: &str, mail: Option<&str>) -> Place {
    let file = match (name.split_once('/'), mail) {
        (Some(("subject", mail)), _) => format!("the manifest's subject of `{mail}`"),
        (Some(("texts", rest)), _) => format!("templates/{}.toml", rest.split('/').next().unwrap_or_default()),
        (Some(("host", rest)), Some(mail)) => format!("the layout's {rest}, for the mail `{mail}`"),
        (Some(("host", rest)), None) => format!("the layout's {rest}"),
        (Some((locale, body)), _) => format!("your own {body} ({locale})"),
        (None, _) => format!("templates/{name}"),
    };
    Place { file, line: None }
}
