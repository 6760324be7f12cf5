//! Customers that become one: what a plugin keeps of the absorbed one is the kept one's, whatever came first.

use super::*;
use crate::{
    dispatch::merges,
    domain::{CustomerId, Origin},
    store::{EventRecord, due::Round},
};

const TOPICS: &[&str] = &["order.paid", "customer.merged", "shopper.action"];

/// A plugin that counts under each customer's id, and adds the absorbed customer's count to the kept one's. `before` runs
/// first.
fn by_customer(before: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let because = guest.text("because");
    let number = |at: u32| format!("(i32.load (i32.load (i32.const {at})))");
    let [kept, absorbed] =
        [300, 308].map(|at| format!("(i32.load (i32.const {at})) (i32.load (i32.const {}))", at + 4));
    let merge = format!(
        "(call $merge (i32.const {ANSWER}))
         (if (i32.load8_u (i32.const 16)) (then
            (i64.store (i32.const 300) (i64.load (i32.const 20))) (i64.store (i32.const 308) (i64.load (i32.const 28)))
            (call $state_get {absorbed} (i32.const 16))
            (if (i32.load8_u (i32.const 16)) (then
                (local.set $n {moved})
                (call $state_get {kept} (i32.const 16))
                (if (i32.load8_u (i32.const 16)) (then (local.set $n (i32.add (local.get $n) {there}))))
                (i32.store (i32.const 128) (local.get $n))
                (call $state_set {kept} (i32.const 128) (i32.const 4) (i32.const 64))
                (call $state_delete {absorbed} (i32.const 64))))))",
        moved = number(20),
        there = number(20),
    );
    let order = "(call $customer (i32.const 400))
         (if (i32.load8_u (i32.const 400)) (then (call $count (i32.load (i32.const 408)) (i32.load (i32.const 412)))))";
    let action = "(call $action (i32.const 16))
         (call $count (i32.load (i32.const 32)) (i32.load (i32.const 36)))";
    let before = before.replace("WHY", &because.to_string());
    guest.module(&format!(
        "{before}
         (if (i32.eq (local.get $topic_len) (i32.const {})) (then {merge}))
         (if (i32.eq (local.get $topic_len) (i32.const {})) (then {order}))
         (if (i32.eq (local.get $topic_len) (i32.const {})) (then {action}))",
        "customer.merged".len(),
        "order.paid".len(),
        "shopper.action".len(),
    ))
}

/// Asks for a retry at the first attempt of events of a topic.
fn at_first_of(topic: &str) -> String {
    format!(
        "(if (i32.and (i32.lt_u (local.get $attempt) (i32.const 2)) (i32.eq (local.get $topic_len) (i32.const {})))
            (then (return (call $retry WHY))))",
        topic.len()
    )
}

async fn counting_by_customer(names: &[&str]) -> Bench {
    let bench = Bench::new().await;
    for name in names {
        bench.install_for(TOPICS, name, &[], &by_customer("")).await;
        bench.switch_on(name, &[]).await;
    }
    bench
}

/// A paid order of a customer.
fn order_of(bench: &Bench, customer: u64, id: u64) -> Event {
    let mut body = order_body(id, "10.00", "2026-10-01T00:00:00Z");
    body["customer"] = json!({"id": customer, "email": format!("{customer}@example.com")});
    bench.webhook(&format!("order-{id}"), "orders/paid", &body)
}

fn merged(bench: &Bench, id: &str, kept: u64, absorbed: u64) -> Event {
    let global = |id: u64| format!("gid://shopify/Customer/{id}");
    let body = json!({
        "admin_graphql_api_customer_kept_id": global(kept),
        "admin_graphql_api_customer_deleted_id": global(absorbed), "status": "completed",
    });
    bench.webhook(id, "customers/merge", &body)
}

fn counts(bench: &Bench, plugin: &str) -> [u32; 3] {
    ["7", "8", "9"].map(|customer| bench.counted(plugin, customer))
}

