//! What is let go or taken out as its time comes: checkouts, the audit trail, redacted people, erased stores.

use std::{sync::Arc, time::Duration};

use crate::{
    catalog::StoreEntry,
    dispatch::Pipeline,
    domain::{Act, Actor, AuditEntry, StoreId, Timestamp, Topic},
    privacy::{Place, erase, forget},
    store::{
        CommitError, Error, EventRecord, Forgetting, Key, Transaction, audit, decode,
        due::{Round, due_in},
        keys::{self, Due, DueQueue},
    },
};

#[cfg(test)]
mod tests;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// How much longer than its time a raw notice or a copy may stay, with the segment of a day that holds it.
const WITH_SEGMENT: Duration = Duration::from_secs(2 * 86_400);

/// Stores looked at in one round, and checkouts of one store, or entries of the trail, in one commit.
const LINES: usize = 1_000;
const SHARE: usize = 500;

/// Runs until it is dropped.
pub(super) async fn run(pipeline: &Pipeline) {
    loop {
        let swept = [
            erase_due(pipeline).await,
            forget_due(pipeline).await,
            expire_checkouts(pipeline).await,
            expire_audit(pipeline).await,
        ];
        for error in swept.into_iter().filter_map(Result::err) {
            tracing::error!(%error, "sweeping is held up: {error}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The lines of a queue that have something due.
fn lines(pipeline: &Pipeline, queue: DueQueue, now: Timestamp) -> Result<Vec<Key>, Error> {
    let heads = Round::default().due_lines(&*pipeline.store, queue, now, LINES)?;
    Ok(heads.iter().map(Due::line).collect())
}

async fn expire_checkouts(pipeline: &Pipeline) -> Result<(), Error> {
    let unchanged_since = pipeline.clock.now().saturating_sub(pipeline.checkouts_for);
    for line in lines(pipeline, DueQueue::Checkouts, unchanged_since)? {
        let mut transaction = pipeline.transaction();
        for (at, due) in due_in(&*pipeline.store, &line, unchanged_since, SHARE)? {
            if let Due::Checkout { store, id } = &due {
                transaction.delete_checkout(*store, id)?;
                transaction.delete(due.key(at));
            }
        }
        commit(transaction).await?;
    }
    Ok(())
}

async fn expire_audit(pipeline: &Pipeline) -> Result<(), Error> {
    let end = pipeline.clock.now().saturating_sub(pipeline.audit_for);
    let old = audit::before(&*pipeline.store, end, SHARE)?;
    if old.is_empty() {
        return Ok(());
    }
    let mut transaction = pipeline.transaction();
    old.into_iter().for_each(|key| transaction.delete(key));
    commit(transaction).await
}

/// A row that was read is written only if it is as it was; else the next round looks again.
async fn commit(transaction: Transaction) -> Result<(), Error> {
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

async fn forget_due(pipeline: &Pipeline) -> Result<(), Error> {
    let now = pipeline.clock.now();
    for line in lines(pipeline, DueQueue::Forgettings, now)? {
        for (at, due) in due_in(&*pipeline.store, &line, now, SHARE)? {
            forget_one(pipeline, at, &due).await?;
        }
    }
    Ok(())
}

/// Takes a redacted person out of what is no fact, and has it done once more when raw notices and copies have ended.
async fn forget_one(pipeline: &Pipeline, at: Timestamp, due: &Due) -> Result<(), Error> {
    let Due::Forgetting { store, customer, round } = due else { return Ok(()) };
    let row = due.key(at);
    let mut transaction = pipeline.transaction();
    let Some(mut forgetting) = transaction.get::<Forgetting>(&row)? else { return Ok(()) };
    if forgetting.position.is_none() {
        forgetting.position = transaction.get(&keys::event_id(*store, &forgetting.event))?;
    }
    let registry = pipeline.catalog.registry().clone();
    if let Some(entry) = registry.store(*store) {
        let place = Place::of(Arc::clone(&pipeline.store), &registry, entry);
        let event = forgetting.position.map(|at| transaction.get::<EventRecord>(&keys::event(*store, at)));
        let told = match event.transpose()?.flatten() {
            Some(event) => forget::told_by(&event, *round),
            None => who_listens(entry),
        };
        for (plugin, deleted) in forget::forget(&place, &forgetting, &told).await? {
            pipeline.usage.deleted(*store, &plugin, deleted);
        }
        let customer = Some(pipeline.catalog.audit_key().customer(*store, customer));
        let entry = pipeline.catalog.audit_of(entry, Act::CustomerForgotten, Actor::Host);
        transaction.append_audit(&AuditEntry { customer, ..entry })?;
    }
    if *round < forget::ROUNDS {
        let next = Due::Forgetting { store: *store, customer: customer.clone(), round: round + 1 };
        transaction.put(next.key(at + pipeline.copies_for + WITH_SEGMENT), &forgetting);
    }
    transaction.delete(row);
    commit(transaction).await
}

/// Plugins that hear of people who are to be forgotten, where nothing says any more whom it was that heard.
fn who_listens(entry: &StoreEntry) -> forget::Told {
    let works = entry.record.removed_at.is_none();
    let told = entry.enabled.iter().filter(|enabled| works && enabled.wants(&Topic::CUSTOMER_REDACTED));
    told.map(|enabled| enabled.name().clone()).collect()
}

async fn erase_due(pipeline: &Pipeline) -> Result<(), Error> {
    let now = pipeline.clock.now();
    for line in lines(pipeline, DueQueue::Erasures, now)? {
        for (at, due) in due_in(&*pipeline.store, &line, now, SHARE)? {
            if let Due::Erasure { store } = &due {
                erase_one(pipeline, *store, &due.key(at)).await?;
            }
        }
    }
    Ok(())
}

/// Deletes an erased store's rows, page by page.
async fn erase_one(pipeline: &Pipeline, store: StoreId, row: &Key) -> Result<(), Error> {
    while erase::delete_page(&pipeline.store, store).await? {
        tokio::task::yield_now().await;
    }
    let mut transaction = pipeline.transaction();
    if let Some(asked) = transaction.get_bytes(row)?.map(decode::<AuditEntry>).transpose()? {
        let ended = AuditEntry { at: pipeline.clock.now(), act: Act::ErasureEnded, by: Actor::Host, ..asked };
        transaction.append_audit(&ended)?;
    }
    transaction.delete(row.clone());
    commit(transaction).await
}
