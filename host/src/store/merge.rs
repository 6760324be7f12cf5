//! Merged customers: which record is left of one after all merges.

use super::{Error, Transaction, keys};
use crate::domain::{Customer, CustomerId, StoreId};

/// Merges that are followed from one customer to the one that is left; more is a damaged chain.
const MERGES: usize = 16;

/// The customer that is left of `id`; itself if it was never merged, or is not known.
pub fn survivor(transaction: &mut Transaction, store: StoreId, mut id: CustomerId) -> Result<CustomerId, Error> {
    for _ in 0..MERGES {
        match transaction.get::<Customer>(&keys::customer(store, &id))?.and_then(|customer| customer.merged_into) {
            Some(next) => id = next,
            None => return Ok(id),
        }
    }
    Err(Error::Damaged { what: format!("the chain of merges of customer {id}"), detail: "it does not end".into() })
}
