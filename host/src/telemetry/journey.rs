//! The log lines and spans of an event's way, in one place, so that the same thing is called the same in all of them.
//!
//! What goes well is told at `debug` under the target `regulars::journey`: off by default, one comparison when off. What
//! needs a person is told at `warn`. Reasons that a plugin, a platform or a mail server words are left out, because they
//! may name people: they stand in the decision or the effect, whose id is in the line.

use super::trace::{self, Lasted, Part};
use crate::domain::{Attempt, CustomerId, Effect, EffectStatus, Event, EventId, Outcome, StoreId, Topic};

const TARGET: &str = "regulars::journey";

/// An event is durable in the inbox.
pub fn kept(event: &Event, position: impl std::fmt::Display) {
    let (store, id) = (event.store, &event.id);
    tracing::debug!(target: TARGET, %store, event = %id, %position, "event {id} is kept at {position}");
}

/// What every line about an event on its way says of it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub store: StoreId,
    pub event: &'a EventId,
    pub topic: &'a Topic,
    pub customer: Option<&'a CustomerId>,
}

impl About<'_> {
    /// The event has been applied.
    pub fn applied(&self) {
        let Self { store, event, topic, .. } = self;
        let customer = self.customer.map(tracing::field::display);
        tracing::debug!(target: TARGET, %store, %event, %topic, customer, "event {event} is applied");
    }

    /// The event's body has another shape than its topic; it is kept.
    pub fn unreadable(&self) {
        let Self { store, event, topic, .. } = self;
        tracing::warn!(
            target: TARGET, %store, %event, %topic,
            "event {event} cannot be read; it is kept, and `regulars event show` says what it lacks"
        );
    }

    /// An attempt of one of the event's deliveries has been committed.
    pub fn delivered(&self, tried: &Attempt) {
        let Self { store, event, topic, .. } = self;
        let Attempt { plugin, attempt, fuel, .. } = tried;
        let customer = self.customer.map(tracing::field::display);
        match &tried.outcome {
            Outcome::Done => tracing::debug!(
                target: TARGET, %store, %event, %topic, %plugin, customer, attempt, fuel, outcome = "done",
                "{plugin} has handled event {event}"
            ),
            Outcome::Retrying { .. } => tracing::info!(
                target: TARGET, %store, %event, %topic, %plugin, customer, attempt, fuel, outcome = "retrying",
                "{plugin} failed on event {event} and is run again"
            ),
            Outcome::Dead { .. } => tracing::warn!(
                target: TARGET, %store, %event, %topic, %plugin, customer, attempt, fuel, outcome = "dead",
                "{plugin} failed on event {event} for good: `regulars event show` says why"
            ),
            Outcome::Waiting { .. } => tracing::debug!(
                target: TARGET, %store, %event, %topic, %plugin, customer, outcome = "waiting",
                "event {event} waits for {plugin}, which is paused"
            ),
        }
    }

    /// The span of an attempt that has been committed.
    pub fn traced(&self, tried: &Attempt, lasted: Lasted) {
        let (outcome, done) = match &tried.outcome {
            Outcome::Done => ("done", true),
            Outcome::Retrying { .. } => ("retrying", false),
            Outcome::Dead { .. } => ("dead", false),
            Outcome::Waiting { .. } => ("waiting", false),
        };
        let part = Part::Delivery { plugin: &tried.plugin, attempt: tried.attempt, done };
        trace::span(Some(lasted), self.store, self.event, part, outcome);
    }
}

/// The span of a try of an effect that has been committed.
pub fn traced(store: StoreId, effect: &Effect, lasted: Option<Lasted>) {
    let outcome = match &effect.status {
        EffectStatus::Done { .. } => "done",
        EffectStatus::Pending { .. } => "retrying",
        EffectStatus::Dead { .. } => "dead",
        EffectStatus::Dropped { .. } => "dropped",
    };
    let part = Part::Effect { plugin: &effect.plugin, id: &effect.id, attempt: effect.attempts };
    trace::span(lasted, store, &effect.event, part, outcome);
}

/// A try of an effect has been committed.
pub fn tried(store: StoreId, effect: &Effect) {
    let Effect { id, plugin, event, attempts, .. } = effect;
    let (kind, customer) = (effect.kind.name(), effect.kind.customer().map(tracing::field::display));
    match &effect.status {
        EffectStatus::Done { .. } => tracing::debug!(
            target: TARGET, %store, %event, %plugin, effect = %id, kind, customer, attempts, outcome = "done",
            "effect {id} ({kind}) is done"
        ),
        EffectStatus::Pending { .. } => tracing::info!(
            target: TARGET, %store, %event, %plugin, effect = %id, kind, customer, attempts, outcome = "retrying",
            "effect {id} ({kind}) failed and is tried again"
        ),
        EffectStatus::Dead { .. } => tracing::warn!(
            target: TARGET, %store, %event, %plugin, effect = %id, kind, customer, attempts, outcome = "dead",
            "effect {id} ({kind}) failed for good: `regulars effect show` says why"
        ),
        EffectStatus::Dropped { .. } => tracing::info!(
            target: TARGET, %store, %event, %plugin, effect = %id, kind, customer, attempts, outcome = "dropped",
            "effect {id} ({kind}) is rightly not done: `regulars effect show` says why"
        ),
    }
}
