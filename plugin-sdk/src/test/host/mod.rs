//! The bench's side of [`Context`](crate::Context): one delivery under way, and what the plugin reads in it.
//!
//! The other half is what the plugin sets off: `queue` and, for discount codes, `codes`. `checks` holds what is refused,
//! `derive` what follows from the event alone.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use super::{Call, Capability, Incoming, Shop, incoming::Change};
use crate::{
    Action, Birthday, Customer, Date, Dispute, EffectId, EffectStanding, Fulfillment, Merge, Order, Product, Refund,
    Refusal, Signal, Similarity, StoreInfo, Timer, Timestamp, limits,
};

mod checks;
mod codes;
mod derive;
mod queue;

use checks::{valid, within};
pub(crate) use codes::*;
pub(crate) use queue::*;

type Answer<T = ()> = Result<T, Refusal>;

/// What a delivery has written and queued so far; `None` where it took something out.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) state: BTreeMap<String, Option<Vec<u8>>>,
    pub(super) timers: BTreeMap<String, Option<(Timestamp, Vec<u8>)>>,
    pub(super) calls: Vec<Call>,
    /// Effects taken back.
    pub(super) ended: BTreeMap<EffectId, EffectStanding>,
    /// Counted against budgets; less than nothing where it was given back.
    pub(super) spent: BTreeMap<String, i128>,
    /// Links shared, by name.
    pub(super) links: BTreeMap<String, String>,
}

/// One delivery under way.
#[derive(Debug)]
pub(super) struct Run {
    shop: Arc<Shop>,
    event_id: String,
    now: Timestamp,
    incoming: Incoming,
    written: Written,
    /// Effects that the plugin itself has queued.
    queued: u32,
    written_bytes: usize,
    draws: u64,
}

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

impl Run {
    pub(super) fn new(shop: Arc<Shop>, event_id: String, now: Timestamp, incoming: Incoming) -> Self {
        let mut written = Written::default();
        if let Change::Timer(timer) = &incoming.change {
            // It is not pending any more when it fires.
            written.timers.insert(timer.key.clone(), None);
        }
        Self { shop, event_id, now, incoming, written, queued: 0, written_bytes: 0, draws: 0 }
    }

    /// Runs `handle` with this delivery as the one under way; returns what it wrote.
    pub(super) fn during<T>(self, handle: impl FnOnce() -> T) -> (Written, T) {
        RUN.set(Some(self));
        let outcome = handle();
        (RUN.take().map(|run| run.written).unwrap_or_default(), outcome)
    }

    fn order_id(&self) -> Option<&str> {
        match &self.incoming.change {
            Change::Order(order) => Some(&order.id),
            Change::Refund(refund) => Some(&refund.order_id),
            Change::Fulfillment(it) => Some(&it.order_id),
            Change::Dispute(it) => Some(&it.order_id),
            Change::Ended(it) => it.order_id.as_deref(),
            _ => None,
        }
    }

    fn customer_id(&self) -> Option<&str> {
        let named = match &self.incoming.change {
            Change::Customer(customer) => Some(customer.id.as_str()),
            Change::Action(action) => action.customer_id.as_deref(),
            Change::Merge(merge) => Some(merge.kept_id.as_str()),
            Change::Ended(it) if it.customer_id.is_some() => it.customer_id.as_deref(),
            Change::About(customer) => Some(customer.as_str()),
            _ => self.shop.orders.get(self.order_id()?)?.fact.customer_id.as_deref(),
        };
        named.map(|id| self.shop.survivor(id))
    }

    /// An order as plugins see it: with the customer that is left after merges.
    fn order_view(&self, order: &Order) -> Order {
        let customer_id = order.customer_id.as_deref().map(|id| self.shop.survivor(id).to_owned());
        Order { customer_id, ..order.clone() }
    }

    fn count(&self, kind: impl Fn(&Call) -> bool) -> usize {
        self.written.calls.iter().filter(|call| kind(call)).count()
    }

    fn granted(&self, capability: Capability) -> Answer {
        if self.shop.granted.contains(&capability) { Ok(()) } else { Err(Refusal::NotGranted) }
    }

    /// The id that the plugin's next effect will have.
    fn next_effect(&self) -> EffectId {
        self.effect_id(&self.event_id, self.queued)
    }

    /// Whether an earlier delivery has queued an effect.
    fn is_kept(&self, effect: &EffectId) -> bool {
        self.shop.effects.contains_key(effect)
    }

