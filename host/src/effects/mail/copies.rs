//! Copies of mails as they were sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Outbox;
use crate::{
    domain::{Effect, EffectId, StoreId, Timestamp},
    store::{CommitError, Error, Position, Transaction, decode, keys},
};

/// A mail as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCopy {
    pub message_id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub sent_at: Timestamp,
}

pub(super) async fn keep(outbox: &Outbox, store: StoreId, effect: &Effect, copy: &MailCopy) -> Result<(), Error> {
    let bytes = serde_json::to_vec(copy)
        .map_err(|error| Error::Damaged { what: "a mail's copy".into(), detail: error.to_string() })?;
    let position = outbox.archive.append(bytes).await?;
    let mut transaction = Transaction::new(Arc::clone(&outbox.store));
    transaction.put(keys::mail_copy(store, &effect.id), &position);
    transaction.commit().await.map_err(|error| match error {
        CommitError::Store(error) => error,
        CommitError::Conflict => Error::Stopped("a commit that reads nothing met a conflict".into()),
    })
}

/// The mail of an effect as it was sent; `None` if it was not sent, or its retention has ended.
pub fn read_copy(outbox: &Outbox, store: StoreId, effect: &EffectId) -> Result<Option<MailCopy>, Error> {
    let Some(row) = outbox.store.get(&keys::mail_copy(store, effect))? else { return Ok(None) };
    let Some(bytes) = outbox.archive.get(decode::<Position>(&row.bytes)?)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Error::Damaged { what: "a mail's copy".into(), detail: error.to_string() })
}
