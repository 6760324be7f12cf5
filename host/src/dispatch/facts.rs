//! Facts: what an event changes of what the host knows. Older never overwrites newer.

use crate::{
    domain::{Change, Consent, Customer, CustomerId, Event, Merge, Order, OrderId, Refund, StoreId, Timestamp},
    store::{Error, Key, Record, Scan, Store, Transaction, decode, keys, survivor},
};

#[cfg(test)]
mod tests;

/// Orders that move with a merged customer in one step.
const MERGED_ORDERS: usize = 10_000;

/// Writes what the change says.
pub(super) fn project(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    change: &Change,
) -> Result<(), Error> {
    match change {
        Change::Order { order, customer } => {
            if let Some(customer) = customer {
                learn_customer(transaction, store, customer)?;
            }
            learn_order(transaction, store, order)
        }
        Change::Refund(refund) => {
            transaction.put::<Refund>(keys::refund(store, &refund.order, &refund.id), refund);
            Ok(())
        }
        Change::Customer(customer) => learn_customer(transaction, store, customer),
        Change::CustomerDeleted(id) => forget_customer(transaction, store, event, id),
        Change::Merge(merge) if merge.completed => merge_customers(transaction, store, event, merge),
        Change::Consent(consent) => learn_consent(transaction, store, event, consent),
        Change::Fulfillment(fulfillment) => {
            let key = keys::fulfillment(store, &fulfillment.order, &fulfillment.id);
            put_newer(transaction, key, &**fulfillment, |it| it.updated_at)
        }
        Change::Checkout(checkout) => {
            put_newer(transaction, keys::checkout(store, &checkout.id), &**checkout, |it| it.updated_at)
        }
        Change::CheckoutDeleted(id) => {
            transaction.delete(keys::checkout(store, id));
            Ok(())
        }
        // What was edited arrives as an update; a deleted order stays for the ledgers that stand on it.
        Change::OrderEdit(_) | Change::OrderDeleted(_) | Change::Merge(_) | Change::ReadAgain { .. } | Change::None => {
            Ok(())
        }
    }
}

fn put_newer<T: Record, A: PartialOrd>(
    transaction: &mut Transaction,
    key: Key,
    fact: &T,
    age: impl Fn(&T) -> A,
) -> Result<(), Error> {
    let known = transaction.get::<T>(&key)?;
    if known.is_none_or(|known| age(&known) <= age(fact)) {
        transaction.put(key, fact);
    }
    Ok(())
}