/// Applies what has been appended and has not been applied yet.
async fn catch_up(bench: &Bench, from: u64) {
    for (position, _) in bench.inbox.read(Position(from), 100, 1 << 20).unwrap() {
        bench.apply_at(position).await;
    }
}

#[tokio::test]
async fn a_merge_moves_the_state_of_every_plugin_that_has_any() {
    let bench = counting_by_customer(&["points", "stamps"]).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    bench.accept(&order_of(&bench, 8, 2)).await;
    bench.accept(&merged(&bench, "m", 8, 7)).await;
    for plugin in ["points", "stamps"] {
        assert_eq!(counts(&bench, plugin), [0, 2, 0]);
    }
    // Orders and actions that still name the absorbed customer count for the one that is left.
    bench.accept(&order_of(&bench, 7, 3)).await;
    let origin = Origin::Action { plugin: "points".into(), customer: "7".into(), name: "redeem".into() };
    bench.accept(&Event { origin, body: "{}".into(), ..bench.order("action") }).await;
    assert_eq!((counts(&bench, "points"), counts(&bench, "stamps")), ([0, 4, 0], [0, 3, 0]));
}

#[tokio::test]
async fn a_merge_told_twice_or_before_any_order_counts_nothing_twice() {
    let bench = counting_by_customer(&["points"]).await;
    bench.accept(&merged(&bench, "m1", 8, 7)).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    bench.accept(&merged(&bench, "m2", 8, 7)).await;
    bench.accept(&merged(&bench, "m1", 8, 7)).await;
    bench.accept(&merged(&bench, "back", 7, 8)).await;
    assert_eq!(counts(&bench, "points"), [0, 1, 0]);
}

#[tokio::test]
async fn a_chain_of_merges_ends_at_the_customer_that_is_left_in_whatever_order_it_comes() {
    for turned in [false, true] {
        let bench = counting_by_customer(&["points"]).await;
        for (customer, order) in [(7, 1), (8, 2), (9, 3)] {
            bench.accept(&order_of(&bench, customer, order)).await;
        }
        let mut chain = [merged(&bench, "a", 8, 7), merged(&bench, "b", 9, 8)];
        if turned {
            chain.reverse();
        }
        for merge in &chain {
            bench.accept(merge).await;
        }
        assert_eq!(counts(&bench, "points"), [0, 0, 3], "turned: {turned}");
    }
}

#[tokio::test]
async fn a_merge_that_is_not_complete_moves_nothing() {
    let bench = counting_by_customer(&["points"]).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    let begun = merged(&bench, "m", 8, 7);
    let body = String::from_utf8(begun.body.to_vec()).unwrap().replace("completed", "in_progress");
    bench.accept(&Event { body: body.into(), ..begun }).await;
    assert_eq!(counts(&bench, "points"), [1, 0, 0]);
}

#[tokio::test]
async fn a_merge_that_waits_for_its_retry_moves_to_whoever_is_left_by_then() {
    let bench = Bench::new().await;
    bench.install_for(TOPICS, "points", &[], &by_customer(&at_first_of("customer.merged"))).await;
    bench.switch_on("points", &[]).await;
    for (customer, order) in [(7, 1), (8, 2)] {
        bench.accept(&order_of(&bench, customer, order)).await;
    }
    bench.accept(&merged(&bench, "a", 8, 7)).await;
    bench.accept(&merged(&bench, "b", 9, 8)).await;
    // What the merges' customers buy meanwhile is counted at once.
    bench.accept(&order_of(&bench, 7, 3)).await;
    assert_eq!(counts(&bench, "points"), [1, 1, 1]);
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(counts(&bench, "points"), [0, 0, 3]);
}

#[tokio::test]
async fn an_order_that_waits_for_its_retry_counts_for_the_customer_that_is_left_by_then() {
    let bench = Bench::new().await;
    bench.install_for(TOPICS, "points", &[], &by_customer(&at_first_of("order.paid"))).await;
    bench.switch_on("points", &[]).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    bench.accept(&merged(&bench, "m", 8, 7)).await;
    assert_eq!(counts(&bench, "points"), [0, 0, 0]);
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(counts(&bench, "points"), [0, 1, 0]);
}

