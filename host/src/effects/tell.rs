//! Plugins are told what became of their effects, by an event of our own: of those that are done, and of those that failed
//! for good or were rightly not done, as far as they list the topic.
//!
//! That one is to be told is a row in the commit in which the effect ends; it goes once the event is in the inbox. A
//! crash in between appends the event a second time under the same id, so that it counts once.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::{Outbox, forget};
use crate::{
    domain::{Effect, EffectKind, EffectStatus, Event, EventId, Origin, StoreId, Timestamp, Topic},
    store::{
        Error, Transaction, decode,
        due::{Round, due_in},
        keys,
        keys::{Due, DueQueue},
    },
};

/// How long the loop sleeps between two looks.
const POLL: Duration = Duration::from_millis(500);

/// Stores looked at in one round, and ends of one store's effects that are told before it is another's turn.
const LINES: usize = 1_000;
const SHARE: usize = 64;

/// Notes in an effect's commit that its plugin is to be told of its end, if it wants to know.
pub(super) fn note(outbox: &Outbox, transaction: &mut Transaction, store: StoreId, effect: &Effect) {
    let topic = match effect.status {
        EffectStatus::Pending { .. } => return,
        EffectStatus::Done { .. } => Topic::EFFECT_DONE,
        EffectStatus::Dead { .. } | EffectStatus::Dropped { .. } => Topic::EFFECT_FAILED,
    };
    let registry = outbox.catalog.registry();
    let plugin = registry.store(store).and_then(|entry| entry.plugin(&effect.plugin));
    if plugin.is_some_and(|plugin| plugin.wants(&topic)) {
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
            Err(error) => tracing::error!(%error, "plugins cannot be told of their effects: {error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

pub(super) async fn tell_due(outbox: &Outbox, round: &mut Round) -> Result<(), Error> {
    let now = outbox.clock.now();
    for head in round.due_lines(&*outbox.store, DueQueue::Tellings, now, LINES)? {
        for (at, due) in due_in(&*outbox.store, &head.line(), now, SHARE)? {
            tell(outbox, at, &due).await?;
        }
    }
    Ok(())
}

/// Tells of one effect, whose row stands at the time of its end.
async fn tell(outbox: &Outbox, at: Timestamp, due: &Due) -> Result<(), Error> {
    let Due::Telling { store, id } = due else { return Ok(()) };
    let row = outbox.store.get(&keys::effect(*store, id))?;
    let effect = row.and_then(|row| decode::<Effect>(&row.bytes).ok());
    // One that has been tried again since has, or will have, another end.
    if let Some(effect) = effect.filter(|effect| effect.updated_at == at)
        && let Some(event) = ended_event(*store, &effect, outbox.clock.now())
    {
        outbox.inbox.append(&event).await?;
    }
    forget(outbox, &due.key(at)).await
}

/// The event that tells an effect's plugin of its end; `None` while it is pending.
pub fn ended_event(store: StoreId, effect: &Effect, now: Timestamp) -> Option<Event> {
    let (id, told) = end_of(effect)?;
    Some(Event {
        id,
        store,
        origin: origin_of(effect),
        occurred_at: effect.updated_at,
        received_at: now,
        body: Bytes::from(body_of(effect, told).to_string()),
    })
}

/// The id of the event that tells an effect's end, and what is told of it; `None` while the effect is pending.
fn end_of(effect: &Effect) -> Option<(EventId, &str)> {
    match &effect.status {
        EffectStatus::Pending { .. } => None,
        EffectStatus::Done { receipt } => Some((effect.done_id(), receipt)),
        EffectStatus::Dead { reason } | EffectStatus::Dropped { reason } => Some((effect.failure_id(), reason)),
    }
}

fn origin_of(effect: &Effect) -> Origin {
    let (plugin, id) = (effect.plugin.clone(), effect.id.clone());
    Origin::EffectEnded { plugin, effect: id, customer: effect.kind.customer().cloned(), done: !effect.has_failed() }
}

fn body_of(effect: &Effect, told: &str) -> serde_json::Value {
    let mut body = json!({
        "effect": effect.id,
        "kind": effect.kind.name(),
        "status": effect.status.stage().word(),
        "reason": told,
        "event": effect.event,
        "customer_id": effect.kind.customer(),
        "order_id": effect.kind.order(),
    });
    // Another plugin's better offer may have ended the code.
    if let EffectKind::DisableDiscount(end) = &effect.kind {
        body["made_by"] = json!(end.made_by);
        body["code"] = json!(end.code);
    }
    body
}
