//! Points for what customers do besides ordering: signing up, the newsletter, reviews, birthdays.

use regulars_sdk::{Context, Event, Result, key};
use serde::Deserialize;

use crate::{
    account::{Gift, Once},
    due, expiry,
    input::Written,
    ledger::{self, Book, Entry, Kind},
    mails,
    notes::note,
    settings::Settings,
};

/// Gives points that are available at once, within the shop's budget. False, and a note, where that is used up.
fn give(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    kind: Kind,
    points: i64,
    about: Option<&str>,
) -> Result<bool> {
    if cx.spend("points", points.unsigned_abs()).is_err() {
        note(cx, "No points: the shop's budget for points is used up", &[], 0, Some(&book.account))?;
        return Ok(false);
    }
    let expires_at = expiry::expires_at(cx, settings, cx.now());
    let entry = Entry { expires_at, about: about.map(Into::into), ..Entry::new(kind, points) };
    ledger::append(event, cx, book, entry)?;
    book.account.add(points, expires_at);
    book.account.touch(cx.now(), settings.inactivity_days());
    due::extend_claim(cx, settings, book);
    Ok(true)
}

/// Gives what a person is given once, and remembers it.
fn give_once(
    event: &Event,
    cx: &mut Context,
    settings: &Settings,
    book: &mut Book,
    what: Once,
    points: u32,
) -> Result<bool> {
    let points = i64::from(points);
    let kind = match what {
        Once::SignUp => Kind::SignUp,
        Once::Newsletter => Kind::Newsletter,
        Once::Birthday(_) => Kind::Birthday,
    };
    let given = give(event, cx, settings, book, kind, points, None)?;
    if given {
        // Of birthdays, the latest is enough: the next one is always later.
        let is_birthday = matches!(what, Once::Birthday(_));
        book.account.gifts.retain(|gift| !(is_birthday && matches!(gift.what, Once::Birthday(_))));
        book.account.gifts.push(Gift { what, points });
    }
    Ok(given)
}

/// `customer.created`.
pub fn signed_up(event: &Event, cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return note(cx, "No sign-up points: the customer is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let mut book = due::open(event, cx, &settings, &customer.id)?;
    let tag = settings.excluded_tag(&customer);
    let idle = match tag {
        Some(_) => Some("No sign-up points: customers with this tag are excluded"),
        None if customer.guest => Some("No sign-up points: a guest has not signed up"),
        None if settings.signup_points == 0 => Some("No sign-up points: the settings give none"),
        None if book.account.gift(Once::SignUp).is_some() => Some("No sign-up points: they were given before"),
        None => None,
    };
    if let Some(reason) = idle {
        let fields: Vec<_> = tag.map(|tag| ("tag", tag)).into_iter().collect();
        note(cx, reason, &fields, 0, Some(&book.account))?;
    } else if give_once(event, cx, &settings, &mut book, Once::SignUp, settings.signup_points)? {
        let points = i64::from(settings.signup_points);
        let mailed = mails::welcome(cx, &settings, &customer.id, points, &book.account)?;
        note(cx, "Sign-up points given", &[("mail", mailed)], points, Some(&book.account))?;
    }
    due::close(cx, &settings, book)
}

/// `customer.consent`: points for the newsletter, once, whatever becomes of the consent later.
pub fn consented(event: &Event, cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return note(cx, "No newsletter points: the customer is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let mut book = due::open(event, cx, &settings, &customer.id)?;
    let tag = settings.excluded_tag(&customer);
    let idle = match tag {
        Some(_) => Some("No newsletter points: customers with this tag are excluded"),
        None if customer.accepts_marketing != Some(true) => {
            Some("No newsletter points: the customer takes no newsletter")
        }
        None if settings.newsletter_points == 0 => Some("No newsletter points: the settings give none"),
        None if book.account.gift(Once::Newsletter).is_some() => Some("No newsletter points: they were given before"),
        None => None,
    };
    if let Some(reason) = idle {
        let fields: Vec<_> = tag.map(|tag| ("tag", tag)).into_iter().collect();
        note(cx, reason, &fields, 0, Some(&book.account))?;
    } else if give_once(event, cx, &settings, &mut book, Once::Newsletter, settings.newsletter_points)? {
        let points = settings.newsletter_points.into();
        note(cx, "Newsletter points given", &[], points, Some(&book.account))?;
    }
    due::close(cx, &settings, book)
}

/// What `review.approved` tells.
#[derive(Deserialize)]
struct Review {
    id: Written,
    /// It shows a photo.
    #[serde(default)]
    photo: bool,
}

/// `review.approved`: points for a review, whatever its rating, once for each.
pub fn reviewed(event: &Event, cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return note(cx, "No review points: the review names no customer", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let Ok(review) = serde_json::from_slice::<Review>(cx.payload_json().as_bytes()) else {
        return note(cx, "No review points: the review has no id", &[], 0, None);
    };
    let Written(id) = review.id;
    let key = key(&["review", &id]);
    let mut book = due::open(event, cx, &settings, &customer.id)?;
    let extra = if review.photo { settings.review_photo_points } else { 0 };
    let points = i64::from(settings.review_points) + i64::from(extra);
    let tag = settings.excluded_tag(&customer);
    let idle = match tag {
        Some(_) => Some("No review points: customers with this tag are excluded"),
        None if points == 0 => Some("No review points: the settings give none"),
        None if cx.state().get::<String>(&key)?.is_some() => Some("No review points: they were given before"),
        None => None,
    };
    let fields: Vec<_> = [("review", id.as_str())].into_iter().chain(tag.map(|tag| ("tag", tag))).collect();
    if let Some(reason) = idle {
        note(cx, reason, &fields, 0, Some(&book.account))?;
    } else if give(event, cx, &settings, &mut book, Kind::Review, points, Some(&id))? {
        cx.state().set(&key, &customer.id)?;
        note(cx, "Review points given", &fields, points, Some(&book.account))?;
    }
    due::close(cx, &settings, book)
}

/// Gives the points of a birthday that has come. The account is the caller's to close.
pub fn celebrate(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, year: i16) -> Result {
    let customer = cx.customer_by_id(&book.customer);
    let tag = customer.as_ref().and_then(|customer| settings.excluded_tag(customer));
    let idle = match tag {
        Some(_) => Some("No birthday points: customers with this tag are excluded"),
        None if settings.birthday_points == 0 => Some("No birthday points: the settings give none"),
        None if book.account.gift(Once::Birthday(year)).is_some() => Some("No birthday points: they were given before"),
        None => None,
    };
    if let Some(reason) = idle {
        let fields: Vec<_> = tag.map(|tag| ("tag", tag)).into_iter().collect();
        return note(cx, reason, &fields, 0, Some(&book.account));
    }
    if give_once(event, cx, settings, book, Once::Birthday(year), settings.birthday_points)? {
        note(cx, "Birthday points given", &[], settings.birthday_points.into(), Some(&book.account))?;
    }
    Ok(())
}
