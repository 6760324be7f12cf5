//! `outbox`: what became of a plugin's own effects.

use super::super::{bindings::outbox, delivery::Delivery};
use crate::domain::{EffectStatus, ProtectedData};

impl outbox::Host for Delivery {
    fn get_standing(&mut self, effect: String) -> wasmtime::Result<Option<outbox::Standing>> {
        let Some(effect) = self.own_effect(&effect)? else { return Ok(None) };
        let status = effect.status.stage().word().into();
        let reason = match effect.status {
            EffectStatus::Pending { last_error, .. } => last_error,
            EffectStatus::Dead { reason } | EffectStatus::Dropped { reason } => Some(reason),
            EffectStatus::Done { .. } => None,
        };
        // The other side's words: a mail server's name the address.
        let reason = reason.filter(|_| self.input.store.protected_data != ProtectedData::Level1);
        Ok(Some(outbox::Standing { status, reason }))
    }

    fn withdraw(&mut self, effect: String) -> wasmtime::Result<bool> {
        match self.own_effect(&effect)? {
            Some(effect) => self.take_back(&effect, "withdrawn by the plugin"),
            None => Ok(false),
        }
    }
}
