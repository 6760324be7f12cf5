//! What can be wrong with mail templates: where, what, and what helps.

use std::fmt;

/// Where something stands: a file, and perhaps a line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// Counted from 1.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// Why templates give no mails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the manifest names the template {mail:?}, but there is no {mail}.{extension}")]
    MissingFile { mail: String, extension: &'static str },
    #[error("{file} belongs to no template of the manifest: add [templates.{mail}] with its subject")]
    UnnamedMail { file: String, mail: String },
    #[error("{file} is no template file: those end in .mjml or .txt, or are called by a language, such as de.toml")]
    ForeignFile { file: String },
    #[error("templates/{file} has to be called {usual}")]
    Misnamed { file: String, usual: String },
    #[error("templates/{file} has {bytes} bytes, over the limit of {limit}")]
    TooLarge { file: String, bytes: usize, limit: usize },
    #[error(
        "the mail `{0}` has no subject: write `subject` under [templates.{0}] of the manifest, or texts in en.toml"
    )]
    NoSubject(String),
    #[error("the mail `{0}` has a subject in its texts and in the manifest: take that of [templates.{0}] away")]
    TwoSubjects(String),
    #[error("the mail `{0}` cannot be tried out: give each of its variables a value under [templates.{0}.sample]")]
    NoSample(String),
    /// A file cannot be read, or what it says does not fit the others.
    #[error("{place}: {problem}; {remedy}")]
    Syntax { place: Place, problem: String, remedy: String },
    /// A rendering failed.
    #[error("{place}: {problem}; {remedy}")]
    Render { place: Place, problem: String, remedy: String },
    #[error("{place}: it is no MJML: {problem}{}", at(near.as_deref()))]
    Mjml { place: Place, problem: String, near: Option<String> },
    #[error("the {what} of the mail `{mail}` comes to {bytes} bytes; at most {limit} can be sent")]
    LongMail { mail: String, what: &'static str, bytes: usize, limit: usize },
    #[error("there is no mail `{0}`")]
    NoMail(String),
    #[error("the mail `{mail}` has no text `{name}`; there are {there_are}")]
    NoText { mail: String, name: String, there_are: String },
}

fn at(near: Option<&str>) -> String {
    near.map(|near| format!(", at `{near}`")).unwrap_or_default()
}

impl Error {
    pub(super) fn syntax(
        file: &str,
        line: Option<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let place = Place { file: file.to_owned(), line };
        Self::Syntax { place, problem: problem.into(), remedy: remedy.into() }
    }
}
