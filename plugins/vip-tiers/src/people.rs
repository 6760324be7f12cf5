//! Customers: new ones, those who became one, those who are to be forgotten, and each one's timer.

use regulars_sdk::{Context, Result, Timer};

use crate::{
    history,
    member::{self, Member, member_key},
    perks,
    settings::Settings,
    settle::{self, How},
};

/// `customer.created`, `customer.updated`: tags may bar from tiers, and a tier that asks for nothing is open to everybody.
pub fn known(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return Ok(cx.note("Nothing changes: the customer is not known", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let mut member = history::known(cx, &settings, &customer.id, None)?;
    let how = How { greets: history::greets(cx, &settings)?, ..How::default() };
    let told = settle::settle(cx, &settings, &customer.id, &mut member, how)?;
    settle::note(cx, &settings, &told, "Nothing changes: the tier stays", &[])
}

/// A customer's timer: a term or its grace is over, a lock ends, or a warning is due.
pub fn due(cx: &mut Context, timer: &Timer) -> Result {
    let customer = String::from_utf8_lossy(&timer.payload).into_owned();
    let Some(mut member) = member::get(cx, &customer)? else {
        return Ok(cx.note("Nothing due: the customer is not known any more", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let how = How { greets: history::greets(cx, &settings)?, timer: true, ..How::default() };
    let told = settle::settle(cx, &settings, &customer, &mut member, how)?;
    settle::note(cx, &settings, &told, "The tier stays as it is for now", &[])
}

/// One person has one sum and one tier, the better of the two.
pub fn merged(cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else { return Ok(cx.note("Nothing moved: the merge is not complete", &[])?) };
    let (from, to) = (&merge.absorbed_id, &merge.kept_id);
    let settings: Settings = cx.settings()?;
    let kept = history::known(cx, &settings, to, None)?;
    let absorbed = member::get(cx, from)?;
    let moved: Vec<String> = absorbed.iter().flat_map(|it| it.tags.clone()).collect();
    cx.cancel(&member_key(from));
    cx.state().delete(&member_key(from))?;
    let mut member = match absorbed {
        Some(absorbed) => member::join(kept, absorbed),
        None => kept,
    };
    let how = How { greets: history::greets(cx, &settings)?, ..How::default() };
    let told = settle::settle(cx, &settings, to, &mut member, how)?;
    // Not every platform moves the tags of an absorbed customer.
    let tags: Vec<&str> = member.tags.iter().filter(|it| moved.contains(it)).map(String::as_str).collect();
    if !tags.is_empty() {
        perks::granted(cx.add_tags(to, &tags))?;
    }
    settle::note(cx, &settings, &told, "Two customers became one: the tier stays", &[("from", from)])
}

/// Nothing is kept of somebody who is gone or is to be forgotten.
pub fn forgotten(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return Ok(cx.note("Nothing to forget: the customer is not known", &[])?);
    };
    let known: Option<Member> = member::get(cx, &customer.id)?;
    cx.state().delete(&member_key(&customer.id))?;
    cx.cancel(&member_key(&customer.id));
    let reason = if known.is_some() { "Forgotten: sums, tier and lock" } else { "Nothing to forget: nothing was kept" };
    Ok(cx.note(reason, &[])?)
}
