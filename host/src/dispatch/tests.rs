//! The pipeline in memory: what counts once, what runs again, and who is held up by whom.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;

use super::{
    APPLIED_BEFORE, Concurrency, Dispatcher, Job, READ_EVENTS, RUNNING_PER_THREAD, ReplayError, Replayed, apply,
    bench::{Bench, DOMAIN, WAITS, order_body},
    redeliver,
};
use crate::{
    clock::Clock,
    domain::{Capability, Customer, Event, Outcome, StoreId},
    engine::guest::{ANSWER, Guest, LIST},
    platform::{Problem, Unreadable},
    store::{
        Commit, CommitError, Error, Inbox, Key, Position, Scan, Store, Submitted, Value, keys,
        keys::{Due, DueQueue},
        memory::{MemoryInbox, MemoryStore},
    },
};

mod consents;
mod merges;
mod past;
mod waiting;

/// A plugin that counts the events it sees under `seen`, after it has done what `before` says.
fn counting(before: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let seen = guest.text("seen");
    guest.module(&format!("{before} (call $count {seen})"))
}

/// A plugin that counts and then does what `after` says.
fn counting_then(after: &str) -> Vec<u8> {
    let mut guest = Guest::default();
    let seen = guest.text("seen");
    let why = guest.text("because");
    guest.module(&format!("(call $count {seen}) {}", after.replace("WHY", &why.to_string())))
}

const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until everything before `position` is applied.
async fn reaches(dispatcher: &Dispatcher, position: u64) {
    let mut reached = dispatcher.reached.clone();
    let waited = tokio::time::timeout(DEADLINE, reached.wait_for(|reached| reached.0 >= position)).await;
    waited.expect("the dispatcher gets on").unwrap();
}

#[tokio::test]
async fn an_event_appended_five_times_counts_once() {
    let bench = Bench::new().await;
    bench.enable("counter", &[], &counting("")).await;
    let event = bench.order("1");
    for _ in 0..5 {
        bench.accept(&event).await;
    }
    assert_eq!(bench.counted("counter", "seen"), 1);
    let counters = &bench.pipeline.counters;
    assert_eq!((counters.events_applied.get(), counters.events_repeated.get()), (1, 4));
    assert_eq!(bench.outcome(Position(1), "counter"), (1, Outcome::Done));
    assert_eq!(bench.read::<u32>(&keys::event(bench.id, Position(2))), None);
}

/// A store in which someone else writes a key just before the first commit that writes another one, or the same.
struct Contended {
    store: MemoryStore,
    /// The key that the commit writes; what the rival writes first.
    rival: Mutex<Option<(Key, Key, Vec<u8>)>>,
}

impl Store for Contended {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        self.store.get(key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        self.store.scan(scan)
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        let mut rival = self.rival.lock().unwrap();
        let meets = |(key, ..): &mut (Key, Key, Vec<u8>)| commit.writes.iter().any(|write| write.key() == key);
        if let Some((_, key, value)) = rival.take_if(meets) {
            let mut first = Commit::default();
            first.put(key, value);
            self.store.commit(first).wait_ready();
        }
        self.store.commit(commit)
    }
}

trait WaitReady {
    fn wait_ready(self);
}

