//! Facts: what an event changes of what the host knows. Older never overwrites newer, so that what is known in the end does
//! not hang on the order of arrival.
//!
//! What belongs here: which change goes where, and the facts that need no more than that.

use crate::{
    domain::{Change, Event, Merge, Origin, Product, ProductId, Refund, StoreId},
    store::{Error, Key, Record, Transaction, keys},
};

mod customers;
mod forgetting;
mod guests;
mod joining;
mod orders;
#[cfg(test)]
mod tests;

pub use customers::{customer_named, holder_of};

/// Writes what the change says. Returns the merge of a guest into a customer who is known to have the same address now:
/// no platform tells of it.
pub(super) fn project(
    transaction: &mut Transaction,
    store: StoreId,
    event: &Event,
    change: &Change,
) -> Result<Option<Merge>, Error> {
    match change {
        Change::Order { order, customer } => {
            let merge = match customer {
                Some(customer) => customers::learn(transaction, store, customer)?,
                None => None,
            };
            guests::learn(transaction, store, order)?;
            orders::learn(transaction, store, order)?;
            return Ok(merge);
        }
        Change::Customer(customer) => return customers::learn(transaction, store, customer),
        Change::Refund(refund) => {
            transaction.put::<Refund>(keys::refund(store, &refund.order, &refund.id), refund);
        }
        Change::CustomerDeleted(id) => forgetting::delete(transaction, store, event, id)?,
        Change::CustomerRedacted { customer, orders } => {
            forgetting::redact(transaction, store, event, customer, orders)?;
        }
        Change::Merge(merge) if merge.completed => joining::join(transaction, store, merge)?,
        Change::Consent(consent) => customers::learn_consent(transaction, store, event, consent)?,
        Change::Fulfillment(fulfillment) => {
            let key = keys::fulfillment(store, &fulfillment.order, &fulfillment.id);
            put_newer(transaction, key, &**fulfillment, |it| it.updated_at)?;
        }
        Change::Checkout(checkout) => {
            put_newer(transaction, keys::checkout(store, &checkout.id), &**checkout, |it| it.updated_at)?;
        }
        Change::CheckoutDeleted(id) => transaction.delete(keys::checkout(store, id)),
        Change::Product(product) => learn_product(transaction, store, event, product)?,
        Change::ProductDeleted(id) => delete_product(transaction, store, id)?,
        // What was edited arrives as an update; a deleted order stays for the ledgers that stand on it. Of a dispute the
        // event tells all that there is to know.
        Change::OrderEdit(_)
        | Change::OrderDeleted(_)
        | Change::Merge(_)
        | Change::Dispute(_)
        | Change::ReadAgain { .. }
        | Change::None => {}
    }
    Ok(None)
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

/// Takes over what is told of a product. Only what is read tells of collections: a webhook leaves them as they are known.
fn learn_product(transaction: &mut Transaction, store: StoreId, event: &Event, product: &Product) -> Result<(), Error> {
    let key = keys::product(store, &product.id);
    let tells_collections = matches!(event.origin, Origin::Read { .. });
    let learnt = match transaction.get::<Product>(&key)? {
        Some(known) if known.updated_at > product.updated_at => match known.collections.is_empty() {
            true => Product { collections: product.collections.clone(), ..known },
            false => return Ok(()),
        },
        Some(known) => Product {
            collections: if tells_collections { product.collections.clone() } else { known.collections },
            deleted: known.deleted,
            ..product.clone()
        },
        None => product.clone(),
    };
    transaction.put(key, &learnt);
    Ok(())
}

/// What was known of a product stays, for orders that name it; what is learnt later does not bring it back.
fn delete_product(transaction: &mut Transaction, store: StoreId, id: &ProductId) -> Result<(), Error> {
    let key = keys::product(store, id);
    let known = transaction.get::<Product>(&key)?.unwrap_or_else(|| Product::unknown(id.clone()));
    transaction.put(key, &Product { deleted: true, ..known });
    Ok(())
}
