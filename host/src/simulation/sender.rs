//! The platform and the shoppers as senders: each message is sent until it is answered, some once more, and none in vain
//! but webhooks that are lost for good.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    faults::Broken,
    history::{Content, History, Message, OrderStep},
    world::{START, World, lock},
};
use crate::{
    dispatch::Pipeline,
    domain::Timestamp,
    ingest::{Accepted, Ingest, actions},
    platform,
};

/// How long a message is under way, and how late a late one is, in milliseconds.
const UNDER_WAY: u64 = 40;
const LATE: u64 = 3_000;

/// How long a sender waits before it sends again what was not answered.
const AGAIN: (u64, u64) = (200, 2_500);

#[derive(Debug)]
pub struct Sender {
    world: Arc<World>,
    history: Arc<History>,
    queue: Mutex<Queue>,
    /// Webhooks that are never sent.
    lost: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Queue {
    /// What is to be sent when; the second number tells apart what is sent at one time.
    due: BTreeMap<(Timestamp, u64), usize>,
    sequence: u64,
    under_way: BTreeSet<(u64, usize)>,
    answered: BTreeSet<usize>,
}

impl Queue {
    fn push(&mut self, at: Timestamp, message: usize) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), message);
    }
}

/// Where one process takes messages in.
pub struct Doors {
    pub ingest: Ingest,
    pub pipeline: Arc<Pipeline>,
}

impl Sender {
    pub fn new(world: &Arc<World>, history: Arc<History>) -> Self {
        let (mut queue, mut lost) = (Queue::default(), BTreeSet::new());
        for (index, message) in history.messages.iter().enumerate() {
            if message.step().is_some() && world.chance(world.faults.never_sent) {
                world.note(format_args!("{} is lost for good", message.name));
                lost.insert(index);
                continue;
            }
            let late = if world.chance(world.faults.late) { world.random(|random| random.below(LATE)) } else { 0 };
            queue.push(START + Duration::from_millis(message.at + late), index);
        }
        Self { world: Arc::clone(world), history, queue: Mutex::new(queue), lost }
    }

    pub fn is_done(&self) -> bool {
        let queue = lock(&self.queue);
        let answered = queue.answered.len() + self.lost.len();
        queue.due.is_empty() && queue.under_way.is_empty() && answered == self.history.messages.len()
    }

    /// What only reads can tell.
    pub fn lost(&self) -> impl Iterator<Item = (&Message, &OrderStep)> {
        let lost = self.lost.iter().map(|index| &self.history.messages[*index]);
        lost.filter_map(|message| Some((message, message.step()?)))
    }

    /// Sends to one process until that dies.
    pub async fn run(self: Arc<Self>, doors: Arc<Doors>) {
        loop {
            let next = lock(&self.queue).due.first_key_value().map(|(key, index)| (*key, *index));
            let now = self.world.time();
            match next {
                Some((key, index)) if key.0 <= now => {
                    let mut queue = lock(&self.queue);
                    queue.due.remove(&key);
                    queue.under_way.insert((key.1, index));
                    drop(queue);
                    tokio::spawn(Arc::clone(&self).send(Arc::clone(&doors), key.1, index));
                }
                Some((key, _)) => tokio::time::sleep(key.0.since(now).min(Duration::from_millis(100))).await,
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// What was under way when the process died was not answered.
    pub fn process_died(&self) {
        let under_way = std::mem::take(&mut lock(&self.queue).under_way);
        for (_, index) in under_way {
            self.send_again(index);
        }
    }

    fn send_again(&self, index: usize) {
        let wait = self.world.random(|random| random.between(AGAIN.0, AGAIN.1));
        lock(&self.queue).push(self.world.time() + Duration::from_millis(wait), index);
    }

    async fn send(self: Arc<Self>, doors: Arc<Doors>, sequence: u64, index: usize) {
        let message = &self.history.messages[index];
        let answered = match self.world.chance(self.world.faults.dropped) {
            true => false,
            false => {
                self.world.pause(UNDER_WAY).await;
                let accepted = self.deliver(&doors, sequence, message).await;
                if self.world.is_dead() {
                    return;
                }
                self.world.note(format_args!("{} is answered {accepted:?}", message.name));
                accepted.is_ok() && !self.world.chance(self.world.faults.unheard)
            }
        };
        lock(&self.queue).under_way.remove(&(sequence, index));
        if answered {
            lock(&self.queue).answered.insert(index);
        }
        if !answered || self.world.chance(self.world.faults.repeated) {
            self.send_again(index);
        }
    }

    /// The host's answer; an error is one in its words.
    async fn deliver(&self, doors: &Doors, sequence: u64, message: &Message) -> Result<Accepted, String> {
        match &message.content {
            Content::Webhook { headers, body, .. } => {
                let accepted = doors.ingest.accept(platform::Sender::Shopify, headers, body.clone()).await;
                accepted.map_err(|refused| refused.to_string())
            }
            Content::Action(action) => {
                let registry = doors.pipeline.catalog.registry();
                let entry = Arc::clone(registry.store(message.store).expect("the store is known"));
                drop(registry);
                let mut action = action.clone();
                if self.world.is_broken(Broken::ActionsUnmarked) {
                    action.key = format!("{}/{sequence}", action.key);
                }
                let accepted = actions::accept(&doors.pipeline, &entry, action).await;
                accepted.map(|(_, accepted)| accepted).map_err(|refused| refused.to_string())
            }
        }
    }
}