impl WaitReady for Submitted<Result<(), CommitError>> {
    /// The store in memory has answered already.
    fn wait_ready(self) {
        futures_util::FutureExt::now_or_never(self).unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_delivery_whose_state_was_changed_meanwhile_runs_again_on_the_new_state() {
    let store = Arc::new(Contended { store: MemoryStore::default(), rival: Mutex::default() });
    let bench = Bench::over(Arc::<Contended>::clone(&store), Arc::new(MemoryInbox::default())).await;
    bench.enable("counter", &[], &counting("")).await;
    let seen = keys::state(bench.id, &"counter".into(), "seen");
    *store.rival.lock().unwrap() = Some((seen.clone(), seen, 40_u32.to_le_bytes().to_vec()));
    let position = bench.accept(&bench.order("1")).await;
    assert_eq!(bench.counted("counter", "seen"), 41);
    let counters = &bench.pipeline.counters;
    assert_eq!((counters.conflicts.get(), counters.events_applied.get(), counters.deliveries_done.get()), (1, 1, 1));
    assert_eq!(bench.outcome(position, "counter"), (1, Outcome::Done));
}

#[tokio::test]
async fn a_plugin_that_fails_is_tried_again_by_the_schedule_and_then_given_up() {
    let bench = Bench::new().await;
    bench.enable("failing", &[], &counting_then("(unreachable)")).await;
    bench.enable("steady", &[], &counting("")).await;
    let position = bench.accept(&bench.order("1")).await;
    for (attempt, wait) in (1..).zip(WAITS) {
        let due = bench.clock.now() + wait;
        assert!(
            matches!(bench.outcome(position, "failing"), (number, Outcome::Retrying { due: at, .. }) if number == attempt && at == due)
        );
        bench.clock.advance(wait - Duration::from_millis(1));
        redeliver::run_due(&bench.pipeline).await.unwrap();
        assert_eq!(bench.outcome(position, "failing").0, attempt, "not before it is due");
        bench.clock.advance(Duration::from_millis(1));
        redeliver::run_due(&bench.pipeline).await.unwrap();
    }
    let (attempt, outcome) = bench.outcome(position, "failing");
    assert!(
        attempt == 3 && matches!(&outcome, Outcome::Dead { reason } if reason.contains("unreachable")),
        "{outcome:?}"
    );
    assert_eq!(bench.counted("failing", "seen"), 0, "nothing of a failed delivery is kept");
    assert_eq!(bench.queued(DueQueue::Deliveries), 0);
    // The other plugin had its turn, once.
    assert_eq!(bench.outcome(position, "steady"), (1, Outcome::Done));
    assert_eq!(bench.counted("steady", "seen"), 1);
    let counters = &bench.pipeline.counters;
    let counted = (counters.deliveries_done.get(), counters.deliveries_failed.get(), counters.deliveries_dead.get());
    assert_eq!(counted, (1, 2, 1));
}

#[tokio::test]
async fn a_plugin_that_recovers_is_done_at_its_second_attempt() {
    let bench = Bench::new().await;
    let at_first = "(if (i32.lt_u (local.get $attempt) (i32.const 2)) (then (return (call $retry WHY))))";
    bench.enable("moody", &[], &counting_then(at_first)).await;
    let position = bench.accept(&bench.order("1")).await;
    let Outcome::Retrying { reason, .. } = bench.outcome(position, "moody").1 else { panic!() };
    assert!(reason.ends_with("because"), "{reason}");
    bench.clock.advance(WAITS[0]);
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(bench.outcome(position, "moody"), (2, Outcome::Done));
    assert_eq!(bench.counted("moody", "seen"), 1);
}

#[tokio::test]
async fn a_refused_event_is_a_dead_letter_at_once() {
    let bench = Bench::new().await;
    bench.enable("refusing", &[], &counting_then("(return (call $reject WHY))")).await;
    let position = bench.accept(&bench.order("1")).await;
    let (attempt, outcome) = bench.outcome(position, "refusing");
    assert!(attempt == 1 && matches!(&outcome, Outcome::Dead { reason } if reason.ends_with("because")), "{outcome:?}");
    assert_eq!(bench.queued(DueQueue::Deliveries), 0);
    assert_eq!(bench.counted("refusing", "seen"), 0);
}

#[tokio::test]
async fn a_dead_letter_that_is_replayed_runs_the_version_that_is_installed_now() {
    let bench = Bench::new().await;
    bench.enable("mended", &[], &counting_then("(return (call $reject WHY))")).await;
    bench.enable("steady", &[], &counting("")).await;
    let position = bench.accept(&bench.order("1")).await;
    bench.install("mended", &[], &counting("")).await;
    let replayed = bench.pipeline.replay(bench.id, position, None).await.unwrap();
    assert_eq!(replayed, Replayed::Deliveries(vec!["mended".into()]));
    redeliver::run_due(&bench.pipeline).await.unwrap();
    assert_eq!(bench.outcome(position, "mended"), (1, Outcome::Done));
    assert_eq!((bench.counted("mended", "seen"), bench.counted("steady", "seen")), (1, 1));
    let again = bench.pipeline.replay(bench.id, position, None).await;
    assert!(matches!(again, Err(ReplayError::AllDone)));
    let elsewhere = bench.pipeline.replay(bench.id, Position(99), None).await;
    assert!(matches!(elsewhere, Err(ReplayError::NoEvent)));
}

#[tokio::test]
async fn a_delivery_that_waits_is_given_up_when_its_plugin_or_its_store_goes() {
    let failing = counting_then("(unreachable)");
    for remove_store in [false, true] {
        let bench = Bench::new().await;
        bench.enable("failing", &[], &failing).await;
        let position = bench.accept(&bench.order("1")).await;
        match remove_store {
            true => bench.catalog.remove_store(DOMAIN).await.unwrap(),
            false => bench.catalog.disable(DOMAIN, &"failing".into()).await.unwrap(),
        }
        bench.clock.advance(WAITS[0]);
        redeliver::run_due(&bench.pipeline).await.unwrap();
        assert!(matches!(bench.outcome(position, "failing"), (2, Outcome::Dead { .. })));
        assert_eq!(bench.queued(DueQueue::Deliveries), 0);
    }
}

#[tokio::test]
async fn an_event_that_could_not_be_read_is_kept_and_counts_once_when_it_can() {
    let bench = Bench::new().await;
    bench.enable("counter", &[], &counting("")).await;
    let position = bench.append(&bench.order("1")).await;
    // As an older version of this program would have seen it.
    let unreadable = Unreadable { path: "id".into(), problem: Problem::Missing };
    let job = Job { read: Err(unreadable), ..bench.job(position) };
    apply::apply(&bench.pipeline, &job).await.unwrap();
    assert_eq!(bench.record(position).unreadable.as_deref(), Some("cannot read `id`: it is missing"));
    assert_eq!((bench.counted("counter", "seen"), bench.record(position).deliveries.len()), (0, 0));

    let replayed = bench.pipeline.replay(bench.id, position, None).await.unwrap();
    assert_eq!(replayed, Replayed::ReadAgain);
    assert_eq!((bench.counted("counter", "seen"), bench.record(position).unreadable), (1, None));
    assert!(bench.read::<Customer>(&keys::customer(bench.id, &"7".into())).is_some());
    // Two people who press the same button, and a restart that reads the event once more.
    assert!(matches!(bench.pipeline.replay(bench.id, position, None).await, Err(ReplayError::AllDone)));
    apply::apply(&bench.pipeline, &bench.job(position)).await.unwrap();
    bench.accept(&bench.order("1")).await;
    assert_eq!(bench.counted("counter", "seen"), 1);
}

#[tokio::test]
async fn an_event_that_still_cannot_be_read_stays_as_it_is() {
    let bench = Bench::new().await;
    let position = bench.accept(&bench.webhook("1", "orders/paid", &json!({"name": "no id"}))).await;
    let replayed = bench.pipeline.replay(bench.id, position, None).await;
    assert!(matches!(&replayed, Err(ReplayError::Unreadable(reason)) if reason.contains("id")), "{replayed:?}");
    assert!(bench.record(position).unreadable.is_some());
}

#[tokio::test]
async fn an_event_that_can_never_be_applied_holds_up_no_other() {
    let bench = Bench::new().await;
    bench.enable("counter", &[], &counting("")).await;
    // An address that is too long for a key of the store.
    let email = format!("{}@example.com", "m".repeat(2_000));
    let poison = bench.webhook("1", "customers/create", &json!({"id": 7, "email": email}));
    for event in [&poison, &bench.order("2")] {
        bench.append(event).await;
    }
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), Concurrency { in_flight: 1, threads: 1 }).unwrap();
    reaches(&dispatcher, 3).await;
    dispatcher.stop().await;
    let record = bench.record(Position(1));
    assert!(record.unreadable.as_ref().is_some_and(|reason| reason.contains("cannot be applied")), "{record:?}");
    assert_eq!(bench.outcome(Position(2), "counter"), (1, Outcome::Done));
    assert_eq!(bench.counted("counter", "seen"), 1);
    let replayed = bench.pipeline.replay(bench.id, Position(1), None).await;
    assert!(matches!(replayed, Err(ReplayError::Store(Error::InvalidKey(_)))), "{replayed:?}");
}

