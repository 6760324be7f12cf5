//! Timers and expiries against a clock that is moved by hand.

use std::collections::HashMap;

use super::*;
use crate::{
    dispatch::bench::{Bench, DAY},
    engine::guest::{ANSWER, Guest},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A plugin that sets a timer when an order is paid, cancels it when one is cancelled, and counts what fires. `when`
/// says for which instant.
fn reminding(when: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let [timer, fired] = ["remind", "fired"].map(|text| guest.text(text));
    let topic = |name: &str| format!("(i32.eq (local.get $topic_len) (i32.const {}))", name.len());
    guest.module(&format!(
        "(if {} (then (call $timer_at {timer} {when} {fired} (i32.const {ANSWER}))))
         (if {} (then (drop (call $timer_cancel {timer}))))
         (if {} (then (call $count {fired})))",
        topic("order.paid"),
        topic("order.cancelled"),
        topic("timer.fired"),
    ))
}

async fn bench(when: &str) -> Bench {
    let bench = Bench::new().await;
    bench.enable("reminding", &[], &reminding(when)).await;
    bench
}

const IN_A_MINUTE: &str = "(i64.add (call $now) (i64.const 60000))";

/// Positions of the events that the schedule appends now.
async fn fires(bench: &Bench, fired: &mut HashMap<Due, Position>) -> Vec<Position> {
    let before = *bench.inbox.durable().borrow();
    fire_timers(&bench.pipeline, fired).await.unwrap();
    let after = *bench.inbox.durable().borrow();
    (before.0 + 1..=after.0).map(Position).collect()
}

#[tokio::test]
async fn a_timer_fires_once_when_it_is_due_however_often_it_is_looked_at() {
    let bench = bench(IN_A_MINUTE).await;
    bench.accept(&bench.order("1")).await;
    let mut fired = HashMap::new();
    bench.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(fires(&bench, &mut fired).await, []);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(fires(&bench, &mut fired).await, [Position(2)]);
    assert_eq!(fires(&bench, &mut fired).await, [], "it is in the inbox already");
    let event = bench.inbox.get(Position(2)).unwrap().unwrap();
    assert_eq!(event.body, "fired", "the payload");

    // A restart forgets that, and appends it once more before it is applied.
    let bench = bench.restarted();
    assert_eq!(fires(&bench, &mut HashMap::new()).await, [Position(3)]);
    for position in [2, 3] {
        bench.apply_at(Position(position)).await;
    }
    assert_eq!(bench.counted("reminding", "fired"), 1);
    assert_eq!(bench.queued(DueQueue::Timers), 0);
    assert_eq!(fires(&bench, &mut HashMap::new()).await, []);
}

#[tokio::test]
async fn a_cancelled_timer_does_not_fire_even_if_its_event_is_on_the_way() {
    let bench = bench(IN_A_MINUTE).await;
    let cancel = |id: &str| {
        let mut event = bench.order(id);
        event.origin = Origin::Webhook {
            platform: crate::domain::Platform::Shopify,
            topic: "orders/cancelled".into(),
            api_version: "2026-10".into(),
        };
        event
    };
    bench.accept(&bench.order("1")).await;
    bench.accept(&cancel("2")).await;
    bench.clock.advance(MINUTE);
    assert_eq!(fires(&bench, &mut HashMap::new()).await, []);

    bench.accept(&bench.order("3")).await;
    bench.clock.advance(MINUTE);
    let [late] = fires(&bench, &mut HashMap::new()).await[..] else { panic!("one timer is due") };
    bench.accept(&cancel("4")).await;
    bench.apply_at(late).await;
    assert_eq!(bench.counted("reminding", "fired"), 0);
    assert_eq!(bench.queued(DueQueue::Timers), 0);
}

#[tokio::test]
async fn a_timer_set_anew_fires_at_its_new_time_only() {
    let bench = bench(IN_A_MINUTE).await;
    bench.accept(&bench.order("1")).await;
    bench.clock.advance(MINUTE / 2);
    bench.accept(&bench.order("2")).await;
    bench.clock.advance(MINUTE / 2);
    assert_eq!(fires(&bench, &mut HashMap::new()).await, []);
    bench.clock.advance(MINUTE / 2);
    let [late] = fires(&bench, &mut HashMap::new()).await[..] else { panic!("one timer is due") };
    // Set once more while its event is on the way: that event is no longer what the plugin asked for.
    bench.accept(&bench.order("3")).await;
    bench.apply_at(late).await;
    assert_eq!(bench.counted("reminding", "fired"), 0);
    bench.clock.advance(MINUTE);
    let [position] = fires(&bench, &mut HashMap::new()).await[..] else { panic!("one timer is due") };
    bench.apply_at(position).await;
    assert_eq!(bench.counted("reminding", "fired"), 1);
}

#[tokio::test]
async fn a_timer_set_again_for_an_instant_at_which_it_has_fired_fires_again() {
    let instant = crate::dispatch::bench::START + MINUTE;
    let bench = bench(&format!("(i64.const {})", instant.0)).await;
    let mut fired = HashMap::new();
    for (id, count) in [("1", 1), ("2", 2)] {
        bench.accept(&bench.order(id)).await;
        bench.clock.advance(MINUTE);
        let [position] = fires(&bench, &mut fired).await[..] else { panic!("one timer is due") };
        bench.apply_at(position).await;
        assert_eq!(bench.counted("reminding", "fired"), count);
        assert_eq!(fires(&bench, &mut fired).await, []);
    }
    assert_eq!(bench.queued(DueQueue::Timers), 0);
}

async fn checkpoint(bench: &Bench, position: Position) {
    let mut transaction = bench.transaction();
    transaction.put(keys::meta(APPLIED_BEFORE), &position);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn ids_are_forgotten_after_a_while_and_decisions_after_a_longer_one() {
    let bench = bench(IN_A_MINUTE).await;
    let event = bench.order("1");
    let position = bench.accept(&event).await;
    checkpoint(&bench, position.next()).await;
    let (id, record) = (keys::event_id(bench.id, &event.id), keys::event(bench.id, position));
    let of_customer = keys::customer_event(bench.id, &"7".into(), position);
    let kept = || [&id, &record, &of_customer].map(|key| bench.store.get(key).unwrap().is_some());
    bench.clock.advance(7 * DAY - Duration::from_millis(1));
    expire(&bench.pipeline).await.unwrap();
    assert_eq!(kept(), [true, true, true]);
    bench.clock.advance(Duration::from_millis(1));
    expire(&bench.pipeline).await.unwrap();
    assert_eq!(kept(), [false, true, true]);
    bench.clock.advance(393 * DAY - Duration::from_millis(1));
    expire(&bench.pipeline).await.unwrap();
    assert_eq!(kept(), [false, true, true]);
    bench.clock.advance(Duration::from_millis(1));
    expire(&bench.pipeline).await.unwrap();
    assert_eq!(kept(), [false, false, false]);
    assert_eq!(bench.queued(DueQueue::Expiries), 0);
}

#[tokio::test]
async fn a_host_that_was_off_for_weeks_forgets_no_id_that_its_start_reads_again() {
    let bench = bench(IN_A_MINUTE).await;
    let event = bench.order("1");
    let position = bench.accept(&event).await;
    bench.clock.advance(30 * DAY);
    let bench = bench.restarted();
    expire(&bench.pipeline).await.unwrap();
    bench.apply_at(position).await;
    assert_eq!(bench.pipeline.counters.events_applied.get(), 0);
    checkpoint(&bench, position.next()).await;
    expire(&bench.pipeline).await.unwrap();
    assert_eq!(bench.store.get(&keys::event_id(bench.id, &event.id)).unwrap(), None);
}
