//! Whose turn it is: every store's waiting events in a queue of their own, the stores served one after the other.
//!
//! An event starts when its customer has none in flight; until then it is held behind the one that is. What is held is
//! bounded for each store, so that one busy customer cannot make a store's whole queue be read ahead.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::Job;
use crate::{
    domain::{Event, OrderId, StoreId},
    store::{Error, Position},
};

/// Bytes of bodies that are kept in memory while their events wait; the others are read from the inbox again.
pub(super) const KEPT_BYTES: usize = 32 << 20;

/// Events of one store that may be held behind others of their customers.
pub(super) const HELD: usize = 64;

/// A customer's events, one after the other; those of an order or of themselves if their customer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lane(pub u64);

/// An event whose turn has come, and the lane that it occupies until [`Turns::done`].
pub(super) struct Started {
    pub lane: Lane,
    pub job: Job,
    /// The order that it names.
    pub order: Option<OrderId>,
    /// The lane is its customer's; else it is its order's or its own, as whose it is is not known.
    pub has_customer: bool,
}

impl Started {
    fn named_order(&self) -> Option<NamedOrder> {
        self.order.clone().map(|order| (self.job.event.store, order))
    }
}

/// What turns need of the rest of the host.
pub(super) trait Source {
    /// The event at a position and some that follow it in the inbox.
    fn read(&self, from: Position) -> Result<Vec<(Position, Event)>, Error>;

    fn open(&self, position: Position, event: Arc<Event>) -> Started;
}

enum Waiting {
    Here(Position, Arc<Event>),
    InInbox(Position),
}

impl Waiting {
    fn position(&self) -> Position {
        match self {
            Self::Here(position, _) | Self::InInbox(position) => *position,
        }
    }
}

#[derive(Default)]
struct Queue {
    /// Whose customer's event before it is done.
    ready: VecDeque<Started>,
    waiting: VecDeque<Waiting>,
    held: usize,
    is_in_ring: bool,
}

impl Queue {
    fn has_work(&self) -> bool {
        !self.ready.is_empty() || (self.held < HELD && !self.waiting.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.waiting.is_empty() && self.held == 0
    }
}

/// What hangs on an event in flight.
#[derive(Default)]
struct Line {
    /// The order that leads here while it is in flight.
    order: Option<NamedOrder>,
    /// Held until it is done.
    behind: VecDeque<Started>,
}

/// An order of a store.
type NamedOrder = (StoreId, OrderId);

#[derive(Default)]
pub(super) struct Turns {
    queues: HashMap<StoreId, Queue>,
    /// Stores that have something to start, in the order of their turns.
    ring: VecDeque<StoreId>,
    /// Lanes with an event in flight.
    lanes: HashMap<Lane, Line>,
    /// The lanes of orders whose own events are not done, so that whose they are may not be known yet.
    orders: HashMap<NamedOrder, Lane>,
    /// Positions that the inbox no longer has.
    gone: Vec<(StoreId, Position)>,
    kept_bytes: usize,
}

impl Turns {
    pub fn arrived(&mut self, position: Position, event: Event) {
        let store = event.store;
        let bytes = event.body.len();
        let waiting = match self.kept_bytes + bytes <= KEPT_BYTES {
            true => {
                self.kept_bytes += bytes;
                Waiting::Here(position, Arc::new(event))
            }
            false => Waiting::InInbox(position),
        };
        self.queues.entry(store).or_default().waiting.push_back(waiting);
        self.enter_ring(store);
    }

    pub fn arrive(&mut self, events: Vec<(Position, Event)>) {
        events.into_iter().for_each(|(position, event)| self.arrived(position, event));
    }