#[tokio::test]
async fn a_damaged_fact_fails_the_plugin_that_reads_it_and_no_other() {
    let bench = Bench::new().await;
    let mut guest = Guest::default();
    let nine = guest.text("9");
    bench.enable("curious", &[], &guest.module(&format!("(call $customer_by_id {nine} (i32.const {ANSWER}))"))).await;
    bench.enable("steady", &[], &counting("")).await;
    bench.put_bytes(keys::customer(bench.id, &"9".into()), b"\x01no customer").await;
    let position = bench.accept(&bench.order("1")).await;
    let (_, outcome) = bench.outcome(position, "curious");
    assert!(matches!(&outcome, Outcome::Retrying { reason, .. } if reason.contains("damaged")), "{outcome:?}");
    assert_eq!(bench.outcome(position, "steady"), (1, Outcome::Done));
}

#[tokio::test]
async fn a_restart_reads_on_from_the_checkpoint_and_counts_nothing_twice() {
    let bench = Bench::new().await;
    bench.enable("counter", &[], &counting("")).await;
    for id in ["1", "2", "3", "4"] {
        bench.append(&bench.order(id)).await;
    }
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), Concurrency { in_flight: 4, threads: 1 }).unwrap();
    reaches(&dispatcher, 5).await;
    dispatcher.stop().await;
    assert_eq!(bench.counted("counter", "seen"), 4);

    // The checkpoint lies behind what has been applied, as it does after a crash.
    let mut checkpoint = bench.transaction();
    checkpoint.put(keys::meta(APPLIED_BEFORE), &Position(3));
    checkpoint.commit().await.unwrap();
    bench.append(&bench.order("5")).await;
    let after = bench.restarted();
    let dispatcher = Dispatcher::start(Arc::clone(&after.pipeline), Concurrency { in_flight: 4, threads: 1 }).unwrap();
    reaches(&dispatcher, 6).await;
    dispatcher.stop().await;
    assert_eq!(after.counted("counter", "seen"), 5);
    assert_eq!(after.pipeline.counters.events_applied.get(), 1);
}

