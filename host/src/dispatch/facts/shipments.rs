//! Shipments: what is newer stays, and of a forgotten person's no way to the parcel.

use super::forgetting::is_redacted;
use crate::{
    domain::{Fulfillment, Order, StoreId},
    privacy::bare,
    store::{Error, Transaction, keys, survivor},
};

pub(super) fn learn(transaction: &mut Transaction, store: StoreId, shipment: &Fulfillment) -> Result<(), Error> {
    let key = keys::fulfillment(store, &shipment.order, &shipment.id);
    let known = transaction.get::<Fulfillment>(&key)?;
    if known.is_some_and(|known| known.updated_at > shipment.updated_at) {
        return Ok(());
    }
    let order = transaction.get::<Order>(&keys::order(store, &shipment.order))?;
    let holder = order.and_then(|order| order.customer).map(|id| survivor(transaction, store, id)).transpose()?;
    match holder {
        Some(holder) if is_redacted(transaction, store, &holder)? => {
            transaction.put(key, &bare::shipment(shipment.clone()));
        }
        _ => transaction.put(key, shipment),
    }
    Ok(())
}
