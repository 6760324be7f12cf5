//! What goes besides the facts when somebody is redacted: what effects said, what was noted and asked, links, contacts, and
//! what plugins keep that are not told.
//!
//! It is done a moment after the facts' commit, page by page, and once more after raw notices and copies have ended, for
//! what was on its way meanwhile. Doing it twice changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Person, Place, bare, person::PAGE, tables};
use crate::{
    domain::{
        Contact, CustomerId, Effect, EffectKind, EffectStatus, Fulfillment, Order, Outcome, PluginName, StoreId,
        Timestamp,
    },
    store::{
        CommitError, Error, EventRecord, Forgetting, Key, Scan, Table, TaskRecord, TimerRecord, Transaction, decode,
        keys, keys::Due, survivor,
    },
};

/// What stands in the place of a text that may have told who somebody is.
const FORGOTTEN: &str = "forgotten with the customer";

/// Rounds in which somebody is forgotten: at once, and when raw notices and copies have ended.
pub const ROUNDS: u8 = 2;

/// Asks in the facts' commit for the rest to be forgotten.
pub fn ask(transaction: &mut Transaction, store: StoreId, at: Timestamp, forgetting: &Forgetting) {
    transaction.put(Due::Forgetting { store, customer: forgetting.told.clone(), round: 1 }.key(at), forgetting);
}

/// Plugins that forget by themselves, because they are told.
pub type Told = BTreeSet<PluginName>;

/// Which plugins an event has told. At first one that is to be told yet counts too; in the end one that was not told, or
/// could not bear it, has forgotten nothing.
pub fn told_by(event: &EventRecord, round: u8) -> Told {
    let is_told = |outcome: &Outcome| match outcome {
        Outcome::Done => true,
        Outcome::Retrying { .. } | Outcome::Waiting { .. } => round < ROUNDS,
        Outcome::Dead { .. } => false,
    };
    let told = event.deliveries.iter().filter(|delivery| is_told(&delivery.outcome));
    told.map(|delivery| delivery.plugin.clone()).collect()
}

/// What was deleted of each plugin's state: keys and bytes.
pub type Deleted = BTreeMap<PluginName, (u64, u64)>;

/// Takes a person out of everything that is no fact.
pub async fn forget(place: &Place, forgetting: &Forgetting, told: &Told) -> Result<Deleted, Error> {
    let person = Person::forgotten(place, forgetting).await?;
    let mut left = Transaction::new(Arc::clone(&place.store));
    let told_of = survivor(&mut left, place.id, forgetting.told.clone())?;
    drop(left);
    let scope = Scope { store: place.id, person: &person, told, told_of: &told_of };
    let mut deleted = Deleted::new();
    // Links go last: who begins anew after a break finds the rest by their names.
    let (links, others): (Vec<_>, Vec<_>) = Table::ALL.into_iter().partition(|table| *table == Table::Link);
    for table in others.into_iter().chain(links) {
        if !tables::of(table).is_scrubbed {
            continue;
        }
        let rows = match table {
            Table::Link => keys::all_links(),
            table => keys::of_table(place.id, table),
        };
        let mut after = None;
        loop {
            let page = place.store.scan(&Scan::of(rows.clone(), PAGE).after(after))?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            scrub(place, &scope, table, page.into_iter().map(|(key, _)| key).collect(), &mut deleted).await?;
        }
    }
    Ok(deleted)
}

struct Scope<'a> {
    store: StoreId,
    person: &'a Person,
    told: &'a Told,
    /// The record of which plugins are told.
    told_of: &'a CustomerId,
}

