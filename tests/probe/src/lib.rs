//! A plugin that no merchant has: it reads whatever can be read, does a few things of all that can be done, tries what is
//! refused, and notes every answer. The bench and the sandbox have to give it the same ones.

use regulars_sdk::{Context, Event, Result};

mod deeds;
mod reads;
mod refused;

regulars_sdk::export!(handle);

/// Handles one event: what the sandbox calls, and what a bench is given.
pub fn handle(event: &Event, cx: &mut Context) -> Result {
    match event.topic.as_str() {
        "merchant.action" => refused::try_all(cx)?,
        _ => reads::note_all(event, cx)?,
    }
    deeds::some(cx)
}
