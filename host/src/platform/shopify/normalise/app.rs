//! What concerns the app itself: its removal, what it may do, and the end of all that is kept of a shop.
//!
//! Signatures cover bodies only. So that no body of one shop, or of another topic, ends another shop, what names the shop in
//! the body is read as well.

use serde::Deserialize;

use super::wire::{Id, Text, owned, parse};
use crate::{
    domain::Change,
    platform::{Context, Problem, Unreadable},
};

#[derive(Deserialize)]
struct WireScopes<'a> {
    #[serde(borrow)]
    current: Option<Vec<Text<'a>>>,
}

/// The shop's own record, which may leave its domain out.
#[derive(Deserialize)]
struct WireShop<'a> {
    #[serde(borrow)]
    id: Option<Id<'a>>,
    #[serde(borrow)]
    myshopify_domain: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireErasure<'a> {
    #[serde(borrow)]
    shop_domain: Option<Text<'a>>,
}

pub fn uninstallation(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireShop<'_> = parse(body)?;
    wire.id.ok_or_else(|| Problem::Missing.at("id"))?;
    Ok(Change::AppUninstalled { shop: owned(wire.myshopify_domain.as_ref()) })
}

pub fn scopes(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireScopes<'_> = parse(body)?;
    let current = wire.current.ok_or_else(|| Problem::Missing.at("current"))?;
    Ok(Change::ScopesGranted(current.iter().map(|scope| scope.as_str().to_owned()).collect()))
}

pub fn shop_redaction(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireErasure<'_> = parse(body)?;
    let shop = owned(wire.shop_domain.as_ref()).ok_or_else(|| Problem::Missing.at("shop_domain"))?;
    Ok(Change::ShopRedacted { shop })
}
