//! Shipments, and their tracking numbers.

use serde::Deserialize;

use super::super::{
    shipped,
    wire::{required_id, text, time},
};
use crate::{
    domain::{Change, Topic},
    platform::{
        Context, Unreadable,
        json::{Loose, parse},
    },
};

#[derive(Deserialize)]
struct WireShipment<'a> {
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    order_id: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    tracks: Option<Loose<'a>>,
}

#[derive(Deserialize)]
struct WireTrack<'a> {
    #[serde(borrow)]
    order_id: Option<Loose<'a>>,
    /// The shipment's id.
    #[serde(borrow)]
    parent_id: Option<Loose<'a>>,
    #[serde(borrow)]
    track_number: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
}

/// A shipment with the first of its tracking numbers, of which there may be none.
pub fn shipment(body: &str, context: &Context) -> Result<(Topic, Change), Unreadable> {
    let wire: WireShipment<'_> = parse(body.as_bytes())?;
    let created_at = time("created_at", wire.created_at)?;
    let updated_at = time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at);
    let tracks: Vec<WireTrack<'_>> = wire.tracks.and_then(Loose::read).unwrap_or_default();
    let topic = match created_at == Some(updated_at) {
        true => Topic::FULFILLMENT_CREATED,
        false => Topic::FULFILLMENT_UPDATED,
    };
    let number = tracks.iter().find_map(|track| text(track.track_number));
    let [id, order] = [required_id("entity_id", wire.entity_id)?, required_id("order_id", wire.order_id)?];
    Ok((topic, shipped(id, order, number, updated_at)))
}

/// A tracking number that was given to a shipment.
pub fn track(body: &str, context: &Context) -> Result<Change, Unreadable> {
    let wire: WireTrack<'_> = parse(body.as_bytes())?;
    let updated_at = time("updated_at", wire.updated_at)?.unwrap_or(context.occurred_at);
    let [id, order] = [required_id("parent_id", wire.parent_id)?, required_id("order_id", wire.order_id)?];
    Ok(shipped(id, order, text(wire.track_number), updated_at))
}
