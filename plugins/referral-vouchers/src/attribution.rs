//! Which advocate an order is owed to: the one whose link led there last, else the one whose code was typed.

use regulars_sdk::{Context, Order, Result, Timestamp};

use crate::{
    advocates,
    claim::{Claim, Via, left},
    effects::{self, Use},
};

/// What the storefront notes on the cart.
const ATTRIBUTE: &str = "regulars_link";

pub struct Attribution {
    pub advocate: String,
    pub via: Via,
}

/// What the order is owed to; none if it names no link and no friend's code.
pub fn of(cx: &mut Context, order: &Order, days: u32) -> Result<Option<Attribution>> {
    let linked = by_link(cx, order);
    // An old link gives way to a code that was typed.
    if let Some(linked) = linked {
        let is_stale = match &linked.via {
            Via::Link(name) => standing_of_link(cx, name, order.placed_at, order.placed_at, days)? == LinkStanding::Old,
            Via::Code(_) => false,
        };
        let typed = if is_stale { by_code(cx, order)? } else { None };
        return Ok(Some(typed.unwrap_or(linked)));
    }
    by_code(cx, order)
}

fn by_link(cx: &Context, order: &Order) -> Option<Attribution> {
    let name = order.attribute(ATTRIBUTE)?;
    let advocate = cx.customer_of_link(name)?;
    Some(Attribution { advocate, via: Via::Link(name.into()) })
}

fn by_code(cx: &mut Context, order: &Order) -> Result<Option<Attribution>> {
    for code in &order.discount_codes {
        let Some(effect) = cx.effect_of_code(code) else { continue };
        if let Some(Use::FriendCode { advocate, .. }) = effects::get(cx, effect.as_str())? {
            let advocate = left(cx, &advocate);
            return Ok(Some(Attribution { advocate, via: Via::Code(code.clone()) }));
        }
    }
    Ok(None)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStanding {
    /// Somebody followed it in time.
    Visited,
    /// It was followed, but too long before.
    Old,
    /// No visit is known.
    Unseen,
}

/// How a link stood when an order was placed. Visits after `until` are others'.
pub fn standing_of_link(
    cx: &mut Context,
    link: &str,
    placed_at: Timestamp,
    until: Timestamp,
    days: u32,
) -> Result<LinkStanding> {
    let mut visits = advocates::visits(cx, link)?;
    visits.retain(|it| it.at <= until);
    Ok(match visits.last() {
        None => LinkStanding::Unseen,
        Some(last) if last.at.plus_days(days.into()) >= placed_at => LinkStanding::Visited,
        Some(_) => LinkStanding::Old,
    })
}

/// Whether the buyer's browser followed one of the advocate's links in time.
pub fn has_visited(cx: &mut Context, claim: &Claim, links: &[String], days: u32) -> Result<bool> {
    for link in links {
        let visits = advocates::visits(cx, link)?;
        let in_time = |at: Timestamp| at <= claim.paid_at && at.plus_days(days.into()) >= claim.placed_at;
        let same = |key: &Option<String>, kind| key.as_deref().is_some_and(|key| claim.keys(kind).any(|it| it == key));
        if visits.iter().any(|it| in_time(it.at) && (same(&it.device, "device") || same(&it.ip_agent, "ip-agent"))) {
            return Ok(true);
        }
    }
    Ok(false)
}