/// An inbox whose retention has taken its first events.
struct Trimmed(MemoryInbox, Position);

impl Inbox for Trimmed {
    fn append(&self, event: &Event) -> Submitted<Result<Position, Error>> {
        self.0.append(event)
    }

    fn read(&self, from: Position, limit: usize, max_bytes: usize) -> Result<Vec<(Position, Event)>, Error> {
        self.0.read(from.max(self.1), limit, max_bytes)
    }

    fn get(&self, position: Position) -> Result<Option<Event>, Error> {
        if position < self.1 { Ok(None) } else { self.0.get(position) }
    }

    fn durable(&self) -> tokio::sync::watch::Receiver<Position> {
        self.0.durable()
    }

    fn applied_before(&self, _: Position) {}
}

#[tokio::test]
async fn what_retention_has_taken_does_not_hold_the_checkpoint_back() {
    let inbox = Trimmed(MemoryInbox::default(), Position(3));
    let bench = Bench::over(Arc::new(MemoryStore::default()), Arc::new(inbox)).await;
    for id in ["1", "2", "3"] {
        bench.append(&bench.order(id)).await;
    }
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), Concurrency { in_flight: 2, threads: 1 }).unwrap();
    reaches(&dispatcher, 4).await;
    dispatcher.stop().await;
    assert_eq!(bench.pipeline.counters.events_applied.get(), 1);
}

