//! People who are to be forgotten: of a deleted customer the record goes, of a redacted one all that tells who it was, in
//! its orders as well. Ids and sums stay.

use std::collections::BTreeSet;

use super::{customers::unlist_email, joining::MERGED_ORDERS};
use crate::{
    domain::{Customer, CustomerId, Event, Order, OrderId, StoreId},
    store::{Error, Scan, Transaction, keys, survivor},
};

/// Records that are merged into one customer: more is a damaged chain.
const ABSORBED: usize = 1_000;

/// Takes the person out of the customer's record; the id stays, for sums hang on it, and so that what is learnt later and
/// is older does not bring the person back.
pub(super) fn delete(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    id: &CustomerId,
) -> Result<(), Error> {
    let key = keys::customer(store, id);
    let known = transaction.get::<Customer>(&key)?;
    if let Some(email) = known.as_ref().and_then(|known| known.email.as_ref()) {
        unlist_email(transaction, store, id, email)?;
    }
    // The same is left whatever was known before.
    let left = Customer {
        accepts_marketing: Some(false),
        updated_at: event.occurred_at,
        merged_into: known.and_then(|known| known.merged_into),
        deleted: true,
        ..Customer::nobody(id.clone())
    };
    transaction.put(key, &left);
    Ok(())
}

/// Forgets a person: the customer, all that were merged into one with it, and the guests of the orders that are named.
pub(super) fn redact(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    customer: &CustomerId,
    orders: &[OrderId],
) -> Result<(), Error> {
    let mut people = all_records_of(transaction, store, customer)?;
    for id in orders {
        let Some(order) = transaction.get::<Order>(&keys::order(store, id))? else { continue };
        match order.customer.clone().map(|id| survivor(transaction, store, id)).transpose()? {
            Some(holder) if people.contains(&holder) => {}
            Some(holder) if holder.is_guest() => people.extend(all_records_of(transaction, store, &holder)?),
            _ => redact_order(transaction, store, order),
        }
    }
    for person in people {
        delete(transaction, store, event, &person)?;
        transaction.put_bytes(keys::redacted(store, &person), Vec::new());
        for (_, id) in transaction.scan(&Scan::of(keys::customer_orders(store, &person), MERGED_ORDERS))? {
            let id = OrderId::from(String::from_utf8_lossy(&id).into_owned());
            if let Some(order) = transaction.get::<Order>(&keys::order(store, &id))? {
                redact_order(transaction, store, order);
            }
        }
    }
    Ok(())
}

/// The customer that is left of one after merges, and all that were merged into it.
fn all_records_of(
    transaction: &mut Transaction,
    store: StoreId,
    customer: &CustomerId,
) -> Result<BTreeSet<CustomerId>, Error> {
    let mut open = vec![survivor(transaction, store, customer.clone())?];
    let mut all = BTreeSet::new();
    while let Some(next) = open.pop() {
        for (key, _) in transaction.scan(&Scan::of(keys::all_absorbed(store, &next), ABSORBED))? {
            open.extend(keys::absorbed_of(&key).filter(|absorbed| !all.contains(absorbed)));
        }
        all.insert(next);
    }
    Ok(all)
}

fn redact_order(transaction: &mut Transaction, store: StoreId, order: Order) {
    let bare = without_person(order.clone());
    transaction.put_order(store, Some(&order), &bare);
}

/// An order without what tells who placed it.
pub(super) fn without_person(order: Order) -> Order {
    Order { email: None, attributes: Vec::new(), signals: Vec::new(), ..order }
}

/// Whether a customer is forgotten in its orders as well.
pub(super) fn is_redacted(transaction: &mut Transaction, store: StoreId, id: &CustomerId) -> Result<bool, Error> {
    let known = transaction.get::<Customer>(&keys::customer(store, id))?;
    // Whoever is redacted is deleted: for all others one look will do.
    Ok(known.is_some_and(|known| known.deleted) && transaction.contains(&keys::redacted(store, id))?)
}
