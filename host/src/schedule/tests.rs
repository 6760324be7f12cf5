//! Timers and expiries against a clock that is moved by hand.

use super::*;
use crate::{
    dispatch::bench::{Bench, DAY, DOMAIN, START},
    engine::guest::{ANSWER, Guest},
    store::{
        Inbox, Submitted,
        memory::{MemoryInbox, MemoryStore},
    },
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
async fn fires(bench: &Bench, fired: &mut Timers) -> Vec<Position> {
    let before = *bench.inbox.durable().borrow();
    fire_timers(&bench.pipeline, fired).await.unwrap();
    let after = *bench.inbox.durable().borrow();
    (before.0 + 1..=after.0).map(Position).collect()
}

#[tokio::test]
async fn a_timer_fires_once_when_it_is_due_however_often_it_is_looked_at() {
    let bench = bench(IN_A_MINUTE).await;
    bench.accept(&bench.order("1")).await;
    let mut fired = Timers::default();
    bench.clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(fires(&bench, &mut fired).await, []);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(fires(&bench, &mut fired).await, [Position(2)]);
    assert_eq!(fires(&bench, &mut fired).await, [], "it is in the inbox already");
    let event = bench.inbox.get(Position(2)).unwrap().unwrap();
    assert_eq!(event.body, "fired", "the payload");

    // A restart forgets that, and appends it once more before it is applied.
    let bench = bench.restarted();
    assert_eq!(fires(&bench, &mut Timers::default()).await, [Position(3)]);
    for position in [2, 3] {
        bench.apply_at(Position(position)).await;
    }
    assert_eq!(bench.counted("reminding", "fired"), 1);
    assert_eq!(bench.queued(DueQueue::Timers), 0);
    assert_eq!(fires(&bench, &mut Timers::default()).await, []);
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
    assert_eq!(fires(&bench, &mut Timers::default()).await, []);

    bench.accept(&bench.order("3")).await;
    bench.clock.advance(MINUTE);
    let [late] = fires(&bench, &mut Timers::default()).await[..] else { panic!("one timer is due") };
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
    assert_eq!(fires(&bench, &mut Timers::default()).await, []);
    bench.clock.advance(MINUTE / 2);
    let [late] = fires(&bench, &mut Timers::default()).await[..] else { panic!("one timer is due") };
    // Set once more while its event is on the way: that event is no longer what the plugin asked for.
    bench.accept(&bench.order("3")).await;
    bench.apply_at(late).await;
    assert_eq!(bench.counted("reminding", "fired"), 0);
    bench.clock.advance(MINUTE);
    let [position] = fires(&bench, &mut Timers::default()).await[..] else { panic!("one timer is due") };
    bench.apply_at(position).await;
    assert_eq!(bench.counted("reminding", "fired"), 1);
}

#[tokio::test]
async fn a_timer_set_again_for_an_instant_at_which_it_has_fired_fires_again() {
    let instant = crate::dispatch::bench::START + MINUTE;
    let bench = bench(&format!("(i64.const {})", instant.0)).await;
    let mut fired = Timers::default();
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

const FIRED: [&str; 2] = ["reminding", "fired"];

/// How often the plugin's timer has fired.
fn fired_in(bench: &Bench) -> u32 {
    bench.counted(FIRED[0], FIRED[1])
}

#[tokio::test]
async fn a_timer_waits_while_its_plugin_is_off_and_fires_once_when_it_is_on_again() {
    let bench = bench(IN_A_MINUTE).await;
    let plugin: PluginName = "reminding".into();
    bench.accept(&bench.order("1")).await;
    bench.clock.advance(MINUTE);
    let mut timers = Timers::default();
    // One that is on its way when the plugin is switched off stays as well.
    let [on_the_way] = fires(&bench, &mut timers).await[..] else { panic!("one timer is due") };
    bench.catalog.disable(DOMAIN, &plugin).await.unwrap();
    bench.apply_at(on_the_way).await;
    assert_eq!((fires(&bench, &mut timers).await, bench.queued(DueQueue::Timers)), (vec![], 1));

    bench.catalog.enable(DOMAIN, &plugin, Default::default(), None).await.unwrap();
    let [late] = fires(&bench, &mut timers).await[..] else { panic!("it is due") };
    bench.apply_at(late).await;
    bench.apply_at(on_the_way).await;
    assert_eq!((fired_in(&bench), bench.queued(DueQueue::Timers)), (1, 0));
    assert_eq!(fires(&bench, &mut timers).await, []);
}

#[tokio::test]
async fn a_timer_of_a_paused_plugin_fires_when_it_is_resumed() {
    let bench = bench(IN_A_MINUTE).await;
    let plugin: PluginName = "reminding".into();
    bench.accept(&bench.order("1")).await;
    bench.catalog.pause(bench.id, &plugin, "it failed", 4).await.unwrap();
    bench.clock.advance(MINUTE);
    let mut timers = Timers::default();
    assert_eq!(fires(&bench, &mut timers).await, []);
    bench.catalog.resume(DOMAIN, &plugin).await.unwrap();
    assert_eq!(fires(&bench, &mut timers).await.len(), 1);
}

/// Sets so many timers of a plugin, one due each second from the start, and the last first.
async fn many(bench: &Bench, plugin: &str, count: u64) {
    let plugin: PluginName = plugin.into();
    let mut transaction = bench.transaction();
    for number in (0..count).rev() {
        let (key, due) = (format!("{:05}", count - number), START + Duration::from_secs(number));
        transaction.put(keys::timer(bench.id, &plugin, &key), &TimerRecord { due, payload: Vec::new() });
        transaction.put_bytes(Due::Timer { store: bench.id, plugin: plugin.clone(), key }.key(due), Vec::new());
    }
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_host_that_slept_fires_what_it_missed_once_in_order_a_share_of_each_line_at_a_time() {
    let bench = bench(IN_A_MINUTE).await;
    bench.enable("other", &[], &reminding(IN_A_MINUTE)).await;
    many(&bench, "reminding", 600).await;
    many(&bench, "other", 3).await;
    bench.clock.advance(DAY);
    let mut timers = Timers::default();
    let first = fires(&bench, &mut timers).await;
    let of = |position: &Position| match bench.inbox.get(*position).unwrap().unwrap() {
        Event { origin: Origin::Timer { plugin, due, .. }, .. } => (plugin, due),
        event => panic!("{event:?}"),
    };
    let of_other = first.iter().map(of).filter(|(plugin, _)| plugin.as_str() == "other").count();
    assert_eq!((first.len(), of_other), (SHARE + 3, 3), "a long line holds up no other");
    // While nothing is applied, what is on the way has a bound.
    let mut all = first;
    for _ in 0..10 {
        all.extend(fires(&bench, &mut timers).await);
    }
    assert_eq!(all.len(), LINE_ON_THE_WAY + 3);
    let mut applied = 0;
    while applied < all.len() {
        for position in &all[applied..] {
            bench.apply_at(*position).await;
        }
        applied = all.len();
        for _ in 0..10 {
            all.extend(fires(&bench, &mut timers).await);
        }
    }
    assert_eq!((all.len(), bench.queued(DueQueue::Timers)), (603, 0));
    assert_eq!((fired_in(&bench), bench.counted("other", "fired")), (600, 3));
    let dues: Vec<_> = all.iter().map(of).filter(|(plugin, _)| plugin.as_str() == "reminding").map(|it| it.1).collect();
    assert!(dues.is_sorted(), "in order of their due times");
}

#[tokio::test]
async fn a_timer_that_sets_a_timer_for_the_past_does_not_keep_the_host_busy() {
    let mut guest = Guest::default();
    let [timer, fired] = ["again", "fired"].map(|text| guest.text(text));
    let module = guest
        .module(&format!("(call $count {fired}) (call $timer_at {timer} (i64.const 1) {fired} (i32.const {ANSWER}))"));
    let bench = Bench::new().await;
    bench.enable("reminding", &[], &module).await;
    bench.accept(&bench.order("1")).await;
    let mut timers = Timers::default();
    let [first] = fires(&bench, &mut timers).await[..] else { panic!("it is due at once") };
    bench.apply_at(first).await;
    assert_eq!(fires(&bench, &mut timers).await, []);
    bench.clock.advance(crate::engine::limits::TIMER_AGAIN);
    let [second] = fires(&bench, &mut timers).await[..] else { panic!("it is due again") };
    bench.apply_at(second).await;
    assert_eq!(bench.counted("reminding", "fired"), 3, "the order, and two firings");
}

#[tokio::test]
async fn rows_that_name_nothing_are_taken_away_and_hold_up_no_other() {
    let bench = bench(IN_A_MINUTE).await;
    bench.accept(&bench.order("1")).await;
    let plugin: PluginName = "reminding".into();
    let gone = Due::Timer { store: bench.id, plugin: plugin.clone(), key: "gone".into() };
    bench.put_bytes(gone.key(START), &[]).await;
    let broken = Due::Timer { store: bench.id, plugin: plugin.clone(), key: "broken".into() };
    bench.put_bytes(broken.key(START), &[]).await;
    bench.put_bytes(keys::timer(bench.id, &plugin, "broken"), b"\x01").await;
    bench.clock.advance(MINUTE);
    assert_eq!(fires(&bench, &mut Timers::default()).await.len(), 1);
    assert_eq!(bench.queued(DueQueue::Timers), 1, "that of the one on its way");
}

/// An inbox that takes so many events and then says that it is full.
struct Narrow(MemoryInbox, std::sync::atomic::AtomicUsize);

impl Inbox for Narrow {
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>> {
        let take = |room: usize| room.checked_sub(1);
        match self.1.fetch_update(std::sync::atomic::Ordering::SeqCst, std::sync::atomic::Ordering::SeqCst, take) {
            Ok(_) => self.0.append(event),
            Err(_) => Submitted::ready(Err(Error::Full)),
        }
    }

    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error> {
        self.0.read(from, limit, max_bytes)
    }

    fn get(&self, position: Position) -> Result<Option<Event>, Error> {
        self.0.get(position)
    }

    fn durable(&self) -> tokio::sync::watch::Receiver<Position> {
        self.0.durable()
    }

    fn applied_before(&self, _: Position) {}
}

#[tokio::test]
async fn a_full_inbox_is_left_to_the_webhooks_and_the_rest_fires_later_once() {
    let inbox = Arc::new(Narrow(MemoryInbox::default(), 2.into()));
    let bench = Bench::over(Arc::new(MemoryStore::default()), Arc::<Narrow>::clone(&inbox)).await;
    bench.enable("reminding", &[], &reminding(IN_A_MINUTE)).await;
    many(&bench, "reminding", 5).await;
    bench.clock.advance(MINUTE);
    let mut timers = Timers::default();
    let mut all = fires(&bench, &mut timers).await;
    assert_eq!(all.len(), 2);
    assert_eq!(fires(&bench, &mut timers).await, []);
    inbox.1.store(9, std::sync::atomic::Ordering::SeqCst);
    all.extend(fires(&bench, &mut timers).await);
    for position in &all {
        bench.apply_at(*position).await;
    }
    assert_eq!((all.len(), fired_in(&bench)), (5, 5));
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
