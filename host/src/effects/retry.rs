//! Effects that are tried again on request: one, or all dead letters of a store that fit a selection.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;

use super::{Outbox, due_of, place, place::Place};
use crate::{
    domain::{Attempt, Effect, EffectId, EffectStage, EffectStatus, Outcome, PluginName, StoreId, Timestamp},
    store::{
        CommitError, Error, EventRecord, Position, Scan, Transaction,
        budget::{Budget, UsedUp},
        codes::end_of,
        keys,
    },
};

/// Dead letters that one page looks at.
const PAGE: usize = 200;

/// Why an effect was not put back into the queue.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such effect")]
    NoEffect,
    #[error("the effect is {0}: only one that has failed can be tried again")]
    NotFailed(&'static str),
    #[error("its plugin has been told that the effect failed, and has made up for it")]
    Told,
    #[error("the code that it makes has been disabled since")]
    Ended,
    #[error(transparent)]
    UsedUp(#[from] UsedUp),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Which of a store's dead letters are to be tried again. What is not said does not narrow it.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Queued at this instant or later.
    pub since: Option<Timestamp>,
    /// Queued before this instant.
    pub until: Option<Timestamp>,
    pub plugin: Option<PluginName>,
}

impl Selection {
    fn takes(&self, effect: &Effect) -> bool {
        self.since.is_none_or(|since| effect.queued_at >= since)
            && self.until.is_none_or(|until| effect.queued_at < until)
            && self.plugin.as_ref().is_none_or(|plugin| effect.plugin == *plugin)
    }
}

/// What one page did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetriedPage {
    /// Effects made due, by kind.
    pub effects: BTreeMap<&'static str, u64>,
    /// Effects that were left as they are, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<(Timestamp, EffectId)>,
}

/// Tries the dead letters of a selection again, oldest first, a page at a time; `after` is what the page before answered
/// as its `next`. A dry run changes nothing.
pub async fn retry_page(
    outbox: &Outbox,
    store: StoreId,
    selection: &Selection,
    after: Option<(Timestamp, EffectId)>,
    dry_run: bool,
) -> Result<RetriedPage, Error> {
    let after = after.map(|(queued_at, id)| keys::effect_listed_at(store, EffectStage::Dead, queued_at, &id));
    let rows = outbox.store.scan(&Scan::of(keys::effects_listed(store, EffectStage::Dead), PAGE).after(after))?;
    let mut page = RetriedPage::default();
    for (queued_at, id) in rows.iter().filter_map(|(key, _)| keys::effect_of(key)) {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        let effect = transaction.get::<Effect>(&keys::effect(store, &id));
        page.next = Some((queued_at, id.clone())).filter(|_| rows.len() == PAGE);
        let effect = match effect {
            Ok(Some(effect)) if selection.takes(&effect) => effect,
            Ok(_) => continue,
            Err(Error::Damaged { .. }) => {
                *page.skipped.entry("the effect's record is damaged".into()).or_default() += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let tried = match dry_run {
            true => check(outbox, &mut transaction, store, &effect),
            false => retry(outbox, store, &id).await,
        };
        match tried {
            Ok(()) => *page.effects.entry(effect.kind.name()).or_default() += 1,
            // Somebody else was faster.
            Err(RetryError::NoEffect | RetryError::NotFailed(_)) => {}
            Err(error @ (RetryError::Told | RetryError::Ended | RetryError::UsedUp(_))) => {
                *page.skipped.entry(error.to_string()).or_default() += 1
            }
            Err(RetryError::Store(error)) => return Err(error),
        }
    }
    Ok(page)
}

/// Refuses what is not to be tried again; of what is, counts it anew within its plugin's bounds.
fn check(outbox: &Outbox, transaction: &mut Transaction, store: StoreId, effect: &Effect) -> Result<(), RetryError> {
    if !effect.has_failed() {
        return Ok(());
    }
    if was_made_up_for(transaction, store, effect)? {
        return Err(RetryError::Told);
    }
    if end_of(transaction, store, &effect.id)?.is_some() {
        return Err(RetryError::Ended);
    }
    let registry = outbox.catalog.registry();
    let zone = registry.store(store).map_or(TimeZone::UTC, |entry| entry.context.time_zone.clone());
    let budget = Budget { store, plugin: &effect.plugin, zone: &zone };
    Ok(budget.count_effect(transaction, effect)??)
}

/// Whether an effect's plugin has been told that it failed, and has made up for it or still may.
///
/// One that only took notice left no note and queued nothing.
fn was_made_up_for(transaction: &mut Transaction, store: StoreId, effect: &Effect) -> Result<bool, Error> {
    let told = transaction.get::<Position>(&keys::event_id(store, &effect.failure_id()))?;
    let Some(told) = told else { return Ok(false) };
    let record = transaction.get::<EventRecord>(&keys::event(store, told))?;
    let made_up = |delivery: &Attempt| {
        delivery.outcome != Outcome::Done || !delivery.notes.is_empty() || !delivery.effects.is_empty()
    };
    Ok(record.is_some_and(|record| record.deliveries.iter().any(made_up)))
}

/// Puts a failed effect back into the queue, due now, its schedule begun anew.
pub async fn retry(outbox: &Outbox, store: StoreId, id: &EffectId) -> Result<(), RetryError> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        let effect = transaction.get::<Effect>(&keys::effect(store, id))?.ok_or(RetryError::NoEffect)?;
        check(outbox, &mut transaction, store, &effect)?;
        let last_error = match &effect.status {
            EffectStatus::Done { .. } => return Err(RetryError::NotFailed("done")),
            EffectStatus::Dropped { reason } | EffectStatus::Dead { reason } => Some(reason.clone()),
            EffectStatus::Pending { due, last_error } => {
                transaction.delete(due_of(store, &effect).key(*due));
                // Once it is due anew, nothing else tells that it may be under way at this moment.
                transaction.put_bytes(keys::under_way(store, id), Vec::new());
                last_error.clone()
            }
        };
        let due = outbox.clock.now();
        transaction.put_bytes(due_of(store, &effect).key(due), Vec::new());
        let pending = Effect { status: EffectStatus::Pending { due, last_error }, attempts: 0, ..effect.clone() };
        transaction.put_effect(store, Some(&effect), &pending);
        match transaction.commit().await {
            Ok(()) => {
                // Whoever tries by hand may know that the other side is up again.
                place::lock(&outbox.places).forget(Place::of(store, pending.kind.destination()));
                outbox.due.notify_waiters();
                return Ok(());
            }
            Err(CommitError::Conflict) => outbox.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}
