//! `facts`: what the host knows of the store's past.

use super::super::{
    bindings::{events, facts},
    checks::can_be_id,
    delivery::Delivery,
    limits,
};
use crate::{
    domain::{Customer, CustomerId, Order, OrderId, Product, ProductId, Refund, Timestamp},
    store::{Key, Record, Scan, decode, keys},
};

/// Refunds or shipments that one listing returns at most: more than any platform lets an order have.
const OF_ORDER: usize = 1_000;

impl facts::Host for Delivery {
    fn get_store(&mut self) -> wasmtime::Result<facts::StoreInfo> {
        let store = &self.input.store;
        Ok(facts::StoreInfo {
            currency: store.currency.code().into(),
            time_zone: store.time_zone.iana_name().unwrap_or("UTC").into(),
            locale: store.locale.clone(),
        })
    }

    fn customer_by_id(&mut self, id: String) -> wasmtime::Result<Option<events::Customer>> {
        if !can_be_id(&id) {
            return Ok(None);
        }
        let id = self.left_of(CustomerId::from(id))?;
        Ok(self.get::<Customer>(&keys::customer(self.store_id(), &id))?.map(Into::into))
    }

    fn order_by_id(&mut self, id: String) -> wasmtime::Result<Option<events::Order>> {
        if !can_be_id(&id) {
            return Ok(None);
        }
        let key = keys::order(self.store_id(), &OrderId::from(id));
        let order = self.get::<Order>(&key)?;
        Ok(order.map(|order| self.order_view(order)).transpose()?)
    }

    fn orders_of(
        &mut self,
        customer_id: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Vec<events::Order>> {
        if !can_be_id(&customer_id) || after.as_deref().is_some_and(|id| !can_be_id(id)) {
            return Ok(Vec::new());
        }
        let store = self.store_id();
        let customer = self.left_of(CustomerId::from(customer_id))?;
        let after = match after {
            None => None,
            Some(id) => {
                let id = OrderId::from(id);
                match self.get::<Order>(&keys::order(store, &id))? {
                    Some(order) => Some(keys::customer_order(store, &customer, order.placed_at, &id)),
                    None => return Ok(Vec::new()),
                }
            }
        };
        let limit = limit.min(limits::LIST_ORDERS) as usize;
        let rows = self.transaction.scan(&Scan::of(keys::customer_orders(store, &customer), limit).after(after))?;
        let (mut orders, mut lines) = (Vec::with_capacity(rows.len()), 0);
        self.count_read(0)?;
        for (_, id) in rows {
            let id = OrderId::from(String::from_utf8_lossy(&id).into_owned());
            if let Some(order) = self.get::<Order>(&keys::order(store, &id))? {
                lines += order.lines.len();
                orders.push(self.order_view(order)?);
            }
            if lines >= limits::LIST_LINES as usize {
                break;
            }
        }
        Ok(orders)
    }

    fn refunds_of(&mut self, order_id: String) -> wasmtime::Result<Vec<events::Refund>> {
        if !can_be_id(&order_id) {
            return Ok(Vec::new());
        }
        let refunds: Vec<Refund> = self.list_of_order(keys::refunds(self.store_id(), &OrderId::from(order_id)))?;
        Ok(refunds.into_iter().map(Into::into).collect())
    }

    fn fulfillments_of(&mut self, order_id: String) -> wasmtime::Result<Vec<events::Fulfillment>> {
        if !can_be_id(&order_id) {
            return Ok(Vec::new());
        }
        let shipments = self.list_of_order(keys::fulfillments(self.store_id(), &OrderId::from(order_id)))?;
        Ok(shipments.into_iter().map(|shipment| self.shipment_view(shipment)).collect())
    }

    fn product_by_id(&mut self, id: String) -> wasmtime::Result<Option<facts::Product>> {
        if !can_be_id(&id) {
            return Ok(None);
        }
        let product = self.get::<Product>(&keys::product(self.store_id(), &ProductId::from(id)))?;
        // One that is older than all is known by nothing but its deletion.
        Ok(product.filter(|product| product.updated_at > Timestamp(0)).map(Into::into))
    }

    fn list_orders(&mut self, after: Option<String>, limit: u32) -> wasmtime::Result<Vec<events::Order>> {
        if after.as_deref().is_some_and(|id| !can_be_id(id)) {
            return Ok(Vec::new());
        }
        let store = self.store_id();
        let after = after.map(|id| keys::order(store, &OrderId::from(id)));
        let limit = limit.min(limits::LIST_ORDERS) as usize;
        let rows = self.transaction.scan(&Scan::of(keys::orders(store), limit).after(after))?;
        self.count_read(0)?;
        let (mut orders, mut lines) = (Vec::with_capacity(rows.len()), 0);
        for (_, bytes) in rows {
            self.count_read(bytes.len())?;
            let order = decode::<Order>(&bytes)?;
            lines += order.lines.len();
            orders.push(self.order_view(order)?);
            if lines >= limits::LIST_LINES as usize {
                break;
            }
        }
        Ok(orders)
    }

    fn list_customers(&mut self, after: Option<String>, limit: u32) -> wasmtime::Result<Vec<events::Customer>> {
        if after.as_deref().is_some_and(|id| !can_be_id(id)) {
            return Ok(Vec::new());
        }
        let store = self.store_id();
        let mut after = after.map(|id| keys::customer(store, &CustomerId::from(id)));
        let limit = limit.min(limits::LIST_ORDERS) as usize;
        let mut customers: Vec<events::Customer> = Vec::new();
        while customers.len() < limit {
            let wanted = limit - customers.len();
            let rows = self.transaction.scan(&Scan::of(keys::customers(store), wanted).after(after))?;
            self.count_read(0)?;
            for (_, bytes) in &rows {
                self.count_read(bytes.len())?;
                let customer: Customer = decode(bytes)?;
                if !customer.deleted && customer.merged_into.is_none() {
                    customers.push(customer.into());
                }
            }
            if rows.len() < wanted {
                break;
            }
            after = rows.into_iter().last().map(|(key, _)| key);
        }
        Ok(customers)
    }
}

impl Delivery {
    /// What is kept under an order, in order of the ids.
    fn list_of_order<T: Record>(&mut self, prefix: Key) -> wasmtime::Result<Vec<T>> {
        let rows = self.transaction.scan(&Scan::of(prefix, OF_ORDER))?;
        self.count_read(0)?;
        let mut list = Vec::with_capacity(rows.len());
        for (_, bytes) in rows {
            self.count_read(bytes.len())?;
            list.push(decode(&bytes)?);
        }
        Ok(list)
    }
}
