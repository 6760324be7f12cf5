//! Rows by which events that failed and effects of one stage are listed without reading the others.
//!
//! Each is written in the commit that writes what it lists.

use super::{EventRecord, Transaction, keys};
use crate::domain::{Effect, EffectKind, EffectStage, Outcome, StoreId};

impl EventRecord {
    /// True if the event could not be read, or a delivery of it has failed and is not done since.
    pub fn has_failed(&self) -> bool {
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Retrying { .. } | Outcome::Dead { .. });
        self.unreadable.is_some() || self.deliveries.iter().any(|delivery| failed(&delivery.outcome))
    }
}

impl Transaction {
    /// Writes the record of an event that may have been listed as failed before.
    pub fn put_failed_event(&mut self, store: StoreId, record: &EventRecord) {
        let listed = keys::failed_event(store, record.position);
        match record.has_failed() {
            true => self.put_bytes(listed, Vec::new()),
            false => self.delete(listed),
        }
        self.put(keys::event(store, record.position), record);
    }

    /// Writes an effect; `before` is what it was, if it was there.
    pub fn put_effect(&mut self, store: StoreId, before: Option<&Effect>, effect: &Effect) {
        let stage = effect.status.stage();
        match before.map(|before| before.status.stage()) {
            Some(earlier) if earlier == stage => {}
            earlier => {
                if let Some(earlier) = earlier {
                    self.delete(keys::effect_listed(store, earlier, effect));
                }
                self.put_bytes(keys::effect_listed(store, stage, effect), Vec::new());
                self.list_waiting_mail(store, effect);
            }
        }
        self.put(keys::effect(store, &effect.id), effect);
    }

    /// Lists a marketing mail among its customer's others for as long as it is pending.
    fn list_waiting_mail(&mut self, store: StoreId, effect: &Effect) {
        let EffectKind::Mail(mail) = &effect.kind else { return };
        if !mail.purpose.is_marketing() {
            return;
        }
        let listed = keys::waiting_mail(store, mail, effect);
        match effect.status.stage() {
            EffectStage::Pending => self.put_bytes(listed, Vec::new()),
            EffectStage::Done | EffectStage::Dead | EffectStage::Dropped => self.delete(listed),
        }
    }
}
