//! Effects on their way through the outbox: queued with a place in line, marked while they are tried, taken back while
//! nobody can have begun them.
//!
//! An effect that is due at once is tried without a mark, which would cost it another write: from its commit on it may be
//! under way, and what a crash cut short may have been done, whatever becomes of the next try. One that is to wait is marked
//! before each try.

use super::{Error, Transaction, keys, keys::Due};
use crate::domain::{Effect, EffectKind, EffectStatus, StoreId, Timestamp};

/// Where an effect stands in line.
pub fn due_of(store: StoreId, effect: &Effect) -> Due {
    Due::Effect { store, to: effect.kind.destination(), id: effect.id.clone() }
}

/// Whether an effect can be taken back while it is not under way. A try that failed may have done it all the same.
fn can_be_taken_back(effect: &Effect) -> bool {
    let was_to_wait = matches!(&effect.kind, EffectKind::Mail(mail) if mail.send_at > effect.queued_at);
    was_to_wait && effect.attempts == 0 && matches!(effect.status, EffectStatus::Pending { .. })
}

impl Transaction {
    /// Queues an effect for the time that its status tells.
    pub fn queue_effect(&mut self, store: StoreId, effect: &Effect) {
        self.put_effect(store, None, effect);
        if let EffectStatus::Pending { due, .. } = effect.status {
            self.put_bytes(due_of(store, effect).key(due), Vec::new());
        }
    }

    /// Takes an effect back, and what goes with it out of the line; false if it is too late, or may be.
    pub fn take_back_effect(
        &mut self,
        store: StoreId,
        effect: &Effect,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let EffectStatus::Pending { due, .. } = effect.status else { return Ok(false) };
        let is_new = self.is_new(&keys::effect(store, &effect.id));
        if !is_new && (!can_be_taken_back(effect) || self.contains(&keys::under_way(store, &effect.id))?) {
            return Ok(false);
        }
        self.delete(due_of(store, effect).key(due));
        let status = EffectStatus::Dropped { reason: reason.into() };
        self.put_effect(store, Some(effect), &Effect { status, updated_at: now, ..effect.clone() });
        Ok(true)
    }

    /// Marks an effect that is about to be tried, if it could be taken back meanwhile.
    pub fn mark_under_way(&mut self, store: StoreId, effect: &Effect) {
        if can_be_taken_back(effect) {
            self.put_bytes(keys::under_way(store, &effect.id), Vec::new());
        }
    }

    /// Takes the mark of an effect away whose try has ended; `before` is the effect as it was when it was tried.
    pub fn unmark_under_way(&mut self, store: StoreId, before: &Effect) {
        if can_be_taken_back(before) {
            self.delete(keys::under_way(store, &before.id));
        }
    }
}
