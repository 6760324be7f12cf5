//! Runs that somebody asks for since a moment: nothing before it is passed over, and nothing after it is left out.

use super::*;

/// Orders of which a page holds two, each changed a minute after the one before.
fn five() -> Vec<Sold> {
    (1..=5).map(|id| Sold { updated: 30 + id, ..returned(id) }).collect()
}

/// Runs that nobody asks for, until there is no more to read.
async fn go_on(bench: &Bench, shop: &Shop, settings: Settings) -> Reconciliation {
    loop {
        let found = reconcile(bench, shop, settings).await;
        if !found.more {
            return found;
        }
    }
}

#[tokio::test]
async fn what_changed_between_the_last_run_and_the_moment_asked_for_is_read_all_the_same() {
    let bench = store().await;
    let no_overlap = Settings { overlap: Duration::ZERO, ..SETTINGS };
    assert_eq!(reconcile(&bench, &Shop::default(), no_overlap).await.until, after(89));
    bench.clock.advance(MINUTE * 120);
    let missed = Sold { id: 1, placed: 120, updated: 120, ..Sold::default() };
    let shop = Shop { sold: vec![missed], ..Shop::default() };
    let found = reconcile_since(&bench, &shop, no_overlap, Some(180)).await;
    assert_eq!(found.until, after(209));
    reconcile(&bench, &shop, no_overlap).await;
    assert_eq!(counts(&bench), [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_first_run_reads_from_when_the_store_was_added_whatever_later_moment_is_asked_for() {
    let bench = store().await;
    let shop = Shop { sold: vec![returned(1)], ..Shop::default() };
    let no_overlap = Settings { overlap: Duration::ZERO, ..SETTINGS };
    reconcile_since(&bench, &shop, no_overlap, Some(60)).await;
    reconcile(&bench, &shop, no_overlap).await;
    assert_eq!(counts(&bench), [1, 1, 2, 0, 0]);
}

#[tokio::test]
async fn the_rest_of_what_was_asked_for_is_read_where_a_run_stops_at_its_bound() {
    let bench = store().await;
    let one_page = Settings { pages: 1, overlap: Duration::ZERO, ..SETTINGS };
    reconcile(&bench, &Shop::default(), one_page).await;
    let shop = Shop { sold: five(), ..Shop::default() };
    let found = reconcile_since(&bench, &shop, one_page, Some(0)).await;
    assert_eq!((found.until, found.more), (after(32), true), "no further than whole pages go");
    assert_eq!(go_on(&bench, &shop, one_page).await.until, after(89));
    assert_eq!(counts(&bench), [5, 5, 10, 0, 0]);
}

#[tokio::test]
async fn the_rest_of_an_overlap_is_read_where_a_run_stops_at_its_bound() {
    let bench = store().await;
    reconcile(&bench, &Shop::default(), SETTINGS).await;
    let shop = Shop { sold: five(), ..Shop::default() };
    let found = go_on(&bench, &shop, Settings { pages: 1, ..SETTINGS }).await;
    assert_eq!((found.until, counts(&bench)), (after(89), [5, 5, 10, 0, 0]));
}

#[tokio::test]
async fn the_rest_of_what_was_asked_for_is_read_where_a_run_fails() {
    let no_overlap = Settings { overlap: Duration::ZERO, ..SETTINGS };
    for answered in [0, 14] {
        let bench = store().await;
        reconcile(&bench, &Shop::default(), no_overlap).await;
        let shop = Shop { sold: five(), ..Shop::default() };
        let refused = Some(Failure::Permanent { reason: "no such field".into() });
        shop.faults.lock().unwrap().extend((0..answered).map(|_| None).chain([refused]));
        let found = reconcile_since(&bench, &shop, no_overlap, Some(0)).await;
        assert!(found.latest.error.is_some() && found.more, "{found:?}");
        assert!(found.until < after(89), "{found:?}");
        let found = go_on(&bench, &shop, no_overlap).await;
        assert_eq!((found.until, counts(&bench)), (after(89), [5, 5, 10, 0, 0]));
    }
}

#[tokio::test]
async fn what_was_asked_of_a_run_that_cannot_begin_is_read_by_the_next() {
    let bench = store().await;
    let no_overlap = Settings { overlap: Duration::ZERO, ..SETTINGS };
    reconcile(&bench, &Shop::default(), no_overlap).await;
    let entry = bench.catalog.registry().store(bench.id).cloned().unwrap();
    let failure = Failure::Transient { reason: "events wait".into() };
    fail(&bench.pipeline, no_overlap, &entry, Some(after(10)), &failure).await.unwrap();
    fail(&bench.pipeline, no_overlap, &entry, None, &failure).await.unwrap();
    let shop = Shop { sold: five(), ..Shop::default() };
    reconcile(&bench, &shop, no_overlap).await;
    assert_eq!(counts(&bench), [5, 5, 10, 0, 0]);
}
