//! Guests: people who buy without a customer record, told apart by their addresses.
//!
//! A guest is merged into the customer whom the platform has seen to have the address, once both are known. Which customer
//! that is, if several have had it, is decided then and for good.

use crate::{
    domain::{Customer, CustomerId, Merge, Order, StoreId, normalised_email},
    store::{Error, Scan, Transaction, keys},
};

use super::joining::join;

/// Makes the record of a guest whose first order this is, with the address and no more.
///
/// Nobody has been told anything of the guest yet, so that nobody is told if it is merged at once.
pub(super) fn learn(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<(), Error> {
    let guest = order.customer.as_ref().filter(|customer| customer.is_guest());
    let (Some(guest), Some(email)) = (guest, &order.email) else { return Ok(()) };
    let key = keys::customer(store, guest);
    if transaction.contains(&key)? {
        return Ok(());
    }
    let address = normalised_email(email);
    let holder = verified_holder(transaction, store, &address)?;
    transaction.put(key, &Customer { email: Some(address), ..Customer::nobody(guest.clone()) });
    match holder {
        Some(kept) => join(transaction, store, &Merge { kept, removed: guest.clone(), completed: true }),
        None => Ok(()),
    }
}

/// Merges the guest who has bought with a customer's address, if there is one and the platform has seen that the address
/// is the customer's.
pub(super) fn absorb(
    transaction: &mut Transaction,
    store: StoreId,
    customer: &Customer,
) -> Result<Option<Merge>, Error> {
    let Some(email) = customer.email.as_ref().filter(|_| customer.email_verified) else { return Ok(None) };
    let guest = CustomerId::guest(&normalised_email(email));
    let known = transaction.get::<Customer>(&keys::customer(store, &guest))?;
    if known.is_none_or(|known| known.deleted || known.merged_into.is_some()) {
        return Ok(None);
    }
    let merge = Merge { kept: customer.id.clone(), removed: guest, completed: true };
    join(transaction, store, &merge)?;
    Ok(Some(merge))
}

/// The customer whom the platform has seen to have an address; of several, the one whom it named with it last.
fn verified_holder(transaction: &mut Transaction, store: StoreId, address: &str) -> Result<Option<CustomerId>, Error> {
    let rows = transaction.scan(&Scan::of(keys::customer_email(store, address), usize::MAX))?;
    let mut last = None;
    for (key, _) in rows {
        let Some(id) = keys::customer_of(&key) else { continue };
        let Some(customer) = transaction.get::<Customer>(&keys::customer(store, &id))? else { continue };
        let email = customer.email.as_deref().map(normalised_email);
        if customer.email_verified && !customer.deleted && email.as_deref() == Some(address) {
            last = last.max(Some((customer.updated_at, id)));
        }
    }
    Ok(last.map(|(_, id)| id))
}
