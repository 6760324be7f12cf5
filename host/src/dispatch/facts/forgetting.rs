//! People who are to be forgotten: of a deleted customer the record goes, of a redacted one all that tells who it was, in
//! its orders, shipments and checkouts as well. Ids and sums stay. What is no fact is forgotten a moment later
//! (`privacy/forget.rs`).

use super::{customers::unlist_email, joining::MERGED_ORDERS};
use crate::{
    domain::{Customer, CustomerId, Event, Order, OrderId, StoreId},
    privacy::{bare, forget},
    store::{Error, Scan, Transaction, all_records_of, keys, survivor},
};

/// Who asks to be forgotten, and in which orders.
pub(super) struct Asked<'a> {
    pub customer: &'a CustomerId,
    /// The guest of the address that the request names.
    pub guest: Option<&'a CustomerId>,
    pub orders: &'a [OrderId],
}

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
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let mut people = all_records_of(transaction, store, asked.customer)?;
    for id in asked.orders {
        let Some(order) = transaction.get::<Order>(&keys::order(store, id))? else { continue };
        match order.customer.clone().map(|id| survivor(transaction, store, id)).transpose()? {
            Some(holder) if people.contains(&holder) => {}
            Some(holder) if holder.is_guest() => people.extend(all_records_of(transaction, store, &holder)?),
            _ => redact_order(transaction, store, order)?,
        }
    }
    // The address may be another's as well; what was begun with it is worth nobody's keeping.
    if let Some(guest) = asked.guest {
        transaction.put_bytes(keys::redacted(store, guest), Vec::new());
        transaction.delete_checkouts_of(store, guest)?;
    }
    forget::ask(transaction, store, event.received_at, asked.customer, &people, asked.orders);
    for person in people {
        delete(transaction, store, event, &person)?;
        transaction.put_bytes(keys::redacted(store, &person), Vec::new());
        transaction.delete_checkouts_of(store, &person)?;
        for (_, id) in transaction.scan(&Scan::of(keys::customer_orders(store, &person), MERGED_ORDERS))? {
            let id = OrderId::from(String::from_utf8_lossy(&id).into_owned());
            if let Some(order) = transaction.get::<Order>(&keys::order(store, &id))? {
                redact_order(transaction, store, order)?;
            }
        }
    }
    Ok(())
}

fn redact_order(transaction: &mut Transaction, store: StoreId, order: Order) -> Result<(), Error> {
    bare::strip_shipments(transaction, store, &order)?;
    let bare = bare::order(order.clone());
    transaction.put_order(store, Some(&order), &bare);
    Ok(())
}

/// Whether a customer is forgotten in its orders as well.
pub(super) fn is_redacted(transaction: &mut Transaction, store: StoreId, id: &CustomerId) -> Result<bool, Error> {
    let known = transaction.get::<Customer>(&keys::customer(store, id))?;
    // Whoever is redacted is deleted: for all others one look will do.
    Ok(known.is_some_and(|known| known.deleted) && is_marked(transaction, store, id)?)
}

/// Whether a request to be forgotten has named a customer, or a guest by the address, whether either is known or not.
pub(super) fn is_marked(transaction: &mut Transaction, store: StoreId, id: &CustomerId) -> Result<bool, Error> {
    transaction.contains(&keys::redacted(store, id))
}
