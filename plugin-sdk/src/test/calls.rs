//! The bench's side of [`Context`](crate::Context): what the plugin reads, and the record of what it does.

use std::{cell::RefCell, collections::BTreeMap, ops::Deref, sync::Arc, time::Duration};

use super::{Capability, Incoming, Shop, incoming::Change};
use crate::{
    Action, Customer, Date, EffectId, Issued, Mail, Merge, NewDiscount, Order, Refund, Refusal, StoreInfo, Timer,
    Timestamp, limits,
};

type Answer<T = ()> = Result<T, Refusal>;

/// One thing a plugin did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Queued a mail.
    Mail {
        /// The effect's id.
        id: EffectId,
        /// The mail.
        mail: Mail,
    },
    /// Queued a discount code.
    Discount {
        /// The effect's id.
        id: EffectId,
        /// The code that the plugin was told.
        code: String,
        /// The discount.
        discount: NewDiscount,
    },
    /// Queued a change of a customer's tags.
    Tags {
        /// The effect's id.
        id: EffectId,
        /// Whose tags.
        customer_id: String,
        /// Tags to put on.
        add: Vec<String>,
        /// Tags to take off.
        remove: Vec<String>,
    },
    /// Recorded why.
    Note(Note),
    /// Set a timer.
    Schedule {
        /// The timer's key.
        key: String,
        /// When it is due.
        when: Timestamp,
        /// What it carries.
        payload: Vec<u8>,
    },
    /// Took a pending timer back.
    Cancel {
        /// The timer's key.
        key: String,
    },
}

impl Call {
    /// The id of the effect that the call queued, if it queued one.
    pub fn effect(&self) -> Option<&EffectId> {
        match self {
            Self::Mail { id, .. } | Self::Discount { id, .. } | Self::Tags { id, .. } => Some(id),
            Self::Note(_) | Self::Schedule { .. } | Self::Cancel { .. } => None,
        }
    }
}

/// Why a plugin did what it did, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The reason.
    pub reason: String,
    /// Its particulars, in the plugin's order.
    pub fields: Vec<(String, String)>,
}

impl Note {
    /// A field's value.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// What a plugin did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(pub(super) Vec<Call>);

impl Calls {
    /// The mails among them.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> {
        self.iter().filter_map(|call| if let Call::Mail { mail, .. } = call { Some(mail) } else { None })
    }

    /// The discounts among them.
    pub fn discounts(&self) -> impl Iterator<Item = &NewDiscount> {
        self.iter().filter_map(|call| if let Call::Discount { discount, .. } = call { Some(discount) } else { None })
    }

    /// The notes among them.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.iter().filter_map(|call| if let Call::Note(note) = call { Some(note) } else { None })
    }
}

impl Deref for Calls {
    type Target = [Call];

    fn deref(&self) -> &[Call] {
        &self.0
    }
}

/// What a delivery has written and queued so far; `None` where it took something out.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) state: BTreeMap<String, Option<Vec<u8>>>,
    pub(super) timers: BTreeMap<String, Option<(Timestamp, Vec<u8>)>>,
    pub(super) calls: Vec<Call>,
}

/// One delivery under way.
#[derive(Debug)]
pub(super) struct Run {
    shop: Arc<Shop>,
    event_id: String,
    now: Timestamp,
    incoming: Incoming,
    written: Written,
    draws: u64,
}

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

