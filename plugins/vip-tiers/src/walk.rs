//! All customers, page by page: after settings were saved, who rises is raised and the merchant is told who moves; before
//! that, the merchant can ask who would move, and nobody does.

use std::collections::BTreeMap;

use regulars_sdk::{Action, Context, Result, Task, limits};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Day,
    history,
    ladder::Ladder,
    member::{self, Member},
    perks,
    settings::{Downgrade, Settings},
    settle::{self, How},
};

/// The timers, the state keys of how far the pages have come, and of the tasks.
const APPLY: &str = history::TAKING_OVER;
const PREVIEW: &str = "walk/preview";

/// Customers of one page: each may set a timer, and a delivery sets 64.
const CUSTOMERS: usize = 50;

/// Effects of one customer at most: tags off and on, the field, one code for shipping ended and one made, the mail; and
/// entry rewards.
const EFFECTS: usize = 6;

/// Problems of settings that are told.
const PROBLEMS: usize = 20;

/// Orders that are read for one page before it ends early: a delivery's fuel is bounded.
const ORDERS: usize = 50;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    after: Option<String>,
    /// The tiers that are tried out.
    tried: Option<Ladder>,
    looked_at: u64,
    /// Who goes up, by tier and tier.
    up: BTreeMap<String, u64>,
    /// Who keeps the tier until the term ends, and has too little for it now.
    short: BTreeMap<String, u64>,
}

pub fn is_timer(key: &str) -> bool {
    key == APPLY || key == PREVIEW
}

/// `settings.published`.
pub fn published(cx: &mut Context) -> Result {
    let settings: Settings = cx.settings()?;
    for problem in settings.problems(cx.store().currency).into_iter().take(PROBLEMS) {
        cx.note("A setting cannot work", &[("because", &problem)])?;
    }
    cx.state().set(APPLY, &Walk::default())?;
    cx.schedule(APPLY, cx.now(), b"")?;
    Ok(cx.note("Settings taken over: who rises does so now, nobody falls before the term ends", &[])?)
}

#[derive(Deserialize)]
struct Preview {
    tiers: Vec<Tried>,
}

#[derive(Deserialize)]
struct Tried {
    id: String,
    #[serde(default)]
    threshold: Option<String>,
    #[serde(default)]
    orders: u32,
}

/// The action `preview`: tiers that are not published yet.
pub fn preview(cx: &mut Context, action: &Action) -> Result {
    let Ok(Preview { tiers }) = action.input() else {
        return Ok(cx.note("Nothing looked at: the request names no tiers", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let currency = cx.store().currency;
    let tried = tiers.iter().map(|it| {
        let need = (it.threshold.as_deref().unwrap_or("0"), it.orders);
        (it.id.as_str(), need, need)
    });
    let ladder = Ladder::of(&settings, currency).with_tiers(tried, currency);
    if ladder.rungs.is_empty() || ladder.rungs.len() != tiers.len() {
        return Ok(cx.note("Nothing looked at: a tier's short name or amount cannot be used", &[])?);
    }
    cx.state().set(PREVIEW, &Walk { tried: Some(ladder), ..Walk::default() })?;
    cx.schedule(PREVIEW, cx.now(), b"")?;
    Ok(cx.note("Looking at who would move: a task will tell", &[])?)
}

/// One page.
pub fn page(cx: &mut Context, key: &str) -> Result {
    let Some(mut walk) = cx.state().get::<Walk>(key)? else {
        return Ok(cx.note("Nothing to look at: all customers have been", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let ladder = walk.tried.clone().unwrap_or_else(|| Ladder::of(&settings, cx.store().currency));
    let customers = cx.list_customers(walk.after.as_deref());
    let rewards = if settings.reward_skipped_tiers { settings.tiers.len() } else { 1 };
    let most = limits::EFFECTS_PER_DELIVERY / (EFFECTS + rewards);
    let (mut seen, mut read_in_all, mut changing) = (0, 0, 0);
    for customer in customers.iter().take(CUSTOMERS) {
        if read_in_all >= ORDERS || changing >= most {
            break;
        }
        seen += 1;
        let (mut member, read) = match (&walk.tried, member::get(cx, &customer.id)?) {
            (_, Some(member)) => (member, 0),
            (None, None) => {
                let mut member = Member::default();
                let read = history::take_in_history(cx, &settings, &mut member, &customer.id, None)?;
                (member, read)
            }
            // Who is only looked at is not taken in.
            (Some(_), None) => continue,
        };
        read_in_all += read;
        if settings.barred(Some(customer)).is_none() && member.lock.is_none() {
            foresee(&mut walk, &ladder, &member, Day::today(cx));
        }
        if walk.tried.is_none() {
            let how = How { greets: settings.greet_raised, ..How::default() };
            let before = member.clone();
            let told = settle::settle(cx, &settings, &customer.id, &mut member, how)?;
            let is_as_before = (&before.tags, &before.shown, &before.shipping, &before.gifts)
                == (&member.tags, &member.shown, &member.shipping, &member.gifts);
            changing += usize::from(!is_as_before || told.mail != "none");
        }
    }
    walk.looked_at += seen as u64;
    let is_last = seen == customers.len();
    let reason = if is_last { "All customers have been looked at" } else { "Customers looked at: more follow" };
    let looked_at = walk.looked_at.to_string();
    match customers[..seen].last().filter(|_| !is_last) {
        Some(last) => {
            walk.after = Some(last.id.clone());
            cx.state().set(key, &walk)?;
            cx.schedule(key, cx.now(), b"")?;
        }
        None => {
            cx.state().delete(key)?;
            tell(cx, &settings, key, &walk)?;
        }
    }
    Ok(cx.note(reason, &[("looked at", &looked_at)])?)
}

/// Counts where a customer would go.
fn foresee(walk: &mut Walk, ladder: &Ladder, member: &Member, today: Day) {
    let held = member.standing.as_ref().and_then(|it| ladder.index(&it.tier));
    let qualified = ladder.qualified(&member.sums, today);
    let name = |index: Option<usize>| index.map_or("none", |it| &ladder.rungs[it].tier).to_owned();
    if qualified > held {
        *walk.up.entry([&name(held), " to ", &name(qualified)].concat()).or_default() += 1;
    } else if qualified < held {
        *walk.short.entry([&name(held), " to ", &name(qualified)].concat()).or_default() += 1;
    }
}

/// One task with all who move.
fn tell(cx: &mut Context, settings: &Settings, key: &str, walk: &Walk) -> Result {
    let title = match walk.tried {
        Some(_) => "Who would move with these tiers: nothing has changed",
        None => "Who moves with the tiers as they are now",
    };
    let counts = |moves: &BTreeMap<String, u64>| {
        let told: Vec<String> = moves.iter().map(|(way, count)| format!("{way}: {count}")).collect();
        if told.is_empty() { "nobody".to_owned() } else { told.join("; ") }
    };
    if walk.tried.is_none() && walk.up.is_empty() && walk.short.is_empty() {
        cx.close_task(key);
        return Ok(());
    }
    let until = match settings.downgrade {
        Downgrade::None => "nobody falls: tiers are kept for good",
        _ => "they keep their tier until their term ends",
    };
    let task = Task::new(key, title)
        .detail("Customers looked at", walk.looked_at.to_string())
        .detail("Go up", counts(&walk.up))
        .detail("Have too little for their tier now", counts(&walk.short))
        .detail("Of these", until)
        .choice("seen", "Seen");
    perks::granted(cx.open_task(task))?;
    Ok(())
}
