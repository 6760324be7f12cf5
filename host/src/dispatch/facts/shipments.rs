//! Shipments: what is newer stays, and of a forgotten person's no way to the parcel.

use super::forgetting::is_redacted;
use crate::{
    domain::{Fulfillment, Order, StoreId},
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
    let is_forgotten = transaction.contains(&keys::redacted_order(store, &shipment.order))?
        || holder.map(|holder| is_redacted(transaction, store, &holder)).transpose()?.unwrap_or(false);
    match is_forgotten {
        true => transaction.put(key, &shipment.clone().without_way()),
        false => transaction.put(key, shipment),
    }
    Ok(())
}
