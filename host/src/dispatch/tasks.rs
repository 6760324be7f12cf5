//! Tasks that a merchant has answered: each is closed in its answer's commit, before the plugin hears of it, so that the
//! plugin may ask anew.

use serde::Deserialize;

use crate::{
    domain::{Event, Origin},
    store::{Error, Transaction, keys},
};

/// What an answer's input says besides.
#[derive(Deserialize)]
struct Answer {
    task: String,
}

/// Closes the task that the event answers, if it answers one that is open.
pub(super) fn close_answered(transaction: &mut Transaction, event: &Event) -> Result<(), Error> {
    let Origin::MerchantAction { plugin, .. } = &event.origin else { return Ok(()) };
    let Ok(Answer { task }) = serde_json::from_slice(&event.body) else { return Ok(()) };
    let stored = keys::task(event.store, plugin, &task);
    if transaction.contains(&stored)? {
        transaction.delete(stored);
    }
    Ok(())
}
