//! Shipments.

use serde::Deserialize;

use super::{
    super::{
        shipped,
        wire::{required_id, text, time},
    },
    data,
};
use crate::{
    domain::Change,
    platform::{Context, Unreadable, json::Loose},
};

#[derive(Deserialize)]
struct WireFulfillment<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    order_id: Option<Loose<'a>>,
    #[serde(borrow)]
    shipped_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    tracks: Option<Vec<WireTrack<'a>>>,
}

#[derive(Deserialize)]
struct WireTrack<'a> {
    #[serde(borrow)]
    number: Option<Loose<'a>>,
}

pub fn fulfillment(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireFulfillment<'_> = data(body)?;
    let read = || {
        let shipped_at = time("shipped_at", wire.shipped_at)?;
        let updated_at = time("updated_at", wire.updated_at)?.or(shipped_at).unwrap_or(context.occurred_at);
        let number = wire.tracks.iter().flatten().find_map(|track| text(track.number));
        let [id, order] = [required_id("id", wire.id)?, required_id("order_id", wire.order_id)?];
        Ok(shipped(id, order, number, updated_at))
    };
    read().map_err(|error: Unreadable| error.within("data"))
}
