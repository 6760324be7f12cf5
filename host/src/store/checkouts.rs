//! Where checkouts are listed: under their customer, under the guest of their address, and by their last change, so that
//! they can be let go.

use super::{Error, Key, Scan, Transaction, keys, keys::Due};
use crate::domain::{Checkout, CheckoutId, CustomerId, StoreId};

/// Checkouts of one person that go in one step: they are kept for some months alone.
const OF_ONE: usize = 10_000;

/// The rows by which a checkout is found.
pub(super) fn rows(store: StoreId, checkout: &Checkout) -> Vec<Key> {
    let due = Due::Checkout { store, id: checkout.id.clone() }.key(checkout.updated_at);
    let listed = holders(checkout).map(|holder| keys::customer_checkout(store, &holder, &checkout.id));
    listed.chain([due]).collect()
}

/// Whose a checkout is: the customer's, and the guest's of its address.
pub fn holders(checkout: &Checkout) -> impl Iterator<Item = CustomerId> {
    let guest = checkout.email.as_deref().and_then(CustomerId::of_guest);
    checkout.customer.clone().into_iter().chain(guest)
}

impl Transaction {
    pub fn put_checkout(&mut self, store: StoreId, checkout: &Checkout) -> Result<(), Error> {
        self.delete_checkout(store, &checkout.id)?;
        rows(store, checkout).into_iter().for_each(|row| self.put_bytes(row, Vec::new()));
        self.put(keys::checkout(store, &checkout.id), checkout);
        Ok(())
    }

    pub fn delete_checkout(&mut self, store: StoreId, id: &CheckoutId) -> Result<(), Error> {
        let key = keys::checkout(store, id);
        if let Some(known) = self.get::<Checkout>(&key)? {
            rows(store, &known).into_iter().for_each(|row| self.delete(row));
            self.delete(key);
        }
        Ok(())
    }

    /// Deletes all that somebody began.
    pub fn delete_checkouts_of(&mut self, store: StoreId, holder: &CustomerId) -> Result<(), Error> {
        for (key, _) in self.scan(&Scan::of(keys::customer_checkouts(store, holder), OF_ONE))? {
            if let Some(id) = keys::checkout_of(&key) {
                self.delete_checkout(store, &id)?;
            }
        }
        Ok(())
    }
}
