//! The outbox's way into the world: every queued effect is performed at least once and made to count once.
//!
//! One loop looks at what is due and starts it; each effect's outcome is committed before its row leaves the queue, so
//! that a crash at any point leads to a repeat that the other side recognises.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};

use crate::{
    catalog::Catalog,
    clock::{Clock, Stopwatch},
    counters::Counters,
    domain::{Effect, EffectId, EffectKind, EffectStatus, StoreId, Timestamp},
    retry::Schedule,
    store::{Archive, CommitError, Error, Scan, Store, Transaction, decode, keys, keys::Due, keys::DueQueue, survivor},
    telemetry::journey,
};

mod mail;
mod storefront;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use mail::simulated;
pub use mail::{MailCopy, Mailer, MailerError, read_copy};
pub use storefront::Storefronts;

/// Effects performed at once. Mail servers and platforms limit each sender to far fewer per second.
const AT_ONCE: usize = 16;

/// Due effects that are looked at in one round.
const ROUND: usize = 256;

/// How long the loop sleeps when nothing rings.
const POLL: Duration = Duration::from_millis(250);

/// The pause before an effect that the store refused is looked at again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long an effect waits before it looks again whether the one before it is done.
const BEHIND: Duration = Duration::from_millis(250);

/// What performing effects needs.
pub struct Outbox {
    pub catalog: Arc<Catalog>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
    pub retries: Schedule,
    pub mailer: Option<Mailer>,
    pub archive: Arc<dyn Archive>,
    pub storefronts: Storefronts,
    /// Rung when something new may be due.
    pub due: Arc<Notify>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox")
    }
}

/// How one try of an effect ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Done {
        receipt: String,
    },
    /// Not now, and not the effect's fault: the try does not count.
    Wait {
        until: Timestamp,
        reason: String,
    },
    /// It may succeed another time.
    Failed {
        reason: String,
    },
    /// It fails until someone changes something.
    Dead {
        reason: String,
    },
    /// It is rightly not done.
    Dropped {
        reason: String,
    },
}

/// Performs what is due until it is dropped.
pub async fn run(outbox: Arc<Outbox>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let running = Arc::new(Mutex::new(HashSet::new()));
    loop {
        match due_now(&outbox) {
            Ok(due) => {
                for (store, id, at) in due {
                    if !lock(&running).insert((store, id.clone())) {
                        continue;
                    }
                    let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
                    let (outbox, running) = (Arc::clone(&outbox), Arc::clone(&running));
                    tokio::spawn(async move {
                        if let Err(error) = attempt(&outbox, store, &id, at).await {
                            tracing::error!(%error, %store, effect = %id, "effect {id} is held up: {error}");
                            tokio::time::sleep(STORE_PAUSE).await;
                        }
                        lock(&running).remove(&(store, id));
                        drop(permit);
                        outbox.due.notify_waiters();
                    });
                }
            }
            Err(error) => tracing::error!(%error, "due effects cannot be read: {error}"),
        }
        let _ = tokio::time::timeout(POLL, outbox.due.notified()).await;
    }
}

