//! Replays of everything that fits a selection.

use serde_json::json;

use super::{
    ReplayedPage, Selection,
    bench::{Bench, START},
    redeliver,
};
use crate::{
    engine::guest::Guest,
    store::{Position, Scan, keys, keys::DueQueue},
};

fn counting() -> Vec<u8> {
    let mut guest = Guest::default();
    let seen = guest.text("seen");
    guest.module(&format!("(call $count {seen})"))
}

fn refusing() -> Vec<u8> {
    let mut guest = Guest::default();
    let why = guest.text("because");
    guest.module(&format!("(return (call $reject {why}))"))
}

#[tokio::test]
async fn a_range_of_failures_is_replayed_a_page_at_a_time_and_each_counts_once() {
    let mut bench = Bench::new().await;
    std::sync::Arc::get_mut(&mut bench.pipeline).unwrap().pause_after = 0;
    bench.enable("mended", &[], &refusing()).await;
    bench.enable("other", &[], &refusing()).await;
    for id in 1..=300 {
        bench.accept(&bench.order(&id.to_string())).await;
    }
    let unreadable = bench.accept(&bench.webhook("odd", "orders/paid", &json!({"name": "no id"}))).await;
    for name in ["mended", "other"] {
        bench.install(name, &[], &counting()).await;
    }
    let pages = async |selection: &Selection, dry_run: bool| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = bench.pipeline.replay_page(bench.id, selection, after, dry_run).await.unwrap();
            after = page.next;
            found.push(page);
            if after.is_none() {
                return found;
            }
        }
    };
    let count = |pages: &[ReplayedPage], plugin: &str| -> u64 {
        pages.iter().filter_map(|page| page.deliveries.get(&plugin.into())).sum()
    };
    let all = Selection::default();
    let dry = pages(&all, true).await;
    assert_eq!((dry.len(), count(&dry, "mended"), count(&dry, "other"), dry[1].read_again), (2, 300, 300, 1));
    assert_eq!(bench.queued(DueQueue::Deliveries), 0, "a dry run changes nothing");

    let part = Selection {
        from: Some(Position(11)),
        to: Some(Position(20)),
        plugin: Some("mended".into()),
        topic: Some("order.paid".to_owned().into()),
        since: Some(START),
        ..all.clone()
    };
    let none = Selection { until: Some(START), ..part.clone() };
    assert_eq!(pages(&none, false).await, [ReplayedPage::default()]);
    for _ in 0..2 {
        pages(&part, false).await;
        redeliver::run_due(&bench.pipeline).await.unwrap();
        assert_eq!((bench.counted("mended", "seen"), bench.counted("other", "seen")), (10, 0));
    }
    let rest = pages(&all, false).await;
    assert_eq!((count(&rest, "mended"), count(&rest, "other")), (290, 300));
    assert_eq!(rest[1].skipped.values().sum::<u64>(), 1, "what cannot be read still cannot");
    for _ in 0..5 {
        redeliver::run_due(&bench.pipeline).await.unwrap();
    }
    assert_eq!((bench.counted("mended", "seen"), bench.counted("other", "seen")), (300, 300));
    let failed = bench.store.scan(&Scan::of(keys::failed_events(bench.id), 10)).unwrap();
    assert_eq!(failed.len(), 1, "only the one that cannot be read is still listed");
    assert!(bench.record(unreadable).has_failed());
}
