//! What merchants change by hand: points with a reason, and balances brought over from another programme.
//!
//! Neither counts against the budget for points: the merchant has decided.

use regulars_sdk::{Action, Context, Event, Result, key};
use serde::Deserialize;

use crate::{
    due, expiry,
    input::Written,
    ledger::{self, Book, Entry, Kind},
    notes::note,
    settings::{RefundPolicy, Settings},
};

/// The most that one action changes.
const MOST: i64 = 1_000_000_000;

/// Characters of a reason.
const REASON_CHARS: usize = 500;

/// The input of the action `adjust`.
#[derive(Deserialize)]
struct Adjust {
    points: Written,
    /// For the merchant's own people; shoppers are not shown it.
    reason: String,
}

/// The input of the action `import`: one line of another programme's file.
#[derive(Deserialize)]
struct Import {
    points: Written,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// To what is there.
    Add,
    /// Instead of what is there.
    Reset,
}

/// `merchant.action`.
pub fn action(event: &Event, cx: &mut Context) -> Result {
    let Some(action) = cx.action() else {
        return note(cx, "Nothing done: the action is not known", &[], 0, None);
    };
    let Some(customer) = action.customer_id.clone() else {
        return note(cx, "Nothing done: the action names no customer", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let mut book = due::open(event, cx, &settings, &customer)?;
    match action.name.as_str() {
        "adjust" => adjust(event, cx, &settings, &mut book, &action)?,
        "import" => import(event, cx, &settings, &mut book, &action)?,
        _ => note(cx, "Nothing done: there is no such action", &[], 0, Some(&book.account))?,
    }
    due::close(cx, &settings, book)
}

fn adjust(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, action: &Action) -> Result {
    let Ok(Adjust { points, reason }) = action.input() else {
        return note(cx, "Nothing adjusted: the request names no points or no reason", &[], 0, Some(&book.account));
    };
    let reason = reason.trim();
    let points: i64 = points.number().unwrap_or_default();
    let refused = if points == 0 || !(-MOST..=MOST).contains(&points) {
        Some("Nothing adjusted: that is no number of points")
    } else if reason.is_empty() || reason.chars().count() > REASON_CHARS {
        Some("Nothing adjusted: it needs a reason of at most 500 characters")
    } else if points < 0 && book.account.available() + book.account.pending() < -points {
        Some("Nothing adjusted: the customer has fewer points")
    } else {
        None
    };
    if let Some(refused) = refused {
        return note(cx, refused, &[], 0, Some(&book.account));
    }
    change(event, cx, settings, book, Kind::Adjust, points)?;
    let entry = book.account.entries.to_string();
    cx.state().set(&key(&["reason", &book.customer, &entry]), &reason)?;
    note(cx, "Points adjusted by the shop", &[("reason", reason)], points, Some(&book.account))
}

fn import(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, action: &Action) -> Result {
    let Ok(Import { points, mode }) = action.input() else {
        return note(cx, "Nothing imported: the request names no points or no mode", &[], 0, Some(&book.account));
    };
    let Some(points) = points.number::<i64>().filter(|points| (0..=MOST).contains(points)) else {
        return note(cx, "Nothing imported: that is no number of points", &[], 0, Some(&book.account));
    };
    let points = match mode {
        Mode::Add => points,
        Mode::Reset => points - book.account.balance,
    };
    if points == 0 {
        return note(cx, "Nothing imported: the balance is that already", &[], 0, Some(&book.account));
    }
    change(event, cx, settings, book, Kind::Import, points)?;
    note(cx, "Points imported", &[], points, Some(&book.account))
}

/// Adds points that are available at once, or takes some that are there, pending ones first.
fn change(event: &Event, cx: &mut Context, settings: &Settings, book: &mut Book, kind: Kind, points: i64) -> Result {
    let expires_at = if points > 0 { expiry::expires_at(cx, settings, cx.now()) } else { None };
    ledger::append(event, cx, book, Entry { expires_at, ..Entry::new(kind, points) })?;
    if points > 0 {
        book.account.add(points, expires_at);
        book.account.touch(cx.now(), settings.inactivity_days());
    } else {
        book.account.take_back(-points, "", RefundPolicy::AllowNegative);
    }
    Ok(())
}
