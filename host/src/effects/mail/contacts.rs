//! Contacts in the store: what their readers ask for, and which addresses are not written to.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Outbox, Recipient};
use crate::{
    domain::{Contact, ContactId, PluginName, StoreId},
    store::{CommitError, Error, Scan, Transaction, decode, keys},
};

/// What is known of an address; nothing if it was never written to.
pub(super) fn of(transaction: &mut Transaction, store: StoreId, id: ContactId) -> Result<Contact, Error> {
    Ok(transaction.get(&keys::contact(store, id))?.unwrap_or_default())
}

/// Writes a contact that has changed, and lists it while it is suppressed.
pub(super) fn put(transaction: &mut Transaction, store: StoreId, id: ContactId, before: &Contact, contact: &Contact) {
    if before == contact {
        return;
    }
    if before.suppression != contact.suppression {
        if let Some(was) = &before.suppression {
            transaction.delete(keys::suppressed_at(store, was.since, id));
        }
        if let Some(is) = &contact.suppression {
            transaction.put_bytes(keys::suppressed_at(store, is.since, id), Vec::new());
        }
    }
    transaction.put(keys::contact(store, id), contact);
}

/// Changes a contact; what it is then.
pub(in crate::effects) async fn change(
    outbox: &Outbox,
    store: StoreId,
    id: ContactId,
    change: impl Fn(&mut Contact),
) -> Result<Contact, Error> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        let before = of(&mut transaction, store, id)?;
        let mut contact = before.clone();
        change(&mut contact);
        put(&mut transaction, store, id, &before, &contact);
        match transaction.commit().await {
            Ok(()) => return Ok(contact),
            Err(CommitError::Conflict) => outbox.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

/// The name of an address in a store.
pub fn id_of(outbox: &Outbox, store: StoreId, address: &str) -> ContactId {
    outbox.mails.links.key.contact(store, address)
}

/// What is known of an address.
pub fn read(outbox: &Outbox, store: StoreId, id: ContactId) -> Result<Option<Contact>, Error> {
    outbox.store.get(&keys::contact(store, id))?.map(|value| decode(&value.bytes)).transpose()
}

/// Whom the token of a link names; `None` if this host has not made it, or serves the store no more.
pub fn recipient(outbox: &Outbox, token: &str) -> Option<Recipient> {
    let recipient = outbox.mails.links.key.read(token)?;
    let registry = outbox.catalog.registry();
    let is_served = registry.store(recipient.store).is_some_and(|store| store.record.removed_at.is_none());
    is_served.then_some(recipient)
}

/// Ends all marketing of the store to whoever reads there: who asks to be let alone is not asked from what.
pub async fn unsubscribe(outbox: &Outbox, recipient: &Recipient) -> Result<Contact, Error> {
    let now = outbox.clock.now();
    change(outbox, recipient.store, recipient.contact, |contact| {
        contact.unsubscribed_at = Some(now);
    })
    .await
}

/// What a recipient wants to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The plugins that were offered.
    pub offered: BTreeSet<PluginName>,
    /// Those of them whose marketing is wanted.
    pub wanted: BTreeSet<PluginName>,
    pub pause: Pause,
}

/// Whether marketing is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// As it is.
    Keep,
    None,
    For(Duration),
}

/// Keeps what a recipient wants. Who wants anything is subscribed again.
pub async fn choose(outbox: &Outbox, recipient: &Recipient, choice: &Choice) -> Result<Contact, Error> {
    let now = outbox.clock.now();
    change(outbox, recipient.store, recipient.contact, |contact| {
        let (offered, wanted) = (&choice.offered, &choice.wanted);
        contact.topics_off.retain(|plugin| !offered.contains(plugin));
        contact.topics_off.extend(offered.difference(wanted).cloned());
        if offered.intersection(wanted).next().is_some() {
            contact.unsubscribed_at = None;
        }
        match choice.pause {
            Pause::Keep => {}
            Pause::None => contact.paused_until = None,
            Pause::For(span) => contact.paused_until = Some(now + span),
        }
    })
    .await
}

/// Suppressed addresses of a store, the latest first, at most `limit`.
pub fn suppressed(outbox: &Outbox, store: StoreId, limit: usize) -> Result<Vec<(ContactId, Contact)>, Error> {
    let rows = outbox.store.scan(&Scan::of(keys::suppressed(store), limit).newest_first())?;
    let mut suppressed = Vec::new();
    for id in rows.iter().filter_map(|(key, _)| keys::suppressed_of(key)) {
        suppressed.extend(read(outbox, store, id)?.map(|contact| (id, contact)));
    }
    Ok(suppressed)
}

/// Writes to an address again; false if it is not suppressed. Who has unsubscribed stays so.
pub async fn lift_suppression(outbox: &Outbox, store: StoreId, id: ContactId) -> Result<bool, Error> {
    if read(outbox, store, id)?.is_none_or(|contact| contact.suppression.is_none()) {
        return Ok(false);
    }
    change(outbox, store, id, |contact| {
        contact.suppression = None;
        // Else the next soft bounce would suppress it again.
        contact.mails.iter_mut().for_each(|mail| mail.bounced = false);
    })
    .await?;
    Ok(true)
}
