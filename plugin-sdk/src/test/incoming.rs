//! Events as a test hands them to the bench.

use serde::Serialize;

use crate::{
    Action, Customer, Dispute, EffectId, EndedEffect, Fulfillment, Merge, Order, Refund, Timer, Timestamp, Visit,
    test::samples::signals,
};

/// An event on its way to the plugin, with the fact it brings.
///
/// Its id follows from its topic and its object (`order.paid/1001`), so that delivering it twice is delivering one
/// event twice. Shopper's actions get an id of their own at each delivery. [`Incoming::id`] sets another.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub(super) id: Option<String>,
    pub(super) topic: String,
    pub(super) occurred_at: Option<Timestamp>,
    pub(super) payload: String,
    pub(super) change: Change,
}

/// What an event says of the world.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Order(Box<Order>),
    Refund(Box<Refund>),
    Customer(Box<Customer>),
    Merge(Merge),
    Timer(Timer),
    Action(Action),
    Fulfillment(Box<Fulfillment>),
    Dispute(Box<Dispute>),
    /// An effect has come to its end.
    Ended(EndedEffect),
    /// Something about this customer.
    About(String),
    None,
}

impl Incoming {
    fn new(topic: &str, object: Option<&str>, change: Change) -> Self {
        let id = object.map(|object| format!("{topic}/{object}"));
        Self { id, topic: topic.into(), occurred_at: None, payload: "{}".into(), change }
    }

    /// An event that brings an order: `order.placed`, `order.paid`, `order.cancelled`, ...
    pub fn order(topic: &str, order: impl Into<Order>) -> Self {
        let order = order.into();
        Self::new(topic, Some(&order.id.clone()), Change::Order(Box::new(order)))
    }

    /// `order.paid`.
    pub fn order_paid(order: impl Into<Order>) -> Self {
        Self::order("order.paid", order)
    }

    /// `order.cancelled`.
    pub fn order_cancelled(order: impl Into<Order>) -> Self {
        Self::order("order.cancelled", order)
    }

    /// `order.refunded`.
    pub fn order_refunded(refund: impl Into<Refund>) -> Self {
        let refund = refund.into();
        Self::new("order.refunded", Some(&refund.id.clone()), Change::Refund(Box::new(refund)))
    }

    /// An event that brings a customer: `customer.created`, `customer.updated`, ...
    pub fn customer(topic: &str, customer: Customer) -> Self {
        Self::new(topic, Some(&customer.id.clone()), Change::Customer(Box::new(customer)))
    }

    /// `customer.created`.
    pub fn customer_created(customer: Customer) -> Self {
        Self::customer("customer.created", customer)
    }

    /// `customer.merged`: `kept_id` is left of the two.
    pub fn customer_merged(kept_id: &str, absorbed_id: &str) -> Self {
        let merge = Merge { kept_id: kept_id.into(), absorbed_id: absorbed_id.into() };
        Self::new("customer.merged", Some(&format!("{absorbed_id}>{kept_id}")), Change::Merge(merge))
    }

    /// `fulfillment.created` or `fulfillment.updated`.
    pub fn fulfillment(topic: &str, fulfillment: Fulfillment) -> Self {
        let object = format!("{}@{}", fulfillment.id, fulfillment.updated_at.0);
        Self::new(topic, Some(&object), Change::Fulfillment(Box::new(fulfillment)))
    }

    /// `order.disputed`.
    pub fn order_disputed(dispute: Dispute) -> Self {
        let object = format!("{}/{}", dispute.id, dispute.status);
        Self::new("order.disputed", Some(&object), Change::Dispute(Box::new(dispute)))
    }

    /// `shopper.action`: what a shopper asks of the plugin.
    ///
    /// # Panics
    /// If `input` has no JSON form.
    pub fn action(name: &str, customer_id: &str, input: impl Serialize) -> Self {
        Self::asked("shopper.action", name, Some(customer_id), input)
    }

    /// `shopper.action` of somebody who is not signed in.
    ///
    /// # Panics
    /// If `input` has no JSON form.
    pub fn visitor_action(name: &str, input: impl Serialize) -> Self {
        Self::asked("shopper.action", name, None, input)
    }

