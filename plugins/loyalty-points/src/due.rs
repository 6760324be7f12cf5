//! What falls due by itself: points become available or lapse, codes end, birthdays come.
//!
//! An account has one timer, for whatever comes first. What is due is done whenever the account is opened, so that a timer
//! that comes late holds nothing up.

use regulars_sdk::{Context, Event, MetafieldValue, Refusal, Result, Timestamp, limits};

use crate::{
    account::Account,
    birthday, expiry,
    ledger::{self, Book, Entry, Kind},
    mails,
    notes::note,
    rewards::codes,
    settings::Settings,
};

const METAFIELD: &str = "points_balance";

/// Opens an account as it stands now.
pub fn open(event: &Event, cx: &mut Context, settings: &Settings, customer: &str) -> Result<Book> {
    let mut book = ledger::load(cx, customer)?;
    let now = cx.now();

    let (approved, order) = book.account.approve(now);
    if approved > 0 {
        let entry = Entry { approved: Some(approved), about: order, ..Entry::new(Kind::Approve, 0) };
        ledger::append(event, cx, &mut book, entry)?;
        let mailed = mails::approved(cx, settings, customer, approved, &book.account)?;
        let points = approved.to_string();
        let fields = [("available", points.as_str()), ("mail", mailed)];
        note(cx, "Points have become available", &fields, 0, Some(&book.account))?;
    }
    codes::settle(event, cx, settings, &mut book)?;
    let lapsed = book.account.lapse(now, settings.inactivity_days());
    if lapsed > 0 {
        ledger::append(event, cx, &mut book, Entry::new(Kind::Expire, -lapsed))?;
        let unclaimed = book.account.claim_by.is_some_and(|at| at <= now);
        let reason = if unclaimed { "Points lapsed: the guest did not claim them" } else { "Points lapsed" };
        note(cx, reason, &[], -lapsed, Some(&book.account))?;
    }
    birthday::celebrate(event, cx, settings, &mut book)?;
    Ok(book)
}

/// A guest who earns has so long from then to become a member.
pub fn extend_claim(cx: &Context, settings: &Settings, book: &mut Book) {
    if cx.customer_by_id(&book.customer).is_some_and(|customer| customer.guest) {
        book.account.claim_by = Some(cx.now().plus_days(settings.guest_claim_days.into()));
    }
}

/// Writes an account, shows its balance at the platform if that has changed, and sees to its timer.
pub fn close(cx: &mut Context, settings: &Settings, mut book: Book) -> Result {
    let next = next(&book, settings, cx);
    // A timer that comes too early finds nothing and is set anew: cheaper than moving it with every order.
    if let Some(next) = next
        && book.account.timer.is_none_or(|timer| next < timer)
    {
        cx.schedule(&ledger::account_key(&book.customer), next, book.customer.as_bytes())?;
        book.account.timer = Some(next);
    }
    ledger::save(cx, &book)?;
    let available = book.account.available();
    let is_guest = book.account.claim_by.is_some();
    if settings.balance_metafield && !is_guest && available != book.available_before() {
        match cx.set_metafield(&book.customer, METAFIELD, &MetafieldValue::Integer(available)) {
            Ok(_) | Err(Refusal::NotGranted | Refusal::Other(_)) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(())
}

fn next(book: &Book, settings: &Settings, cx: &Context) -> Option<Timestamp> {
    let (account, now) = (&book.account, cx.now());
    let birthday = account.birthday.map(|birthday| birthday.next);
    let dates = [expiry::next(account, settings, now), codes::next(account, now), birthday];
    let ahead = now.plus_days(limits::TIMER_DAYS_AHEAD);
    dates.into_iter().flatten().min().map(|at| at.min(ahead))
}

/// An account's timer.
pub fn fired(event: &Event, cx: &mut Context, customer: &str) -> Result {
    let settings: Settings = cx.settings()?;
    let before = ledger::load(cx, customer)?.account;
    let mut book = open(event, cx, &settings, customer)?;
    book.account.timer = None;
    let warned = expiry::warning(&mut book.account, &settings, cx.now());
    match warned {
        Some((points, at)) => {
            let mailed = mails::expiring(cx, &settings, customer, points, at, &book.account)?;
            let (points, last_day) = (points.to_string(), expiry::last_day(cx, at).to_string());
            let fields = [("lapsing", points.as_str()), ("last_day", &last_day), ("mail", mailed)];
            note(cx, "Customer told that points are about to lapse", &fields, 0, Some(&book.account))?;
        }
        None if is_untouched(&before, &book.account) => {
            note(cx, "Nothing due yet: the customer has earned or spent since", &[], 0, Some(&book.account))?;
        }
        None => {}
    }
    close(cx, &settings, book)
}

/// Whether opening the account has done nothing that would be noted.
fn is_untouched(before: &Account, after: &Account) -> bool {
    (before.entries, &before.codes, before.birthday) == (after.entries, &after.codes, after.birthday)
}
