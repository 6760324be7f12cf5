//! When points become available, when they lapse, and when customers are warned of it.

use std::time::Duration;

use regulars_sdk::{Context, Date, Timestamp};

use crate::{
    account::Account,
    settings::{Expiry, Settings},
};

const DAY: Duration = Duration::from_secs(86_400);

/// How late a warning may be. One that was due before that is not made up for: the points may not have been there yet.
const LATE: Duration = Duration::from_secs(2 * 86_400);

/// When points that become available at `from` lapse; `None` where they do not, or do with the whole account.
///
/// Dates are the store's, and points are good until the end of the day: a customer's points lapse together.
pub fn expires_at(cx: &Context, settings: &Settings, from: Timestamp) -> Option<Timestamp> {
    let months = match settings.expiry {
        Expiry::None | Expiry::Inactivity => return None,
        Expiry::AfterEarning => {
            return Some(end_of(cx, cx.date_of(from.plus_days(settings.expiry_days.into()))));
        }
        Expiry::EndOfMonth => 1,
        Expiry::EndOfQuarter => 3,
        Expiry::EndOfHalfYear => 6,
    };
    let from = cx.date_of(from);
    let ahead = i64::from(from.year) * 12 + i64::from(from.month) - 1 + i64::from(settings.expiry_months);
    let last = ahead + months - 1 - ahead.rem_euclid(months);
    let year = i16::try_from(last.div_euclid(12)).unwrap_or(i16::MAX);
    let month = u8::try_from(last.rem_euclid(12) + 1).unwrap_or(12);
    // A date that does not exist is the last of its month.
    Some(end_of(cx, Date { year, month, day: 31 }))
}

/// The end of a day by the store's clocks.
fn end_of(cx: &Context, date: Date) -> Timestamp {
    cx.instant_of(date, 24 * 60 - 1) + Duration::from_secs(60)
}

/// The last day on which points that lapse at `instant` are good.
pub fn last_day(cx: &Context, instant: Timestamp) -> Date {
    cx.date_of(Timestamp(instant.0.saturating_sub(1)))
}

/// Points that lapse at one time.
pub struct Lapse {
    pub points: i64,
    pub at: Timestamp,
}

/// The points that lapse first, all that lapse with them included.
pub fn first_lapse(account: &Account, settings: &Settings) -> Option<Lapse> {
    let lapses = lapses(account, settings);
    let at = lapses.iter().map(|lapse| lapse.at).min()?;
    Some(Lapse { points: lapses.iter().filter(|lapse| lapse.at == at).map(|lapse| lapse.points).sum(), at })
}

fn lapses(account: &Account, settings: &Settings) -> Vec<Lapse> {
    let idle = account.idle_at(settings.inactivity_days());
    let with_claim = |at: Option<Timestamp>| at.into_iter().chain(account.claim_by).min();
    let lots = account.lots.iter().map(|lot| (lot.points, lot.expires_at.or(idle)));
    let pending = account.pending.iter().map(|lot| (lot.points, None));
    lots.chain(pending).filter_map(|(points, at)| Some(Lapse { points, at: with_claim(at)? })).collect()
}

/// When customers are warned of points that lapse at `at`.
fn warnings(settings: &Settings, at: Timestamp) -> impl Iterator<Item = Timestamp> {
    settings.expiry_mail_days.iter().map(move |days| {
        let ahead = DAY * *days;
        Timestamp(at.0.saturating_sub(u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX)))
    })
}

/// The points to warn of now: how many, and when the first of them lapse. Each warning is given at most once.
pub fn warning(account: &mut Account, settings: &Settings, now: Timestamp) -> Option<(i64, Timestamp)> {
    let due = |at: &Timestamp| account.warned_until < *at && *at <= now && now.since(*at) <= LATE;
    let warned: Vec<_> = lapses(account, settings)
        .into_iter()
        .filter(|lapse| lapse.at > now && warnings(settings, lapse.at).any(|at| due(&at)))
        .collect();
    account.warned_until = account.warned_until.max(now);
    let first = warned.iter().map(|lapse| lapse.at).min()?;
    Some((warned.iter().map(|lapse| lapse.points).sum(), first))
}

/// When something of the account falls due by itself: points that become available, lapse, or have to be warned of.
pub fn next(account: &Account, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    let approvals = account.pending.iter().map(|lot| lot.until);
    let lapses = lapses(account, settings);
    let warnings = lapses.iter().flat_map(|lapse| warnings(settings, lapse.at)).filter(|at| *at > now);
    approvals.chain(warnings).chain(lapses.iter().map(|lapse| lapse.at)).min()
}
