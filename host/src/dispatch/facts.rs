//! Facts: what an event changes of what the host knows. Older never overwrites newer, so that what is known in the end does
//! not hang on the order of arrival.
//!
//! What belongs here: which change goes where, and the facts that need no more than that.

use crate::{
    domain::{Change, Event, Merge, Origin, Product, ProductId, Refund, StoreId},
    store::{Error, Transaction, keys},
};

mod checkouts;
mod customers;
mod forgetting;
mod guests;
mod joining;
mod orders;
mod shipments;
#[cfg(test)]
mod tests;

pub use customers::{customer_named, holder_of, says_nothing_new};

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
            let order = forgetting::as_asked(transaction, store, order)?;
            guests::learn(transaction, store, &order)?;
            orders::learn(transaction, store, &order)?;
            return Ok(merge);
        }
        Change::Customer(customer) => return customers::learn(transaction, store, customer),
        Change::Refund(refund) => {
            transaction.put::<Refund>(keys::refund(store, &refund.order, &refund.id), refund);
        }
        Change::CustomerDeleted(id) => forgetting::delete(transaction, store, event, id)?,
        Change::CustomerRedacted { customer, email, orders } => {
            let asked = forgetting::Asked { customer, email: email.as_deref(), orders };
            forgetting::redact(transaction, store, event, &asked)?;
        }
        Change::Merge(merge) if merge.completed => joining::join(transaction, store, merge)?,
        Change::Consent(consent) => customers::learn_consent(transaction, store, event, consent)?,
        Change::Fulfillment(shipment) => shipments::learn(transaction, store, shipment)?,
        Change::Checkout(checkout) => checkouts::learn(transaction, store, checkout)?,
        Change::CheckoutDeleted(id) => transaction.delete_checkout(store, id)?,
        Change::Product(product) => learn_product(transaction, store, event, product)?,
        Change::ProductDeleted(id) => delete_product(transaction, store, id)?,
        // What was edited arrives as an update; a deleted order stays for the ledgers that stand on it. Of a dispute the
        // event tells all that there is to know. What is asked of the merchant, and what concerns the app, is no fact.
        Change::OrderEdit(_)
        | Change::OrderDeleted(_)
        | Change::Merge(_)
        | Change::Dispute(_)
        | Change::DataRequested { .. }
        | Change::AppUninstalled { .. }
        | Change::ScopesGranted(_)
        | Change::ShopRedacted { .. }
        | Change::ReadAgain { .. }
        | Change::None => {}
    }
    Ok(None)
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
