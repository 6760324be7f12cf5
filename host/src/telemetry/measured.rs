//! What is measured beyond plain counts: spreads, and counts for each plugin, kind and status.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    exposition::Exposition,
    figures::{Counter, FUEL, Histogram, SECONDS},
};

/// Everything that is measured. Labels are bounded: kinds, outcomes and statuses are words of ours and numbers of HTTP,
/// plugins are those that the operator installed.
#[derive(Debug)]
pub struct Measured {
    pub webhooks: Webhooks,
    /// From an event's acceptance to its commit.
    pub event_wait: Histogram,
    /// From the beginning of an event's work to its commit, runs that met a conflict included.
    pub event_apply: Histogram,
    plugins: ByName<Plugin>,
    effects: ByName<Effects>,
}

impl Default for Measured {
    fn default() -> Self {
        let seconds = || Histogram::of(&SECONDS);
        Self {
            webhooks: Webhooks::default(),
            event_wait: seconds(),
            event_apply: seconds(),
            plugins: ByName::default(),
            effects: ByName::default(),
        }
    }
}

impl Measured {
    /// What is measured of one plugin.
    pub fn plugin(&self, name: &str) -> Arc<Plugin> {
        self.plugins.of(name)
    }

    /// What is measured of one kind of effect.
    pub fn effects(&self, kind: &str) -> Arc<Effects> {
        self.effects.of(kind)
    }

    pub fn expose(&self, to: &mut Exposition<'_>) -> fmt::Result {
        self.webhooks.expose(to)?;
        to.histograms(
            "regulars_event_wait_seconds",
            "Seconds from an event's acceptance to its commit",
            [(&[][..], &self.event_wait)],
        )?;
        to.histograms(
            "regulars_event_apply_duration_seconds",
            "Seconds from the beginning of an event's work to its commit, runs that met a conflict included",
            [(&[][..], &self.event_apply)],
        )?;
        self.expose_plugins(to)?;
        self.expose_effects(to)
    }

    fn expose_plugins(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let plugins = self.plugins.all();
        let mut outcomes = Vec::new();
        for (plugin, figures) in &plugins {
            let Plugin { done, failed, dead, .. } = &**figures;
            for (outcome, count) in [("done", done), ("retrying", failed), ("dead", dead)] {
                outcomes.push(([("plugin", plugin.as_str()), ("outcome", outcome)], count.get()));
            }
        }
        to.counters(
            "regulars_deliveries",
            "Attempts of deliveries that were committed, by plugin and by how they ended",
            outcomes.iter().map(|(labels, count)| (&labels[..], *count)),
        )?;
        let labels: Vec<_> = plugins.iter().map(|(plugin, figures)| ([("plugin", plugin.as_str())], figures)).collect();
        to.histograms(
            "regulars_delivery_fuel",
            "Fuel that one run of a plugin took; about one for each instruction",
            labels.iter().map(|(labels, figures)| (&labels[..], &figures.fuel)),
        )?;
        to.histograms(
            "regulars_delivery_duration_seconds",
            "Seconds that one run of a plugin took, instantiation included",
            labels.iter().map(|(labels, figures)| (&labels[..], &figures.duration)),
        )
    }

    fn expose_effects(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let effects = self.effects.all();
        let mut outcomes = Vec::new();
        for (kind, figures) in &effects {
            let Effects { done, failed, dead, dropped, .. } = &**figures;
            for (outcome, count) in [("done", done), ("retrying", failed), ("dead", dead), ("dropped", dropped)] {
                outcomes.push(([("kind", kind.as_str()), ("outcome", outcome)], count.get()));
            }
        }
        to.counters(
            "regulars_effects",
            "Tries of effects that were committed, by kind and by how they ended",
            outcomes.iter().map(|(labels, count)| (&labels[..], *count)),
        )?;
        let labels: Vec<_> = effects.iter().map(|(kind, figures)| ([("kind", kind.as_str())], figures)).collect();
        to.histograms(
            "regulars_effect_duration_seconds",
            "Seconds that one try of an effect took, without its commit",
            labels.iter().map(|(labels, figures)| (&labels[..], &figures.duration)),
        )
    }
}

/// How webhooks were answered and how long that took.
#[derive(Debug)]
pub struct Webhooks {
    pub accepted: Histogram,
    pub duplicate: Histogram,
    pub refused: Histogram,
    pub failed: Histogram,
    /// By HTTP status, from [`FIRST_STATUS`].
    statuses: Box<[Counter]>,
}

const FIRST_STATUS: u16 = 100;
const STATUSES: usize = 500;

impl Default for Webhooks {
    fn default() -> Self {
        let seconds = || Histogram::of(&SECONDS);
        let statuses = (0..STATUSES).map(|_| Counter::default()).collect();
        Self { accepted: seconds(), duplicate: seconds(), refused: seconds(), failed: seconds(), statuses }
    }
}

impl Webhooks {
    pub fn answered(&self, status: u16) {
        if let Some(count) = self.statuses.get(usize::from(status.saturating_sub(FIRST_STATUS))) {
            count.add_one();
        }
    }

    fn expose(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let statuses: Vec<_> = (FIRST_STATUS..)
            .zip(&self.statuses)
            .filter(|(_, count)| count.get() > 0)
            .map(|(status, count)| (status.to_string(), count.get()))
            .collect();
        let labels: Vec<_> = statuses.iter().map(|(status, count)| ([("status", status.as_str())], *count)).collect();
        to.counters(
            "regulars_webhook_answers",
            "Answers to webhooks by HTTP status",
            labels.iter().map(|(labels, count)| (&labels[..], *count)),
        )?;
        let Self { accepted, duplicate, refused, failed, .. } = self;
        to.histograms(
            "regulars_webhook_duration_seconds",
            "Seconds from a webhook's headers to its answer, by outcome; accepted ones wait for the disk",
            [
                (&[("outcome", "accepted")][..], accepted),
                (&[("outcome", "duplicate")][..], duplicate),
                (&[("outcome", "refused")][..], refused),
                (&[("outcome", "failed")][..], failed),
            ],
        )
    }
}

/// What is measured of one plugin.
#[derive(Debug)]
pub struct Plugin {
    pub done: Counter,
    pub failed: Counter,
    pub dead: Counter,
    pub fuel: Histogram,
    pub duration: Histogram,
}

impl Default for Plugin {
    fn default() -> Self {
        Self {
            done: Counter::default(),
            failed: Counter::default(),
            dead: Counter::default(),
            fuel: Histogram::of(&FUEL),
            duration: Histogram::of(&SECONDS),
        }
    }
}

/// What is measured of one kind of effect.
#[derive(Debug)]
pub struct Effects {
    pub done: Counter,
    pub failed: Counter,
    pub dead: Counter,
    pub dropped: Counter,
    pub duration: Histogram,
}

impl Default for Effects {
    fn default() -> Self {
        let count = Counter::default;
        Self { done: count(), failed: count(), dead: count(), dropped: count(), duration: Histogram::of(&SECONDS) }
    }
}

/// Figures by name, made when first asked for. Those who measure often keep what they were given.
#[derive(Debug)]
struct ByName<T>(RwLock<BTreeMap<String, Arc<T>>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Default> ByName<T> {
    fn of(&self, name: &str) -> Arc<T> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(names.entry(name.to_owned()).or_default())
    }

    fn all(&self) -> Vec<(String, Arc<T>)> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.iter().map(|(name, figures)| (name.clone(), Arc::clone(figures))).collect()
    }
}
