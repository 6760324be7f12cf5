//! Products.

use serde::Deserialize;

use super::super::wire::{id, required_id, text, time};
use crate::{
    domain::{Change, Product, ProductId},
    platform::{
        Context, Unreadable,
        json::{Loose, parse},
    },
};

#[derive(Deserialize)]
struct WireProduct<'a> {
    /// As REST names it.
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    /// As dumps name it.
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    name: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    /// Of a dump.
    #[serde(borrow)]
    category_ids: Option<Loose<'a>>,
    /// Of REST.
    #[serde(borrow)]
    extension_attributes: Option<Loose<'a>>,
}

impl WireProduct<'_> {
    fn id(&self) -> Result<ProductId, Unreadable> {
        match self.id {
            Some(id) => required_id("id", Some(id)),
            None => required_id("entity_id", self.entity_id),
        }
        .map(|id| id.as_str().into())
    }

    /// Its categories' ids, sorted.
    fn categories(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Attributes<'a> {
            #[serde(borrow)]
            category_links: Vec<Link<'a>>,
        }
        #[derive(Deserialize)]
        struct Link<'a> {
            #[serde(borrow)]
            category_id: Option<Loose<'a>>,
        }
        let links = self.extension_attributes.and_then(Loose::read::<Attributes<'_>>);
        let linked = links.into_iter().flat_map(|attributes| attributes.category_links);
        let listed: Vec<Loose<'_>> = self.category_ids.and_then(Loose::read).unwrap_or_default();
        let all = linked.map(|link| link.category_id).chain(listed.into_iter().map(Some));
        let mut ids: Vec<_> = all.filter_map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

pub fn product(body: &str, context: &Context) -> Result<Change, Unreadable> {
    let wire: WireProduct<'_> = parse(body.as_bytes())?;
    let created_at = time("created_at", wire.created_at)?;
    let id = wire.id()?;
    Ok(Change::Product(Box::new(Product {
        title: text(wire.name).unwrap_or_default(),
        collections: wire.categories(),
        updated_at: time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at),
        ..Product::unknown(id)
    })))
}

pub fn deletion(body: &str) -> Result<Change, Unreadable> {
    parse::<WireProduct<'_>>(body.as_bytes())?.id().map(Change::ProductDeleted)
}
