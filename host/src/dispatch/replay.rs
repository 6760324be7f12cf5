//! Replay on request: dead letters run again, and events that could not be read are read again. One event, or all of a
//! store that fit a selection.
//!
//! What is done counts once: a replay only makes due what has failed, so that repeating it changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use super::{Job, Pipeline, apply};
use crate::{
    domain::{Attempt, Outcome, PluginName, StoreId, Timestamp, Topic},
    store::{CommitError, Error, EventRecord, Position, Scan, decode, keys, keys::Due},
};

/// Failed events that one page of a replay looks at.
const PAGE: usize = 200;

/// What a replay set going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// These plugins' deliveries are due now.
    Deliveries(Vec<PluginName>),
    /// The event was read, and applied as if it had just come.
    ReadAgain,
}

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no such event")]
    NoEvent,
    #[error("the event's body is past its retention, so that it cannot be replayed")]
    BodyGone,
    #[error("the event has no such delivery; `regulars event show` names those that it has")]
    NoDelivery,
    #[error("the delivery to `{0}` waits, and runs by itself once the plugin goes on: `regulars plugin resume`")]
    Waits(PluginName),
    #[error("what is done counts once; there is nothing to replay")]
    AllDone,
    #[error("the event still cannot be read: {0}")]
    Unreadable(String),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Which of a store's failed events and deliveries are to be replayed. What is not said does not narrow it.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub from: Option<Position>,
    pub to: Option<Position>,
    /// Received at this instant or later.
    pub since: Option<Timestamp>,
    /// Received before this instant.
    pub until: Option<Timestamp>,
    pub topic: Option<Topic>,
    /// Only deliveries to this plugin; an event that could not be read has none.
    pub plugin: Option<PluginName>,
    /// Also deliveries that are to be tried again by themselves.
    pub retrying: bool,
}

impl Selection {
    fn takes_event(&self, record: &EventRecord) -> bool {
        self.since.is_none_or(|since| record.received_at >= since)
            && self.until.is_none_or(|until| record.received_at < until)
            && self.topic.as_ref().is_none_or(|topic| record.topic == *topic)
    }

    fn takes(&self, delivery: &Attempt) -> bool {
        let failed = match delivery.outcome {
            Outcome::Dead { .. } => true,
            Outcome::Retrying { .. } => self.retrying,
            Outcome::Done | Outcome::Waiting { .. } => false,
        };
        failed && self.plugin.as_ref().is_none_or(|plugin| delivery.plugin == *plugin)
    }
}

/// What one page of a replay did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayedPage {
    /// Deliveries made due, by plugin.
    pub deliveries: BTreeMap<PluginName, u64>,
    /// Events that could not be read and now were; in a dry run those that would be tried.
    pub read_again: u64,
    /// Events that were left as they are, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Position>,
}

impl ReplayedPage {
    fn add(&mut self, plugins: impl IntoIterator<Item = PluginName>) {
        plugins.into_iter().for_each(|plugin| *self.deliveries.entry(plugin).or_default() += 1);
    }
}

impl Pipeline {
    /// Replays the failed events of a selection, oldest first, a page at a time; `after` is what the page before answered
    /// as its `next`. A dry run changes nothing.
    pub async fn replay_page(
        &self,
        store: StoreId,
        selection: &Selection,
        after: Option<Position>,
        dry_run: bool,
    ) -> Result<ReplayedPage, Error> {
        let before_first = selection.from.map(|from| Position(from.0.saturating_sub(1)));
        let after = after.max(before_first).map(|position| keys::failed_event(store, position));
        let rows = self.store.scan(&Scan::of(keys::failed_events(store), PAGE).after(after))?;
        let mut page = ReplayedPage::default();
        for position in rows.iter().filter_map(|(key, _)| keys::position_of(key)) {
            if selection.to.is_some_and(|to| position > to) {
                page.next = None;
                return Ok(page);
            }
            page.next = Some(position).filter(|_| rows.len() == PAGE);
            let Some(row) = self.store.get(&keys::event(store, position))? else { continue };
            let Ok(record) = decode::<EventRecord>(&row.bytes) else {
                *page.skipped.entry("the event's record is damaged".into()).or_default() += 1;
                continue;
            };
            if selection.takes_event(&record) {
                self.replay_selected(store, selection, &record, dry_run, &mut page).await?;
            }
        }
        Ok(page)
    }