fn learn_order(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<(), Error> {
    let key = keys::order(store, &order.id);
    let known = transaction.get::<Order>(&key)?;
    if known.as_ref().is_some_and(|known| known.updated_at > order.updated_at) {
        return Ok(());
    }
    let listed = known.map(|known| listing(transaction, store, &known)).transpose()?.flatten();
    let listing = listing(transaction, store, order)?;
    if listed != listing {
        if let Some(listed) = listed {
            transaction.delete(listed);
        }
        if let Some(listing) = listing {
            transaction.put_bytes(listing, order.id.as_str().as_bytes().to_vec());
        }
    }
    transaction.put(key, order);
    Ok(())
}

/// Where an order is listed under its customer, merges followed; `None` for a guest's.
fn listing(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<Option<Key>, Error> {
    let Some(customer) = &order.customer else { return Ok(None) };
    let holder = survivor(transaction, store, customer.clone())?;
    Ok(Some(keys::customer_order(store, &holder, order.placed_at, &order.id)))
}

/// Takes over what a platform says of a customer; what it leaves out stays as it was known.
fn learn_customer(transaction: &mut Transaction, store: StoreId, customer: &Customer) -> Result<(), Error> {
    let key = keys::customer(store, &customer.id);
    let known = transaction.get::<Customer>(&key)?;
    let known_email = known.as_ref().and_then(|known| known.email.clone());
    let learnt = match known {
        Some(known) if known.updated_at > customer.updated_at || known.deleted => return Ok(()),
        Some(mut known) => Customer {
            accepts_marketing: newer_consent(&mut known, customer.accepts_marketing, customer.consent_at),
            consent_at: known.consent_at,
            email: customer.email.clone().or(known.email),
            phone: customer.phone.clone().or(known.phone),
            first_name: customer.first_name.clone().or(known.first_name),
            last_name: customer.last_name.clone().or(known.last_name),
            locale: customer.locale.clone().or(known.locale),
            tags: if customer.tags.is_empty() { known.tags } else { customer.tags.clone() },
            created_at: customer.created_at.or(known.created_at),
            merged_into: known.merged_into,
            ..customer.clone()
        },
        None => customer.clone(),
    };
    if let Some(known) = known_email
        && learnt.email.as_deref().map(normalised_email) != Some(normalised_email(&known))
    {
        unlist_email(transaction, store, &learnt.id, &known)?;
    }
    if let Some(email) = &customer.email {
        let listing = keys::customer_of_email(store, &normalised_email(email), &learnt.id);
        transaction.put(listing, &learnt.updated_at);
    }
    transaction.put(key, &learnt);
    Ok(())
}

/// Takes an address away from a customer.
fn unlist_email(transaction: &mut Transaction, store: StoreId, id: &CustomerId, email: &str) -> Result<(), Error> {
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
pub fn holder_of(store: &dyn Store, id: StoreId, email: &str) -> Result<Option<CustomerId>, Error> {
    let rows = store.scan(&Scan::of(keys::customer_email(id, &normalised_email(email)), usize::MAX))?;
    let mut last = None;
    for (key, value) in rows {
        let named = match keys::customer_of(&key) {
            Some(customer) => (decode::<Timestamp>(&value.bytes)?, customer),
            // A layout with one customer for each address holds the customer and tells no time.
            None => (Timestamp(0), decode::<CustomerId>(&value.bytes)?),
        };
        last = last.max(Some(named));
    }
    Ok(last.map(|(_, customer)| customer))
}

/// A customer by id or by e-mail address.
pub fn customer_named(store: &dyn Store, id: StoreId, name: &str) -> Result<Option<Customer>, Error> {
    let customer = holder_of(store, id, name)?.unwrap_or_else(|| CustomerId::from(name));
    store.get(&keys::customer(id, &customer))?.map(|value| decode(&value.bytes)).transpose()
}

/// Takes the person out of the customer; the id stays, for sums hang on it, and so that what is learnt later and is
/// older does not bring the person back.
fn forget_customer(transaction: &mut Transaction, store: StoreId, event: &Event, id: &CustomerId) -> Result<(), Error> {
    let key = keys::customer(store, id);
    let known = transaction.get::<Customer>(&key)?;
    if let Some(email) = known.as_ref().and_then(|known| known.email.as_ref()) {
        unlist_email(transaction, store, id, email)?;
    }
    let merged_into = known.and_then(|known| known.merged_into);
    // The same is left whatever was known before.
    let nobody = Customer { accepts_marketing: Some(false), deleted: true, merged_into, ..nobody(id, event) };
    transaction.put(key, &nobody);
    Ok(())
}

/// Keeps the word on marketing that was said last; `said_at` counts as the event's time where the platform tells none.
fn learn_consent(transaction: &mut Transaction, store: StoreId, event: &Event, consent: &Consent) -> Result<(), Error> {
    let key = keys::customer(store, &consent.customer);
    // Whatever a platform says of the customer later is newer than a record that holds nothing but consent.
    let unknown = || Customer { updated_at: Timestamp(0), ..nobody(&consent.customer, event) };
    let mut known = transaction.get::<Customer>(&key)?.unwrap_or_else(unknown);
    if known.deleted {
        return Ok(());
    }
    let said_at = consent.changed_at.unwrap_or(event.occurred_at);
    known.accepts_marketing = newer_consent(&mut known, Some(consent.accepts_marketing), Some(said_at));
    transaction.put(key, &known);
    Ok(())
}

/// The word on marketing that counts, of the one that is known and one that has come; the time of `known` follows it.
fn newer_consent(known: &mut Customer, said: Option<bool>, said_at: Option<Timestamp>) -> Option<bool> {
    if said.is_none() || known.consent_at > said_at {
        return known.accepts_marketing;
    }
    known.consent_at = said_at;
    said
}

/// Joins two customers: the removed one points to the kept one, and its orders are listed there.
fn merge_customers(transaction: &mut Transaction, store: StoreId, event: &Event, merge: &Merge) -> Result<(), Error> {
    if merge.kept == merge.removed || survivor(transaction, store, merge.kept.clone())? == merge.removed {
        return Ok(());
    }
    let key = keys::customer(store, &merge.removed);
    // Whatever the platform says later of one that is not known yet is newer.
    let unknown = |id| Customer { updated_at: Timestamp(0), ..nobody(id, event) };
    let removed = transaction.get::<Customer>(&key)?.unwrap_or_else(|| unknown(&merge.removed));
    transaction.put(key, &Customer { merged_into: Some(merge.kept.clone()), ..removed });
    let kept = survivor(transaction, store, merge.kept.clone())?;
    if !transaction.contains(&keys::customer(store, &kept))? {
        transaction.put(keys::customer(store, &kept), &unknown(&kept));
    }
    for (index, id) in transaction.scan(&Scan::of(keys::customer_orders(store, &merge.removed), MERGED_ORDERS))? {
        let order = OrderId::from(String::from_utf8_lossy(&id).into_owned());
        if let Some(order) = transaction.get::<Order>(&keys::order(store, &order))? {
            transaction.put_bytes(keys::customer_order(store, &kept, order.placed_at, &order.id), id);
        }
        transaction.delete(index);
    }
    Ok(())
}

/// A customer of whom nothing but the id is known.
fn nobody(id: &CustomerId, event: &Event) -> Customer {
    Customer {
        id: id.clone(),
        email: None,
        phone: None,
        first_name: None,
        last_name: None,
        locale: None,
        tags: Vec::new(),
        accepts_marketing: None,
        consent_at: None,
        created_at: None,
        updated_at: event.occurred_at,
        merged_into: None,
        deleted: false,
    }
}

/// An address as identities are compared: trimmed, lower-case.
fn normalised_email(email: &str) -> String {
    email.trim().to_lowercase()
}
