//! Merged customers: which record is left of one after all merges.

use std::collections::BTreeSet;

use super::{Error, Scan, Transaction, keys};
use crate::domain::{Customer, CustomerId, StoreId};

/// Merges that are followed from one customer to the one that is left; more is a damaged chain.
const MERGES: usize = 16;

/// Records that are merged into one customer: more is a damaged chain.
const ABSORBED: usize = 1_000;

/// The customer that is left of `id`; itself if it was never merged, or is not known.
pub fn survivor(transaction: &mut Transaction, store: StoreId, id: CustomerId) -> Result<CustomerId, Error> {
    Ok(merged(transaction, store, id)?.pop().expect("a chain begins with the customer itself"))
}

/// The customer itself, whoever absorbed it, whoever absorbed that one, and so on to the one that is left.
pub fn merged(transaction: &mut Transaction, store: StoreId, id: CustomerId) -> Result<Vec<CustomerId>, Error> {
    let mut chain = vec![id];
    for _ in 0..MERGES {
        let last = chain.last().expect("it has one");
        match transaction.get::<Customer>(&keys::customer(store, last))?.and_then(|customer| customer.merged_into) {
            Some(next) => chain.push(next),
            None => return Ok(chain),
        }
    }
    let what = format!("the chain of merges of customer {}", chain[0]);
    Err(Error::Damaged { what, detail: "it does not end".into() })
}

/// The customer that is left of one after merges, and all that were merged into it.
pub fn all_records_of(
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
