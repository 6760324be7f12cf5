//! What the host counts and measures while it runs, from zero at every start: the one source of `/metrics` and of
//! `/v1/status`.
//!
//! Labels are bounded: outcomes and kinds are words of ours, plugins are those that the operator installed. Stores and
//! customers are no labels, because nothing bounds how many there are: logs and decisions name them.

use std::fmt;

use serde::Serialize;

pub use crate::telemetry::Counter;
use crate::{
    domain::{Attempt, Effect, EffectStatus, Outcome},
    telemetry::{Exposition, Measured},
};

/// One counter for each thing an operator asks about first.
#[derive(Debug, Default, Serialize)]
pub struct Counters {
    /// Webhooks answered 200 and kept.
    pub webhooks_accepted: Counter,
    /// Webhooks answered 200 because they were here already.
    pub webhooks_duplicate: Counter,
    /// Webhooks refused for a bad or missing signature.
    pub webhooks_unsigned: Counter,
    /// Webhooks refused for anything else that was wrong with them.
    pub webhooks_refused: Counter,
    /// Webhooks that could not be kept: the sender was told to come again.
    pub webhooks_failed: Counter,
    pub events_applied: Counter,
    /// Events whose topic has no word of ours; they are kept.
    pub events_unknown_topic: Counter,
    /// Events whose body did not have the shape of its topic; they are kept and can be replayed.
    pub events_unreadable: Counter,
    /// Appended twice, counted once.
    pub events_repeated: Counter,
    /// Webhooks that came after reconciliation had made up for them, and reads of what a webhook had told.
    pub events_told_before: Counter,
    pub deliveries_done: Counter,
    pub deliveries_failed: Counter,
    pub deliveries_dead: Counter,
    /// Plugins that were paused in a store because they failed again and again.
    pub plugins_paused: Counter,
    /// Commits that had to run again because something they read had changed.
    pub conflicts: Counter,
    pub effects_done: Counter,
    pub effects_failed: Counter,
    pub effects_dead: Counter,
    pub effects_dropped: Counter,
    pub timers_fired: Counter,
    #[serde(skip)]
    pub measured: Measured,
}

impl Counters {
    /// Counts an attempt of a delivery that has been committed.
    pub fn delivered(&self, attempt: &Attempt) {
        let plugin = self.measured.plugin(attempt.plugin.as_str());
        let (in_all, of_plugin) = match &attempt.outcome {
            Outcome::Done => (&self.deliveries_done, &plugin.done),
            Outcome::Retrying { .. } => (&self.deliveries_failed, &plugin.failed),
            Outcome::Dead { .. } => (&self.deliveries_dead, &plugin.dead),
            // It has not been tried.
            Outcome::Waiting { .. } => return,
        };
        in_all.add_one();
        of_plugin.add_one();
    }

    /// Counts a try of an effect that has been committed.
    pub fn tried(&self, effect: &Effect) {
        let kind = self.measured.effects(effect.kind.name());
        let (in_all, of_kind) = match &effect.status {
            EffectStatus::Done { .. } => (&self.effects_done, &kind.done),
            EffectStatus::Pending { .. } => (&self.effects_failed, &kind.failed),
            EffectStatus::Dead { .. } => (&self.effects_dead, &kind.dead),
            EffectStatus::Dropped { .. } => (&self.effects_dropped, &kind.dropped),
        };
        in_all.add_one();
        of_kind.add_one();
    }

    /// Shows every figure once: what is shown for each plugin or kind is not shown in all besides.
    pub fn expose(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let Self {
            webhooks_accepted,
            webhooks_duplicate,
            webhooks_unsigned,
            webhooks_refused,
            webhooks_failed,
            events_applied,
            events_unknown_topic,
            events_unreadable,
            events_repeated,
            events_told_before,
            deliveries_done: _,
            deliveries_failed: _,
            deliveries_dead: _,
            plugins_paused,
            conflicts,
            effects_done: _,
            effects_failed: _,
            effects_dead: _,
            effects_dropped: _,
            timers_fired,
            measured,
        } = self;
        to.outcomes(
            "regulars_webhooks",
            "Webhooks whose body was read, by outcome",
            &[
                ("accepted", webhooks_accepted),
                ("duplicate", webhooks_duplicate),
                ("unsigned", webhooks_unsigned),
                ("refused", webhooks_refused),
                ("failed", webhooks_failed),
            ],
        )?;
        for (name, help, counter) in [
            ("regulars_events_applied", "Events applied", events_applied),
            ("regulars_events_unknown_topic", "Applied events whose topic has no word of ours", events_unknown_topic),
            ("regulars_events_unreadable", "Applied events whose body could not be read", events_unreadable),
            ("regulars_events_repeated", "Events that came twice and counted once", events_repeated),
            ("regulars_events_told_before", "Events that tell what another way of news told first", events_told_before),
            ("regulars_commit_conflicts", "Commits made again as something they read had changed", conflicts),
            ("regulars_plugins_paused", "Plugins that were paused as they failed again and again", plugins_paused),
            ("regulars_timers_fired", "Timers that became events", timers_fired),
        ] {
            to.counters(name, help, [(&[][..], counter.get())])?;
        }
        measured.expose(to)
    }
}
