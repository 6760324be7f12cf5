//! Plugins that are paused: what waits for them, in which order it runs, and what is not concerned.

use serde_json::json;

use super::{
    Concurrency, Dispatcher,
    bench::{Bench, DOMAIN, PAUSE_AFTER, WAITS, order_body},
    redeliver,
};
use crate::{
    catalog::Error,
    domain::{Outcome, PluginName},
    engine::guest::Guest,
    store::{Position, Scan, keys, keys::DueQueue},
};

fn counting_then(after: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let seen = guest.text("seen");
    guest.module(&format!("(call $count {seen}) {after}"))
}

/// Fails for every topic but `customer.created`, which is 16 bytes long.
const FAILS_FOR_ORDERS: &str = "(if (i32.ne (local.get $topic_len) (i32.const 16)) (then (unreachable)))";

fn name() -> PluginName {
    "failing".into()
}

/// A store in which one plugin fails and another works, with so many orders accepted.
async fn failing(orders: u32) -> Bench {
    let bench = Bench::new().await;
    bench.enable("failing", &[], &counting_then(FAILS_FOR_ORDERS)).await;
    bench.enable("steady", &[], &counting_then("")).await;
    for id in 1..=orders {
        bench.accept(&bench.order(&id.to_string())).await;
    }
    bench
}

fn is_paused(bench: &Bench) -> bool {
    bench.catalog.store_named(DOMAIN).unwrap().plugin(&name()).unwrap().is_paused()
}

fn waiting(bench: &Bench) -> Vec<u64> {
    let rows = bench.store.scan(&Scan::of(keys::all_waiting(bench.id, &name()), 100)).unwrap();
    rows.iter().map(|(key, _)| keys::position_of(key).unwrap().0).collect()
}

#[tokio::test]
async fn a_plugin_that_fails_again_and_again_is_paused_with_a_reason_and_what_comes_waits() {
    let bench = failing(PAUSE_AFTER - 1).await;
    assert!(!is_paused(&bench));
    bench.accept(&bench.order("last")).await;
    assert!(is_paused(&bench));
    let entry = bench.catalog.store_named(DOMAIN).unwrap();
    let paused = entry.plugin(&name()).unwrap().paused.clone().unwrap();
    assert!(paused.reason.contains("4 deliveries in a row") && paused.reason.contains("unreachable"), "{paused:?}");

    let position = bench.accept(&bench.order("next")).await;
    let (attempt, outcome) = bench.outcome(position, "failing");
    assert!(
        attempt == 0 && matches!(&outcome, Outcome::Waiting { reason } if reason.contains("paused")),
        "{outcome:?}"
    );
    assert_eq!(bench.outcome(position, "steady"), (1, Outcome::Done), "the others go on");
    // What had failed and falls due waits with the rest, in order of arrival.
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(waiting(&bench), [1, 2, 3, 4, 5]);
    assert_eq!(bench.queued(DueQueue::Deliveries), 0);
    assert_eq!(bench.pipeline.counters.plugins_paused.get(), 1);
    assert!(is_paused(&bench.restarted()), "a restart does not forget it");
}

#[tokio::test]
async fn a_success_in_between_begins_the_count_anew_and_repeats_do_not_count() {
    let bench = failing(PAUSE_AFTER - 1).await;
    let created = json!({"id": 7, "email": "mira@example.com", "updated_at": "2026-10-01T00:00:00Z"});
    bench.accept(&bench.webhook("created", "customers/create", &created)).await;
    for id in 1..PAUSE_AFTER {
        bench.accept(&bench.order(&format!("more-{id}"))).await;
    }
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert!(!is_paused(&bench));
    bench.accept(&bench.order("last")).await;
    assert!(is_paused(&bench));
}

#[tokio::test]
async fn a_resumed_plugin_runs_what_waited_first_and_what_comes_meanwhile_behind_it() {
    let bench = failing(PAUSE_AFTER + 2).await;
    // Installing what has been mended lets it go on by itself.
    bench.install("failing", &[], &counting_then("")).await;
    assert!(!is_paused(&bench));
    let late = bench.accept(&bench.order("late")).await;
    assert!(matches!(bench.outcome(late, "failing").1, Outcome::Waiting { .. }), "it is not its turn yet");
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(waiting(&bench), [1, 2, 3, 4], "those that had failed fell due meanwhile");
    redeliver::run_due(&bench.pipeline).await.unwrap();
    // The round that finds nothing waiting ends the pause.
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(bench.counted("failing", "seen"), PAUSE_AFTER + 3);
    assert_eq!(waiting(&bench), [] as [u64; 0]);
    let next = bench.accept(&bench.order("next")).await;
    assert_eq!(bench.outcome(next, "failing"), (1, Outcome::Done));
}