fn lock<T>(set: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

fn due_now(outbox: &Outbox) -> Result<Vec<(StoreId, EffectId, Timestamp)>, Error> {
    let now = outbox.clock.now();
    let rows = outbox.store.scan(&Scan::of(keys::due_queue(DueQueue::Effects), ROUND))?;
    let due = rows.iter().filter_map(|(key, _)| Due::read(key)).take_while(|(at, _)| *at <= now);
    Ok(due
        .filter_map(|(at, due)| match due {
            Due::Effect { store, id } => Some((store, id, at)),
            _ => None,
        })
        .collect())
}

/// Tries one effect and records how it ended.
async fn attempt(outbox: &Outbox, store: StoreId, id: &EffectId, at: Timestamp) -> Result<(), Error> {
    let mut seen = Transaction::new(Arc::clone(&outbox.store));
    let Some(effect) = seen.get::<Effect>(&keys::effect(store, id))? else {
        return settle(outbox, store, id, at, None).await;
    };
    let verdict = match &effect.status {
        EffectStatus::Pending { .. } => {
            // What is seen may be lost yet and then be decided otherwise; what is done outside stays done. A commit is
            // answered only when all before it are durable.
            match seen.commit().await {
                Ok(()) => {}
                // It is still due, and is looked at again.
                Err(CommitError::Conflict) => return Ok(()),
                Err(CommitError::Store(error)) => return Err(error),
            }
            let begun = Stopwatch::start();
            let verdict = perform(outbox, store, &effect).await?;
            outbox.counters.measured.effects(effect.kind.name()).duration.observe_time(begun.elapsed());
            Some(verdict)
        }
        _ => None,
    };
    settle(outbox, store, id, at, verdict).await
}

async fn perform(outbox: &Outbox, store: StoreId, effect: &Effect) -> Result<Verdict, Error> {
    if let Some(earlier) = &effect.after
        && let Some(held_up) = wait_for(outbox, store, earlier)?
    {
        return Ok(held_up);
    }
    let registry = outbox.catalog.registry();
    let Some(entry) = registry.store(store).filter(|entry| entry.record.removed_at.is_none()).cloned() else {
        return Ok(Verdict::Dropped { reason: "the store has been removed".into() });
    };
    drop(registry);
    // The customer may have been merged since the effect was queued.
    let mut transaction = Transaction::new(Arc::clone(&outbox.store));
    let named = effect.kind.customer().clone();
    let customer = survivor(&mut transaction, store, named.clone())?;
    let effect = Effect { kind: effect.kind.clone().with_customer(customer), ..effect.clone() };
    match &effect.kind {
        EffectKind::Mail(mail) => mail::send(outbox, &entry, &effect, mail, &named).await,
        EffectKind::CreateDiscount(_) | EffectKind::ChangeTags(_) => {
            Ok(outbox.storefronts.perform(&entry, &effect, outbox.clock.now()).await)
        }
    }
}

/// What an effect that waits for another has to do; `None` if the other is done.
fn wait_for(outbox: &Outbox, store: StoreId, earlier: &EffectId) -> Result<Option<Verdict>, Error> {
    let row = outbox.store.get(&keys::effect(store, earlier))?;
    Ok(match row.map(|value| decode::<Effect>(&value.bytes)).transpose()?.map(|effect| effect.status) {
        Some(EffectStatus::Done { .. }) => None,
        Some(EffectStatus::Pending { due, .. }) => Some(Verdict::Wait {
            until: due.max(outbox.clock.now()) + BEHIND,
            reason: format!("waits for effect {earlier}"),
        }),
        // It stays a dead letter as the other does: retrying both is up to the same person.
        Some(EffectStatus::Dead { reason }) => {
            Some(Verdict::Dead { reason: format!("effect {earlier}, which comes first, failed: {reason}") })
        }
        Some(EffectStatus::Dropped { reason }) => {
            Some(Verdict::Dropped { reason: format!("effect {earlier}, which comes first, was dropped: {reason}") })
        }
        None => Some(Verdict::Dropped { reason: format!("effect {earlier}, which comes first, is gone") }),
    })
}

/// Records a verdict and takes the due row away. Without one, only the row goes.
async fn settle(
    outbox: &Outbox,
    store: StoreId,
    id: &EffectId,
    at: Timestamp,
    verdict: Option<Verdict>,
) -> Result<(), Error> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        transaction.delete(Due::Effect { store, id: id.clone() }.key(at));
        let key = keys::effect(store, id);
        let known = transaction.get::<Effect>(&key)?;
        let mut tried = None;
        if let (Some(effect), Some(verdict)) = (known, &verdict)
            && matches!(effect.status, EffectStatus::Pending { .. })
        {
            let settled = settled(outbox, effect, verdict);
            if let EffectStatus::Pending { due, .. } = settled.status {
                transaction.put_bytes(Due::Effect { store, id: id.clone() }.key(due), Vec::new());
            }
            transaction.put(key, &settled);
            tried = Some(settled).filter(|_| !matches!(verdict, Verdict::Wait { .. }));
        }
        match transaction.commit().await {
            Ok(()) => {
                if let Some(effect) = &tried {
                    outbox.counters.tried(effect);
                    journey::tried(store, effect);
                }
                return Ok(());
            }
            Err(CommitError::Conflict) => outbox.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

fn settled(outbox: &Outbox, effect: Effect, verdict: &Verdict) -> Effect {
    let now = outbox.clock.now();
    let attempts = match verdict {
        Verdict::Wait { .. } => effect.attempts,
        _ => effect.attempts + 1,
    };
    let status = match verdict.clone() {
        Verdict::Done { receipt } => EffectStatus::Done { receipt },
        Verdict::Wait { until, reason } => EffectStatus::Pending { due: until, last_error: Some(reason) },
        Verdict::Failed { reason } => match outbox.retries.wait_after(attempts, effect.id.as_str()) {
            Some(wait) => EffectStatus::Pending { due: now + wait, last_error: Some(reason) },
            None => EffectStatus::Dead { reason },
        },
        Verdict::Dead { reason } => EffectStatus::Dead { reason },
        Verdict::Dropped { reason } => EffectStatus::Dropped { reason },
    };
    Effect { status, attempts, updated_at: now, ..effect }
}

/// Why an effect was not put back into the queue.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no such effect")]
    NoEffect,
    #[error("the effect is {0}: only one that has failed can be tried again")]
    NotFailed(&'static str),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Puts a failed effect back into the queue, due now, its schedule begun anew.
pub async fn retry(outbox: &Outbox, store: StoreId, id: &EffectId) -> Result<(), RetryError> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        let key = keys::effect(store, id);
        let effect = transaction.get::<Effect>(&key)?.ok_or(RetryError::NoEffect)?;
        let last_error = match &effect.status {
            EffectStatus::Done { .. } => return Err(RetryError::NotFailed("done")),
            EffectStatus::Dropped { reason } | EffectStatus::Dead { reason } => Some(reason.clone()),
            EffectStatus::Pending { due, last_error } => {
                transaction.delete(Due::Effect { store, id: id.clone() }.key(*due));
                last_error.clone()
            }
        };
        let due = outbox.clock.now();
        transaction.put_bytes(Due::Effect { store, id: id.clone() }.key(due), Vec::new());
        transaction.put(key, &Effect { status: EffectStatus::Pending { due, last_error }, attempts: 0, ..effect });
        match transaction.commit().await {
            Ok(()) => {
                outbox.due.notify_waiters();
                return Ok(());
            }
            Err(CommitError::Conflict) => outbox.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}
