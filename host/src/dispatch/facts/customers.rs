//! Customers: what platforms tell of them, their consent, and whose an address is.

use super::guests;
use crate::{
    domain::{Consent, Customer, CustomerId, Event, Merge, Origin, StoreId, Timestamp, normalised_email},
    store::{Error, Scan, Store, Transaction, decode, keys, survivor},
};

/// Takes over what a platform says of a customer, whether it is newer or older than what is known; returns the merge of a
/// guest who turns out to be this customer.
pub(super) fn learn(
    transaction: &mut Transaction,
    store: StoreId,
    customer: &Customer,
) -> Result<Option<Merge>, Error> {
    let key = keys::customer(store, &customer.id);
    let known = transaction.get::<Customer>(&key)?;
    let learnt = match &known {
        Some(known) if known.deleted => return Ok(None),
        Some(known) => learnt(known, customer),
        None => customer.clone(),
    };
    if known.as_ref() == Some(&learnt) {
        return Ok(None);
    }
    let known_email = known.as_ref().and_then(|known| known.email.as_deref());
    let [was, is] = [known_email, learnt.email.as_deref()].map(|email| email.map(normalised_email));
    if let Some(given_up) = known_email.filter(|_| was != is) {
        unlist_email(transaction, store, &learnt.id, given_up)?;
    }
    if let Some(address) = &is
        && (learnt.updated_at == customer.updated_at || was.is_none())
        && customer.email.is_some()
    {
        let listing = keys::customer_of_email(store, address, &learnt.id);
        transaction.put(listing, &customer.updated_at);
    }
    transaction.put(key, &learnt);
    match known.is_some_and(|known| known.email_verified) && was == is {
        true => Ok(None),
        false => guests::absorb(transaction, store, &learnt),
    }
}

/// Whether what is told of a customer is known already, or concerns one who is to be known no more.
pub fn says_nothing_new(known: &Customer, told: &Customer) -> bool {
    known.deleted || learnt(known, told) == *known
}

/// What is known of a customer after it has been told of once more: the newer telling, and of the older one what the newer
/// leaves out.
fn learnt(known: &Customer, told: &Customer) -> Customer {
    let (newer, older) = if known.updated_at > told.updated_at { (known, told) } else { (told, known) };
    let (accepts_marketing, consent_at) = newer_consent(known, told.accepts_marketing, told.consent_at);
    let (newer, older) = (newer.clone(), older.clone());
    Customer {
        email_verified: if newer.email.is_some() { newer.email_verified } else { older.email_verified },
        email: newer.email.or(older.email),
        phone: newer.phone.or(older.phone),
        first_name: newer.first_name.or(older.first_name),
        last_name: newer.last_name.or(older.last_name),
        locale: newer.locale.or(older.locale),
        tags: if newer.tags.is_empty() { older.tags } else { newer.tags },
        accepts_marketing,
        consent_at,
        consented_at: known.consented_at.max(told.consented_at),
        birthday: newer.birthday.or(older.birthday),
        created_at: newer.created_at.or(older.created_at),
        merged_into: known.merged_into.clone(),
        deleted: false,
        ..newer
    }
}

/// Keeps the word on marketing that was said last; where the platform tells no time, the event's stands in, and is none at
/// which anybody is known to have consented.
pub(super) fn learn_consent(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    consent: &Consent,
) -> Result<(), Error> {
    // Who is spoken to here is whoever is left; what platforms say of one who is absorbed is of that one.
    let customer = match event.origin {
        Origin::Consent { .. } => survivor(transaction, store, consent.customer.clone())?,
        _ => consent.customer.clone(),
    };
    let key = keys::customer(store, &customer);
    // Whatever a platform says of the customer later is newer than a record that holds nothing but consent.
    let known = transaction.get::<Customer>(&key)?.unwrap_or_else(|| Customer::nobody(customer));
    if known.deleted {
        return Ok(());
    }
    let said_at = consent.changed_at.unwrap_or(event.occurred_at);
    let (accepts_marketing, consent_at) = newer_consent(&known, Some(consent.accepts_marketing), Some(said_at));
    let consented_at = known.consented_at.max(consent.changed_at.filter(|_| consent.accepts_marketing));
    transaction.put(key, &Customer { accepts_marketing, consent_at, consented_at, ..known });
    Ok(())
}

/// The word on marketing that counts, of the one that is known and one that has come, and when it was said.
fn newer_consent(
    known: &Customer,
    said: Option<bool>,
    said_at: Option<Timestamp>,
) -> (Option<bool>, Option<Timestamp>) {
    match said.is_none() || known.consent_at > said_at {
        true => (known.accepts_marketing, known.consent_at),
        false => (said, said_at),
    }
}

/// Takes an address away from a customer.
pub(super) fn unlist_email(
    transaction: &mut Transaction,
    store: StoreId,
    id: &CustomerId,
    email: &str,
) -> Result<(), Error> {
    let address = normalised_email(email);
    transaction.delete(keys::customer_of_email(store, &address, id));
    let alone = keys::customer_email(store, &address);
    if transaction.get::<CustomerId>(&alone)?.as_ref() == Some(id) {
        transaction.delete(alone);
    }
    Ok(())
}

/// Whose an address is: of all customers who are known by it, the one whom the platform named with it last. No two have
/// it at one time, so the others have given it up, whether that is known yet or not.
///
/// A guest has it if nobody else does.
pub fn holder_of(store: &dyn Store, id: StoreId, email: &str) -> Result<Option<CustomerId>, Error> {
    let address = normalised_email(email);
    let rows = store.scan(&Scan::of(keys::customer_email(id, &address), usize::MAX))?;
    let mut last = None;
    for (key, value) in rows {
        let named = match keys::customer_of(&key) {
            Some(customer) => (decode::<Timestamp>(&value.bytes)?, customer),
            // A layout with one customer for each address holds the customer and tells no time.
            None => (Timestamp(0), decode::<CustomerId>(&value.bytes)?),
        };
        last = last.max(Some(named));
    }
    if let Some((_, customer)) = last {
        return Ok(Some(customer));
    }
    let guest = CustomerId::guest(&address);
    let known = store.get(&keys::customer(id, &guest))?.map(|value| decode::<Customer>(&value.bytes)).transpose()?;
    Ok(known.filter(|known| !known.deleted).map(|known| known.id))
}

/// A customer by id or by e-mail address.
pub fn customer_named(store: &dyn Store, id: StoreId, name: &str) -> Result<Option<Customer>, Error> {
    let customer = holder_of(store, id, name)?.unwrap_or_else(|| CustomerId::from(name));
    store.get(&keys::customer(id, &customer))?.map(|value| decode(&value.bytes)).transpose()
}
