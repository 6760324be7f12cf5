//! Brings a customer's tier in line with the sums and the settings, and all that goes with it: perks, rewards, mails, the
//! timer.

use regulars_sdk::{Context, Money, Result, Timestamp, limits};

use crate::{
    calendar::Day,
    ladder::{Case, Ladder},
    mails,
    member::{Gift, Member, member_key},
    perks, rewards,
    settings::{Downgrade, Settings, Tier},
    standing::{self, Standing},
    sums::Total,
};

/// What a delivery may set off besides the tier itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// Whoever comes into a tier is rewarded and written to.
    pub greets: bool,
    /// A new order: the next tier may be near.
    pub near: bool,
    /// A payment was lost: a tier that rests on it goes at once.
    pub lost: bool,
    /// The customer's timer has fired.
    pub timer: bool,
}

/// What has come of it, for the note.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub before: Option<String>,
    pub after: Option<String>,
    pub renewed: bool,
    pub locked: bool,
    /// Why the customer can have no tier.
    pub barred: Option<String>,
    pub total: Total,
    pub until: Option<Day>,
    pub mail: &'static str,
    pub reward: String,
}

/// Sees to a customer and keeps the record.
pub fn settle(cx: &mut Context, settings: &Settings, customer: &str, member: &mut Member, how: How) -> Result<Told> {
    let ladder = Ladder::of(settings, cx.store().currency);
    let today = Day::today(cx);
    rewards::tidy(member, cx.now());
    member.lock.take_if(|lock| lock.until.is_some_and(|until| until <= today));

    let mut told = Told { before: member.tier.clone(), mail: "none", reward: "none".into(), ..Told::default() };
    told.barred = settings.barred(cx.customer_by_id(customer).as_ref());
    let from = member.standing.as_ref().map(|it| it.from);
    if told.barred.is_some() {
        member.standing = None;
    } else {
        let mut held = member.standing.take();
        if how.lost {
            held = standing::without_lost_payment(&ladder, &member.sums, held, today);
        }
        let evaluated = standing::evaluate(&ladder, &member.sums, held, today);
        (member.standing, told.renewed) = (evaluated.standing, evaluated.renewed);
    }
    if member.standing.as_ref().map(|it| it.from) != from {
        member.near = None;
    }
    told.total = ladder.total(&member.sums, today);
    member.sums.fold(today);

    let lock = member.lock.as_ref().filter(|lock| settings.tier(&lock.tier).is_some());
    let by_sums = || member.standing.as_ref().map(|it| it.tier.clone());
    told.locked = lock.is_some();
    member.tier = lock.map(|it| it.tier.clone()).or_else(by_sums);
    told.until = match lock {
        Some(lock) => lock.until,
        None => member.standing.as_ref().and_then(|it| it.until),
    };
    told.after = member.tier.clone();

    let tier = member.tier.as_deref().and_then(|id| settings.tier(id));
    perks::tag(cx, settings, customer, member, tier)?;
    perks::show(cx, settings, customer, member)?;
    let grace = if told.locked { 0 } else { ladder.grace_days };
    // Without a term it ends with the next year, and is made anew: no code outlives its reason for ever.
    let free_until = told.until.map_or_else(|| Day::first_of(today.year().saturating_add(2)), |it| it.plus(grace));
    perks::ship_free(cx, settings, customer, member, tier, free_until)?;

    let case = Case { settings, ladder: &ladder, customer };
    if let Some(tier) = tier {
        greet(cx, case, member, tier, how, &mut told)?;
    }
    if !told.locked && told.barred.is_none() {
        write(cx, case, member, how, &mut told)?;
    }
    keep(cx, case, member, how)?;
    Ok(told)
}

/// Rewards and news for whoever has gone up, or has earned another term.
fn greet(cx: &mut Context, case: Case<'_>, member: &mut Member, tier: &Tier, how: How, told: &mut Told) -> Result {
    let Case { settings, ladder, customer } = case;
    let Some(after) = ladder.index(&tier.id) else { return Ok(()) };
    let before = told.before.as_deref().map(|id| ladder.index(id));
    // Whoever had a tier that is not there any more has not come up by what they get in its place.
    let has_risen = match before {
        None => true,
        Some(before) => before.is_some_and(|before| after > before),
    };
    let is_free = ladder.rungs[after].need.spend == 0 && ladder.rungs[after].need.orders == 0;
    if has_risen && how.greets {
        let passed = match (before.flatten(), settings.reward_skipped_tiers) {
            (before, true) => before.map_or(0, |it| it + 1)..=after,
            (_, false) => after..=after,
        };
        let mut gifts: Vec<Gift> = Vec::new();
        for rung in &ladder.rungs[passed] {
            let Some(passed) = settings.tier(&rung.tier) else { continue };
            match rewards::give(cx, settings, customer, member, passed, told.until)? {
                Ok(gift) => {
                    told.reward = gift.code.clone();
                    gifts.push(gift);
                }
                Err(why) if gifts.is_empty() => told.reward = why,
                Err(_) => {}
            }
        }
        if !is_free || !gifts.is_empty() {
            told.mail = mails::entered(cx, case, member, tier, told.until, false, &gifts)?;
        }
    } else if told.renewed && told.before == told.after && !told.locked && !is_free {
        told.mail = mails::entered(cx, case, member, tier, told.until, true, &[])?;
    }
    Ok(())
}

