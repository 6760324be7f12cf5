//! People who are to be forgotten: of a deleted customer the record goes, of a redacted one all that tells who it was, in
//! its orders, shipments and checkouts as well. Ids and sums stay. What is no fact is forgotten a moment later
//! (`privacy/forget.rs`).

use std::{borrow::Cow, collections::BTreeSet};

use super::{customers::unlist_email, joining::MERGED_ORDERS};
use crate::{
    domain::{Customer, CustomerId, Event, Order, OrderId, Signal, StoreId, normalised_email},
    privacy::{bare, forget},
    store::{Error, Forgetting, Scan, Transaction, all_records_of, keys, survivor},
};

/// Who asks to be forgotten, and in which orders.
pub(super) struct Asked<'a> {
    pub customer: &'a CustomerId,
    /// The address that the request names.
    pub email: Option<&'a str>,
    /// Orders that it names, whoever's they are and whether they are known yet.
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

/// Forgets a person: the customer, all that were merged into one with it, and the guests of the orders that are named. Where
/// nothing but an address is named, whoever has it, and whatever was ordered with it.
pub(super) fn redact(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    asked: &Asked<'_>,
) -> Result<(), Error> {
    let mut people = all_records_of(transaction, store, asked.customer)?;
    let mut orders: BTreeSet<_> = asked.orders.iter().cloned().collect();
    if let Some(email) = asked.email.filter(|_| asked.customer.is_guest()) {
        for holder in with_address(transaction, store, email)? {
            people.extend(all_records_of(transaction, store, &holder)?);
        }
        orders.extend(ordered_with(transaction, store, email)?);
    }
    let mut signals = BTreeSet::new();
    for id in &orders {
        transaction.put_bytes(keys::redacted_order(store, id), Vec::new());
        let Some(order) = transaction.get::<Order>(&keys::order(store, id))? else { continue };
        match order.customer.clone().map(|id| survivor(transaction, store, id)).transpose()? {
            Some(holder) if people.contains(&holder) => {}
            Some(holder) if holder.is_guest() => people.extend(all_records_of(transaction, store, &holder)?),
            _ => {
                signals.extend(&order.signals);
                redact_order(transaction, store, order)?;
            }
        }
    }
    // The address may be another's as well; what was begun with it is worth nobody's keeping.
    if let Some(guest) = asked.email.and_then(CustomerId::of_guest) {
        transaction.put_bytes(keys::redacted(store, &guest), Vec::new());
        transaction.delete_checkouts_of(store, &guest)?;
    }
    for person in &people {
        signals.extend(redact_person(transaction, store, event, person)?);
    }
    let forgetting = Forgetting {
        told: asked.customer.clone(),
        customers: people.into_iter().collect(),
        orders: orders.into_iter().collect(),
        signals: signals.into_iter().collect(),
        event: event.id.clone(),
        position: None,
    };
    forget::ask(transaction, store, event.received_at, &forgetting);
    Ok(())
}

/// Customers who are known to have an address.
fn with_address(transaction: &mut Transaction, store: StoreId, email: &str) -> Result<Vec<CustomerId>, Error> {
    let listed = keys::customer_email(store, &normalised_email(email));
    let rows = transaction.scan(&Scan::of(listed, MERGED_ORDERS))?;
    Ok(rows.iter().filter_map(|(key, _)| keys::customer_of(key)).collect())
}

/// Orders that were placed with an address, and with no other.
fn ordered_with(transaction: &mut Transaction, store: StoreId, email: &str) -> Result<Vec<OrderId>, Error> {
    let Some(signal) = Signal::email(email) else { return Ok(Vec::new()) };
    let rows = transaction.scan(&Scan::of(keys::orders_by_signal(store, &signal), MERGED_ORDERS))?;
    let mut orders = Vec::new();
    for (_, id) in rows.iter().filter_map(|(key, _)| keys::order_of_signal(key)) {
        // Addresses that many providers deliver alike share a signal.
        let order = transaction.get::<Order>(&keys::order(store, &id))?;
        let own = order.and_then(|order| order.email).map(|own| normalised_email(&own));
        orders.extend(own.filter(|own| *own == normalised_email(email)).map(|_| id));
    }
    Ok(orders)
}

/// Takes one record and its orders out of the facts; what others may share with the person is returned.
fn redact_person(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    person: &CustomerId,
) -> Result<BTreeSet<Signal>, Error> {
    let known = transaction.get::<Customer>(&keys::customer(store, person))?;
    let mut signals: BTreeSet<Signal> = known.iter().flat_map(Customer::signals).collect();
    delete(transaction, store, event, person)?;
    transaction.put_bytes(keys::redacted(store, person), Vec::new());
    transaction.delete_checkouts_of(store, person)?;
    for (_, id) in transaction.scan(&Scan::of(keys::customer_orders(store, person), MERGED_ORDERS))? {
        let id = OrderId::from(String::from_utf8_lossy(&id).into_owned());
        if let Some(order) = transaction.get::<Order>(&keys::order(store, &id))? {
            signals.extend(&order.signals);
            redact_order(transaction, store, order)?;
        }
    }
    Ok(signals)
}

fn redact_order(transaction: &mut Transaction, store: StoreId, order: Order) -> Result<(), Error> {
    bare::strip_shipments(transaction, store, &order)?;
    let bare = bare::order(order.clone());
    transaction.put_order(store, Some(&order), &bare);
    Ok(())
}

/// An order as it may be learnt: without whoever placed it, if a request to be forgotten has named it.
pub(super) fn as_asked<'a>(
    transaction: &mut Transaction,
    store: StoreId,
    order: &'a Order,
) -> Result<Cow<'a, Order>, Error> {
    Ok(match transaction.contains(&keys::redacted_order(store, &order.id))? {
        true => Cow::Owned(bare::order(order.clone())),
        false => Cow::Borrowed(order),
    })
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
