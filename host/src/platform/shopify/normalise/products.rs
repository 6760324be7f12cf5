//! Products. Their collections are in no webhook's body; those that are read stand beside what it would have told.

use serde::Deserialize;

use super::wire::{Id, Tags, Text, each, owned, parse, required_id, time};
use crate::{
    domain::{Change, Product},
    platform::{Context, Unreadable},
};

#[derive(Deserialize)]
struct WireProduct<'a> {
    #[serde(borrow)]
    admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    product_type: Option<Text<'a>>,
    #[serde(borrow)]
    vendor: Option<Text<'a>>,
    tags: Option<Tags>,
    #[serde(borrow)]
    collections: Option<Vec<Id<'a>>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
}

impl WireProduct<'_> {
    fn id(&self) -> Result<String, Unreadable> {
        required_id("id", "Product", self.admin_graphql_api_id.as_ref(), self.id.as_ref())
    }
}

pub fn product(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireProduct<'_> = parse(body)?;
    let updated_at = match time("updated_at", wire.updated_at.as_ref())? {
        Some(instant) => instant,
        None => time("created_at", wire.created_at.as_ref())?.unwrap_or(context.occurred_at),
    };
    Ok(Change::Product(Box::new(Product {
        id: wire.id()?.into(),
        title: owned(wire.title.as_ref()).unwrap_or_default(),
        kind: owned(wire.product_type.as_ref()),
        vendor: owned(wire.vendor.as_ref()),
        tags: wire.tags.unwrap_or_default().0,
        collections: each("collections", wire.collections.as_deref(), |id| {
            required_id("id", "Collection", None, Some(id))
        })?,
        updated_at,
        deleted: false,
    })))
}

pub fn deletion(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireProduct<'_> = parse(body)?;
    Ok(Change::ProductDeleted(wire.id()?.into()))
}
