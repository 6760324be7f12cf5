//! Whose turn it is: order within a customer, fairness between stores, what is kept in memory.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    Job,
    turns::{HELD, KEPT_BYTES, Lane, Source, Started, Turns},
};
use crate::{
    domain::{Change, Event, Origin, Platform, ReadEvent, StoreId, Timestamp, Topic},
    store::{Error, Position},
};

/// Events in the order of their arrival. An event's id names its customer, and so its lane.
#[derive(Default)]
struct History {
    events: Vec<Event>,
    /// Positions that retention has taken.
    gone: HashSet<u64>,
    reads: RefCell<usize>,
}

impl History {
    fn push(&mut self, store: u32, customer: &str, bytes: usize) -> (Position, Event) {
        let event = Event {
            id: customer.into(),
            store: StoreId(store),
            origin: Origin::Webhook { platform: Platform::Shopify, topic: String::new(), api_version: String::new() },
            occurred_at: Timestamp(0),
            received_at: Timestamp(0),
            body: Bytes::from(vec![0; bytes]),
        };
        self.events.push(event.clone());
        (Position(self.events.len() as u64), event)
    }
}

impl Source for History {
    fn read(&self, from: Position) -> Result<Vec<(Position, Event)>, Error> {
        *self.reads.borrow_mut() += 1;
        let kept = (1..).zip(&self.events).filter(|(at, _)| *at >= from.0 && !self.gone.contains(at));
        Ok(kept.take(16).map(|(at, event)| (Position(at), event.clone())).collect())
    }

    fn open(&self, position: Position, event: Arc<Event>) -> Started {
        let customer: u64 = event.id.as_str().parse().unwrap();
        let lane = Lane(u64::from(event.store.0) * 1_000 + customer);
        let read = Ok(Arc::new(ReadEvent { topic: Topic::TIMER_FIRED, change: Change::None }));
        Started { lane, job: Job { position, event, read }, order: None, has_customer: true }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arrive {
        store: u32,
        customer: u64,
        bytes: usize,
    },
    Start,
    /// The event in flight at this index, modulo their number, is done.
    Finish(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..4_u32, 0..4_u64, prop_oneof![9 => 0..100_usize, 1 => Just(KEPT_BYTES / 2)])
            .prop_map(|(store, customer, bytes)| Step::Arrive { store, customer, bytes }),
        3 => Just(Step::Start),
        3 => any::<usize>().prop_map(Step::Finish),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn every_event_starts_once_and_a_customers_events_come_in_order_and_one_at_a_time(steps in steps()) {
        let (mut turns, mut history) = (Turns::default(), History::default());
        let mut flying: Vec<(Lane, Position)> = Vec::new();
        let mut started: BTreeMap<Lane, Vec<Position>> = BTreeMap::new();
        let mut start = |turns: &mut Turns, history: &History, flying: &mut Vec<(Lane, Position)>| {
            let Some(Started { lane, job, .. }) = turns.next(history).unwrap() else { return false };
            assert!(flying.iter().all(|(other, _)| *other != lane), "{lane:?} has two in flight");
            flying.push((lane, job.position));
            started.entry(lane).or_default().push(job.position);
            true
        };
        for step in steps {
            match step {
                Step::Arrive { store, customer, bytes } => {
                    let (position, event) = history.push(store, &customer.to_string(), bytes);
                    turns.arrived(position, event);
                }
                Step::Start => {
                    start(&mut turns, &history, &mut flying);
                }
                Step::Finish(_) if flying.is_empty() => {}
                Step::Finish(index) => {
                    let (lane, _) = flying.swap_remove(index % flying.len());
                    turns.done(lane);
                }
            }
        }
        while start(&mut turns, &history, &mut flying) || !flying.is_empty() {
            if let Some((lane, _)) = flying.pop() {
                turns.done(lane);
            }
        }
        let mut expected: BTreeMap<Lane, Vec<Position>> = BTreeMap::new();
        for (at, event) in (1..).zip(&history.events) {
            let opened = history.open(Position(at), Arc::new(event.clone()));
            expected.entry(opened.lane).or_default().push(Position(at));
        }
        prop_assert_eq!(started, expected);
    }

    #[test]
    fn a_stores_event_waits_for_one_event_of_each_other_store_at_most(
        flood in 1..500_u64, customers in 1..600_u64, others in 1..5_u32, in_flight in 0..50_usize,
    ) {
        let (mut turns, mut history) = (Turns::default(), History::default());
        for number in 0..flood {
            for store in 1..=others {
                let (position, event) = history.push(store, &(number % customers).to_string(), 10);
                turns.arrived(position, event);
            }
        }
        for _ in 0..in_flight {
            let _ = turns.next(&history).unwrap();
        }
        let quiet = others + 1;
        let (position, event) = history.push(quiet, "0", 10);
        turns.arrived(position, event);
        let mut before = HashMap::<StoreId, usize>::new();
        loop {
            let Started { job, .. } = turns.next(&history).unwrap().expect("the quiet store has an event");
            if job.position == position {
                break;
            }
            *before.entry(job.event.store).or_default() += 1;
        }
        prop_assert!(before.values().all(|count| *count == 1), "{:?}", before);
    }
}

#[test]
fn bodies_past_the_bound_are_read_from_the_inbox_again_and_in_runs() {
    let (mut turns, mut history) = (Turns::default(), History::default());
    let count = 96;
    for number in 0..count {
        let (position, event) = history.push(1, &number.to_string(), KEPT_BYTES / 16);
        turns.arrived(position, event);
    }
    let mut positions = Vec::new();
    while let Some(Started { job, lane, .. }) = turns.next(&history).unwrap() {
        positions.push(job.position.0);
        turns.done(lane);
    }
    assert!(positions.into_iter().eq(1..=count));
    assert_eq!(*history.reads.borrow(), (count as usize - 16) / 16);
}

#[test]
fn a_busy_customer_holds_up_no_other_of_its_store_until_the_bound() {
    let (mut turns, mut history) = (Turns::default(), History::default());
    for customer in std::iter::repeat_n("1", HELD).chain(["2"]) {
        let (position, event) = history.push(1, customer, 0);
        turns.arrived(position, event);
    }
    let first = turns.next(&history).unwrap().unwrap();
    let second = turns.next(&history).unwrap().unwrap();
    assert_eq!((first.job.event.id.as_str(), second.job.event.id.as_str()), ("1", "2"));
    assert!(turns.next(&history).unwrap().is_none());
    turns.done(first.lane);
    assert_eq!(turns.next(&history).unwrap().unwrap().job.position, Position(2));
}

#[test]
fn what_retention_took_while_it_waited_is_named_and_holds_up_nothing() {
    let (mut turns, mut history) = (Turns::default(), History::default());
    for customer in ["1", "2", "3"] {
        let (position, event) = history.push(1, customer, KEPT_BYTES / 2 + 1);
        turns.arrived(position, event);
    }
    history.gone.insert(2);
    let started: Vec<_> =
        std::iter::from_fn(|| turns.next(&history).unwrap()).map(|started| started.job.position.0).collect();
    assert_eq!(started, [1, 3]);
    assert_eq!(turns.take_gone(), [(StoreId(1), Position(2))]);
}

/// Events whose ids are a customer's number, perhaps none, and an order.
struct Orders;

impl Source for Orders {
    fn read(&self, _: Position) -> Result<Vec<(Position, Event)>, Error> {
        Ok(Vec::new())
    }

