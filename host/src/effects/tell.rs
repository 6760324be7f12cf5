//! Plugins are told of their effects that failed for good or were rightly not done, by an event of our own.
//!
//! That one is to be told is a row in the commit in which the effect fails; it goes once the event is in the inbox. A
//! crash in between appends the event a second time under the same id, so that it counts once.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::{Outbox, forget};
use crate::{
    domain::{Effect, EffectId, EffectStatus, Event, Origin, StoreId, Topic},
    store::{
        Error, Key, Transaction, decode,
        due::{Round, due_in},
        keys,
        keys::{Due, DueQueue},
    },
};

/// How long the loop sleeps between two looks.
const POLL: Duration = Duration::from_millis(500);

/// Stores looked at in one round, and failures of one store that are told before it is another's turn.
const LINES: usize = 1_000;
const SHARE: usize = 64;

/// Notes in an effect's commit that its plugin is to be told, if it wants to know.
pub(super) fn note(outbox: &Outbox, transaction: &mut Transaction, store: StoreId, effect: &Effect) {
    let registry = outbox.catalog.registry();
    let plugin = registry.store(store).and_then(|entry| entry.plugin(&effect.plugin));
    if effect.has_failed() && plugin.is_some_and(|plugin| plugin.wants(&Topic::EFFECT_FAILED)) {
        let telling = Due::Telling { store, id: effect.id.clone() };
        transaction.put_bytes(telling.key(effect.updated_at), Vec::new());
    }
}

/// Tells until it is dropped.
pub(super) async fn run(outbox: &Outbox) {
    let mut round = Round::default();
    loop {
        match tell_due(outbox, &mut round).await {
            // The shops' webhooks come first.
            Ok(()) | Err(Error::Full) => {}
            Err(error) => tracing::error!(%error, "plugins cannot be told of failed effects: {error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

pub(super) async fn tell_due(outbox: &Outbox, round: &mut Round) -> Result<(), Error> {
    let now = outbox.clock.now();
    for head in round.due_lines(&*outbox.store, DueQueue::Tellings, now, LINES)? {
        for (at, due) in due_in(&*outbox.store, &head.line(), now, SHARE)? {
            if let Due::Telling { store, id } = &due {
                tell(outbox, *store, id, &due.key(at)).await?;
            }
        }
    }
    Ok(())
}

async fn tell(outbox: &Outbox, store: StoreId, id: &EffectId, row: &Key) -> Result<(), Error> {
    let effect = outbox.store.get(&keys::effect(store, id))?.and_then(|row| decode::<Effect>(&row.bytes).ok());
    let (word, reason) = match effect.as_ref().map(|effect| &effect.status) {
        Some(EffectStatus::Dead { reason }) => ("dead", reason),
        Some(EffectStatus::Dropped { reason }) => ("dropped", reason),
        // It is being tried again.
        _ => return forget(outbox, row).await,
    };
    let Some(effect) = &effect else { return Ok(()) };
    let body = json!({
        "effect": effect.id,
        "kind": effect.kind.name(),
        "status": word,
        "reason": reason,
        "event": effect.event,
        "customer_id": effect.kind.customer(),
    });
    let event = Event {
        id: effect.failure_id(),
        store,
        origin: Origin::EffectFailed {
            plugin: effect.plugin.clone(),
            effect: effect.id.clone(),
            customer: effect.kind.customer().clone(),
        },
        occurred_at: effect.updated_at,
        received_at: outbox.clock.now(),
        body: Bytes::from(body.to_string()),
    };
    outbox.inbox.append(&event).await?;
    forget(outbox, row).await
}
