//! Accounts that become one, and people who are to be forgotten.

use regulars_sdk::{Context, Event, Result, key};

use crate::{due, ledger, notes::note, settings::Settings};

/// `customer.merged`.
pub fn merged(event: &Event, cx: &mut Context) -> Result {
    let Some(merge) = cx.merge() else {
        return note(cx, "No points moved: the merge is not complete", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let fields = [("from", merge.absorbed_id.as_str())];
    let absorbed = due::open(event, cx, &settings, &merge.absorbed_id)?;
    let mut kept = due::open(event, cx, &settings, &merge.kept_id)?;
    if absorbed.is_unused() {
        note(cx, "No points moved: the absorbed customer has none", &fields, 0, Some(&kept.account))?;
        return due::close(cx, &settings, kept);
    }
    let points = ledger::merge(event, cx, absorbed, &mut kept)?;
    // Whose points a member takes over has claimed them.
    if cx.customer_by_id(&merge.kept_id).is_none_or(|customer| !customer.guest) {
        kept.account.claim_by = None;
    }
    note(cx, "Points moved: two customers became one", &fields, points, Some(&kept.account))?;
    due::close(cx, &settings, kept)
}

/// `customer.redacted`: what was kept of the person goes, the sums stay.
pub fn redacted(event: &Event, cx: &mut Context) -> Result {
    let Some(customer) = cx.customer() else {
        return note(cx, "Nothing to forget: the customer is not known", &[], 0, None);
    };
    let settings: Settings = cx.settings()?;
    let mut book = due::open(event, cx, &settings, &customer.id)?;
    book.account.birthday = None;
    let reasons: Vec<String> = cx.state().keys(&key(&["reason", &customer.id, ""])).collect();
    for reason in reasons {
        cx.state().delete(&reason)?;
    }
    note(cx, "Forgotten: birthday and reasons; the sums stay", &[], 0, Some(&book.account))?;
    due::close(cx, &settings, book)
}