    fn open(&self, position: Position, event: Arc<Event>) -> Started {
        let (customer, order) = event.id.as_str().split_once('/').unwrap();
        let (has_customer, order) = (!customer.is_empty(), order.to_owned());
        let lane = Lane(if has_customer { customer.parse().unwrap() } else { 1_000 + order.len() as u64 });
        let read = Ok(Arc::new(ReadEvent { topic: Topic::TIMER_FIRED, change: Change::None }));
        Started { lane, job: Job { position, event, read }, order: Some(order.into()), has_customer }
    }
}

#[test]
fn what_names_an_order_and_no_customer_waits_for_the_orders_own_event() {
    let (mut turns, mut history) = (Turns::default(), History::default());
    turns.arrive(["7/a", "/a", "8/b", "/cc"].map(|id| history.push(1, id, 0)).into());
    let next = |turns: &mut Turns| turns.next(&Orders).unwrap().map(|started| (started.job.position.0, started.lane));
    let started: Vec<_> = std::iter::from_fn(|| next(&mut turns)).collect();
    assert_eq!(started, [(1, Lane(7)), (3, Lane(8)), (4, Lane(1_002))], "what names `a` is held");
    turns.done(Lane(7));
    assert_eq!(next(&mut turns), Some((2, Lane(7))), "in the lane of the order's customer");
    turns.done(Lane(7));
    // From then on the facts say whose it is, or nobody knows.
    turns.arrive(vec![history.push(1, "/a", 0)]);
    assert_eq!(next(&mut turns), Some((5, Lane(1_001))));
}
