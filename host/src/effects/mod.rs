//! The outbox's way into the world: every queued effect is performed at least once and made to count once.
//!
//! `run` looks at what is due and starts it; each effect's outcome is committed before its row leaves the queue, so that a
//! crash at any point leads to a repeat that the other side recognises. `place` knows which other sides are down, `ends`
//! which codes can still be ended, `tell` lets plugins know what became of their effects, `retry` tries again by hand.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    catalog::Catalog,
    clock::{Clock, Stopwatch},
    counters::Counters,
    domain::{DiscountEnd, Effect, EffectId, EffectKind, EffectStatus, StoreId, Timestamp},
    retry::Schedule,
    store::{
        Archive, CommitError, Error, Inbox, Key, Store, Transaction, budget::give_back_effect, codes, decode, keys,
        orders::orders_with_code, outbox::due_of, survivor,
    },
    telemetry::{journey, trace},
};

mod ends;
mod mail;
mod place;
mod retry;
mod run;
mod storefront;
mod tell;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use mail::simulated;
pub use mail::{
    LinkKey, Links, MailCopy, MailPolicy, Mailer, MailerError, QuietHours, Recipient, Rules, contacts, read_copy,
    reports,
};
use place::Place;
pub use place::Places;
pub use retry::{RetriedPage, RetryError, Selection, retry, retry_page};
pub use run::run;
pub use storefront::Storefronts;
pub use tell::ended_event;

/// How long an effect waits before it looks again whether the one before it is done.
const BEHIND: Duration = Duration::from_millis(250);

/// The shortest and the longest wait after a "later" that names no time. Mail servers that know no sender yet mean a few
/// minutes.
const LATER_MIN: Duration = Duration::from_secs(30);
const LATER_MAX: Duration = Duration::from_secs(900);