    fn count_written(&mut self, bytes: usize) -> Answer {
        within(self.written_bytes + bytes, limits::WRITTEN_BYTES)?;
        self.written_bytes += bytes;
        Ok(())
    }

    fn date_of(&self, instant: Timestamp) -> Date {
        let minutes = i64::try_from(instant.0 / 60_000).unwrap_or(i64::MAX);
        civil(minutes.saturating_add(i64::from(self.shop.utc_offset_minutes)).div_euclid(24 * 60))
    }

    /// All orders of a customer who is left after merges, by the time when they were placed.
    fn orders_of(&self, customer_id: &str) -> Vec<Order> {
        let orders = self.shop.orders.values().map(|it| self.order_view(&it.fact));
        let mut orders: Vec<_> = orders.filter(|it| it.customer_id.as_deref() == Some(customer_id)).collect();
        orders.sort_by(|one, other| (one.placed_at, &one.id).cmp(&(other.placed_at, &other.id)));
        orders
    }
}

fn with<T>(f: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with_borrow_mut(|run| f(run.as_mut().expect("a context is used only while the bench delivers an event")))
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

/// The civil date `days` after 1970-01-01. The 400-year cycle is counted from 1 March of the year 0, so that the leap
/// day is a year's last.
fn civil(days: i64) -> Date {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    Date {
        year: i16::try_from(year).unwrap_or(i16::MAX),
        month: u8::try_from(month).unwrap_or(1),
        day: u8::try_from(day).unwrap_or(1),
    }
}

/// The days from 1970-01-01 to a date; to the last of its month if it does not exist. The inverse of [`civil`].
fn days_since_1970(date: Date) -> i64 {
    let first = |year: i64, month: i64| {
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (cycle, year_of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * month + 2) / 5;
        cycle * 146_097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - 719_468
    };
    let (year, month) = (i64::from(date.year), i64::from(date.month.clamp(1, 12)));
    let next = if month == 12 { first(year + 1, 1) } else { first(year, month + 1) };
    (first(year, month) + i64::from(date.day.max(1)) - 1).min(next - 1)
}

pub(crate) fn now() -> Timestamp {
    with(|run| run.now)
}

pub(crate) fn date_of(instant: Timestamp) -> Date {
    with(|run| run.date_of(instant))
}

pub(crate) fn instant_of(date: Date, minute: u16) -> Timestamp {
    let minutes = days_since_1970(date) * 24 * 60 + i64::from(minute.min(24 * 60 - 1));
    let utc = minutes - with(|run| i64::from(run.shop.utc_offset_minutes));
    Timestamp(u64::try_from(utc.saturating_mul(60_000)).unwrap_or(0))
}

pub(crate) fn random_u64() -> u64 {
    with(Run::draw)
}

pub(crate) fn customer() -> Option<Customer> {
    with(|run| run.shop.customers.get(run.customer_id()?).map(|it| it.fact.clone()))
}

pub(crate) fn order() -> Option<Order> {
    with(|run| run.shop.orders.get(run.order_id()?).map(|it| run.order_view(&it.fact)))
}

pub(crate) fn refund() -> Option<Refund> {
    with(|run| if let Change::Refund(refund) = &run.incoming.change { Some((**refund).clone()) } else { None })
}

pub(crate) fn fulfillment() -> Option<Fulfillment> {
    with(|run| if let Change::Fulfillment(it) = &run.incoming.change { Some((**it).clone()) } else { None })
}

pub(crate) fn dispute() -> Option<Dispute> {
    with(|run| if let Change::Dispute(it) = &run.incoming.change { Some((**it).clone()) } else { None })
}

pub(crate) fn timer() -> Option<Timer> {
    with(|run| if let Change::Timer(timer) = &run.incoming.change { Some(timer.clone()) } else { None })
}

pub(crate) fn action() -> Option<Action> {
    with(|run| match &run.incoming.change {
        Change::Action(action) => {
            let customer_id = action.customer_id.as_deref().map(|id| run.shop.survivor(id).to_owned());
            Some(Action { customer_id, ..action.clone() })
        }
        _ => None,
    })
}

pub(crate) fn merge() -> Option<Merge> {
    with(|run| match &run.incoming.change {
        Change::Merge(Merge { absorbed_id, .. }) => {
            let kept_id = run.shop.survivor(absorbed_id).to_owned();
            (kept_id != *absorbed_id).then(|| Merge { kept_id, absorbed_id: absorbed_id.clone() })
        }
        _ => None,
    })
}

pub(crate) fn payload_json() -> String {
    with(|run| run.incoming.payload.clone())
}

pub(crate) fn store() -> StoreInfo {
    with(|run| run.shop.store.clone())
}

pub(crate) fn customer_by_id(id: &str) -> Option<Customer> {
    with(|run| run.shop.customers.get(run.shop.survivor(id)).map(|it| it.fact.clone()))
}

pub(crate) fn order_by_id(id: &str) -> Option<Order> {
    with(|run| run.shop.orders.get(id).map(|it| run.order_view(&it.fact)))
}

pub(crate) fn orders_of(customer_id: &str, after: Option<&str>, limit: u32) -> Vec<Order> {
    with(|run| {
        let mut orders = run.orders_of(run.shop.survivor(customer_id));
        if let Some(after) = after {
            let Some(after) = run.shop.orders.get(after) else { return Vec::new() };
            let last = (after.fact.placed_at, &after.fact.id);
            orders.retain(|it| (it.placed_at, &it.id) > last);
        }
        orders.truncate(limit.min(limits::ORDERS_PER_PAGE) as usize);
        orders
    })
}

pub(crate) fn refunds_of(order_id: &str) -> Vec<Refund> {
    with(|run| run.shop.refunds.values().filter(|it| it.order_id == order_id).cloned().collect())
}

pub(crate) fn fulfillments_of(order_id: &str) -> Vec<Fulfillment> {
    with(|run| run.shop.fulfillments.values().filter(|it| it.order_id == order_id).cloned().collect())
}

pub(crate) fn product_by_id(id: &str) -> Option<Product> {
    with(|run| run.shop.products.get(id).cloned())
}

pub(crate) fn list_orders(after: Option<&str>, limit: u32) -> Vec<Order> {
    with(|run| {
        let orders = run.shop.orders.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        orders.take(limit.min(limits::ORDERS_PER_PAGE) as usize).map(|(_, it)| run.order_view(&it.fact)).collect()
    })
}

pub(crate) fn list_customers(after: Option<&str>, limit: u32) -> Vec<Customer> {
    with(|run| {
        let is_left = |id: &str| !run.shop.merges.contains_key(id) && !run.shop.forgotten.contains_key(id);
        let left = run.shop.customers.iter().filter(|(id, _)| is_left(id));
        let customers = left.filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        customers.take(limit.min(limits::ORDERS_PER_PAGE) as usize).map(|(_, it)| it.fact.clone()).collect()
    })
}

pub(crate) fn settings_version() -> u32 {
    with(|run| run.shop.settings_version)
}

pub(crate) fn settings() -> String {
    with(|run| serde_json::Value::Object(run.shop.settings.clone()).to_string())
}

pub(crate) fn setting(key: &str) -> Option<String> {
    with(|run| run.shop.settings.get(key).map(ToString::to_string))
}

pub(crate) fn state_get(key: &str) -> Option<Vec<u8>> {
    with(|run| run.written.state.get(key).cloned().unwrap_or_else(|| run.shop.state.get(key).cloned()))
}

fn state_key(key: &str) -> Answer {
    valid(!key.is_empty(), || "key is empty".into())?;
    within(key.len(), limits::STATE_KEY_BYTES)
}

pub(crate) fn state_set(key: &str, value: Vec<u8>) -> Answer {
    state_key(key)?;
    within(value.len(), limits::STATE_VALUE_BYTES)?;
    with(|run| {
        run.count_written(key.len() + value.len())?;
        run.written.state.insert(key.into(), Some(value));
        Ok(())
    })
}

pub(crate) fn state_delete(key: &str) -> Answer {
    state_key(key)?;
    with(|run| run.written.state.insert(key.into(), None));
    Ok(())
}

pub(crate) fn state_keys(prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    with(|run| {
        let mut present: BTreeMap<&str, bool> = run.shop.state.keys().map(|key| (key.as_str(), true)).collect();
        present.extend(run.written.state.iter().map(|(key, value)| (key.as_str(), value.is_some())));
        let listed = present.into_iter().filter(|(key, is)| *is && key.starts_with(prefix) && Some(*key) > after);
        listed.take(limit.min(limits::KEYS_PER_PAGE) as usize).map(|(key, _)| key.into()).collect()
    })
}

/// The call that queued an effect, in this delivery or an earlier one.
fn queued<T>(run: &Run, effect: &EffectId, read: impl FnOnce(&Call) -> Option<T>) -> Option<T> {
    let calls = || run.written.calls.iter().chain(&*run.shop.calls);
    read(calls().find(|call| call.effect() == Some(effect))?)
}

pub(crate) fn effect_standing(effect: &EffectId) -> Option<EffectStanding> {
    with(|run| {
        queued(run, effect, |_| Some(()))?;
        Some(standing_of(run, effect))
    })
}

fn standing_of(run: &Run, effect: &EffectId) -> EffectStanding {
    let ended = run.written.ended.get(effect).or_else(|| run.shop.ended.get(effect)).cloned();
    ended.unwrap_or_else(|| EffectStanding { status: "pending".into(), reason: None })
}

pub(crate) fn birthday_of(customer_id: &str) -> Option<Birthday> {
    with(|run| {
        let granted = run.shop.granted.contains(&Capability::Birthdays);
        granted.then(|| run.shop.birthdays.get(run.shop.survivor(customer_id)).copied()).flatten()
    })
}

fn signals(of: impl FnOnce(&Run) -> Option<Vec<Signal>>) -> Vec<Signal> {
    with(|run| {
        let granted = run.shop.granted.contains(&Capability::Identity);
        granted.then(|| of(run)).flatten().unwrap_or_default()
    })
}

pub(crate) fn customer_signals(customer_id: &str) -> Vec<Signal> {
    signals(|run| run.shop.customer_signals.get(run.shop.survivor(customer_id)).cloned())
}

pub(crate) fn order_signals(order_id: &str) -> Vec<Signal> {
    signals(|run| run.shop.order_signals.get(order_id).cloned())
}

pub(crate) fn compare(one: &str, other: &str) -> Option<Similarity> {
    with(|run| {
        let [one, other] = [one, other].map(|id| run.shop.survivor(id).to_owned());
        let granted = run.shop.granted.contains(&Capability::Identity);
        let known = |pair: &(String, String)| run.shop.similarities.get(pair).copied();
        granted.then(|| known(&(one.clone(), other.clone())).or_else(|| known(&(other, one)))).flatten()
    })
}

pub(crate) fn orders_before(order_id: &str) -> u32 {
    with(|run| {
        let shop = &run.shop;
        let Some(order) = shop.orders.get(order_id).filter(|_| shop.granted.contains(&Capability::Identity)) else {
            return 0;
        };
        let contacts = |order: &str| {
            let signals = shop.order_signals.get(order).into_iter().flatten();
            signals.filter(|it| matches!(it.kind.as_str(), "email" | "phone")).collect::<Vec<_>>()
        };
        let (customer, own) = (run.order_view(&order.fact).customer_id, contacts(order_id));
        let earlier = shop.orders.values().map(|it| run.order_view(&it.fact)).filter(|it| {
            let before = (it.placed_at, &it.id) < (order.fact.placed_at, &order.fact.id);
            let same = it.customer_id.is_some() && it.customer_id == customer;
            !it.test && before && (same || contacts(&it.id).iter().any(|signal| own.contains(signal)))
        });
        u32::try_from(earlier.count()).unwrap_or(u32::MAX)
    })
}

pub(crate) fn customer_of_link(name: &str) -> Option<String> {
    with(|run| {
        run.granted(Capability::Links).ok()?;
        let name = name.trim().to_ascii_uppercase();
        let customer = run.written.links.get(&name).or_else(|| run.shop.links.get(&name))?;
        Some(run.shop.survivor(customer).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_know_leap_years() {
        let date = |year, month, day| Date { year, month, day };
        for (days, expected) in [
            (0, date(1970, 1, 1)),
            (-1, date(1969, 12, 31)),
            (11_016, date(2000, 2, 29)),
            (11_017, date(2000, 3, 1)),
            (20_453, date(2025, 12, 31)),
            (47_540, date(2100, 2, 28)),
            (47_541, date(2100, 3, 1)),
        ] {
            assert_eq!(civil(days), expected, "{days} days");
            assert_eq!(days_since_1970(expected), days, "{expected}");
        }
        assert_eq!(civil(days_since_1970(date(2025, 2, 29))), date(2025, 2, 28));
    }
}
