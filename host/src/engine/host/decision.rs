//! `decision`: the why, for the merchant.

use super::super::{
    bindings::{decision, types::Refusal},
    delivery::Delivery,
    limits,
};
use crate::domain::Note;

impl decision::Host for Delivery {
    fn note(&mut self, reason: String, fields: Vec<(String, String)>) -> wasmtime::Result<Result<(), Refusal>> {
        if self.notes.len() >= limits::NOTES as usize {
            return Ok(Err(Refusal::OverLimit(limits::NOTES)));
        }
        let bytes = reason.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if bytes > limits::NOTE_BYTES as usize {
            return Ok(Err(Refusal::OverLimit(limits::NOTE_BYTES)));
        }
        self.notes.push(Note { reason, fields });
        Ok(Ok(()))
    }
}