impl Run {
    pub(super) fn new(shop: Arc<Shop>, event_id: String, now: Timestamp, incoming: Incoming) -> Self {
        Self { shop, event_id, now, incoming, written: Written::default(), draws: 0 }
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
            _ => None,
        }
    }

    fn customer_id(&self) -> Option<&str> {
        let named = match &self.incoming.change {
            Change::Customer(customer) => Some(customer.id.as_str()),
            Change::Action(action) => Some(action.customer_id.as_str()),
            Change::Merge(merge) => Some(merge.kept_id.as_str()),
            Change::Failed(customer) => Some(customer.as_str()),
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

    /// The next effect's id, if the capability is granted and the delivery may queue one more.
    fn next_effect(&self, capability: Capability) -> Answer<EffectId> {
        if !self.shop.granted.contains(&capability) {
            return Err(Refusal::NotGranted);
        }
        let ordinal = self.count(|call| call.effect().is_some());
        within(ordinal + 1, limits::EFFECTS_PER_DELIVERY)?;
        Ok(EffectId(format!("{}#{ordinal}", self.event_id)))
    }
}

fn with<T>(f: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with_borrow_mut(|run| f(run.as_mut().expect("a context is used only while the bench delivers an event")))
}

fn within(count: usize, limit: usize) -> Answer {
    if count > limit { Err(Refusal::OverLimit(u32::try_from(limit).unwrap_or(u32::MAX))) } else { Ok(()) }
}

fn valid(is: bool, what: &str) -> Answer {
    if is { Ok(()) } else { Err(Refusal::Invalid(what.into())) }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

/// What codes are written in, as with the host.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A number that follows from `seed` and `text`: FNV-1a, then the finish of `SplitMix64`.
fn mix(seed: u64, text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
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

pub(crate) fn now() -> Timestamp {
    with(|run| run.now)
}

pub(crate) fn date_of(instant: Timestamp) -> Date {
    let minutes = i64::try_from(instant.0 / 60_000).unwrap_or(i64::MAX);
    civil(minutes.saturating_add(with(|run| i64::from(run.shop.utc_offset_minutes))).div_euclid(24 * 60))
}

pub(crate) fn random_u64() -> u64 {
    with(|run| {
        run.draws += 1;
        mix(run.shop.seed ^ run.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15), &run.event_id)
    })
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

pub(crate) fn timer() -> Option<Timer> {
    with(|run| if let Change::Timer(timer) = &run.incoming.change { Some(timer.clone()) } else { None })
}

pub(crate) fn action() -> Option<Action> {
    with(|run| match &run.incoming.change {
        Change::Action(action) => {
            Some(Action { customer_id: run.shop.survivor(&action.customer_id).into(), ..action.clone() })
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
        let customer_id = run.shop.survivor(customer_id);
        let orders = run.shop.orders.values().map(|it| run.order_view(&it.fact));
        let mut orders: Vec<_> = orders.filter(|it| it.customer_id.as_deref() == Some(customer_id)).collect();
        orders.sort_by(|one, other| (one.placed_at, &one.id).cmp(&(other.placed_at, &other.id)));
        let start =
            after.map_or(0, |after| orders.iter().position(|it| it.id == after).map_or(orders.len(), |at| at + 1));
        orders.into_iter().skip(start).take(limit.min(limits::ORDERS_PER_PAGE) as usize).collect()
    })
}

pub(crate) fn refunds_of(order_id: &str) -> Vec<Refund> {
    with(|run| run.shop.refunds.values().filter(|it| it.order_id == order_id).cloned().collect())
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
    valid(!key.is_empty(), "the key is empty")?;
    within(key.len(), limits::STATE_KEY_BYTES)
}

pub(crate) fn state_set(key: &str, value: Vec<u8>) -> Answer {
    state_key(key)?;
    within(value.len(), limits::STATE_VALUE_BYTES)?;
    with(|run| run.written.state.insert(key.into(), Some(value)));
    Ok(())
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

pub(crate) fn schedule(key: &str, when: Timestamp, payload: &[u8]) -> Answer {
    state_key(key)?;
    within(payload.len(), limits::TIMER_PAYLOAD_BYTES)?;
    with(|run| {
        valid(when <= run.now.plus_days(limits::TIMER_DAYS_AHEAD), "the timer is too far ahead")?;
        within(run.count(|call| matches!(call, Call::Schedule { .. })) + 1, limits::TIMERS_PER_DELIVERY)?;
        let due = match &run.incoming.change {
            Change::Timer(_) => when.max(run.now + Duration::from_secs(limits::TIMER_AGAIN_SECONDS)),
            _ => when,
        };
        run.written.timers.insert(key.into(), Some((due, payload.into())));
        run.written.calls.push(Call::Schedule { key: key.into(), when, payload: payload.into() });
        Ok(())
    })
}

pub(crate) fn cancel(key: &str) -> bool {
    with(|run| {
        let pending = run.written.timers.get(key).map_or_else(|| run.shop.timers.contains_key(key), Option::is_some);
        if pending {
            run.written.timers.insert(key.into(), None);
            run.written.calls.push(Call::Cancel { key: key.into() });
        }
        pending
    })
}

pub(crate) fn note(reason: &str, fields: &[(&str, &str)]) -> Answer {
    with(|run| {
        within(run.count(|call| matches!(call, Call::Note(_))) + 1, limits::NOTES_PER_DELIVERY)?;
        within(
            reason.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>(),
            limits::NOTE_BYTES,
        )?;
        let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        run.written.calls.push(Call::Note(Note { reason: reason.into(), fields }));
        Ok(())
    })
}

pub(crate) fn send_mail(mail: Mail) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Mail)?;
        valid(!mail.customer_id.is_empty(), "the customer's id is empty")?;
        let known = run.shop.templates.as_ref().is_none_or(|known| known.contains(&mail.template));
        valid(known, &format!("the plugin has no template `{}`", mail.template))?;
        within(mail.vars.len(), limits::MAIL_VARS)?;
        mail.vars.iter().try_for_each(|(name, value)| within(name.len() + value.len(), limits::MAIL_VAR_BYTES))?;
        if let Some(after) = &mail.after {
            let queued =
                run.written.calls.iter().any(|call| call.effect() == Some(after)) || run.shop.effects.contains(after);
            valid(queued, "`after` is no effect of this store")?;
        }
        run.written.calls.push(Call::Mail { id: id.clone(), mail });
        Ok(id)
    })
}

pub(crate) fn create_discount(discount: NewDiscount) -> Answer<Issued> {
    with(|run| {
        let effect = run.next_effect(Capability::Discounts)?;
        let currency = run.shop.store.currency;
        let prefix = discount.prefix.as_bytes();
        valid(!discount.customer_id.is_empty(), "the customer's id is empty")?;
        valid(
            (1..=limits::CODE_PREFIX_CHARS).contains(&prefix.len())
                && prefix.iter().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()),
            "the prefix is not 1 to 12 of A-Z and 0-9",
        )?;
        valid(discount.value.minor > 0, "the value is not above zero")?;
        valid(discount.value.currency == currency, "the value is not in the shop's currency")?;
        let minimum = discount.minimum_subtotal;
        valid(minimum.is_none_or(|it| it.minor >= 0 && it.currency == currency), "the minimum subtotal is not usable")?;
        valid(discount.ends_at.is_none_or(|end| end > run.now), "the end is not in the future")?;
        let unique = mix(0, &effect.0);
        let code: String = (0..10).map(|n| char::from(CODE_LETTERS[(unique >> (5 * n) & 31) as usize])).collect();
        let code = format!("{}-{code}", discount.prefix);
        run.written.calls.push(Call::Discount { id: effect.clone(), code: code.clone(), discount });
        Ok(Issued { effect, code })
    })
}

fn change_tags(customer_id: &str, add: &[&str], remove: &[&str]) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Tags)?;
        valid(!customer_id.is_empty(), "the customer's id is empty")?;
        let tags = || add.iter().chain(remove);
        valid(tags().next().is_some(), "there are no tags")?;
        within(tags().count(), limits::TAGS)?;
        let usable = |tag: &&&str| !tag.is_empty() && tag.len() <= limits::TAG_BYTES && !tag.contains(',');
        if let Some(tag) = tags().find(|tag| !usable(tag)) {
            return Err(Refusal::Invalid(format!("`{tag}` is empty, has a comma, or has more than 40 bytes")));
        }
        run.written.calls.push(Call::Tags {
            id: id.clone(),
            customer_id: customer_id.into(),
            add: owned(add),
            remove: owned(remove),
        });
        Ok(id)
    })
}

pub(crate) fn add_tags(customer_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_tags(customer_id, tags, &[])
}

pub(crate) fn remove_tags(customer_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_tags(customer_id, &[], tags)
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
        }
    }
}
