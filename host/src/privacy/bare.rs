//! Facts without the person: what is left of an order and of its shipments once whoever placed it is forgotten.

use crate::{
    domain::{Fulfillment, Order, StoreId},
    store::{Error, Scan, Transaction, decode, keys},
};

/// Shipments of one order at most: more than any platform lets an order have.
const SHIPMENTS: usize = 1_000;

/// An order without what tells who placed it.
pub fn order(order: Order) -> Order {
    Order { email: None, attributes: Vec::new(), signals: Vec::new(), ..order }
}

/// Takes the person out of all shipments of an order.
pub fn strip_shipments(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<(), Error> {
    for (key, bytes) in transaction.scan(&Scan::of(keys::fulfillments(store, &order.id), SHIPMENTS))? {
        let known: Fulfillment = decode(&bytes)?;
        let bare = known.clone().without_way();
        if bare != known {
            transaction.put(key, &bare);
        }
    }
    Ok(())
}
