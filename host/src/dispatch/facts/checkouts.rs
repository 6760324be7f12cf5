//! Checkouts: what is newer stays, and nothing of whoever is forgotten.

use super::forgetting::is_marked;
use crate::{
    domain::{Checkout, StoreId},
    store::{Error, Transaction, checkouts::holders, keys, survivor},
};

/// Takes over what a platform says of a checkout, unless it is older than what is known, or of somebody who is forgotten.
pub(super) fn learn(transaction: &mut Transaction, store: StoreId, checkout: &Checkout) -> Result<(), Error> {
    let known = transaction.get::<Checkout>(&keys::checkout(store, &checkout.id))?;
    if known.is_some_and(|known| known.updated_at > checkout.updated_at) {
        return Ok(());
    }
    for holder in holders(checkout) {
        let holder = survivor(transaction, store, holder)?;
        if is_marked(transaction, store, &holder)? {
            return transaction.delete_checkout(store, &checkout.id);
        }
    }
    transaction.put_checkout(store, checkout)
}