    /// `merchant.action`: what the merchant asks of the plugin, about this customer if any.
    ///
    /// # Panics
    /// If `input` has no JSON form.
    pub fn merchant_action(name: &str, customer_id: Option<&str>, input: impl Serialize) -> Self {
        Self::asked("merchant.action", name, customer_id, input)
    }

    fn asked(topic: &str, name: &str, customer_id: Option<&str>, input: impl Serialize) -> Self {
        let input_json = serde_json::to_string(&input).expect("the input has a JSON form");
        let customer_id = customer_id.map(Into::into);
        let action = Action { name: name.into(), customer_id, input_json: input_json.clone() };
        Self::new(topic, None, Change::Action(action)).payload(input_json)
    }

    /// `link.visited`: somebody followed a customer's link, of whom this is known, as kinds and keys.
    pub fn link_visited(link: &str, customer_id: &str, known: &[(&str, &str)]) -> Self {
        let visit = Visit { link: link.into(), signals: signals(known) };
        let payload = serde_json::to_string(&visit).expect("texts have a JSON form");
        Self::new("link.visited", None, Change::About(customer_id.into())).payload(payload)
    }

    /// `settings.published`: a version of the settings is saved, the first when the plugin is switched on.
    pub fn settings_published(version: u32) -> Self {
        let payload = format!(r#"{{"version":{version}}}"#);
        Self::new("settings.published", Some(&version.to_string()), Change::None).payload(payload)
    }

    /// `effect.failed`: an effect that the plugin queued in this bench, of this kind (`discount.create`, ...) and for this
    /// customer, has been given up. [`Bench::fail`](super::Bench::fail) tells kind and customer by itself.
    pub fn effect_failed(effect: &EffectId, kind: &str, customer_id: &str, reason: &str) -> Self {
        Self::effect_ended(EndedEffect {
            effect: effect.clone(),
            kind: kind.into(),
            status: "dead".into(),
            reason: reason.into(),
            event: "an earlier event".into(),
            customer_id: Some(customer_id.into()),
            order_id: None,
            made_by: None,
            code: None,
        })
    }

    /// `effect.done` or `effect.failed`, as the status says. [`Bench::finish`](super::Bench::finish) and
    /// [`Bench::fail`](super::Bench::fail) tell the particulars by themselves.
    pub fn effect_ended(ended: EndedEffect) -> Self {
        let topic = if ended.status == "done" { "effect.done" } else { "effect.failed" };
        let payload = serde_json::to_string(&ended).expect("texts have a JSON form");
        Self::new(topic, Some(&ended.effect.to_string()), Change::Ended(ended)).payload(payload)
    }

    /// What stands in for an event while a panel is drawn.
    pub(super) fn panel() -> Self {
        Self::new("panel", None, Change::None)
    }

    /// An event about a customer that the bench has no word for, such as `review.approved`, with its payload.
    pub fn about(topic: &str, id: &str, customer_id: &str, payload: impl Into<String>) -> Self {
        Self::new(topic, Some(id), Change::About(customer_id.into())).payload(payload)
    }

    /// Any other event, with the sender's payload.
    pub fn other(topic: &str, id: &str, payload: impl Into<String>) -> Self {
        Self::new(topic, Some(id), Change::None).payload(payload)
    }

    /// `timer.fired`: a timer that the plugin has set, due at this time. [`Bench::advance_to`](super::Bench::advance_to)
    /// fires those that are due by itself. One that is not pending any more is not delivered.
    pub fn timer_fired(timer: Timer, due: Timestamp) -> Self {
        let object = format!("{}@{}", timer.key, due.0);
        Self::new("timer.fired", Some(&object), Change::Timer(timer)).at(due).payload("null")
    }

    /// Names the event.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// When it happened, by its sender's clock; the bench's time if not said. A fact never replaces one that an event
    /// brought which happened later.
    pub fn at(self, instant: Timestamp) -> Self {
        Self { occurred_at: Some(instant), ..self }
    }

    /// `shopify`, or `regulars` for what the host itself brings.
    pub(super) fn platform(&self) -> &'static str {
        if matches!(self.change, Change::Timer(_) | Change::Action(_) | Change::Ended(_) | Change::About(_)) {
            "regulars"
        } else {
            "shopify"
        }
    }

    /// The sender's own payload.
    pub fn payload(self, json: impl Into<String>) -> Self {
        Self { payload: json.into(), ..self }
    }
}
