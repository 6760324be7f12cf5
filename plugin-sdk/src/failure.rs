//! The ways in which a plugin, a call or a stored value can fail.

use std::fmt;

use serde::de::DeserializeOwned;

/// Why a delivery failed. Nothing that it queued or wrote is kept.
///
/// Every [`std::error::Error`] becomes [`Failure::Reject`] under `?`: an error that gets that far is a refusal or a
/// mistake, and a second try would end the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver this event again later.
    Retry(String),
    /// Never deliver this event to this plugin again; the merchant sees the text.
    Reject(String),
}

impl Failure {
    /// Asks for the event again later, because of `reason`.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(reason.into())
    }

    /// Gives the event up, because of `reason`.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Retry(reason) | Self::Reject(reason)) = self;
        f.write_str(reason)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Reject(error.to_string())
    }
}

/// Why the host declined a call. Nothing was queued or written by that call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The merchant has not granted this capability to the plugin.
    NotGranted,
    /// A limit of this delivery or of the plugin's state is reached; the limit is attached. See [`crate::limits`].
    OverLimit(u32),
    /// An argument is not usable; the text names it and says why.
    Invalid(String),
    /// Anything else, in the host's words.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted => f.write_str("the merchant has not granted this capability"),
            Self::OverLimit(limit) => write!(f, "over the limit of {limit}"),
            Self::Invalid(what) => write!(f, "invalid argument: {what}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refusal {}

/// Reads JSON. Always from bytes, even where there is text: one reader is half the code of two, and plugins are small.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, json: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(json).map_err(|error| Malformed::new(what, &error))
}

/// JSON that does not read as the type asked for, or a value that has no JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What was read or written, such as `settings` or a state key.
    pub what: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Malformed {
    pub(crate) fn new(what: &str, error: &serde_json::Error) -> Self {
        Self { what: what.into(), detail: error.to_string() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not read: {}", self.what, self.detail)
    }
}

impl std::error::Error for Malformed {}

/// Why state could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateError {
    /// A stored value does not read as the type asked for. It is never taken for an absent one.
    Malformed(Malformed),
    /// The host declined the write.
    Refused(Refusal),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for StateError {}

impl From<Malformed> for StateError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl From<Refusal> for StateError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
