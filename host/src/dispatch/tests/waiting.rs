//! Events that come before the order that they name, and what is kept of an order of events.

use super::*;
use crate::{
    dispatch::bench::START,
    domain::{Order, Refund, Timestamp},
};

const TOPICS: &[&str] = &[
    "order.placed",
    "order.paid",
    "order.updated",
    "order.refunded",
    "order.edited",
    "order.disputed",
    "fulfillment.created",
];

/// A plugin that counts each event under its topic, but one whose order it cannot see under `blind`.
fn seeing_orders(before: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let [blind, because] = ["blind", "because"].map(|text| guest.text(text));
    let before = before.replace("WHY", &because.to_string());
    guest.module(&format!(
        "{before} (call $order (i32.const 400))
         (if (i32.load8_u (i32.const 400))
            (then (call $count (local.get $topic) (local.get $topic_len)))
            (else (call $count {blind})))"
    ))
}

async fn bench_with(module: &[u8]) -> Bench {
    let bench = Bench::new().await;
    bench.install_for(TOPICS, "points", &[], module).await;
    bench.switch_on("points", &[]).await;
    bench
}

fn placed(bench: &Bench, id: u64) -> Event {
    bench.webhook(&format!("placed-{id}"), "orders/create", &order_body(id, "10.00", "2026-10-01T00:00:00Z"))
}

fn refund(bench: &Bench, id: u64, order: u64) -> Event {
    let body = json!({
        "id": id, "order_id": order, "created_at": "2026-10-02T00:00:00Z", "refund_line_items": [],
        "order_adjustments": [],
    });
    bench.webhook(&format!("refund-{id}"), "refunds/create", &body)
}

fn counts(bench: &Bench) -> [u32; 3] {
    ["order.placed", "order.refunded", "blind"].map(|key| bench.counted("points", key))
}

async fn run_due(bench: &Bench) {
    redeliver::run_due(&bench.pipeline).await.unwrap();
}

#[tokio::test]
async fn a_refund_before_its_order_waits_and_is_delivered_once_when_the_order_is_there() {
    let bench = bench_with(&seeing_orders("")).await;
    let position = bench.accept(&refund(&bench, 9, 1)).await;
    let until = START + bench.pipeline.wait_for_order;
    let reason = "the order 1 is not known yet".to_owned();
    assert_eq!(bench.outcome(position, "points"), (0, Outcome::Retrying { due: until, reason }));
    assert!(bench.read::<Refund>(&keys::refund(bench.id, &"1".into(), &"9".into())).is_some(), "the fact is known");
    run_due(&bench).await;
    assert_eq!(counts(&bench), [0, 0, 0]);

    // A process that ends here has everything on disk.
    let bench = bench.restarted();
    bench.accept(&placed(&bench, 1)).await;
    bench.accept(&refund(&bench, 9, 1)).await;
    run_due(&bench).await;
    assert_eq!(counts(&bench), [1, 1, 0]);
    let record = bench.record(position);
    assert_eq!((record.customer, record.deliveries[0].attempt), (Some("7".into()), 1));
    let of_customer = keys::customer_event(bench.id, &"7".into(), position);
    assert!(bench.store.get(&of_customer).unwrap().is_some(), "it is listed among the customer's events");
    for _ in 0..2 {
        bench.accept(&placed(&bench, 1)).await;
        bench.clock.advance(bench.pipeline.wait_for_order);
        run_due(&bench).await;
    }
    assert_eq!((counts(&bench), bench.queued(DueQueue::Deliveries)), ([1, 1, 0], 0));
}

#[tokio::test]
async fn two_refunds_in_one_second_count_both_whether_they_come_before_or_after_the_order() {
    for early in [false, true] {
        let bench = bench_with(&seeing_orders("")).await;
        let refunds = [refund(&bench, 8, 1), refund(&bench, 9, 1)];
        let order = [placed(&bench, 1)];
        let (first, then) = if early { (&refunds[..], &order[..]) } else { (&order[..], &refunds[..]) };
        for event in first.iter().chain(then) {
            bench.accept(event).await;
        }
        run_due(&bench).await;
        assert_eq!(counts(&bench), [1, 2, 0], "early: {early}");
        let known = bench.store.scan(&Scan::of(keys::refunds(bench.id, &"1".into()), 10)).unwrap();
        assert_eq!(known.len(), 2);
    }
}