/// Takes the person out of some rows in one commit.
async fn scrub(
    place: &Place,
    scope: &Scope<'_>,
    table: Table,
    rows: Vec<Key>,
    deleted: &mut Deleted,
) -> Result<(), Error> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&place.store));
        let mut of_page = Vec::new();
        for key in &rows {
            let bytes = transaction.get_bytes(key)?.map(<[u8]>::to_vec);
            let Some(bytes) = bytes else { continue };
            match scope.scrub_row(&mut transaction, table, key, &bytes) {
                Ok(deleted) => of_page.extend(deleted),
                // It reads no better next time, and must not hold up the others.
                Err(error @ (Error::Damaged { .. } | Error::TooNew { .. })) => {
                    tracing::error!(%error, "nobody is forgotten in {key:?}: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        if !transaction.has_writes() {
            return Ok(());
        }
        match transaction.commit().await {
            Ok(()) => {
                for (plugin, bytes) in of_page {
                    let (all_keys, all_bytes) = deleted.entry(plugin).or_default();
                    (*all_keys, *all_bytes) = (*all_keys + 1, *all_bytes + bytes);
                }
                return Ok(());
            }
            Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

impl Scope<'_> {
    /// Takes the person out of one row; returns what was deleted of a plugin's state.
    fn scrub_row(
        &self,
        transaction: &mut Transaction,
        table: Table,
        key: &Key,
        bytes: &[u8],
    ) -> Result<Option<(PluginName, u64)>, Error> {
        let person = self.person;
        let mut parts = key.parts();
        match table {
            Table::Order => {
                let order: Order = decode(bytes)?;
                let bare = bare::order(order.clone());
                if person.orders.contains(&order.id) && bare != order {
                    transaction.put_order(self.store, Some(&order), &bare);
                }
            }
            Table::Fulfillment => {
                let shipment: Fulfillment = decode(bytes)?;
                let bare = shipment.clone().without_way();
                if person.orders.contains(&shipment.order) && bare != shipment {
                    transaction.put(key.clone(), &bare);
                }
            }
            Table::Event => {
                let event: EventRecord = decode(bytes)?;
                if person.has_customer(event.customer.as_ref()) || person.has_order(event.order.as_ref()) {
                    let bare = bare_event(event.clone());
                    if bare != event {
                        transaction.put(key.clone(), &bare);
                    }
                }
            }
            Table::State => {
                let plugin = PluginName::from(parts.text().unwrap_or_default());
                let name = String::from_utf8_lossy(parts.rest()).into_owned();
                if self.goes(&plugin, &name, person.has_key(&plugin, &name)) {
                    transaction.delete(key.clone());
                    return Ok(Some((plugin, (name.len() + bytes.len()) as u64)));
                }
            }
            Table::Timer => {
                let (plugin, name) =
                    (PluginName::from(parts.text().unwrap_or_default()), parts.text().unwrap_or_default());
                let timer: TimerRecord = decode(bytes)?;
                if self.goes(&plugin, &name, person.has_timer(&plugin, &name, &timer.payload)) {
                    transaction.delete(Due::Timer { store: self.store, plugin, key: name }.key(timer.due));
                    transaction.delete(key.clone());
                }
            }
            Table::Task => {
                let (plugin, name) =
                    (PluginName::from(parts.text().unwrap_or_default()), parts.text().unwrap_or_default());
                let task: TaskRecord = decode(bytes)?;
                if person.has_task(&plugin, &name, &task) && (task.title != FORGOTTEN || !task.details.is_empty()) {
                    let bare = TaskRecord { title: FORGOTTEN.into(), details: Vec::new(), ..task };
                    transaction.put(key.clone(), &bare);
                }
            }
            Table::Link if person.links.contains(&parts.text().unwrap_or_default()) => transaction.delete(key.clone()),
            Table::CustomerLink => {
                parts.text();
                if person.has_customer(parts.text().map(CustomerId::from).as_ref()) {
                    transaction.delete(key.clone());
                }
            }
            Table::Effect => {
                let effect: Effect = decode(bytes)?;
                if person.effects.contains(&effect.id) {
                    self.scrub_effect(transaction, effect);
                }
            }
            Table::Contact => {
                if let Some(id) = keys::contact_of(key).filter(|id| person.contacts.contains(id)) {
                    let contact: Contact = decode(bytes)?;
                    match bare_contact(person, contact.clone()) {
                        Some(bare) if bare == contact => {}
                        Some(bare) => transaction.put(keys::contact(self.store, id), &bare),
                        None => transaction.delete(key.clone()),
                    }
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Whether a plugin's key goes. A plugin that is told of one record keeps of it what it needs for its sums; of others, and
    /// of a plugin that is not told, everything goes that names the person.
    fn goes(&self, plugin: &PluginName, key: &str, is_theirs: bool) -> bool {
        match self.told.contains(plugin) {
            true => self.person.has_other(plugin, key, self.told_of),
            false => is_theirs,
        }
    }

    /// What an effect was to say goes, and so does what was told of it: an address may stand in a mail server's answer. What
    /// only said something, and has not been done, is not done.
    fn scrub_effect(&self, transaction: &mut Transaction, effect: Effect) {
        let is_pending = matches!(effect.status, EffectStatus::Pending { .. });
        let mut bare = effect.clone();
        match &mut bare.kind {
            EffectKind::Mail(mail) => mail.vars.clear(),
            EffectKind::AddOrderNote(note) => note.text.clear(),
            EffectKind::SetMetafield(field) => field.value.clear(),
            // It holds nothing but the day.
            EffectKind::SetBirthday(_) => {
                transaction.delete(keys::effect(self.store, &effect.id));
                transaction.delete(keys::effect_listed(self.store, effect.status.stage(), &effect));
                return;
            }
            EffectKind::CreateDiscount(_)
            | EffectKind::ChangeTags(_)
            | EffectKind::DisableDiscount(_)
            | EffectKind::StoreCredit(_)
            | EffectKind::CreateGiftCard(_)
            | EffectKind::ChangeOrderTags(_)
            | EffectKind::AddParcelGift(_)
            | EffectKind::SetShipBy(_)
            | EffectKind::CreateDiscounts(_)
            | EffectKind::SetConsent(_) => {}
        }
        let says_something = matches!(
            bare.kind,
            EffectKind::Mail(_) | EffectKind::AddOrderNote(_) | EffectKind::SetMetafield(_) | EffectKind::SetConsent(_)
        );
        match &mut bare.status {
            EffectStatus::Dead { reason } | EffectStatus::Dropped { reason } => *reason = FORGOTTEN.into(),
            EffectStatus::Pending { last_error, .. } => *last_error = None,
            EffectStatus::Done { receipt } if says_something => receipt.clear(),
            EffectStatus::Done { .. } => {}
        }
        if is_pending && says_something {
            bare.status = EffectStatus::Dropped { reason: FORGOTTEN.into() };
        }
        if bare != effect {
            transaction.put_effect(self.store, Some(&effect), &bare);
        }
    }
}

/// An event without what was noted of it. What was decided is in its effects and in the plugins' sums.
fn bare_event(mut event: EventRecord) -> EventRecord {
    if let Some(reason) = &mut event.unreadable {
        *reason = FORGOTTEN.into();
    }
    for delivery in &mut event.deliveries {
        delivery.notes.clear();
        delivery.reads.clear();
        match &mut delivery.outcome {
            Outcome::Retrying { reason, .. } | Outcome::Dead { reason } | Outcome::Waiting { reason } => {
                *reason = FORGOTTEN.into();
            }
            Outcome::Done => {}
        }
    }
    event
}

/// A contact without whom it was for and when; `None` if its reader has asked for nothing that has to be kept.
///
/// That an address wants no mails, or takes none, outlives the person: else it would be written to again.
fn bare_contact(person: &Person, mut contact: Contact) -> Option<Contact> {
    contact.customer = contact.customer.filter(|customer| !person.customers.contains(customer));
    contact.mails.retain(|mail| !person.effects.contains(&mail.effect));
    if let Some(suppression) = &mut contact.suppression {
        suppression.detail.clear();
    }
    (contact != Contact::default()).then_some(contact)
}
