//! How an adapter fails: a webhook refused, a body that cannot be read, a call that was not answered well.

use std::time::Duration;

use crate::domain::{MoneyError, Timestamp};

/// Why a webhook is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header that carries the signature is absent or empty.
    #[error("the request is not signed: the header `{header}` is missing")]
    Unsigned { header: &'static str },
    #[error("the header `{header}` is missing")]
    MissingHeader { header: &'static str },
    #[error("the header `{header}` is not {expected}")]
    InvalidHeader { header: &'static str, expected: &'static str },
    #[error("the body is empty")]
    EmptyBody,
    /// No secret of the store gives this signature for this body.
    #[error("the signature does not fit the body")]
    BadSignature,
    #[error("the header holds none of the store's secrets")]
    BadSecret,
    /// A signed time that is too far from ours, or an event that is older than ids of events are remembered.
    #[error("it was signed or happened {seconds} s from now, which is too far: it may have been here before")]
    Stale { seconds: u64 },
    #[error("it is for another client of Adobe's than the store's")]
    OtherRecipient,
    #[error("the key that it names is not where Adobe's keys are")]
    KeyElsewhere,
    #[error("the store has no Adobe client: name it with `regulars store adobe STORE --client-id`")]
    NoAdobeClient,
    #[error("the store has no key of its webhooks: set it with `regulars store adobe STORE --webhook-key-file`")]
    NoAdobeKey,
    /// Nobody signs headers; what they say in the body's name has to be what the body says.
    #[error("the header `{header}` says something else than the body")]
    Contradicted { header: &'static str },
    /// The envelope is not one of the sender's; the text is the parser's.
    #[error("the body cannot be taken apart: {0}")]
    Body(String),
}

impl Refusal {
    /// True where the sender has not shown who it is (HTTP 401), false where the request is malformed (HTTP 400).
    pub fn is_unauthenticated(&self) -> bool {
        match self {
            Self::Unsigned { .. }
            | Self::EmptyBody
            | Self::BadSignature
            | Self::BadSecret
            | Self::Stale { .. }
            | Self::OtherRecipient
            | Self::KeyElsewhere
            | Self::NoAdobeClient
            | Self::NoAdobeKey => true,
            Self::MissingHeader { .. } | Self::InvalidHeader { .. } | Self::Contradicted { .. } | Self::Body(_) => {
                false
            }
        }
    }
}

/// Why an event's body could not be read, and at which field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{path}`: {problem}")]
pub struct Unreadable {
    /// The field, as in `line_items[2].price`; `.` is the whole body.
    pub path: String,
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("it is missing")]
    Missing,
    /// Not JSON, or JSON of another shape; the text is the parser's.
    #[error("{0}")]
    Shape(String),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("`{0}` is not an instant after 1970 in RFC 3339")]
    Time(String),
    #[error("amounts of several currencies are added up")]
    MixedCurrencies,
}

/// Parsers quote what they were given; a hostile or broken body must not fill logs with it.
const QUOTED_MAX: usize = 160;

impl Problem {
    pub(super) fn shape(text: impl ToString) -> Self {
        Self::Shape(shorten(&text.to_string()))
    }

    pub(super) fn time(text: &str) -> Self {
        Self::Time(shorten(text))
    }

    pub(super) fn at(self, path: &str) -> Unreadable {
        Unreadable { path: path.into(), problem: self }
    }
}

impl Unreadable {
    /// The same without what stood in the body: parsers quote it, and a body may tell who somebody is.
    pub fn without_values(&self) -> String {
        format!("cannot read `{}`: {}", self.path, unquoted(&self.problem.to_string()))
    }

    /// The same problem, seen from the object that holds this one under `parent`.
    pub(super) fn within(self, parent: &str) -> Self {
        Self { path: format!("{parent}.{}", self.path), ..self }
    }

    /// The same problem, seen from the object whose list `parent` holds this one at `index`.
    pub(super) fn within_item(self, parent: &str, index: usize) -> Self {
        Self { path: format!("{parent}[{index}].{}", self.path), ..self }
    }
}

/// A parser's words without what it quotes.
pub(super) fn unquoted(text: &str) -> String {
    let mut parts = text.split(['"', '`']);
    let first = parts.next().unwrap_or_default().to_owned();
    // Every second part was quoted; of a text that was cut off, the last one too.
    parts.enumerate().fold(first, |told, (index, part)| match index % 2 {
        0 => told + "…",
        _ => told + part,
    })
}

pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

/// Why a call to a platform did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The store's rate limit is used up. Nothing was done, and the same call may succeed after the wait.
    #[error("the store's rate limit is used up; the next try is due in {} s", retry_after.as_secs_f64())]
    Throttled { retry_after: Duration },
    /// The platform asks to come again later. The call may or may not have been done.
    #[error("{reason}; the next try is due in {} s", retry_after.as_secs_f64())]
    Later { retry_after: Duration, reason: String },
    /// Its turn has not come: what is under way has to end first. Nothing was done, and nothing is wrong.
    #[error("{reason}")]
    NotYet { until: Timestamp, reason: String },
    /// Nothing answered, or not as the platform does: every call to that shop fares the same.
    #[error("{reason}")]
    Unreachable { reason: String },
    /// The call may or may not have been done; the same call may succeed later and counts once.
    #[error("{reason}")]
    Transient { reason: String },
    /// The same call fails again until someone changes something; the reason says what.
    #[error("{reason}")]
    Permanent { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_body_that_cannot_be_read_quotes_nothing_of_it() {
        let shape = |text: &str| Problem::shape(text).at("customer.email").without_values();
        for (text, told) in [
            ("invalid type: string \"mira@example.com\", expected u64", "invalid type: string …, expected u64"),
            ("unknown variant `mira`, expected `a` or `b`", "unknown variant …, expected … or …"),
            ("invalid type: string \"mira okonjo, who is cut o...", "invalid type: string …"),
            ("EOF while parsing", "EOF while parsing"),
        ] {
            assert_eq!(shape(text), format!("cannot read `customer.email`: {told}"));
        }
        assert!(!Problem::time("mira").at("at").without_values().contains("mira"));
    }
}
