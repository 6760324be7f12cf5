//! Shipments.

use serde::Deserialize;

use super::wire::{Id, Text, owned, parse, required_id, time};
use crate::{
    domain::{Change, Fulfillment},
    platform::{Context, Unreadable},
};

#[derive(Deserialize)]
struct WireFulfillment<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    order_id: Option<Id<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    shipment_status: Option<Text<'a>>,
    #[serde(borrow)]
    tracking_number: Option<Text<'a>>,
    #[serde(borrow)]
    tracking_url: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
}

pub fn fulfillment(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireFulfillment<'_> = parse(body)?;
    let updated_at = match time("updated_at", wire.updated_at.as_ref())? {
        Some(instant) => instant,
        None => time("created_at", wire.created_at.as_ref())?.unwrap_or(context.occurred_at),
    };
    Ok(Change::Fulfillment(Box::new(Fulfillment {
        id: required_id("id", "Fulfillment", wire.admin_graphql_api_id.as_ref(), wire.id.as_ref())?.into(),
        order: required_id("order_id", "Order", None, wire.order_id.as_ref())?.into(),
        status: owned(wire.status.as_ref()),
        shipment_status: owned(wire.shipment_status.as_ref()),
        tracking_number: owned(wire.tracking_number.as_ref()),
        tracking_url: owned(wire.tracking_url.as_ref()),
        updated_at,
    })))
}
