//! What is due: each birthday and anniversary once, whatever has become of clocks, settings and customers in between.

use regulars_sdk::{Context, Date, Money, Result, Timer};

use crate::{
    birthdays,
    calendar::{Course, Day},
    people::{self, Milestone, Person},
    rewards::{self, Letter},
    settings::Settings,
};

/// Days for which good wishes may wait for a free slot.
const VALID_DAYS: u64 = 3;

/// A customer's timer: sees to all that is due, and sets it for what comes next.
pub fn due(cx: &mut Context, timer: &Timer) -> Result {
    let customer = people::survivor(cx, &String::from_utf8_lossy(&timer.payload));
    let Some(mut person) = people::get(cx, &customer)? else {
        return Ok(cx.note("Nothing due: the customer is not known here", &[])?);
    };
    let settings: Settings = cx.settings()?;
    let before = person.clone();
    let kept_away = why_nothing(cx, &settings, &customer);
    birthday(cx, &settings, &customer, &mut person, kept_away.as_deref())?;
    anniversary(cx, &settings, &customer, &mut person, kept_away.as_deref())?;
    milestones(cx, &settings, &customer, &mut person, kept_away.as_deref())?;
    if person == before {
        cx.note("Nothing due yet: the settings or the clock have changed", &[])?;
    }
    people::keep(cx, &settings, &customer, &person)
}

/// Why this customer gets no mails at all.
fn why_nothing(cx: &Context, settings: &Settings, customer: &str) -> Option<String> {
    match cx.customer_by_id(customer) {
        None => Some("the customer is gone".into()),
        Some(known) => settings.excluded_tag(&known).map(|tag| format!("customers with the tag {tag} are excluded")),
    }
}

/// A year's day that has come since the last that was seen to, and whether it is too late for it.
struct Come {
    year: i16,
    date: Date,
    too_late: bool,
}

fn come(cx: &Context, settings: &Settings, course: Course, day: Day, seen_to: i16) -> Option<Come> {
    let year = course.latest(cx, day);
    let too_late = cx.now() > course.due(cx, day, year).plus_days(settings.late_days);
    (year > seen_to).then(|| Come { year, date: day.in_year(year), too_late })
}

fn birthday(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    person: &mut Person,
    kept_away: Option<&str>,
) -> Result {
    let Some(day) = person.day.filter(|_| settings.birthdays) else { return Ok(()) };
    let come = come(cx, settings, settings.birthday_course(), day, person.birthday_year);
    let Some(Come { year, date, too_late }) = come else { return Ok(()) };
    person.birthday_year = year;
    let on = date.to_string();
    if let Some(why) = kept_away.or(too_late.then_some("it was too late for it")) {
        return Ok(cx.note("No good wishes for the birthday", &[("birthday", &on), ("because", why)])?);
    }
    let today = cx.date_of(cx.now());
    let when = if today < date {
        "before"
    } else if today == date {
        "on"
    } else {
        "after"
    };
    let last = if when == "before" { date } else { cx.date_of(cx.now().plus_days(VALID_DAYS)) };
    let letter = Letter {
        template: "birthday",
        vars: vec![("when".into(), when.into())],
        // What speaks of a day to come is of no use on it.
        valid_until: cx.instant_of(last, 0),
    };
    let reward = birthdays::why_no_reward(cx, settings, person, date).map_or(Ok(&settings.birthday_reward), Err);
    let told = rewards::send(cx, settings, customer, person, letter, reward)?;
    note(cx, "Good wishes for the birthday", &[("birthday", &on), ("year", &year.to_string())], &told)
}

fn anniversary(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    person: &mut Person,
    kept_away: Option<&str>,
) -> Result {
    let Some(first) = person.first.filter(|_| settings.anniversaries).map(|it| cx.date_of(it)) else { return Ok(()) };
    let come = come(cx, settings, settings.anniversary_course(), Day::of(first), person.anniversary_year);
    let Some(Come { year, date, too_late }) = come else { return Ok(()) };
    person.anniversary_year = year;
    let on = date.to_string();
    if let Some(why) = kept_away.or(too_late.then_some("it was too late for it")) {
        return Ok(cx.note("No thanks for the anniversary", &[("anniversary", &on), ("because", why)])?);
    }
    let years = (year - first.year).to_string();
    let letter = Letter {
        template: "anniversary",
        vars: vec![("years".into(), years.clone())],
        valid_until: cx.now().plus_days(VALID_DAYS),
    };
    let told = rewards::send(cx, settings, customer, person, letter, Ok(&settings.anniversary_reward))?;
    note(cx, "Thanks for the anniversary", &[("anniversary", &on), ("years", &years)], &told)
}

fn milestones(
    cx: &mut Context,
    settings: &Settings,
    customer: &str,
    person: &mut Person,
    kept_away: Option<&str>,
) -> Result {
    let now = cx.now();
    let (ready, waiting) = person.waiting.iter().copied().partition::<Vec<_>, _>(|it| it.due <= now);
    person.waiting = waiting;
    for milestone in ready.into_iter().map(|it| it.milestone) {
        let currency = cx.store().currency;
        let (template, name, value, reward) = match milestone {
            Milestone::Orders(number) => ("orders", "number", number.to_string(), &settings.order_reward),
            Milestone::Spend(mark) => {
                ("lifetime", "mark", Money::new(mark, currency).to_string(), &settings.lifetime_reward)
            }
        };
        if person.passed.contains(&milestone) {
            continue;
        }
        person.passed.push(milestone);
        if let Some(why) = kept_away {
            cx.note("No thanks for the milestone", &[(name, &value), ("because", why)])?;
            continue;
        }
        let vars = vec![(name.into(), value.clone())];
        let letter = Letter { template, vars, valid_until: now.plus_days(VALID_DAYS) };
        let told = rewards::send(cx, settings, customer, person, letter, Ok(reward))?;
        note(cx, "Thanks for the milestone", &[(name, &value)], &told)?;
    }
    Ok(())
}

fn note(cx: &mut Context, reason: &str, fields: &[(&str, &str)], told: &[(&'static str, String); 2]) -> Result {
    let mut all = fields.to_vec();
    all.extend(told.iter().map(|(name, value)| (*name, value.as_str())));
    let settings = cx.settings_version().to_string();
    all.push(("settings", &settings));
    Ok(cx.note(reason, &all)?)
}
