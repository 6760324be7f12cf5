//! What keeps the host from its work: the reasons behind `/readyz`. A new reason is a variant here, a line in
//! `Host::unready`, and its wording in `web/problem.rs`.

use std::time::Duration;

use super::Host;
use crate::{
    domain::Timestamp,
    store::{self, Inbox, Store, keys},
};

/// One reason why the host is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unready {
    /// No event can be kept.
    Inbox,
    /// Nothing can be committed or read.
    Store,
    /// The oldest event that is not applied has waited for longer than it may.
    Behind { waited: Duration, bound: Duration },
}

impl Host {
    /// Everything that keeps the host from its work now. Reads little, and writes nothing: anybody may ask.
    pub fn unready(&self) -> Vec<Unready> {
        let mut reasons = Vec::new();
        let oldest = self.oldest_unapplied();
        if self.journal.log().standing().trouble().is_some() || oldest.is_err() {
            reasons.push(Unready::Inbox);
        }
        if self.sled.standing().trouble().is_some() || self.sled.get(&keys::meta("last-store")).is_err() {
            reasons.push(Unready::Store);
        }
        let bound = Duration::from_secs(self.config.dispatch.max_lag_seconds);
        if let Ok(Some(received_at)) = oldest {
            let waited = self.clock.now().since(received_at);
            if !bound.is_zero() && waited > bound {
                reasons.push(Unready::Behind { waited, bound });
            }
        }
        reasons
    }

    /// How many events are accepted and not applied yet.
    pub fn unapplied(&self) -> u64 {
        let Some(reached) = self.reached.get().map(|reached| *reached.borrow()) else { return 0 };
        (self.journal.durable().borrow().0 + 1).saturating_sub(reached.0)
    }

    /// When the oldest event was received that is not applied yet; `None` if all are.
    pub fn oldest_unapplied(&self) -> Result<Option<Timestamp>, store::Error> {
        let Some(reached) = self.reached.get().map(|reached| *reached.borrow()) else { return Ok(None) };
        if reached > *self.journal.durable().borrow() {
            return Ok(None);
        }
        Ok(self.journal.get(reached)?.map(|event| event.received_at))
    }
}