#[tokio::test]
async fn an_edit_and_a_shipment_wait_for_their_order_too() {
    let bench = bench_with(&seeing_orders("")).await;
    let edit = json!({"order_edit": {"order_id": 1, "created_at": "2026-10-02T00:00:00Z"}});
    let shipment = json!({"id": 5, "order_id": 1, "status": "success", "updated_at": "2026-10-02T00:00:00Z"});
    bench.accept(&bench.webhook("e", "orders/edited", &edit)).await;
    bench.accept(&bench.webhook("f", "fulfillments/create", &shipment)).await;
    assert_eq!((counts(&bench), bench.queued(DueQueue::Deliveries)), ([0, 0, 0], 2));
    bench.accept(&placed(&bench, 1)).await;
    run_due(&bench).await;
    let seen = ["order.edited", "fulfillment.created", "blind"].map(|key| bench.counted("points", key));
    assert_eq!(seen, [1, 1, 0]);
}

#[tokio::test]
async fn a_refund_whose_order_never_comes_is_delivered_without_it_after_the_longest_wait() {
    let bench = bench_with(&seeing_orders("")).await;
    let position = bench.accept(&refund(&bench, 9, 1)).await;
    bench.clock.advance(bench.pipeline.wait_for_order - Duration::from_millis(1));
    run_due(&bench).await;
    assert_eq!(counts(&bench), [0, 0, 0]);
    bench.clock.advance(Duration::from_millis(1));
    run_due(&bench).await;
    assert_eq!(counts(&bench), [0, 0, 1]);
    assert_eq!(bench.outcome(position, "points"), (1, Outcome::Done));
    let notes = &bench.record(position).deliveries[0].notes;
    assert!(notes[0].reason.contains("without it"), "{notes:?}");
    assert!(bench.store.get(&keys::waiting_for(bench.id, &"1".into())).unwrap().is_none());
    // The order comes after all: nothing is delivered twice.
    bench.accept(&placed(&bench, 1)).await;
    run_due(&bench).await;
    assert_eq!(counts(&bench), [1, 0, 1]);
}

#[tokio::test]
async fn a_refund_of_an_order_that_is_committed_at_the_same_moment_does_not_wait() {
    let store = Arc::new(Contended { store: MemoryStore::default(), rival: Mutex::default() });
    let bench = Bench::over(Arc::<Contended>::clone(&store), Arc::new(MemoryInbox::default())).await;
    bench.install_for(TOPICS, "points", &[], &seeing_orders("")).await;
    bench.switch_on("points", &[]).await;
    // The order's commit comes between the refund's look for it and the refund's own commit.
    let elsewhere = Bench::new().await;
    elsewhere.accept(&placed(&elsewhere, 1)).await;
    let order: Order = elsewhere.read(&keys::order(elsewhere.id, &"1".into())).unwrap();
    let key = keys::order(bench.id, &"1".into());
    let list = keys::waiting_for(bench.id, &"1".into());
    *store.rival.lock().unwrap() = Some((list, key, crate::store::encode(&order)));
    bench.accept(&refund(&bench, 9, 1)).await;
    assert_eq!((counts(&bench), bench.pipeline.counters.conflicts.get()), ([0, 1, 0], 1));
    assert_eq!(bench.queued(DueQueue::Deliveries), 0);
}

