//! How a plugin's call ends: with what it asked for, with a refusal that the plugin is told, or with a failure of the host,
//! which ends the delivery.

use super::{bindings::types::Refusal, delivery::ReadTooMuch};
use crate::store;

/// Why a call does not yield what was asked for.
#[derive(Debug)]
pub(super) enum Declined {
    /// The plugin asked for something that it may not have. Nothing was queued or written.
    Refused(Refusal),
    /// The delivery cannot go on.
    Failed(wasmtime::Error),
}

pub(super) type Answer<T> = Result<T, Declined>;

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<wasmtime::Error> for Declined {
    fn from(error: wasmtime::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<store::Error> for Declined {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReadTooMuch> for Declined {
    fn from(error: ReadTooMuch) -> Self {
        Self::Failed(error.into())
    }
}

/// The answer as the bindings take it.
pub(super) fn told<T>(answer: Answer<T>) -> wasmtime::Result<Result<T, Refusal>> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(Declined::Refused(refusal)) => Ok(Err(refusal)),
        Err(Declined::Failed(error)) => Err(error),
    }
}

pub(super) fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::Invalid(text.into())
}