    /// The next event to start: the store that has waited for its turn longest, its oldest event whose customer is free.
    pub fn next(&mut self, source: &impl Source) -> Result<Option<Started>, Error> {
        while let Some(store) = self.ring.pop_front() {
            let started = self.next_of(store, source);
            if let Some(queue) = self.queues.get_mut(&store) {
                queue.is_in_ring = false;
                if queue.is_empty() {
                    self.queues.remove(&store);
                }
            }
            match &started {
                // A store whose events cannot be read keeps its turn.
                Err(_) => {
                    self.ring.push_front(store);
                    if let Some(queue) = self.queues.get_mut(&store) {
                        queue.is_in_ring = true;
                    }
                }
                Ok(_) => self.enter_ring(store),
            }
            if let Some(started) = started? {
                return Ok(Some(started));
            }
        }
        Ok(None)
    }

    fn next_of(&mut self, store: StoreId, source: &impl Source) -> Result<Option<Started>, Error> {
        let Some(queue) = self.queues.get_mut(&store) else { return Ok(None) };
        if let Some(started) = queue.ready.pop_front() {
            return Ok(Some(started));
        }
        while queue.held < HELD {
            let (position, event) = match queue.waiting.pop_front() {
                None => return Ok(None),
                Some(Waiting::Here(position, event)) => (position, event),
                Some(Waiting::InInbox(position)) => {
                    queue.waiting.push_front(Waiting::InInbox(position));
                    let found = source.read(position)?;
                    if found.first().is_none_or(|(first, _)| *first != position) {
                        queue.waiting.pop_front();
                        self.gone.push((store, position));
                        continue;
                    }
                    self.kept_bytes += take_back(&mut queue.waiting, store, found);
                    continue;
                }
            };
            self.kept_bytes -= event.body.len();
            let mut started = source.open(position, event);
            if let Some(order) = started.named_order() {
                // Whose an order is, its own event tells once it is done: what names no customer follows it.
                match self.orders.get(&order) {
                    Some(lane) if !started.has_customer => started.lane = *lane,
                    _ => _ = self.orders.insert(order, started.lane),
                }
            }
            match self.lanes.get_mut(&started.lane) {
                Some(line) => {
                    line.behind.push_back(started);
                    queue.held += 1;
                }
                None => {
                    self.lanes.insert(started.lane, Line { order: started.named_order(), ..Line::default() });
                    return Ok(Some(started));
                }
            }
        }
        Ok(None)
    }

    /// Frees a lane for the next event that is held behind the one that is done.
    pub fn done(&mut self, lane: Lane) {
        let Some(line) = self.lanes.get_mut(&lane) else { return };
        let next = line.behind.pop_front();
        let following = next.as_ref().and_then(Started::named_order);
        if let Some(order) = std::mem::replace(&mut line.order, following)
            && self.orders.get(&order) == Some(&lane)
            && !next.iter().chain(&line.behind).any(|held| held.named_order().as_ref() == Some(&order))
        {
            self.orders.remove(&order);
        }
        let Some(next) = next else {
            self.lanes.remove(&lane);
            return;
        };
        let store = next.job.event.store;
        let queue = self.queues.entry(store).or_default();
        queue.held -= 1;
        queue.ready.push_back(next);
        self.enter_ring(store);
    }

    /// Positions that were waiting and that retention has taken from the inbox since.
    pub fn take_gone(&mut self) -> Vec<(StoreId, Position)> {
        std::mem::take(&mut self.gone)
    }

    fn enter_ring(&mut self, store: StoreId) {
        if let Some(queue) = self.queues.get_mut(&store)
            && !queue.is_in_ring
            && queue.has_work()
        {
            queue.is_in_ring = true;
            self.ring.push_back(store);
        }
    }
}

/// Puts events that were read from the inbox in the places where they are waited for; answers their bytes.
fn take_back(waiting: &mut VecDeque<Waiting>, store: StoreId, found: Vec<(Position, Event)>) -> usize {
    let mut bytes = 0;
    let mut places = waiting.iter_mut().peekable();
    for (position, event) in found.into_iter().filter(|(_, event)| event.store == store) {
        while places.next_if(|place| place.position() < position).is_some() {}
        if let Some(place) = places.next_if(|place| matches!(place, Waiting::InInbox(at) if *at == position)) {
            bytes += event.body.len();
            *place = Waiting::Here(position, Arc::new(event));
        }
    }
    bytes
}