#[tokio::test]
async fn a_plugin_that_was_off_is_told_of_the_merge_when_it_is_switched_on() {
    let bench = counting_by_customer(&["points", "stamps"]).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    bench.catalog.disable(DOMAIN, &"points".into()).await.unwrap();
    bench.accept(&merged(&bench, "m", 8, 7)).await;
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 0, "it is still off");
    assert_eq!((counts(&bench, "points"), counts(&bench, "stamps")), ([1, 0, 0], [0, 1, 0]));

    // Told, and switched off again before it could hear.
    bench.switch_on("points", &[]).await;
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 1);
    bench.catalog.disable(DOMAIN, &"points".into()).await.unwrap();
    catch_up(&bench, 3).await;
    assert_eq!(counts(&bench, "points"), [1, 0, 0]);

    bench.clock.advance(Duration::from_secs(1));
    bench.switch_on("points", &[]).await;
    for _ in 0..2 {
        assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 1);
    }
    catch_up(&bench, 4).await;
    assert_eq!((counts(&bench, "points"), counts(&bench, "stamps")), ([0, 1, 0], [0, 1, 0]));
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_version_that_lists_merges_is_told_of_those_that_its_forerunner_missed() {
    let bench = Bench::new().await;
    bench.install_for(&["order.paid"], "points", &[], &by_customer("")).await;
    bench.switch_on("points", &[]).await;
    bench.accept(&order_of(&bench, 7, 1)).await;
    bench.accept(&merged(&bench, "m", 8, 7)).await;
    assert_eq!(counts(&bench, "points"), [1, 0, 0]);
    bench.install_for(TOPICS, "points", &[], &by_customer("")).await;
    // The process ended before it could tell: the next start does.
    let bench = bench.restarted();
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), Concurrency { in_flight: 2, threads: 1 }).unwrap();
    reaches(&dispatcher, 4).await;
    dispatcher.stop().await;
    assert_eq!(counts(&bench, "points"), [0, 1, 0]);
}

/// A paid order of somebody without a customer record, who has customer 7's address.
fn order_of_guest(bench: &Bench, id: u64) -> Event {
    let mut body = order_body(id, "10.00", "2026-10-01T00:00:00Z");
    (body["customer"], body["email"]) = (json!(null), json!("7@example.com"));
    bench.webhook(&format!("order-{id}"), "orders/paid", &body)
}

/// The platform has seen that customer 7 reads the address's mail.
fn seen(bench: &Bench, id: &str) -> Event {
    let body = json!({"id": 7, "email": "7@example.com", "verified_email": true, "updated_at": "2026-10-02T00:00:00Z"});
    bench.webhook(id, "customers/update", &body)
}

fn guest_counts(bench: &Bench, plugin: &str) -> [u32; 2] {
    let guest = CustomerId::of_guest("7@example.com").unwrap();
    [guest.as_str(), "7"].map(|customer| bench.counted(plugin, customer))
}

async fn tell_due(bench: &Bench) {
    merges::tell_due(&bench.pipeline, &mut Round::default()).await.unwrap();
}