#[tokio::test]
async fn state_and_effects_of_one_event_are_there_together_or_not_at_all() {
    let mut guest = Guest::default();
    let [seen, customer, vip] = ["seen", "7", "vip"].map(|text| guest.text(text));
    let tag = format!("{} (call $tag {customer} (i32.const {LIST}) (i32.const 1) (i32.const {ANSWER}))", vip.listed());
    for (end, kept) in [("(unreachable)", 0), ("", 1)] {
        let bench = Bench::new().await;
        let module = guest.module(&format!("(call $count {seen}) {tag} {end}"));
        bench.enable("tagging", &[Capability::Tags], &module).await;
        bench.accept(&bench.order("1")).await;
        assert_eq!(bench.counted("tagging", "seen"), kept);
        assert_eq!(bench.queued(DueQueue::Effects), kept as usize);
        let effects = bench.store.scan(&Scan::of(keys::effects(bench.id), 10)).unwrap();
        assert_eq!(effects.len(), kept as usize);
    }
}

/// A store that keeps the order in which events were applied.
#[derive(Default)]
struct InOrder {
    store: MemoryStore,
    applied: Mutex<Vec<StoreId>>,
}

impl Store for InOrder {
    fn get(&self, key: &Key) -> Result<Option<Value>, Error> {
        self.store.get(key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<(Key, Value)>, Error> {
        self.store.scan(scan)
    }

    fn commit(&self, commit: Commit) -> Submitted<Result<(), CommitError>> {
        let event = commit.writes.iter().find_map(|write| match Due::read(write.key()) {
            Some((_, Due::Expiry { store, .. })) => Some(store),
            _ => None,
        });
        self.applied.lock().unwrap().extend(event);
        self.store.commit(commit)
    }
}

#[tokio::test]
async fn a_flood_of_one_store_delays_anothers_event_by_no_more_than_is_in_flight() {
    const FLOOD: u64 = 100_000;
    const CONCURRENCY: Concurrency = Concurrency { in_flight: 64, threads: 2 };
    let store = Arc::new(InOrder::default());
    let bench = Bench::over(Arc::<InOrder>::clone(&store), Arc::new(MemoryInbox::default())).await;
    let quiet = bench.another_store().await;
    for number in 0..FLOOD {
        bench.append(&bench.webhook(&number.to_string(), "unknown/topic", &json!({}))).await;
    }
    let dispatcher = Dispatcher::start(Arc::clone(&bench.pipeline), CONCURRENCY).unwrap();
    reaches(&dispatcher, 1_000).await;
    let before = store.applied.lock().unwrap().len();
    bench.append(&Event { store: quiet, ..bench.webhook("quiet", "unknown/topic", &json!({})) }).await;
    reaches(&dispatcher, FLOOD + 2).await;
    dispatcher.stop().await;
    let applied = store.applied.lock().unwrap();
    assert_eq!(applied.len() as u64, FLOOD + 1);
    let turn = applied.iter().position(|of| *of == quiet).unwrap();
    // What is left of the flood in the inbox is read past meanwhile, a batch for each round of turns.
    let batches = FLOOD as usize / READ_EVENTS;
    let bound = CONCURRENCY.in_flight + batches * RUNNING_PER_THREAD * CONCURRENCY.threads;
    assert!(turn - before <= bound, "{} events of the other store went first, of at most {bound}", turn - before);
}