    async fn replay_selected(
        &self,
        store: StoreId,
        selection: &Selection,
        record: &EventRecord,
        dry_run: bool,
        page: &mut ReplayedPage,
    ) -> Result<(), Error> {
        let taken = || record.deliveries.iter().filter(|delivery| selection.takes(delivery));
        let wanted = match record.unreadable {
            Some(_) => selection.plugin.is_none(),
            None => taken().next().is_some(),
        };
        if !wanted {
            return Ok(());
        }
        if dry_run {
            match (&record.unreadable, self.inbox.get(record.position)?) {
                (_, None) => *page.skipped.entry(ReplayError::BodyGone.to_string()).or_default() += 1,
                (Some(_), _) => page.read_again += 1,
                (None, _) => page.add(taken().map(|delivery| delivery.plugin.clone())),
            }
            return Ok(());
        }
        match self.replay_those(store, record.position, |delivery| selection.takes(delivery)).await {
            Ok(Replayed::Deliveries(plugins)) => page.add(plugins),
            Ok(Replayed::ReadAgain) => page.read_again += 1,
            // Somebody else was faster.
            Err(ReplayError::NoEvent | ReplayError::NoDelivery | ReplayError::Waits(_) | ReplayError::AllDone) => {}
            Err(ReplayError::Unreadable(_)) => {
                *page.skipped.entry("the event still cannot be read".into()).or_default() += 1;
            }
            Err(error @ ReplayError::BodyGone) => *page.skipped.entry(error.to_string()).or_default() += 1,
            Err(ReplayError::Store(error)) if apply::is_permanent(&error) => {
                *page.skipped.entry("the event cannot be applied".into()).or_default() += 1;
            }
            Err(ReplayError::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// Makes the failed deliveries of an event due now, of one plugin or of all.
    pub async fn replay(
        &self,
        store: StoreId,
        position: Position,
        plugin: Option<&PluginName>,
    ) -> Result<Replayed, ReplayError> {
        self.replay_those(store, position, |delivery| plugin.is_none_or(|plugin| *plugin == delivery.plugin)).await
    }

    async fn replay_those(
        &self,
        store: StoreId,
        position: Position,
        wanted: impl Fn(&Attempt) -> bool,
    ) -> Result<Replayed, ReplayError> {
        loop {
            let mut transaction = self.transaction();
            let mut record =
                transaction.get::<EventRecord>(&keys::event(store, position))?.ok_or(ReplayError::NoEvent)?;
            if record.unreadable.is_some() {
                return self.read_again(position).await;
            }
            if self.inbox.get(position)?.is_none() {
                return Err(ReplayError::BodyGone);
            }
            let now = self.clock.now();
            let mut names = Vec::new();
            for delivery in &mut record.deliveries {
                let reason = match &delivery.outcome {
                    Outcome::Dead { reason } | Outcome::Retrying { reason, .. } => reason.clone(),
                    // What waits runs in its turn when the plugin is resumed.
                    Outcome::Done | Outcome::Waiting { .. } => continue,
                };
                if !wanted(delivery) {
                    continue;
                }
                let row = Due::Delivery { store, position, plugin: delivery.plugin.clone() };
                if let Outcome::Retrying { due, .. } = &delivery.outcome {
                    transaction.delete(row.key(*due));
                }
                transaction.put_bytes(row.key(now), Vec::new());
                // The schedule begins anew.
                delivery.attempt = 0;
                delivery.outcome = Outcome::Retrying { due: now, reason };
                names.push(delivery.plugin.clone());
            }
            if names.is_empty() {
                return Err(why_nothing(&record, wanted));
            }
            transaction.put_failed_event(store, &record);
            match transaction.commit().await {
                Ok(()) => return Ok(Replayed::Deliveries(names)),
                Err(CommitError::Conflict) => self.counters.conflicts.add_one(),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Applies an event that could not be read as if it had just come.
    async fn read_again(&self, position: Position) -> Result<Replayed, ReplayError> {
        let event = self.inbox.get(position)?.ok_or(ReplayError::BodyGone)?;
        let job = Job { position, read: apply::read(self, &event), event: Arc::new(event) };
        if let Err(unreadable) = &job.read {
            return Err(ReplayError::Unreadable(unreadable.to_string()));
        }
        apply::apply(self, &job).await?;
        Ok(Replayed::ReadAgain)
    }
}

/// Why none of an event's deliveries that are wanted can be run again.
fn why_nothing(record: &EventRecord, wanted: impl Fn(&Attempt) -> bool) -> ReplayError {
    let wanted: Vec<_> = record.deliveries.iter().filter(|delivery| wanted(delivery)).collect();
    if wanted.is_empty() {
        return ReplayError::NoDelivery;
    }
    let waiting = wanted.iter().find(|delivery| matches!(delivery.outcome, Outcome::Waiting { .. }));
    waiting.map_or(ReplayError::AllDone, |delivery| ReplayError::Waits(delivery.plugin.clone()))
}
