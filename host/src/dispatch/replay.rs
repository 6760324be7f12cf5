//! Replay on request: dead letters run again, and events that could not be read are read again.

use std::sync::Arc;

use super::{Job, Pipeline, apply};
use crate::{
    domain::{Outcome, PluginName, StoreId},
    store::{CommitError, Error, EventRecord, Position, keys, keys::Due},
};

/// What a replay set going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// These plugins' deliveries are due now.
    Deliveries(Vec<PluginName>),
    /// The event was read, and applied as if it had just come.
    ReadAgain,
}

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no such event")]
    NoEvent,
    #[error("the event's body is past its retention, so that it cannot be replayed")]
    BodyGone,
    #[error("every delivery of the event is done, and counts once; there is nothing to replay")]
    NothingToReplay,
    #[error("the event still cannot be read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] Error),
}

impl Pipeline {
    /// Makes the failed deliveries of an event due now, of one plugin or of all.
    pub async fn replay(
        &self,
        store: StoreId,
        position: Position,
        plugin: Option<&PluginName>,
    ) -> Result<Replayed, ReplayError> {
        loop {
            let mut transaction = self.transaction();
            let key = keys::event(store, position);
            let mut record = transaction.get::<EventRecord>(&key)?.ok_or(ReplayError::NoEvent)?;
            if record.unreadable.is_some() {
                return self.read_again(position).await;
            }
            if self.inbox.get(position)?.is_none() {
                return Err(ReplayError::BodyGone);
            }
            let now = self.clock.now();
            let mut names = Vec::new();
            for delivery in &mut record.deliveries {
                let reason = match &delivery.outcome {
                    Outcome::Dead { reason } | Outcome::Retrying { reason, .. } => reason.clone(),
                    Outcome::Done => continue,
                };
                if plugin.is_some_and(|plugin| *plugin != delivery.plugin) {
                    continue;
                }
                let row = Due::Delivery { store, position, plugin: delivery.plugin.clone() };
                if let Outcome::Retrying { due, .. } = &delivery.outcome {
                    transaction.delete(row.key(*due));
                }
                transaction.put_bytes(row.key(now), Vec::new());
                // The schedule begins anew.
                delivery.attempt = 0;
                delivery.outcome = Outcome::Retrying { due: now, reason };
                names.push(delivery.plugin.clone());
            }
            if names.is_empty() {
                return Err(ReplayError::NothingToReplay);
            }
            transaction.put(key, &record);
            match transaction.commit().await {
                Ok(()) => return Ok(Replayed::Deliveries(names)),
                Err(CommitError::Conflict) => self.counters.conflicts.add_one(),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Applies an event that could not be read as if it had just come.
    async fn read_again(&self, position: Position) -> Result<Replayed, ReplayError> {
        let event = self.inbox.get(position)?.ok_or(ReplayError::BodyGone)?;
        let job = Job { position, read: apply::read(self, &event), event: Arc::new(event) };
        if let Err(unreadable) = &job.read {
            return Err(ReplayError::Unreadable(unreadable.to_string()));
        }
        apply::apply(self, &job).await?;
        Ok(Replayed::ReadAgain)
    }
}
