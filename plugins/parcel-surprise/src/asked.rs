//! What the merchant has asked for by hand: each action counts once, also if its event is replayed.

use regulars_sdk::{Context, Event, Result, key};

pub fn was_done(event: &Event, cx: &mut Context) -> Result<bool> {
    Ok(cx.state().get::<bool>(&asked_key(event))?.is_some())
}

pub fn is_done(event: &Event, cx: &mut Context) -> Result {
    Ok(cx.state().set(&asked_key(event), &true)?)
}

fn asked_key(event: &Event) -> String {
    key(&["asked", &event.id])
}
