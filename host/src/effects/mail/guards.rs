//! Guards: what has to hold in the step in which a mail goes out.

use std::fmt;

use crate::{
    domain::{CustomerId, Effect, Guard, Order, OrderId, PluginName, StoreId, Timestamp},
    store::{Error, Scan, Transaction, codes, keys},
};

/// Orders that are looked at for one that is not cancelled.
const ORDERS: usize = 100;

/// A guard that does not hold, and so the reason for dropping the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    HasOrdered(OrderId),
    OrderCancelled(OrderId),
    CodeUnusable,
    StateGone(String),
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HasOrdered(order) => write!(f, "the customer has placed order {order} meanwhile"),
            Self::OrderCancelled(order) => write!(f, "order {order} is cancelled"),
            Self::CodeUnusable => f.write_str("its code cannot be used"),
            Self::StateGone(key) => write!(f, "the plugin's state has no `{key}` any more"),
        }
    }
}

/// The first guard that does not hold for a mail of `plugin` to `customer`.
pub(super) fn unmet(
    transaction: &mut Transaction,
    store: StoreId,
    plugin: &PluginName,
    customer: &CustomerId,
    guards: &[Guard],
    now: Timestamp,
) -> Result<Option<Unmet>, Error> {
    for guard in guards {
        let unmet = match guard {
            Guard::NoOrderSince(since) => order_since(transaction, store, customer, *since)?.map(Unmet::HasOrdered),
            Guard::OrderNotCancelled(id) => {
                let order = transaction.get::<Order>(&keys::order(store, id))?;
                let is_cancelled = order.is_some_and(|order| order.cancelled_at.is_some());
                is_cancelled.then(|| Unmet::OrderCancelled(id.clone()))
            }
            Guard::CodeLive(making) => {
                let making = transaction.get::<Effect>(&keys::effect(store, making))?;
                let standing = match &making {
                    Some(making) => codes::standing(transaction, store, making, now)?,
                    None => None,
                };
                (!standing.is_some_and(|standing| standing.is_usable())).then_some(Unmet::CodeUnusable)
            }
            Guard::State(key) => {
                let is_there = transaction.contains(&keys::state(store, plugin, key))?;
                (!is_there).then(|| Unmet::StateGone(key.clone()))
            }
        };
        if unmet.is_some() {
            return Ok(unmet);
        }
    }
    Ok(None)
}

/// An order of the customer's that was placed at `since` or later and is not cancelled.
fn order_since(
    transaction: &mut Transaction,
    store: StoreId,
    customer: &CustomerId,
    since: Timestamp,
) -> Result<Option<OrderId>, Error> {
    let after = keys::customer_orders_from(store, customer, since);
    let listed = transaction.scan(&Scan::of(keys::customer_orders(store, customer), ORDERS).after(Some(after)))?;
    for (_, id) in listed {
        let id = OrderId::from(String::from_utf8_lossy(&id).into_owned());
        let order = transaction.get::<Order>(&keys::order(store, &id))?;
        if order.is_some_and(|order| order.cancelled_at.is_none()) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
