//! Orders of the time before the programme: their points are given once, when the merchant asks for them.
//!
//! The store's orders are gone through page by page, a page for each firing of a timer. An order that has points is left
//! alone, so that the merchant can ask again for a longer time.

use regulars_sdk::{Context, Event, Order, Result, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    award::{self, Verdict},
    record,
    settle::{self, Bounds},
};
use crate::{due, ledger, notes::note, settings::Settings};

/// The timer, and the state of the walk.
pub const KEY: &str = "historic";

/// Orders that earn in one delivery: each may set a timer and queue an effect, of which a delivery has 64.
const EARNING: usize = 30;

/// How far the walk has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// For how many days the merchant has asked.
    pub days: u32,
    /// Orders placed since then.
    pub since: Timestamp,
    /// And before the programme began.
    pub until: Timestamp,
    /// The last order that was looked at.
    pub after: Option<String>,
    pub done: bool,
    /// Orders that have earned, and how many points.
    pub orders: u64,
    pub points: i64,
}

/// `settings.published`.
pub fn published(cx: &mut Context) -> Result {
    let settings: Settings = cx.settings()?;
    let known: Option<Walk> = cx.state().get(KEY)?;
    let asked = known.as_ref().map_or(0, |walk| walk.days);
    if settings.historic_days <= asked {
        let reason = match asked {
            0 => "Settings taken over: earlier orders earn nothing",
            _ => "Settings taken over: earlier orders have been seen to",
        };
        return note(cx, reason, &[], 0, None);
    }
    let now = cx.now();
    let span = u64::from(settings.historic_days) * 86_400_000;
    let walk = Walk {
        days: settings.historic_days,
        since: Timestamp(now.0.saturating_sub(span)),
        until: known.map_or(now, |walk| walk.until),
        after: None,
        done: false,
        orders: 0,
        points: 0,
    };
    cx.state().set(KEY, &walk)?;
    cx.schedule(KEY, now, &[])?;
    let days = settings.historic_days.to_string();
    note(cx, "Earlier orders are about to earn points", &[("days", &days)], 0, None)
}

/// The timer: one page.
pub fn fired(event: &Event, cx: &mut Context) -> Result {
    let Some(mut walk) = cx.state().get::<Walk>(KEY)?.filter(|walk| !walk.done) else {
        return note(cx, "Earlier orders have been seen to", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let page = cx.list_orders(walk.after.as_deref());
    let (mut earning, mut given) = (0, 0);
    walk.done = page.is_empty();
    for order in page {
        if earning == EARNING {
            break;
        }
        if let Some(points) = earn(event, cx, &settings, &walk, &order)? {
            earning += 1;
            given += points;
        }
        walk.after = Some(order.id);
    }
    walk.orders += earning as u64;
    walk.points += given;
    cx.state().set(KEY, &walk)?;
    if !walk.done {
        cx.schedule(KEY, cx.now(), &[])?;
    }
    let fields = [("orders", walk.orders.to_string()), ("points_in_all", walk.points.to_string())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let reason = if walk.done { "Earlier orders have been seen to" } else { "Earlier orders have earned points" };
    note(cx, reason, &fields, given, None)
}

/// Gives one order its points; `None` where it earns nothing now.
fn earn(event: &Event, cx: &mut Context, settings: &Settings, walk: &Walk, order: &Order) -> Result<Option<i64>> {
    if !(walk.since..walk.until).contains(&order.placed_at) || record::load(cx, &order.id)?.is_some() {
        return Ok(None);
    }
    let Verdict::Earns(mut record) = award::judge(cx, settings, order, false, order.placed_at)? else {
        return Ok(None);
    };
    settle::heed_disputes(cx, &order.id, &mut record)?;
    // What else is due has its own time: this delivery tells of many customers.
    let mut book = ledger::load(cx, &record.customer)?;
    due::extend_claim(cx, settings, &mut book);
    let done = settle::settle(event, cx, settings, &mut book, &mut record, order, Bounds::BudgetOnly)?;
    record::save(cx, &order.id, &record)?;
    due::close(cx, settings, book)?;
    Ok(Some(done.points))
}
