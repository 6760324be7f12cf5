//! Rows by which orders are found that used a code, or that share an address or a telephone number, without reading the
//! others.
//!
//! Each is written in the commit that writes the order.

use std::collections::BTreeSet;

use super::{Error, Key, Scan, Transaction, codes::lookup, keys, survivor};
use crate::domain::{CustomerId, Order, OrderId, Signal, SignalKind, StoreId, Timestamp};

/// Orders that one search finds at most: whoever has so many before is no newcomer, and a code of so many uses is open.
const FOUND: usize = 1_000;

/// Bytes of the longest code: those that this host makes are far shorter.
const CODE_BYTES: usize = 255;

impl Transaction {
    /// Writes an order; `before` is what it was, if it was there.
    pub fn put_order(&mut self, store: StoreId, before: Option<&Order>, order: &Order) {
        let (listed, listing) = (before.map(|before| rows(store, before)).unwrap_or_default(), rows(store, order));
        for gone in listed.difference(&listing) {
            self.delete(gone.clone());
        }
        for new in listing.difference(&listed) {
            self.put_bytes(new.clone(), Vec::new());
        }
        self.put(keys::order(store, &order.id), order);
    }
}

/// The rows by which an order is found.
pub(super) fn rows(store: StoreId, order: &Order) -> BTreeSet<Key> {
    let codes = order.discount_codes.iter().filter(|_| order.cancelled_at.is_none()).map(|code| lookup(code));
    let codes = codes.filter(|code| (1..=CODE_BYTES).contains(&code.len()));
    let codes = codes.map(|code| keys::order_by_code(store, &code, &order.id));
    let signals = contacts(order).filter(|_| !order.test);
    codes.chain(signals.map(|signal| keys::order_by_signal(store, signal, order.placed_at, &order.id))).collect()
}

/// What names whoever placed an order, beside the customer.
fn contacts(order: &Order) -> impl Iterator<Item = &Signal> {
    order.signals.iter().filter(|signal| matches!(signal.kind, SignalKind::Email | SignalKind::Phone))
}

/// Orders that name a code and are not cancelled, at most 1,000, in order of their ids; the code as a shopper types it.
pub fn orders_with_code(transaction: &mut Transaction, store: StoreId, code: &str) -> Result<Vec<OrderId>, Error> {
    let rows = transaction.scan(&Scan::of(keys::orders_by_code(store, &lookup(code)), FOUND))?;
    Ok(rows.iter().filter_map(|(key, _)| keys::order_of_code(key)).collect())
}

/// Orders that are no tests and were placed before this one with its customer, merges followed, its e-mail address or its
/// telephone number: at most 1,000 by each.
pub fn orders_before(transaction: &mut Transaction, store: StoreId, order: &Order) -> Result<BTreeSet<OrderId>, Error> {
    // Of two orders of one time the one with the smaller id is the earlier.
    let is_earlier = |at: Timestamp, id: &OrderId| (at, id) < (order.placed_at, &order.id);
    let mut earlier = BTreeSet::new();
    for signal in contacts(order) {
        let rows = transaction.scan(&Scan::of(keys::orders_by_signal(store, signal), FOUND))?;
        let found = rows.iter().filter_map(|(key, _)| keys::order_of_signal(key));
        earlier.extend(found.filter(|(at, id)| is_earlier(*at, id)).map(|(_, id)| id));
    }
    if let Some(customer) = &order.customer {
        let more = earlier_of_customer(transaction, store, customer, &earlier, is_earlier)?;
        earlier.extend(more);
    }
    Ok(earlier)
}

