//! What a plugin can see and do while it handles one event.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::{
    Action, Customer, Date, EffectId, Event, FailedEffect, Issued, Mail, Malformed, Merge, NewDiscount, Order, Refund,
    Refusal, State, StoreInfo, Timer, Timestamp, failure::decode, limits, sys,
};

/// What the host lets a plugin see and do while it handles one event.
///
/// Reads answer at once; writes and effects only queue, and are kept if `handle` succeeds. What a plugin never calls,
/// its component does not import, and the merchant is not asked to grant it: methods call the host directly rather
/// than through a trait object, so that the linker can see it.
#[derive(Debug)]
pub struct Context {
    _private: (),
}

impl Context {
    pub(crate) fn new() -> Self {
        Self { _private: () }
    }

    /// The time as the event saw it: constant during a delivery, equal on replay.
    pub fn now(&self) -> Timestamp {
        sys::now()
    }

    /// The civil date of an instant in the store's time zone.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        sys::date_of(instant)
    }

    /// A number seeded by store, plugin and event: equal on replay, different at each call.
    pub fn random_u64(&mut self) -> u64 {
        sys::random_u64()
    }

    /// A number from 0 to below `bound`, each as likely as the next; 0 if `bound` is 0.
    pub fn random_below(&mut self, bound: u64) -> u64 {
        // The numbers past the last multiple of `bound` would favour the small ones.
        let excess = u64::MAX.checked_rem(bound).map_or(0, |rest| (rest + 1) % bound);
        loop {
            let drawn = self.random_u64();
            if drawn <= u64::MAX - excess {
                return drawn.checked_rem(bound).unwrap_or(0);
            }
        }
    }

    /// The customer the event concerns, as last known; `None` if it names none.
    pub fn customer(&self) -> Option<Customer> {
        sys::customer()
    }

    /// The order the event concerns, as last known; `None` if it names none or the order is not known yet.
    pub fn order(&self) -> Option<Order> {
        sys::order()
    }

    /// The refund; `None` unless the topic is `order.refunded`.
    pub fn refund(&self) -> Option<Refund> {
        sys::refund()
    }

    /// The timer; `None` unless the topic is `timer.fired`.
    pub fn timer(&self) -> Option<Timer> {
        sys::timer()
    }

    /// The shopper's action; `None` unless the topic is `shopper.action`.
    pub fn action(&self) -> Option<Action> {
        sys::action()
    }

    /// The merge; `None` unless the topic is `customer.merged` and the merge is complete.
    ///
    /// State that is kept under the absorbed customer's id is to be moved: [`State::merge`] does it.
    pub fn merge(&self) -> Option<Merge> {
        sys::merge()
    }

    /// The effect of this plugin that has failed for good; `None` unless the topic is `effect.failed`, which the manifest
    /// has to list.
    ///
    /// A plugin that makes up for it, as by giving back what the shopper paid, says so with a note: a person can then no
    /// longer have the effect tried again, which would count it twice. One that only takes notice leaves no note.
    ///
    /// # Errors
    /// [`Malformed`] where the host tells it in another form.
    pub fn failed_effect(&self, event: &Event) -> Result<Option<FailedEffect>, Malformed> {
        match event.topic.as_str() {
            "effect.failed" => decode("the failed effect", sys::payload_json().as_bytes()).map(Some),
            _ => Ok(None),
        }
    }

    /// The sender's own payload, for what has no accessor.
    pub fn payload_json(&self) -> String {
        sys::payload_json()
    }

    /// The store's currency, time zone and language.
    pub fn store(&self) -> StoreInfo {
        sys::store()
    }

    /// A customer, as last known. Of one that was absorbed, the customer that is left, with its own id.
    pub fn customer_by_id(&self, id: &str) -> Option<Customer> {
        sys::customer_by_id(id)
    }

    /// An order, as last known.
    pub fn order_by_id(&self, id: &str) -> Option<Order> {
        sys::order_by_id(id)
    }

    /// A customer's orders, merges followed, oldest first, read from the host page by page.
    pub fn orders_of(&self, customer_id: &str) -> Orders {
        Orders { customer_id: customer_id.into(), page: Vec::new().into_iter(), last: None, ended: false }
    }

    /// All refunds of an order known so far, in order of their ids.
    pub fn refunds_of(&self, order_id: &str) -> Vec<Refund> {
        sys::refunds_of(order_id)
    }

    /// The merchant's settings, validated against the manifest's schema, defaults filled in.
    ///
    /// # Errors
    /// [`Malformed`] where they do not read as `T`: the schema and `T` differ.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        decode("settings", sys::settings().as_bytes())
    }

    /// One top-level setting; `None` if the schema has no such property.
    ///
    /// # Errors
    /// [`Malformed`] where it does not read as `T`.
    pub fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Malformed> {
        sys::setting(key).map(|json| decode(key, json.as_bytes())).transpose()
    }

    /// The plugin's own keys and values.
    pub fn state(&mut self) -> State<'_> {
        State { cx: PhantomData }
    }

    /// Sets the timer `key`, replacing a pending one of that key. Due, it arrives as the event `timer.fired`. One that is
    /// set while a timer is handled is due no sooner than [`limits::TIMER_AGAIN_SECONDS`] after now.
    ///
    /// # Errors
    /// [`Refusal::OverLimit`] past [`limits::TIMERS_PER_DELIVERY`], [`Refusal::Invalid`] for an unusable key.
    pub fn schedule(&mut self, key: &str, when: Timestamp, payload: &[u8]) -> Result<(), Refusal> {
        sys::schedule(key, when, payload)
    }

    /// Takes the timer `key` back; false if none of that key was pending.
    pub fn cancel(&mut self, key: &str) -> bool {
        sys::cancel(key)
    }

    /// Records why something was done, or why nothing was: the merchant reads it.
    ///
    /// # Errors
    /// [`Refusal::OverLimit`] past [`limits::NOTES_PER_DELIVERY`].
    pub fn note(&mut self, reason: &str, fields: &[(&str, &str)]) -> Result<(), Refusal> {
        sys::note(reason, fields)
    }

    /// Queues a mail. Needs the capability `mail`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`] past [`limits::EFFECTS_PER_DELIVERY`] or the limits of a mail's
    /// variables, [`Refusal::Invalid`] for a template that the plugin's file does not hold.
    pub fn send_mail(&mut self, mail: Mail) -> Result<EffectId, Refusal> {
        sys::send_mail(mail)
    }

    /// Queues a discount code that only one customer can use, once. Needs the capability `discounts`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`] past [`limits::EFFECTS_PER_DELIVERY`], [`Refusal::Invalid`] for
    /// a prefix, value, minimum or end that makes no usable code.
    pub fn create_discount(&mut self, discount: NewDiscount) -> Result<Issued, Refusal> {
        sys::create_discount(discount)
    }

    /// Queues tags to put on a customer. Needs the capability `tags`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`] past [`limits::EFFECTS_PER_DELIVERY`], [`Refusal::Invalid`] for
    /// an empty list or tag.
    pub fn add_tags(&mut self, customer_id: &str, tags: &[&str]) -> Result<EffectId, Refusal> {
        sys::add_tags(customer_id, tags)
    }

    /// Queues tags to take off a customer. Needs the capability `tags`.
    ///
    /// # Errors
    /// As [`Context::add_tags`].
    pub fn remove_tags(&mut self, customer_id: &str, tags: &[&str]) -> Result<EffectId, Refusal> {
        sys::remove_tags(customer_id, tags)
    }
}

/// A customer's orders, as [`Context::orders_of`] lists them.
#[derive(Clone, Debug)]
pub struct Orders {
    customer_id: String,
    page: std::vec::IntoIter<Order>,
    last: Option<String>,
    ended: bool,
}

impl Iterator for Orders {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        if self.page.as_slice().is_empty() && !self.ended {
            let page = sys::orders_of(&self.customer_id, self.last.as_deref(), limits::ORDERS_PER_PAGE);
            self.ended = page.is_empty();
            self.last = page.last().map(|order| order.id.clone());
            self.page = page.into_iter();
        }
        self.page.next()
    }
}
