//! Customers that become one.

use crate::{
    domain::{Customer, Merge, Order, OrderId, StoreId},
    store::{Error, Scan, Transaction, keys, merged, survivor},
};

/// Orders that move with a merged customer in one step.
pub(super) const MERGED_ORDERS: usize = 10_000;

/// Joins two customers: the removed one points to the kept one, and its orders are listed there.
pub(super) fn join(transaction: &mut Transaction, store: StoreId, merge: &Merge) -> Result<(), Error> {
    let Merge { kept, removed, .. } = merge;
    // Whoever is on the way to the one that is left cannot be absorbed by one behind it: the way would never end.
    let chain = merged(transaction, store, kept.clone())?;
    if chain.contains(removed) {
        return Ok(());
    }
    let key = keys::customer(store, removed);
    let absorbed = transaction.get::<Customer>(&key)?.unwrap_or_else(|| Customer::nobody(removed.clone()));
    transaction.put(key, &Customer { merged_into: Some(kept.clone()), ..absorbed });
    transaction.put_bytes(keys::absorbed(store, kept, removed), Vec::new());
    let left = survivor(transaction, store, kept.clone())?;
    if !transaction.contains(&keys::customer(store, &left))? {
        transaction.put(keys::customer(store, &left), &Customer::nobody(left.clone()));
    }
    for (index, id) in transaction.scan(&Scan::of(keys::customer_orders(store, removed), MERGED_ORDERS))? {
        let order = OrderId::from(String::from_utf8_lossy(&id).into_owned());
        if let Some(order) = transaction.get::<Order>(&keys::order(store, &order))? {
            transaction.put_bytes(keys::customer_order(store, &left, order.placed_at, &order.id), id);
        }
        transaction.delete(index);
    }
    Ok(())
}