/// What a customer has ordered earlier besides what is known already. These rows list tests as well.
fn earlier_of_customer(
    transaction: &mut Transaction,
    store: StoreId,
    customer: &CustomerId,
    known: &BTreeSet<OrderId>,
    is_earlier: impl Fn(Timestamp, &OrderId) -> bool,
) -> Result<Vec<OrderId>, Error> {
    let holder = survivor(transaction, store, customer.clone())?;
    let rows = transaction.scan(&Scan::of(keys::customer_orders(store, &holder), FOUND))?;
    let mut found = Vec::new();
    for (at, id) in rows.iter().filter_map(|(key, _)| keys::order_of_customer(key)) {
        if !is_earlier(at, &id) {
            break;
        }
        if !known.contains(&id) && transaction.get::<Order>(&keys::order(store, &id))?.is_some_and(|order| !order.test)
        {
            found.push(id);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{domain::Customer, store::memory::MemoryStore};

    const STORE: StoreId = StoreId(1);

    fn order(id: &str, placed_at: u64) -> Order {
        Order::sample(id, Timestamp(placed_at))
    }

    fn with_code(id: &str, code: &str) -> Order {
        Order { discount_codes: vec![code.into()], ..order(id, 1) }
    }

    fn by(id: &str, placed_at: u64, email: &str, phone: &str) -> Order {
        let signals = [Signal::email(email), Signal::phone(phone)].into_iter().flatten().collect();
        Order { signals, ..order(id, placed_at) }
    }

    /// A transaction that has written these orders, one after the other.
    fn holding(orders: &[Order]) -> Transaction {
        let mut transaction = Transaction::new(Arc::new(MemoryStore::default()));
        for order in orders {
            let before = transaction.get::<Order>(&keys::order(STORE, &order.id)).unwrap();
            transaction.put_order(STORE, before.as_ref(), order);
            if let Some(customer) = &order.customer {
                let row = keys::customer_order(STORE, customer, order.placed_at, &order.id);
                transaction.put_bytes(row, Vec::new());
            }
        }
        transaction
    }

    fn users(orders: &[Order], code: &str) -> Vec<String> {
        let found = orders_with_code(&mut holding(orders), STORE, code).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    fn before(orders: &[Order], this: &Order) -> Vec<String> {
        let found = orders_before(&mut holding(orders), STORE, this).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_code_has_been_used_by_the_orders_that_name_it_now_and_are_not_cancelled() {
        let orders = [
            with_code("1", "FERN-A"),
            with_code("2", " fern-a "),
            with_code("3", "FERN-AB"),
            with_code("4", "FERN-A"),
            with_code("5", "FERN-A"),
            Order { cancelled_at: Some(Timestamp(2)), ..with_code("4", "FERN-A") },
            with_code("5", "MOSS"),
        ];
        assert_eq!(users(&orders, "fern-A"), ["1", "2"]);
        assert_eq!((users(&orders, "MOSS"), users(&orders, "")), (vec!["5".into()], vec![]));
        let restored = [&orders[..], &[with_code("4", "FERN-A")]].concat();
        assert_eq!(users(&restored, "FERN-A"), ["1", "2", "4"]);
    }

    #[test]
    fn an_order_has_those_before_it_that_share_its_address_or_its_number() {
        let this = by("5", 10, "mira@example.com", "+49 151 2345678");
        let orders = [
            by("1", 1, "Mira+shop@example.com", ""),
            by("2", 2, "nora@example.com", "0049 151 2345678"),
            by("3", 3, "nora@example.com", ""),
            Order { test: true, ..by("4", 4, "mira@example.com", "") },
            this.clone(),
            by("6", 11, "mira@example.com", ""),
            by("4b", 10, "mira@example.com", ""),
            by("5b", 10, "mira@example.com", ""),
        ];
        assert_eq!(before(&orders, &this), ["1", "2", "4b"]);
        assert_eq!(before(&orders, &order("9", 99)), Vec::<String>::new());
    }

    #[test]
    fn an_order_has_those_before_it_of_the_customer_that_is_left_and_each_once() {
        let of = |order: Order| Order { customer: Some("8".into()), ..order };
        let orders = [
            of(by("1", 1, "mira@example.com", "")),
            of(order("2", 2)),
            Order { test: true, ..of(order("3", 3)) },
            of(order("5", 5)),
        ];
        let mut transaction = holding(&orders);
        let absorbed = Customer { merged_into: Some("8".into()), ..Customer::nobody("7".into()) };
        transaction.put(keys::customer(STORE, &"7".into()), &absorbed);
        let this = Order { customer: Some("7".into()), ..by("4", 4, "mira@example.com", "") };
        let found = orders_before(&mut transaction, STORE, &this).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["1".into(), "2".into()]);
    }
}
