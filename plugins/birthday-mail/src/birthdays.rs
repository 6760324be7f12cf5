//! How a birthday comes to be known: told by the customer in the panel, by the platform's own field, or by the merchant.
//!
//! Whoever tells it may be after the reward. So a day that is told late, or changed in the same year, is congratulated
//! without one, and changes wait for each other.

use regulars_sdk::{Action, Birthday, Context, Date, Event, Refusal, Result};

use crate::{
    calendar::{Day, days_between},
    input::{self, Birth},
    people::{self, Person},
    purchases,
    settings::Settings,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Shopper,
    Platform,
    Merchant,
}

impl Source {
    fn word(self) -> &'static str {
        match self {
            Self::Shopper => "the customer",
            Self::Platform => "the shop system",
            Self::Merchant => "you",
        }
    }
}

/// The actions `birthday` and `forget-birthday`, a shopper's or the merchant's.
pub fn action(event: &Event, cx: &mut Context) -> Result {
    let source = if event.topic == "merchant.action" { Source::Merchant } else { Source::Shopper };
    let Some(action) = cx.action() else { return Ok(()) };
    let Some(customer) = action.customer_id.clone() else {
        return Ok(cx.note("Nothing done: no customer is named", &[])?);
    };
    match action.name.as_str() {
        "birthday" => told(cx, &action, &customer, source),
        "forget-birthday" => forget(cx, &customer),
        _ => Ok(cx.note("Nothing done: there is no such action", &[])?),
    }
}

fn told(cx: &mut Context, action: &Action, customer: &str, source: Source) -> Result {
    let this_year = cx.date_of(cx.now()).year;
    let Some(Birth { day, year }) = input::birth(action, this_year) else {
        return Ok(cx.note("No birthday kept: it is no day that a year has", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let mut person = purchases::person(cx, &settings, customer)?;
    if !take(cx, &settings, &mut person, day, source)? {
        return Ok(());
    }
    people::keep(cx, &settings, customer, &person)?;
    // The platform's field needs a year; without one it stays as it is.
    let Some(year) = year else { return Ok(()) };
    let birthday = Birthday { year: Some(year), month: day.month(), day: day.day() };
    match cx.set_birthday(customer, birthday) {
        Ok(_) => Ok(()),
        Err(Refusal::NotGranted) => Ok(cx.note("The shop system's own field stays: this plugin may not set it", &[])?),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The platform's field, which customers may fill in with their profile. What it said when it was looked at last is no
/// news: a change of our own may still be on its way to it.
pub fn told_by_platform(cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return Ok(cx.note("Nothing learnt: the customer is not known", &[])?);
    };
    let Some(day) = cx.birthday_of(&customer.id).and_then(|it| Day::new(it.month, it.day)) else {
        return Ok(cx.note("Nothing learnt: the shop system tells no birthday", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let mut person = purchases::person(cx, &settings, &customer.id)?;
    if person.seen == Some(day) {
        return Ok(cx.note("Nothing learnt: the shop system's birthday is as before", &[])?);
    }
    if take(cx, &settings, &mut person, day, Source::Platform)? {
        person.seen = Some(day);
        people::keep(cx, &settings, &customer.id, &person)?;
    }
    Ok(())
}

/// Takes a day in, unless a change before stands in the way, and notes what came of it. False if nothing is to be kept.
fn take(cx: &mut Context, settings: &Settings, person: &mut Person, day: Day, source: Source) -> Result<bool> {
    let by = [("told by", source.word())];
    if person.day == Some(day) {
        cx.note("Birthday known already", &by)?;
        return Ok(true);
    }
    // One that was forgotten on the way has been told before all the same.
    let is_change = person.day.is_some() || person.told_at.is_some();
    if source != Source::Merchant
        && let Some(until) = person.changed_at.map(|it| it.plus_days(settings.change_lock_days))
        && is_change
        && cx.now() < until
    {
        let until = cx.date_of(until).to_string();
        cx.note("Birthday not changed: it was changed before", &[by[0], ("open again on", &until)])?;
        return Ok(false);
    }
    let now = Some(cx.now());
    person.told_at = now;
    if is_change {
        person.changed_at = now;
    }
    people::set_day(cx, settings, person, day);
    let next = day.in_year(person.birthday_year + 1);
    let reward = why_no_reward(cx, settings, person, next).unwrap_or("as set");
    let fields = [by[0], ("next", &*next.to_string()), ("reward then", reward)];
    cx.note(if is_change { "Birthday changed" } else { "Birthday kept" }, &fields)?;
    Ok(true)
}

/// Why the birthday on `date` brings no reward; `None` if it does.
pub fn why_no_reward(cx: &Context, settings: &Settings, person: &Person, date: Date) -> Option<&'static str> {
    let told = person.told_at.map(|it| cx.date_of(it));
    if told.is_some_and(|told| days_between(cx, told, date) < settings.reward_lead_days) {
        return Some("none: the birthday was told too short a time ahead");
    }
    let changed = person.changed_at.map(|it| cx.date_of(it).year);
    (changed == Some(date.year)).then_some("none: the birthday was changed in the same year")
}

/// Forgets the day. When it was told and what it has brought is kept, so that telling it anew is a change like any other.
fn forget(cx: &mut Context, customer: &str) -> Result {
    let Some(mut person) = people::get(cx, customer)?.filter(|it| it.day.is_some()) else {
        return Ok(cx.note("Nothing to forget: no birthday is known", &[])?);
    };
    person.told_at = person.told_at.or(Some(cx.now()));
    person.day = None;
    let settings: Settings = cx.settings()?;
    people::keep(cx, &settings, customer, &person)?;
    Ok(cx.note("Birthday forgotten", &[])?)
}
