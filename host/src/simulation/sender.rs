//! The platform as the sender of webhooks: sends each until it is answered, some of them once more, and none in vain.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    history::Webhook,
    world::{START, World, lock},
};
use crate::{
    domain::{Platform, Timestamp},
    ingest::Ingest,
};

/// How long a webhook is under way, and how late a late one is, in milliseconds.
const UNDER_WAY: u64 = 40;
const LATE: u64 = 3_000;

/// How long the platform waits before it sends again what was not answered.
const AGAIN: (u64, u64) = (200, 2_500);

#[derive(Debug)]
pub struct Sender {
    world: Arc<World>,
    webhooks: Arc<[Webhook]>,
    queue: Mutex<Queue>,
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
    fn push(&mut self, at: Timestamp, webhook: usize) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), webhook);
    }
}

impl Sender {
    pub fn new(world: &Arc<World>, webhooks: Arc<[Webhook]>) -> Self {
        let mut queue = Queue::default();
        for (index, webhook) in webhooks.iter().enumerate() {
            let late = if world.chance(world.faults.late) { world.random(|random| random.below(LATE)) } else { 0 };
            queue.push(START + Duration::from_millis(webhook.at + late), index);
        }
        Self { world: Arc::clone(world), webhooks, queue: Mutex::new(queue) }
    }

    pub fn is_done(&self) -> bool {
        let queue = lock(&self.queue);
        queue.due.is_empty() && queue.under_way.is_empty() && queue.answered.len() == self.webhooks.len()
    }

    /// Sends to one process until that dies.
    pub async fn run(self: Arc<Self>, ingest: Arc<Ingest>) {
        loop {
            let next = lock(&self.queue).due.first_key_value().map(|(key, index)| (*key, *index));
            let now = self.world.time();
            match next {
                Some((key, index)) if key.0 <= now => {
                    let mut queue = lock(&self.queue);
                    queue.due.remove(&key);
                    queue.under_way.insert((key.1, index));
                    drop(queue);
                    tokio::spawn(Arc::clone(&self).send(Arc::clone(&ingest), key.1, index));
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

    async fn send(self: Arc<Self>, ingest: Arc<Ingest>, sequence: u64, index: usize) {
        let webhook = &self.webhooks[index];
        let answered = match self.world.chance(self.world.faults.dropped) {
            true => false,
            false => {
                self.world.pause(UNDER_WAY).await;
                let accepted = ingest.accept(Platform::Shopify, &webhook.headers, webhook.body.clone()).await;
                if self.world.is_dead() {
                    return;
                }
                self.world.note(format_args!("{} is answered {accepted:?}", webhook.name));
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
}