#[tokio::test]
async fn every_plugin_is_told_once_of_a_guest_who_turns_out_to_be_a_customer() {
    let bench = counting_by_customer(&["points", "stamps"]).await;
    for id in [1, 2] {
        bench.accept(&order_of_guest(&bench, id)).await;
    }
    bench.accept(&order_of(&bench, 7, 3)).await;
    bench.accept(&seen(&bench, "seen")).await;
    for plugin in ["points", "stamps"] {
        assert_eq!(guest_counts(&bench, plugin), [2, 1], "the event that tells of it is still to come");
    }
    tell_due(&bench).await;
    catch_up(&bench, 5).await;
    // Whatever comes again later tells of nothing new.
    bench.accept(&seen(&bench, "again")).await;
    bench.accept(&order_of_guest(&bench, 4)).await;
    tell_due(&bench).await;
    catch_up(&bench, 5).await;
    for plugin in ["points", "stamps"] {
        assert_eq!(guest_counts(&bench, plugin), [0, 4]);
    }
    assert_eq!(bench.queued(DueQueue::Merges), 0);
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_merge_of_a_guest_that_is_told_twice_before_it_is_heard_is_delivered_once() {
    let bench = counting_by_customer(&["points"]).await;
    bench.accept(&order_of_guest(&bench, 1)).await;
    bench.accept(&seen(&bench, "seen")).await;
    // By the loop, by a start after a crash, and under another id after the plugin was off and on again.
    tell_due(&bench).await;
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 1);
    bench.catalog.disable(DOMAIN, &"points".into()).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    bench.switch_on("points", &[]).await;
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 1);
    catch_up(&bench, 3).await;
    assert_eq!(guest_counts(&bench, "points"), [0, 1]);
    let records = (3..=5).filter_map(|position| bench.read::<EventRecord>(&keys::event(bench.id, Position(position))));
    assert_eq!(records.map(|record| record.deliveries.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_merge_of_a_guest_is_told_by_the_next_start_if_the_process_ends_before_it_is() {
    let bench = counting_by_customer(&["points"]).await;
    bench.accept(&order_of_guest(&bench, 1)).await;
    bench.accept(&seen(&bench, "seen")).await;
    assert_eq!(bench.queued(DueQueue::Merges), 1);
    let bench = bench.restarted();
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), Concurrency { in_flight: 2, threads: 1 }).unwrap();
    reaches(&dispatcher, 4).await;
    dispatcher.stop().await;
    assert_eq!(guest_counts(&bench, "points"), [0, 1]);
}

#[tokio::test]
async fn a_plugin_that_was_off_is_told_of_a_guest_when_it_is_switched_on() {
    let bench = counting_by_customer(&["points"]).await;
    bench.accept(&order_of_guest(&bench, 1)).await;
    bench.catalog.disable(DOMAIN, &"points".into()).await.unwrap();
    bench.accept(&seen(&bench, "seen")).await;
    tell_due(&bench).await;
    assert_eq!((guest_counts(&bench, "points"), bench.queued(DueQueue::Merges)), ([1, 0], 0));
    bench.switch_on("points", &[]).await;
    assert_eq!(bench.pipeline.tell_missed_merges(bench.id).await.unwrap(), 1);
    catch_up(&bench, 3).await;
    assert_eq!(guest_counts(&bench, "points"), [0, 1]);
}

#[tokio::test]
async fn merges_of_guests_are_told_in_the_order_in_which_they_came_to_light() {
    let bench = counting_by_customer(&["points"]).await;
    let addresses = ["a@example.com", "b@example.com", "c@example.com"];
    for (address, id) in addresses.into_iter().zip(1..) {
        let mut body = order_body(id, "10.00", "2026-10-01T00:00:00Z");
        (body["customer"], body["email"]) = (json!(null), json!(address));
        bench.accept(&bench.webhook(&format!("order-{id}"), "orders/paid", &body)).await;
    }
    for (address, id) in addresses.into_iter().zip(1..) {
        let body = json!({"id": 7, "email": address, "verified_email": true, "updated_at": format!("2026-10-0{id}T00:00:00Z")});
        bench.accept(&bench.webhook(&format!("seen-{id}"), "customers/update", &body)).await;
    }
    tell_due(&bench).await;
    let told = bench.inbox.read(Position(7), 10, 1 << 20).unwrap();
    let ids: Vec<_> = told.iter().map(|(_, event)| event.id.as_str().rsplit('/').nth(1).unwrap()).collect();
    assert_eq!(ids, ["4", "5", "6"]);
    catch_up(&bench, 7).await;
    assert_eq!(bench.counted("points", "7"), 3);
}