/// Mails that speak of what may come.
fn write(cx: &mut Context, case: Case<'_>, member: &mut Member, how: How, told: &mut Told) -> Result {
    let Case { settings, ladder, .. } = case;
    let today = Day::today(cx);
    if let Some(held) = member.standing.clone()
        && let Some(until) = held.until
        && told.mail == "none"
        && warning(case, member, &held).is_some_and(|warning| (warning..until).contains(&today))
        && let (Some(index), Some(tier)) = (ladder.index(&held.tier), settings.tier(&held.tier))
    {
        member.warned = Some(until);
        let retain = ladder.rungs[index].retain;
        let total = ladder.retention(&member.sums, until, today);
        if !ladder.meets(retain, total) {
            told.mail = mails::falling(cx, case, tier, until, retain, total)?;
        }
    }
    if !how.near || settings.notify_near == 0 || told.mail != "none" {
        return Ok(());
    }
    let held = member.standing.as_ref().and_then(|it| ladder.index(&it.tier));
    let Some(next) = ladder.rungs.get(held.map_or(0, |it| it + 1)) else { return Ok(()) };
    let is_near = ladder.progress(next.need, told.total) >= i64::from(settings.notify_near);
    if !is_near || member.near.as_deref() == Some(&next.tier) {
        return Ok(());
    }
    let Some(next_tier) = settings.tier(&next.tier) else { return Ok(()) };
    member.near = Some(next.tier.clone());
    let tier = member.tier.as_deref().and_then(|id| settings.tier(id));
    told.mail = mails::near(cx, case, tier, (next_tier, next.need), told.total)?;
    Ok(())
}

/// The day on which the end of a term is spoken of, if it still is to be: never in the first half of the term.
fn warning(case: Case<'_>, member: &Member, held: &Standing) -> Option<Day> {
    let until = held.until?;
    let days = case.settings.notify_downgrade_days;
    let half = u32::try_from((until.0 - held.from.0) / 2).unwrap_or_default();
    let wanted = days > 0 && case.ladder.downgrade != Downgrade::None && member.warned != Some(until);
    wanted.then(|| until.minus(days.min(half)))
}

/// Keeps the record, and sets the one timer to what comes next.
fn keep(cx: &mut Context, case: Case<'_>, member: &mut Member, how: How) -> Result {
    let key = member_key(case.customer);
    let next = next(cx, case, member);
    if how.timer || next != member.timer {
        match next {
            Some(due) => cx.schedule(&key, due, case.customer.as_bytes())?,
            None => {
                cx.cancel(&key);
            }
        }
        member.timer = next;
    }
    Ok(cx.state().set(&key, member)?)
}

/// The beginning of the next day on which something changes by itself.
fn next(cx: &Context, case: Case<'_>, member: &Member) -> Option<Timestamp> {
    let ladder = case.ladder;
    let today = Day::today(cx);
    let term = |held: &Standing| {
        let until = held.until?;
        let warning = warning(case, member, held);
        [warning, Some(until), Some(until.plus(ladder.grace_days))].into_iter().flatten().find(|day| *day > today)
    };
    let lock = member.lock.as_ref().and_then(|it| it.until);
    let term = member.standing.as_ref().and_then(term);
    let ahead = cx.now().plus_days(limits::TIMER_DAYS_AHEAD - 1);
    let shipping = member.shipping.as_ref().map(|it| it.until).filter(|until| *until > today);
    lock.into_iter().chain(term).chain(shipping).min().map(|day| day.begins(cx).min(ahead))
}

/// Leaves the note about a customer, by what has changed.
pub fn note(cx: &mut Context, settings: &Settings, told: &Told, idle: &str, fields: &[(&str, &str)]) -> Result {
    let title = |id: &Option<String>| {
        let id = id.as_deref();
        id.map_or("none".to_owned(), |id| settings.tier(id).map_or(id, |it| &it.title).to_owned())
    };
    let index = |id: &Option<String>| id.as_deref().and_then(|id| settings.tiers.iter().position(|it| it.id == id));
    let reason = match &told.barred {
        _ if told.before != told.after && told.locked => "The tier is as you have locked it",
        _ if told.before.is_some() && index(&told.before).is_none() => "The tier was taken out of the settings",
        _ if told.before != told.after && index(&told.after) > index(&told.before) => "A tier was entered",
        _ if told.before != told.after => "A tier was lost",
        Some(_) => "Counted, but there is no tier for this customer",
        None if told.renewed => "The tier was earned for another term",
        None => idle,
    };
    let spent = Money::new(told.total.spent, cx.store().currency).to_string();
    let orders = told.total.orders.to_string();
    let until = told.until.map(|it| it.minus(1).date().to_string());
    let version = cx.settings_version().to_string();
    let (before, after) = (title(&told.before), title(&told.after));
    let mut all = fields.to_vec();
    all.push(("tier", &after));
    if told.before != told.after {
        all.push(("before", &before));
    }
    all.extend(until.as_deref().map(|until| ("until", until)));
    all.extend([("spent", spent.as_str()), ("orders", &orders)]);
    all.extend(told.barred.as_deref().map(|why| ("because", why)));
    if told.locked {
        all.push(("locked", "yes"));
    }
    if told.before != told.after || told.renewed {
        all.push(("reward", &told.reward));
    }
    all.extend([("mail", told.mail), ("settings", &version)]);
    Ok(cx.note(reason, &all)?)
}