/// What performing effects needs.
pub struct Outbox {
    pub catalog: Arc<Catalog>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
    pub retries: Schedule,
    /// How long after its queueing an effect that is told "later" is put off without that counting as a failure.
    pub later_for: Duration,
    /// Which other sides are down.
    pub places: Mutex<Places>,
    pub mailer: Option<Mailer>,
    pub mails: MailPolicy,
    pub archive: Arc<dyn Archive>,
    /// Where plugins are told what became of their effects.
    pub inbox: Arc<dyn Inbox>,
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
    /// Its turn has not come: the try does not count.
    Wait {
        until: Timestamp,
        reason: String,
    },
    /// The other side asks this effect to come again: the try does not count, within bounds.
    Later {
        reason: String,
    },
    /// The other side takes nothing for a while, whatever it is: the try does not count, within bounds.
    Busy {
        wait: Duration,
        reason: String,
    },
    /// It may succeed another time.
    Failed {
        reason: String,
    },
    /// The other side did not answer, to this effect as to any.
    Unreachable {
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

/// Tries one effect, whose due row is given, and records how it ended.
async fn attempt(outbox: &Outbox, store: StoreId, id: &EffectId, due: &Key) -> Result<(), Error> {
    let traced = trace::begin();
    let mut seen = Transaction::new(Arc::clone(&outbox.store));
    let effect = match seen.get::<Effect>(&keys::effect(store, id)) {
        Ok(Some(effect)) => effect,
        Ok(None) => return settle(outbox, store, id, due, None, traced).await,
        Err(error @ (Error::Damaged { .. } | Error::TooNew { .. })) => {
            // It reads no better next time, and must not be looked at again and again.
            tracing::error!(%error, %store, effect = %id, "effect {id} is given up: {error}");
            return forget(outbox, due).await;
        }
        Err(error) => return Err(error),
    };
    let verdict = match &effect.status {
        EffectStatus::Pending { .. } => {
            let known = match &effect.kind {
                EffectKind::DisableDiscount(end) => ends::without_call(&mut seen, store, end, outbox.clock.now())?,
                _ => None,
            };
            if known.is_none() {
                seen.mark_under_way(store, &effect);
            }
            // What is seen may be lost yet and then be decided otherwise; what is done outside stays done. A commit is
            // answered only when all before it are durable.
            match seen.commit().await {
                Ok(()) => {}
                // It is still due, and is looked at again.
                Err(CommitError::Conflict) => return Ok(()),
                Err(CommitError::Store(error)) => return Err(error),
            }
            let begun = Stopwatch::start();
            let verdict = match known {
                Some(verdict) => verdict,
                None => perform(outbox, store, &effect).await?,
            };
            outbox.counters.measured.effects(effect.kind.name()).duration.observe_time(begun.elapsed());
            Some(verdict)
        }
        _ => None,
    };
    if let Some(verdict) = &verdict {
        let place = Place::of(store, effect.kind.destination());
        place::lock(&outbox.places).learn(place, verdict, outbox.clock.now());
    }
    settle(outbox, store, id, due, verdict, traced).await
}

/// Takes a due row away and leaves everything else.
async fn forget(outbox: &Outbox, due: &Key) -> Result<(), Error> {
    let mut transaction = Transaction::new(Arc::clone(&outbox.store));
    transaction.delete(due.clone());
    match transaction.commit().await {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
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
    let named = effect.kind.customer();
    let kind = match named {
        Some(named) => {
            let mut transaction = Transaction::new(Arc::clone(&outbox.store));
            effect.kind.clone().with_customer(survivor(&mut transaction, store, named.clone())?)
        }
        None => effect.kind.clone(),
    };
    let effect = Effect { kind, ..effect.clone() };
    match (&effect.kind, named) {
        (EffectKind::Mail(mail), Some(named)) => mail::send(outbox, &entry, &effect, mail, named).await,
        _ => outbox.storefronts.perform(&*outbox.store, &entry, &effect, outbox.clock.now()).await,
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
    due_row: &Key,
    verdict: Option<Verdict>,
    traced: trace::Begun,
) -> Result<(), Error> {
    loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        transaction.delete(due_row.clone());
        let known = transaction.get::<Effect>(&keys::effect(store, id))?;
        let mut tried = None;
        if let (Some(effect), Some(verdict)) = (known, &verdict)
            && matches!(effect.status, EffectStatus::Pending { .. })
        {
            let settled = settled(outbox, effect.clone(), verdict);
            if let EffectStatus::Pending { due, .. } = settled.status {
                transaction.put_bytes(due_of(store, &settled).key(due), Vec::new());
            }
            transaction.put_effect(store, Some(&effect), &settled);
            transaction.unmark_under_way(store, &effect);
            give_back(&mut transaction, store, &settled)?;
            tell::note(outbox, &mut transaction, store, &settled);
            tried = Some(settled).filter(|settled| settled.attempts > effect.attempts);
        }
        match transaction.commit().await {
            Ok(()) => {
                if let Some(effect) = &tried {
                    outbox.counters.tried(effect);
                    journey::tried(store, effect);
                    journey::traced(store, effect, traced.end());
                }
                return Ok(());
            }
            Err(CommitError::Conflict) => outbox.counters.conflicts.add_one(),
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
}

/// Gives back what an effect was counted for that has come to nothing, or whose code has.
fn give_back(transaction: &mut Transaction, store: StoreId, effect: &Effect) -> Result<(), Error> {
    let in_vain = match (&effect.status, &effect.kind) {
        (EffectStatus::Dead { .. } | EffectStatus::Dropped { .. }, _) => &effect.id,
        (EffectStatus::Done { .. }, EffectKind::DisableDiscount(end)) if is_unused(transaction, store, end)? => {
            &end.made_by
        }
        (EffectStatus::Done { .. } | EffectStatus::Pending { .. }, _) => return Ok(()),
    };
    give_back_effect(transaction, store, &effect.plugin, in_vain)
}

/// Whether no order has used what was ended.
fn is_unused(transaction: &mut Transaction, store: StoreId, end: &DiscountEnd) -> Result<bool, Error> {
    Ok(match transaction.get::<Effect>(&keys::effect(store, &end.made_by))? {
        Some(making) => codes::uses(transaction, store, &making.kind)? == 0,
        None => orders_with_code(transaction, store, &end.code)?.is_empty(),
    })
}

fn settled(outbox: &Outbox, effect: Effect, verdict: &Verdict) -> Effect {
    let now = outbox.clock.now();
    let begun = match &effect.kind {
        EffectKind::Mail(mail) => mail.send_at.max(effect.queued_at),
        _ => effect.queued_at,
    };
    let age = now.since(begun);
    let put_off = |wait: Duration, reason: &String| {
        let status = EffectStatus::Pending { due: now + wait, last_error: Some(reason.clone()) };
        (status, effect.attempts)
    };
    let tries = effect.attempts + 1;
    let (status, attempts) = match verdict {
        Verdict::Wait { until, reason } => {
            (EffectStatus::Pending { due: *until, last_error: Some(reason.clone()) }, effect.attempts)
        }
        // The longer it has been put off, the longer the next wait.
        Verdict::Later { reason } if age < outbox.later_for => put_off(age.clamp(LATER_MIN, LATER_MAX), reason),
        Verdict::Busy { wait, reason } if age < outbox.later_for => put_off(*wait, reason),
        Verdict::Later { reason }
        | Verdict::Busy { reason, .. }
        | Verdict::Failed { reason }
        | Verdict::Unreachable { reason } => match outbox.retries.wait_after(tries, effect.id.as_str()) {
            Some(wait) => (EffectStatus::Pending { due: now + wait, last_error: Some(reason.clone()) }, tries),
            None => (EffectStatus::Dead { reason: reason.clone() }, tries),
        },
        Verdict::Done { receipt } => (EffectStatus::Done { receipt: receipt.clone() }, tries),
        Verdict::Dead { reason } => (EffectStatus::Dead { reason: reason.clone() }, tries),
        Verdict::Dropped { reason } => (EffectStatus::Dropped { reason: reason.clone() }, tries),
    };
    Effect { status, attempts, updated_at: now, ..effect }
}
