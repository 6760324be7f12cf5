//! `identity`: whether two customers may be one person, without telling who anybody is.
//!
//! Whoever has not been granted it learns nothing: there are no signals, nobody is alike, and every order is the first.

use super::super::{bindings::identity, checks::can_be_id, delivery::Delivery};
use crate::{
    domain::{Customer, CustomerId, Order, OrderId, Signal},
    store::{keys, orders::orders_before},
};

impl identity::Host for Delivery {
    fn customer_signals(&mut self, customer_id: String) -> wasmtime::Result<Vec<identity::Signal>> {
        let customer = self.person(&customer_id)?;
        Ok(customer.map(|customer| self.shown(customer.signals())).unwrap_or_default())
    }

    fn order_signals(&mut self, order_id: String) -> wasmtime::Result<Vec<identity::Signal>> {
        let order = self.order_compared(&order_id)?;
        Ok(order.map(|order| self.shown(order.signals)).unwrap_or_default())
    }

    fn compare(&mut self, one: String, other: String) -> wasmtime::Result<Option<identity::Similarity>> {
        let (Some(one), Some(other)) = (self.person(&one)?, self.person(&other)?) else { return Ok(None) };
        Ok(similarity(&one, &other))
    }

    fn orders_before(&mut self, order_id: String) -> wasmtime::Result<u32> {
        let Some(order) = self.order_compared(&order_id)? else { return Ok(0) };
        self.count_read(0)?;
        let before = orders_before(&mut self.transaction, self.input.store.id, &order)?;
        Ok(u32::try_from(before.len()).unwrap_or(u32::MAX))
    }
}

impl Delivery {
    fn is_granted_identity(&self) -> bool {
        self.granted("identity").is_ok()
    }

    /// A customer that may be compared, merges followed.
    fn person(&mut self, id: &str) -> wasmtime::Result<Option<Customer>> {
        if !self.is_granted_identity() || !can_be_id(id) {
            return Ok(None);
        }
        let customer = self.left_of(CustomerId::from(id))?;
        self.get(&keys::customer(self.store_id(), &customer))
    }

    fn order_compared(&mut self, id: &str) -> wasmtime::Result<Option<Order>> {
        if !self.is_granted_identity() || !can_be_id(id) {
            return Ok(None);
        }
        self.get(&keys::order(self.store_id(), &OrderId::from(id)))
    }

    fn shown(&self, signals: Vec<Signal>) -> Vec<identity::Signal> {
        let (store, plugin) = (&self.input.store.domain, self.input.plugin.name.as_str());
        let shown =
            |signal: Signal| identity::Signal { kind: signal.kind.word().into(), key: signal.shown_to(store, plugin) };
        signals.into_iter().map(shown).collect()
    }
}

/// How alike two people's names and addresses are; `None` where one has no name or no address.
fn similarity(one: &Customer, other: &Customer) -> Option<identity::Similarity> {
    let name = alike(&full_name(one)?, &full_name(other)?);
    let email = alike(&local_part(one)?, &local_part(other)?);
    Some(identity::Similarity { name, email })
}

/// Jaro-Winkler similarity in thousandths. What it computes with is rounded alike on every machine: sums, products and
/// quotients (IEEE 754, section 5.4.1).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a similarity is between 0 and 1")]
fn alike(one: &str, other: &str) -> u32 {
    (strsim::jaro_winkler(one, other) * 1_000.0).round() as u32
}

/// First and last name as they are compared: without case and accents, whatever stands between the words.
fn full_name(customer: &Customer) -> Option<String> {
    let parts = [customer.first_name.as_deref(), customer.last_name.as_deref()];
    let folded = parts.into_iter().flatten().map(deunicode::deunicode).collect::<Vec<_>>().join(" ").to_lowercase();
    let words: Vec<_> =
        folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Some(words.join(" ")).filter(|name| !name.is_empty())
}

/// What stands before the @, as addresses are compared: without case, dots and plus part.
fn local_part(customer: &Customer) -> Option<String> {
    let (local, _) = customer.email.as_deref()?.trim().rsplit_once('@')?;
    let local = local.split('+').next()?.to_lowercase().replace('.', "");
    Some(local).filter(|local| !local.is_empty())
}
