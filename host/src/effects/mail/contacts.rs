//! Contacts in the store: what their readers ask for, and which addresses are not written to.
//!
//! That somebody leaves, or comes back, holds here from the commit on, and is an event besides: plugins are told, and so is
//! the shop's own newsletter.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Outbox, Recipient};
use crate::{
    domain::{Contact, ContactId, Customer, Event, EventId, Origin, PluginName, StoreId},
    store::{CommitError, Error, Scan, Transaction, decode, keys, survivor},
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

/// What is known of whoever reads at an address.
#[derive(Debug)]
pub struct Standing {
    pub contact: Contact,
    /// Whom the latest mail was for, or whoever has absorbed them since. Nobody who is deleted, or has another address now: who
    /// reads here says nothing for them.
    pub customer: Option<Customer>,
}

impl Standing {
    /// Whether no marketing is sent, by what was said here or to the shop.
    pub fn is_unsubscribed(&self) -> bool {
        self.has_left() || self.has_refused()
    }

    /// Here, and nothing else since.
    fn has_left(&self) -> bool {
        self.contact.is_unsubscribed(self.customer.as_ref().and_then(|customer| customer.consented_at))
    }

    fn has_refused(&self) -> bool {
        self.customer.as_ref().is_some_and(|customer| customer.accepts_marketing == Some(false))
    }
}

pub fn standing(outbox: &Outbox, store: StoreId, id: ContactId) -> Result<Standing, Error> {
    let mut seen = Transaction::new(Arc::clone(&outbox.store));
    let contact = of(&mut seen, store, id)?;
    let Some(named) = contact.customer.clone() else { return Ok(Standing { contact, customer: None }) };
    let left = survivor(&mut seen, store, named)?;
    let reads_here = |customer: &Customer| {
        !customer.deleted && customer.email.as_deref().is_some_and(|address| id_of(outbox, store, address) == id)
    };
    let customer = seen.get::<Customer>(&keys::customer(store, &left))?.filter(reads_here);
    Ok(Standing { contact, customer })
}

/// Ends all marketing of the store to whoever reads there: who asks to be let alone is not asked from what.
pub async fn unsubscribe(outbox: &Outbox, store: StoreId, id: ContactId) -> Result<(), Error> {
    let (before, now) = (standing(outbox, store, id)?, outbox.clock.now());
    change(outbox, store, id, |contact| {
        contact.unsubscribed_at = Some(now);
    })
    .await?;
    match before.has_left() && before.has_refused() {
        true => Ok(()),
        false => say(outbox, (store, id), &before, false).await,
    }
}

/// Takes in what a reader has said of marketing, for the customer whom the shop knows. It survives a power cut.
async fn say(
    outbox: &Outbox,
    (store, contact): (StoreId, ContactId),
    reader: &Standing,
    accepts_marketing: bool,
) -> Result<(), Error> {
    let Some(customer) = &reader.customer else { return Ok(()) };
    let now = outbox.clock.now();
    let word = if accepts_marketing { "given" } else { "withdrawn" };
    let event = Event {
        id: EventId::from(format!("consent/{contact}/{word}/{}", now.0)),
        store,
        origin: Origin::Consent { customer: customer.id.clone(), accepts_marketing },
        occurred_at: now,
        received_at: now,
        body: Bytes::new(),
    };
    outbox.inbox.append(&event).await?;
    Ok(())
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

impl Choice {
    /// Whether any marketing is wanted of what was offered.
    fn wants_any(&self) -> bool {
        self.offered.intersection(&self.wanted).next().is_some()
    }
}

/// Keeps what a recipient wants. Who wants anything after having left has consented anew.
pub async fn choose(outbox: &Outbox, recipient: &Recipient, choice: &Choice) -> Result<(), Error> {
    let (store, id) = (recipient.store, recipient.contact);
    let (before, now) = (standing(outbox, store, id)?, outbox.clock.now());
    change(outbox, store, id, |contact| {
        let (offered, wanted) = (&choice.offered, &choice.wanted);
        contact.topics_off.retain(|plugin| !offered.contains(plugin));
        contact.topics_off.extend(offered.difference(wanted).cloned());
        if choice.wants_any() {
            contact.unsubscribed_at = None;
        }
        match choice.pause {
            Pause::Keep => {}
            Pause::None => contact.paused_until = None,
            Pause::For(span) => contact.paused_until = Some(now + span),
        }
    })
    .await?;
    match before.is_unsubscribed() && choice.wants_any() {
        true => say(outbox, (store, id), &before, true).await,
        false => Ok(()),
    }
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