#[tokio::test]
async fn later_events_of_a_customer_do_not_wait_for_one_whose_delivery_is_to_be_retried() {
    let at_first_of_placed = format!(
        "(if (i32.and (i32.lt_u (local.get $attempt) (i32.const 2)) (i32.eq (local.get $topic_len) (i32.const {})))
            (then (return (call $retry WHY))))",
        "order.placed".len()
    );
    let bench = bench_with(&seeing_orders(&at_first_of_placed)).await;
    let earlier = bench.accept(&placed(&bench, 1)).await;
    let later = bench.accept(&refund(&bench, 9, 1)).await;
    assert!(matches!(bench.outcome(earlier, "points"), (1, Outcome::Retrying { .. })));
    assert_eq!(bench.outcome(later, "points"), (1, Outcome::Done), "it sees the facts of both");
    bench.clock.advance(WAITS[0]);
    run_due(&bench).await;
    assert_eq!(bench.outcome(earlier, "points"), (2, Outcome::Done));
    assert_eq!(counts(&bench), [1, 1, 0]);
}

#[tokio::test]
async fn events_of_one_customer_are_handled_in_the_order_of_their_arrival() {
    // Rejects an event that happened before one that it has handled for the same customer.
    let mut guest = Guest::default();
    let because = guest.text("because");
    let customer = "(i32.load (i32.const 408)) (i32.load (i32.const 412))";
    let in_order = guest.module(&format!(
        "(call $customer (i32.const 400))
         (call $state_get {customer} (i32.const 16))
         (if (i32.load8_u (i32.const 16)) (then
            (if (i64.lt_u (local.get $at) (i64.load (i32.load (i32.const 20)))) (then (return (call $reject {because}))))))
         (i64.store (i32.const 128) (local.get $at))
         (call $state_set {customer} (i32.const 128) (i32.const 8) (i32.const 64))"
    ));
    let bench = bench_with(&in_order).await;
    for number in 0..240_u64 {
        bench.clock.advance(Duration::from_millis(1));
        let mut body = order_body(number, "10.00", "2026-10-01T00:00:00Z");
        body["customer"] = json!({"id": number % 5});
        bench.append(&bench.webhook(&number.to_string(), "orders/paid", &body)).await;
    }
    let concurrency = Concurrency { in_flight: 16, threads: 4 };
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), concurrency).unwrap();
    reaches(&dispatcher, 241).await;
    dispatcher.stop().await;
    let counters = &bench.pipeline.counters;
    assert_eq!((counters.deliveries_done.get(), counters.deliveries_dead.get()), (240, 0));
}

#[tokio::test]
async fn an_edit_after_the_payment_changes_the_facts_and_what_was_paid_stays_paid() {
    let bench = bench_with(&seeing_orders("")).await;
    let body = |total: &str, at: &str| order_body(1, total, at);
    bench.accept(&bench.webhook("p", "orders/paid", &body("10.00", "2026-10-01T00:00:00Z"))).await;
    let edit = json!({"order_edit": {"order_id": 1, "committed_at": "2026-10-01T01:00:00Z"}});
    bench.accept(&bench.webhook("e", "orders/edited", &edit)).await;
    bench.accept(&bench.webhook("u", "orders/updated", &body("25.00", "2026-10-01T01:00:00Z"))).await;
    // The order as it was before, repeated late.
    bench.accept(&bench.webhook("late", "orders/updated", &body("10.00", "2026-10-01T00:30:00Z"))).await;
    let order: Order = bench.read(&keys::order(bench.id, &"1".into())).unwrap();
    assert_eq!((order.total.minor, order.updated_at), (2_500, Timestamp(1_790_816_400_000)));
    let seen = ["order.paid", "order.edited", "order.updated", "blind"].map(|key| bench.counted("points", key));
    assert_eq!(seen, [1, 1, 2, 0]);
}

#[tokio::test]
async fn a_dispute_before_its_order_waits_for_it() {
    let bench = bench_with(&seeing_orders("")).await;
    let body = json!({"id": 9, "order_id": 1, "status": "needs_response", "amount": "10.00", "currency": "EUR"});
    bench.accept(&bench.webhook("dispute", "disputes/create", &body)).await;
    run_due(&bench).await;
    assert_eq!(bench.counted("points", "order.disputed"), 0);
    bench.accept(&placed(&bench, 1)).await;
    run_due(&bench).await;
    assert_eq!((bench.counted("points", "order.disputed"), bench.counted("points", "blind")), (1, 0));
}
