//! Counts: how many orders and customers a platform has, against how many are known here, once in a store's night.
//!
//! What is missing here is read again by itself, once: what is still missing the next time is shown, and not read again.

use std::time::Duration;

use jiff::{ToSpan, civil::time, tz::TimeZone};

use super::Reader;
use crate::{
    catalog::StoreEntry,
    dispatch::Pipeline,
    domain::{Customer, Order, StoreId, Timestamp},
    platform::{
        Failure,
        past::{Counted, Past},
    },
    reconcile::{self, Stop, with_patience},
    store::{Counts, Error, History, Record, Scan, decode, keys},
};

/// The hour of a store's night in which it is counted.
const HOUR: i8 = 3;

/// Ten years: who asks for more asks for never.
const NIGHTS_MAX: i64 = 3_650;

/// What is younger is left to its webhook, and to reconciliation.
const SETTLE: Duration = Duration::from_secs(3_600);

/// How far back a platform shows orders that does not show all: a day less, for a day ends at other times elsewhere.
const SHOWN: Duration = Duration::from_secs(59 * 86_400);

/// Rows that are looked at before others may go on.
const ROWS: usize = 1_000;

/// The last of so many nights that begin after a time.
pub(super) fn next_night(last: Timestamp, nights: u64, zone: &TimeZone) -> Timestamp {
    let night = |days: i64| {
        let date = last.date_in(zone).checked_add(days.days()).ok()?;
        let at = date.to_datetime(time(HOUR, 0, 0, 0)).to_zoned(zone.clone()).ok()?;
        u64::try_from(at.timestamp().as_millisecond()).ok().map(Timestamp)
    };
    let first = i64::from(night(0).is_none_or(|night| night <= last));
    let more = i64::try_from(nights.saturating_sub(1)).unwrap_or(NIGHTS_MAX).min(NIGHTS_MAX);
    night(first + more).unwrap_or(Timestamp(u64::MAX))
}

/// Counts a store and keeps what came of it. What is missing is asked for.
pub(super) async fn count(reader: &Reader, entry: &StoreEntry) -> Result<(), Error> {
    let store = entry.id();
    let pipeline = &reader.pipeline;
    let before = reader.counts(store)?;
    let counted = match reader.outbox.storefronts.client(entry).await {
        Ok(client) => compare(pipeline, entry, &*client, reader.history(store)?).await,
        Err(failure) => Err(Stop::Platform(failure)),
    };
    let now = pipeline.clock.now();
    let counts = match counted {
        Ok((counts, shows_more)) => {
            let (orders, customers) = counts.missing();
            let is_new = before.as_ref().is_none_or(|before| before.missing() != counts.missing());
            let is_repairing = is_new && (orders, customers) != (0, 0);
            if is_repairing && orders > 0 {
                reader.reconciler.ask(store, Some(counts.from));
            }
            if shows_more || is_repairing && customers > 0 {
                reader.ask(store);
            }
            if is_repairing {
                tracing::warn!(
                    %store, orders, customers,
                    "store {store} has {orders} orders and {customers} customers that are not known here: they are read again"
                );
            }
            Counts { is_repairing, ..counts }
        }
        Err(Stop::Platform(failure)) => {
            Counts { counted_at: now, error: Some(failure.to_string()), ..before.unwrap_or_default() }
        }
        Err(Stop::Store(error)) => return Err(error),
    };
    reconcile::keep(pipeline, keys::counts(store), &counts).await?;
    // Whoever asks sees it counting until it is seen what came of it.
    reader.asked().to_count.remove(&store);
    Ok(())
}

/// What is counted on both sides, and whether the platform shows more of the past than when it was read.
async fn compare(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    client: &impl Past,
    history: Option<History>,
) -> Result<(Counts, bool), Stop> {
    let unread = || {
        let reason = "the store's history has not been read to its end: a count would miss what it is about to bring";
        Stop::Platform(Failure::Permanent { reason: reason.into() })
    };
    let history = history.filter(History::is_read).ok_or_else(unread)?;
    let now = pipeline.clock.now();
    let shows_all = with_patience(pipeline, client, || client.shows_all_orders()).await?;
    let is_cut = history.is_cut || !shows_all;
    let from =
        if is_cut { history.started_at.saturating_sub(SHOWN).max(now.saturating_sub(SHOWN)) } else { Timestamp(0) };
    let until = now.saturating_sub(SETTLE).max(from);
    let theirs = with_patience(pipeline, client, || client.count((from, until))).await?;
    let ours = known(pipeline, entry.id(), (from, until)).await?;
    let counts = Counts {
        counted_at: now,
        from,
        until,
        orders: (theirs.orders, ours.orders),
        customers: (theirs.customers, ours.customers),
        ..Counts::default()
    };
    Ok((counts, history.is_cut && shows_all))
}

/// What is known of a store: orders placed in a span, and customers there were by its end.
async fn known(pipeline: &Pipeline, store: StoreId, (from, until): (Timestamp, Timestamp)) -> Result<Counted, Error> {
    let is_of_span = |order: &Order| (from..until).contains(&order.placed_at);
    let is_there = |customer: &Customer| {
        let is_one = !customer.is_guest() && !customer.deleted && customer.merged_into.is_none();
        is_one && customer.created_at.is_none_or(|created_at| created_at < until)
    };
    Ok(Counted {
        orders: count_rows(pipeline, keys::orders(store), is_of_span).await?,
        customers: count_rows(pipeline, keys::customers(store), is_there).await?,
    })
}

async fn count_rows<T: Record>(
    pipeline: &Pipeline,
    prefix: crate::store::Key,
    counts: impl Fn(&T) -> bool,
) -> Result<u64, Error> {
    let (mut found, mut scan) = (0, Scan::of(prefix, ROWS));
    loop {
        let rows = pipeline.store.scan(&scan)?;
        for (_, value) in &rows {
            found += u64::from(counts(&decode::<T>(&value.bytes)?));
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => scan.after = Some(last),
            None => return Ok(found),
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond().try_into().unwrap())
    }

    #[test]
    fn a_store_is_counted_in_its_own_night_and_not_twice_in_one() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let night = |last, days| next_night(at(last), days, &zone);
        assert_eq!(night("2026-11-10T20:00:00Z", 1), at("2026-11-11T08:00:00Z"));
        assert_eq!(night("2026-11-11T07:59:00Z", 1), at("2026-11-11T08:00:00Z"));
        assert_eq!(night("2026-11-11T08:00:00Z", 1), at("2026-11-12T08:00:00Z"));
        assert_eq!(night("2026-11-11T08:00:05Z", 1), at("2026-11-12T08:00:00Z"));
        assert_eq!(night("2026-11-11T08:00:05Z", 7), at("2026-11-18T08:00:00Z"));
        // The clock is put back at 2: the night's 3 o'clock is an hour later by the sun.
        assert_eq!(night("2026-10-31T20:00:00Z", 1), at("2026-11-01T08:00:00Z"));
    }
}