#[tokio::test]
async fn resuming_by_hand_and_by_new_settings_let_it_go_on_and_failing_again_pauses_again() {
    let bench = failing(PAUSE_AFTER + PAUSE_AFTER).await;
    bench.catalog.resume(DOMAIN, &name()).await.unwrap();
    assert!(matches!(bench.catalog.resume(DOMAIN, &name()).await, Err(Error::NotPaused { .. })));
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert!(is_paused(&bench), "it still fails");
    bench.catalog.save_settings(DOMAIN, &name(), &json!({})).await.unwrap();
    assert!(!is_paused(&bench));
}

#[tokio::test]
async fn what_waits_survives_switching_off_and_runs_after_switching_on() {
    let bench = failing(PAUSE_AFTER + 1).await;
    bench.catalog.disable(DOMAIN, &name()).await.unwrap();
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(waiting(&bench), [u64::from(PAUSE_AFTER) + 1]);
    bench.enable("failing", &[], &counting_then("")).await;
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(bench.counted("failing", "seen"), 1);
}

#[tokio::test]
async fn poison_holds_up_neither_its_store_nor_its_customer() {
    let bench = Bench::new().await;
    let mut guest = Guest::default();
    let seen = guest.text("seen");
    let on = |topic: &str, then: &str| {
        format!("(if (i32.eq (local.get $topic_len) (i32.const {})) (then {then}))", topic.len())
    };
    let code = [
        on("order.cancelled", "(loop $on (br $on))"),
        on("customer.created", "(drop (memory.grow (i32.const 60000))) (unreachable)"),
        format!("(call $count {seen})"),
    ];
    bench.enable("counter", &[], &guest.module(&code.join(" "))).await;
    let body = order_body(1, "10.00", "2026-10-01T00:00:00Z");
    let customer = json!({"id": 7, "email": "mira@example.com", "updated_at": "2026-10-01T00:00:00Z"});
    let mut huge = body.clone();
    huge["customer"]["email"] = format!("{}@example.com", "m".repeat(2_000)).into();
    let events = [
        bench.webhook("first", "orders/paid", &body),
        bench.webhook("unreadable", "orders/paid", &json!({"name": "no id", "customer": {"id": 7}})),
        bench.webhook("loops", "orders/cancelled", &body),
        bench.webhook("swells", "customers/create", &customer),
        bench.webhook("huge", "orders/paid", &huge),
        bench.webhook("last", "orders/paid", &body),
    ];
    for event in &events {
        bench.append(event).await;
    }
    let dispatcher =
        Dispatcher::start(std::sync::Arc::clone(&bench.pipeline), Concurrency { in_flight: 1, threads: 1 }).unwrap();
    let mut reached = dispatcher.reached.clone();
    let all = reached.wait_for(|reached| reached.0 > events.len() as u64);
    tokio::time::timeout(std::time::Duration::from_secs(60), all).await.expect("all are applied").unwrap();
    dispatcher.stop().await;

    assert_eq!(bench.counted("counter", "seen"), 2, "the first and the last");
    for (position, why) in [(2, "id"), (5, "cannot be applied")] {
        let reason = bench.record(Position(position)).unreadable.unwrap();
        assert!(reason.contains(why), "{reason}");
    }
    for (position, why) in [(3, "fuel"), (4, "memory")] {
        let Outcome::Retrying { reason, .. } = bench.outcome(Position(position), "counter").1 else { panic!() };
        assert!(reason.contains(why), "{reason}");
    }
    let listed = bench.store.scan(&Scan::of(keys::failed_events(bench.id), 100)).unwrap();
    let listed: Vec<_> = listed.iter().map(|(key, _)| keys::position_of(key).unwrap().0).collect();
    assert_eq!(listed, [2, 3, 4, 5], "each is listed as failed");
    for wait in WAITS {
        bench.clock.advance(wait);
        redeliver::run_due(&bench.pipeline).await.unwrap();
    }
    for position in [3, 4] {
        assert!(matches!(bench.outcome(Position(position), "counter").1, Outcome::Dead { .. }));
    }
}
