//! What a plugin can see and do while it handles one event.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::{
    Action, Birthday, CodeStanding, Customer, Date, Dispute, EffectId, EffectStanding, EndedEffect, Event, Fulfillment,
    Issued, IssuedMany, Mail, Malformed, Merge, MetafieldValue, Money, NewDiscount, Order, ParcelGift, Product, Refund,
    Refusal, SharedLink, Signal, Similarity, State, StoreInfo, Task, Timer, Timestamp, Visit, failure::decode, limits,
    sys,
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

    /// The instant at which clocks in the store's time zone show that date and minute of the day (0 to 1439).
    ///
    /// A time that clocks skip is moved on by the gap, of one that they show twice it is the first; a date that does not
    /// exist is the last of its month.
    pub fn instant_of(&self, date: Date, minute: u16) -> Timestamp {
        sys::instant_of(date, minute)
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

    /// The shipment; `None` unless the topic is `fulfillment.created` or `fulfillment.updated`.
    pub fn fulfillment(&self) -> Option<Fulfillment> {
        sys::fulfillment()
    }

    /// The dispute; `None` unless the topic is `order.disputed`.
    pub fn dispute(&self) -> Option<Dispute> {
        sys::dispute()
    }

    /// The timer; `None` unless the topic is `timer.fired`.
    pub fn timer(&self) -> Option<Timer> {
        sys::timer()
    }

    /// The action; `None` unless the topic is `shopper.action` or `merchant.action`.
    pub fn action(&self) -> Option<Action> {
        sys::action()
    }

    /// The merge; `None` unless the topic is `customer.merged` and the merge is complete.
    ///
    /// State that is kept under the absorbed customer's id is to be moved: [`State::merge`] does it.
    pub fn merge(&self) -> Option<Merge> {
        sys::merge()
    }

    /// The effect of this plugin whose end is told; `None` unless the topic is `effect.done` or `effect.failed`, which the
    /// manifest has to list.
    ///
    /// A plugin that makes up for a failure, as by giving back what the shopper paid, says so with a note: a person can
    /// then no longer have the effect tried again, which would count it twice. One that only takes notice leaves no note.
    ///
    /// # Errors
    /// [`Malformed`] where the host tells it in another form.
    pub fn ended_effect(&self, event: &Event) -> Result<Option<EndedEffect>, Malformed> {
        match event.topic.as_str() {
            "effect.done" | "effect.failed" => decode("the effect", sys::payload_json().as_bytes()).map(Some),
            _ => Ok(None),
        }
    }

    /// The visit to a link; `None` unless the topic is `link.visited`. The event's customer is the link's.
    ///
    /// # Errors
    /// [`Malformed`] where the host tells it in another form.
    pub fn visit(&self, event: &Event) -> Result<Option<Visit>, Malformed> {
        match event.topic.as_str() {
            "link.visited" => decode("the visit", sys::payload_json().as_bytes()).map(Some),
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

    /// All shipments of an order known so far, in order of their ids.
    pub fn fulfillments_of(&self, order_id: &str) -> Vec<Fulfillment> {
        sys::fulfillments_of(order_id)
    }

    /// A product, as last known; `None` where the platform has told nothing of it.
    pub fn product_by_id(&self, id: &str) -> Option<Product> {
        sys::product_by_id(id)
    }

    /// A page of the store's orders, in order of their ids: at most [`limits::ORDERS_PER_PAGE`], after the one with id
    /// `after`. A plugin that goes through all of them does a page in each delivery, and sets itself a timer for the next.
    pub fn list_orders(&self, after: Option<&str>) -> Vec<Order> {
        sys::list_orders(after, limits::ORDERS_PER_PAGE)
    }

    /// A page of the store's customers, in order of their ids, without those who were absorbed or deleted: as
    /// [`Context::list_orders`].
    pub fn list_customers(&self, after: Option<&str>) -> Vec<Customer> {
        sys::list_customers(after, limits::ORDERS_PER_PAGE)
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

    /// The number of this version of the settings.
    pub fn settings_version(&self) -> u32 {
        sys::settings_version()
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

    /// How far an effect of this plugin has come; `None` if there is none of that id.
    pub fn effect_standing(&self, effect: &EffectId) -> Option<EffectStanding> {
        sys::effect_standing(effect)
    }

    /// Takes back an effect that nobody can have begun: one of this delivery's own, or a mail that was to wait and has
    /// not been tried. False if there is none, or if it is too late: what is due at once may be under way as soon as its
    /// delivery is kept.
    pub fn withdraw(&mut self, effect: &EffectId) -> bool {
        sys::withdraw(effect)
    }

    /// Counts `amount` against the merchant's bounds on what the plugin gives of `kind`, such as `points`. Effects count
    /// themselves.
    ///
    /// # Errors
    /// [`Refusal::Other`] where a bound would be passed: then nothing is to be given.
    pub fn spend(&mut self, kind: &str, amount: u64) -> Result<(), Refusal> {
        sys::spend(kind, amount)
    }

    /// Takes back what was counted in vain, as for a cancelled order.
    pub fn give_back(&mut self, kind: &str, amount: u64) {
        sys::give_back(kind, amount);
    }

    /// Queues a mail. Needs the capability `mail`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`] past [`limits::EFFECTS_PER_DELIVERY`] or the limits of a mail's
    /// variables, [`Refusal::Invalid`] for a template that the plugin's file does not hold, [`Refusal::Other`] where the
    /// budget is used up.
    pub fn send_mail(&mut self, mail: Mail) -> Result<EffectId, Refusal> {
        sys::send_mail(mail)
    }

    /// Queues a discount code. Needs the capability `discounts`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`] past [`limits::EFFECTS_PER_DELIVERY`], [`Refusal::Invalid`] for
    /// terms that make no usable code, [`Refusal::Other`] where the budget is used up or a better offer is live.
    pub fn create_discount(&mut self, discount: NewDiscount) -> Result<Issued, Refusal> {
        sys::create_discount(discount)
    }

    /// Queues `count` codes of the same terms at once, as for cards to print, for whoever has one of them and each for one
    /// use: make the discount by [`NewDiscount::open`] and [`NewDiscount::uses`] of 1. The effect is done when all of them
    /// are there; [`Context::disable_discount`] ends them together. Needs the capability `discounts`.
    ///
    /// # Errors
    /// As [`Context::create_discount`]; [`Refusal::OverLimit`] past [`limits::CODES_AT_ONCE`], [`Refusal::Invalid`] for none
    /// at all and for other terms.
    pub fn create_discounts(&mut self, discount: NewDiscount, count: u32) -> Result<IssuedMany, Refusal> {
        sys::create_discounts(discount, count)
    }

    /// Queues the end of a code of this plugin's, by the effect that made it. The effect fails if the code was for one
    /// use and has been used; a code for many uses is ended however often it has been used.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] where the effect made no code.
    pub fn disable_discount(&mut self, code_effect: &EffectId) -> Result<EffectId, Refusal> {
        sys::disable_discount(code_effect)
    }

    /// What the host knows of a code of this plugin's, by the effect that made it.
    pub fn code_standing(&self, code_effect: &EffectId) -> Option<CodeStanding> {
        sys::code_standing(code_effect)
    }

    /// The effect of this plugin's that made a code, by the code as a shopper typed it: case and blanks do not matter.
    pub fn effect_of_code(&self, code: &str) -> Option<EffectId> {
        sys::effect_of_code(code)
    }

    /// Queues store credit for a customer. Needs the capability `store-credit`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for an amount that is not above zero,
    /// [`Refusal::Other`] where the budget is used up.
    pub fn credit(
        &mut self,
        customer_id: &str,
        amount: Money,
        expires_at: Option<Timestamp>,
    ) -> Result<EffectId, Refusal> {
        sys::credit(customer_id, amount, expires_at)
    }

    /// Queues the taking of store credit; the effect fails if the customer has less. Needs the capability `store-credit`.
    ///
    /// # Errors
    /// As [`Context::credit`].
    pub fn debit(&mut self, customer_id: &str, amount: Money) -> Result<EffectId, Refusal> {
        sys::debit(customer_id, amount)
    }

    /// Queues a gift card for a customer. Needs the capability `gift-cards`.
    ///
    /// # Errors
    /// As [`Context::credit`].
    pub fn create_gift_card(
        &mut self,
        customer_id: &str,
        amount: Money,
        ends_at: Option<Timestamp>,
    ) -> Result<Issued, Refusal> {
        sys::create_gift_card(customer_id, amount, ends_at)
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

    /// Queues a line of text for an order's note. Needs the capability `orders`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for an empty text or one of several lines.
    pub fn add_order_note(&mut self, order_id: &str, text: &str) -> Result<EffectId, Refusal> {
        sys::add_order_note(order_id, text)
    }

    /// Queues tags to put on an order. Needs the capability `orders`.
    ///
    /// # Errors
    /// As [`Context::add_tags`].
    pub fn add_order_tags(&mut self, order_id: &str, tags: &[&str]) -> Result<EffectId, Refusal> {
        sys::add_order_tags(order_id, tags)
    }

    /// Queues tags to take off an order. Needs the capability `orders`.
    ///
    /// # Errors
    /// As [`Context::add_tags`].
    pub fn remove_order_tags(&mut self, order_id: &str, tags: &[&str]) -> Result<EffectId, Refusal> {
        sys::remove_order_tags(order_id, tags)
    }

    /// Queues a gift for an order's parcel: a free line while nothing is shipped and the variant can be had, else a note
    /// for the packer. The effect fails once everything is shipped or the order is cancelled. Needs the capability
    /// `orders`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Other`] where the budget is used up.
    pub fn add_gift(&mut self, gift: ParcelGift) -> Result<EffectId, Refusal> {
        sys::add_gift(gift)
    }

    /// Queues a time by which an order is to be sent; an earlier one that it has stays. The effect fails once everything
    /// is shipped or the order is cancelled. Needs the capability `orders`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for a time that is past or more than
    /// [`limits::SHIP_BY_DAYS_AHEAD`] days ahead.
    pub fn ship_by(&mut self, order_id: &str, at: Timestamp) -> Result<EffectId, Refusal> {
        sys::ship_by(order_id, at)
    }

    /// Queues a value to be shown on a customer at the platform; of several of one key the last one stays. Needs the
    /// capability `metafields`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for a key that is not 3 to 64 of a-z, 0-9
    /// and `_`.
    pub fn set_metafield(&mut self, customer_id: &str, key: &str, value: &MetafieldValue) -> Result<EffectId, Refusal> {
        sys::set_metafield(customer_id, key, value)
    }

    /// A customer's birthday in the platform's own field, as last known. Needs the capability `birthdays`; without it there
    /// is none.
    pub fn birthday_of(&self, customer_id: &str) -> Option<Birthday> {
        sys::birthday_of(customer_id)
    }

    /// Queues a change of the platform's own field. Needs the capability `birthdays`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for a day that no year has.
    pub fn set_birthday(&mut self, customer_id: &str, birthday: Birthday) -> Result<EffectId, Refusal> {
        sys::set_birthday(customer_id, birthday)
    }

    /// What other records may share with a customer. Needs the capability `identity`; without it there is nothing.
    pub fn customer_signals(&self, customer_id: &str) -> Vec<Signal> {
        sys::customer_signals(customer_id)
    }

    /// What other records may share with an order: as [`Context::customer_signals`].
    pub fn order_signals(&self, order_id: &str) -> Vec<Signal> {
        sys::order_signals(order_id)
    }

    /// How alike two customers' names and addresses are; `None` where one of them is not known by both, or without the
    /// capability `identity`.
    pub fn compare(&self, one: &str, other: &str) -> Option<Similarity> {
        sys::compare(one, other)
    }

    /// How many orders that are no tests were placed before this one with its customer, its e-mail address or its phone
    /// number, imported ones included. Needs the capability `identity`; without it, 0.
    pub fn orders_before(&self, order_id: &str) -> u32 {
        sys::orders_before(order_id)
    }

    /// The customer's link with this plugin, made at the first call. Needs the capability `links`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::Other`] where the host has no public address.
    pub fn share_link(&mut self, customer_id: &str) -> Result<SharedLink, Refusal> {
        sys::share_link(customer_id)
    }

    /// Whose link it is, merges followed; `None` if there is none of that name.
    pub fn customer_of_link(&self, name: &str) -> Option<String> {
        sys::customer_of_link(name)
    }

    /// Asks the merchant to decide. Needs the capability `tasks`.
    ///
    /// # Errors
    /// [`Refusal::NotGranted`], [`Refusal::OverLimit`], [`Refusal::Invalid`] for an unusable key,
    /// [`Refusal::Other`] where the budget is used up.
    pub fn open_task(&mut self, task: Task) -> Result<(), Refusal> {
        sys::open_task(task)
    }

    /// Takes an open task back; false if none of that key was open.
    pub fn close_task(&mut self, key: &str) -> bool {
        sys::close_task(key)
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

impl Orders {
    /// The first so many of them, and none after so many lines: what reading them costs is bounded, however much each order
    /// holds. The order with which that many lines are reached is the last.
    pub fn up_to(self, orders: usize, lines: usize) -> impl Iterator<Item = Order> {
        self.take(orders).scan(0, move |read, order| {
            let is_within = *read < lines;
            *read += order.lines.len();
            is_within.then_some(order)
        })
    }
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
