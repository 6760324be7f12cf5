//! A storefront whose host may be gone at any moment: it posts a season at a rate, posts again what was not acknowledged,
//! as the platform does, and now and then what was, and keeps the record of both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior},
};

use crate::{
    TimedOut,
    population::{Population, Webhook},
    random::Random,
    sender::Sender,
};

/// The plugin whose reward shoppers ask for.
pub const PLUGIN: &str = "loyalty-points";

/// The one reward of the plugin's default settings, and what it costs.
const REWARD: &str = "5-off";
pub const REWARD_COST: i64 = 100;

/// Posts under way at once: as many connections as a platform opens to one address.
const SENDERS: usize = 16;

/// One request for a reward to so many webhooks.
const WEBHOOKS_PER_REDEMPTION: usize = 40;

/// Of 1,000 acknowledged posts, those that are posted again all the same.
const REPEATED_PER_MILLE: u64 = 40;

/// How long after its last post something is posted again. The platform waits for minutes; the order of things is lost
/// as thoroughly within seconds.
const AGAIN_MS: std::ops::Range<u64> = 100..1500;

/// The pause between two looks at how far it is.
const IDLE: Duration = Duration::from_millis(5);

/// Something that is posted until it is acknowledged.
#[derive(Clone, Debug)]
enum Parcel {
    Webhook(Webhook),
    Redemption { customer: u64, key: String },
}

impl Parcel {
    /// The id of the event that it becomes.
    fn event_id(&self) -> String {
        match self {
            Self::Webhook(webhook) => format!("webhook/{}", webhook.id()),
            Self::Redemption { customer, key } => format!("action/{customer}/{key}"),
        }
    }
}

/// What was sent and what came back.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Ids of the events that were acknowledged, each with the inbox positions that the host named.
    pub acknowledged: BTreeMap<String, BTreeSet<u64>>,
    /// Ids of the events that were posted at least once.
    pub posted: BTreeSet<String>,
    pub posts: u64,
    /// Posts of what had been acknowledged before.
    pub repeats: u64,
    /// Posts that were answered 503.
    pub refused: u64,
    /// Posts that nobody answered: the host may have kept them or not.
    pub unanswered: u64,
    /// Answers that no host may give.
    pub wrong_answers: Vec<String>,
}

#[derive(Default)]
struct State {
    /// The first parcel that has never been posted.
    next: usize,
    /// Parcels to be posted again.
    again: BTreeSet<(Instant, usize)>,
    /// Posts whose answer is awaited.
    under_way: usize,
    record: Record,
}

struct Shared {
    domain: String,
    parcels: Vec<Parcel>,
    state: Mutex<State>,
    random: Mutex<Random>,
    pace: AsyncMutex<Interval>,
    target: watch::Receiver<Option<Target>>,
}

/// Where the host listens.
#[derive(Clone)]
struct Target {
    webhooks: Sender,
    api: reqwest::Client,
    actions: String,
}

/// Posts until it is dropped.
pub struct Storm {
    shared: Arc<Shared>,
    aim: watch::Sender<Option<Target>>,
    _senders: JoinSet<()>,
}

impl Storm {
    /// Begins with the season's first webhook, once it is told where to. Has to be called on a runtime.
    pub fn of(population: &Population, seed: u64, per_second: u32) -> Self {
        let (aim, target) = watch::channel(None);
        let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut random = Random::new(seed, 11);
        let shared = Arc::new(Shared {
            domain: population.shop().domain.clone(),
            parcels: parcels(population, &mut random),
            state: Mutex::default(),
            random: Mutex::new(random),
            pace: AsyncMutex::new(pace),
            target,
        });
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            senders.spawn(post_without_end(Arc::clone(&shared)));
        }
        Self { shared, aim, _senders: senders }
    }

    /// Says where the host listens now. Until it is said again, posts go there, whether anybody answers or not.
    pub fn aim(&self, webhooks_url: &str, admin_url: &str) -> reqwest::Result<()> {
        let target = Target {
            webhooks: Sender::to(format!("{webhooks_url}/webhooks/shopify"))?,
            api: reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?,
            actions: format!("{admin_url}/v1/stores/{}/customers", self.shared.domain),
        };
        self.aim.send_replace(Some(target));
        Ok(())
    }

    /// Posts nothing more until it is told where to; what is under way is waited for.
    pub async fn hold(&self) {
        self.aim.send_replace(None);
        while self.shared.state().under_way > 0 {
            tokio::time::sleep(IDLE).await;
        }
    }

    /// The record as it is now.
    pub fn record(&self) -> Record {
        self.shared.state().record.clone()
    }

    /// How many events have been acknowledged, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.shared.state().record.acknowledged.len(), self.shared.parcels.len())
    }

    /// Waits until so many events have been acknowledged: all, if there are fewer.
    pub async fn acknowledged(&self, count: usize, deadline: Duration) -> Result<(), TimedOut> {
        let count = count.min(self.shared.parcels.len());
        let begun = Instant::now();
        while self.progress().0 < count {
            if begun.elapsed() > deadline {
                return Err(TimedOut { after: deadline });
            }
            tokio::time::sleep(IDLE).await;
        }
        Ok(())
    }

    /// Waits until the whole season has been acknowledged.
    pub async fn all_acknowledged(&self, deadline: Duration) -> Result<(), TimedOut> {
        self.acknowledged(usize::MAX, deadline).await
    }
}

/// The season's webhooks in order, and between them shoppers who ask for a reward.
fn parcels(population: &Population, random: &mut Random) -> Vec<Parcel> {
    let mut parcels = Vec::new();
    let mut joined = Vec::new();
    for (number, scheduled) in population.webhooks().enumerate() {
        let arrivals = population.customers().iter().filter(|it| it.joined == scheduled.at);
        joined.extend(arrivals.map(|customer| customer.id));
        parcels.push(Parcel::Webhook(scheduled.webhook));
        if number % WEBHOOKS_PER_REDEMPTION == 0 && !joined.is_empty() {
            let customer = random.pick(&joined);
            parcels.push(Parcel::Redemption { customer, key: format!("redemption-{number}") });
        }
    }
    parcels
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is posted next.
    fn take(&self) -> usize {
        let mut state = self.state();
        let again = state.again.first().copied().filter(|(due, _)| *due <= Instant::now());
        let index = match again {
            Some(entry) => {
                state.again.remove(&entry);
                entry.1
            }
            None if state.next < self.parcels.len() => {
                state.next += 1;
                state.next - 1
            }
            // The season is over: whatever was posted is posted again.
            None => self.random().below(self.parcels.len() as u64) as usize,
        };
        let id = self.parcels[index].event_id();
        state.record.posts += 1;
        state.record.repeats += u64::from(state.record.acknowledged.contains_key(&id));
        state.record.posted.insert(id);
        state.under_way += 1;
        index
    }

    /// Notes what came back, and when to post it again if it is to be.
    fn note(&self, index: usize, answer: &Answer) {
        let (repeat, wait) = {
            let mut random = self.random();
            (random.happens(REPEATED_PER_MILLE), Duration::from_millis(random.within(AGAIN_MS)))
        };
        let id = self.parcels[index].event_id();
        let mut state = self.state();
        state.under_way -= 1;
        let again = match answer {
            Answer::Acknowledged { position } => {
                state.record.acknowledged.entry(id).or_default().extend(position);
                repeat
            }
            Answer::Later => true,
            Answer::Refused => {
                state.record.refused += 1;
                true
            }
            Answer::None => {
                state.record.unanswered += 1;
                true
            }
            Answer::Wrong(told) => {
                state.record.wrong_answers.push(format!("{id} was answered {told}"));
                true
            }
        };
        if again {
            state.again.insert((Instant::now() + wait, index));
        }
    }
}

/// What one post came to.
enum Answer {
    Acknowledged {
        position: Option<u64>,
    },
    /// The host does not know the customer yet: its webhook is still on its way.
    Later,
    Refused,
    None,
    Wrong(String),
}

async fn post_without_end(shared: Arc<Shared>) {
    let mut aim = shared.target.clone();
    loop {
        // The storm is gone when nobody can aim any more.
        let Ok(target) = aim.wait_for(Option::is_some).await.map(|target| target.clone()) else { return };
        let Some(target) = target else { continue };
        shared.pace.lock().await.tick().await;
        // It may have been told to hold while it waited for its turn.
        if aim.borrow().is_none() {
            continue;
        }
        let index = shared.take();
        let answer = target.post(&shared.parcels[index]).await;
        shared.note(index, &answer);
    }
}

impl Target {
    async fn post(&self, parcel: &Parcel) -> Answer {
        let (answered, expected): (_, &[u16]) = match parcel {
            Parcel::Webhook(webhook) => {
                let answered = self.webhooks.send(webhook).await;
                (answered.map(|answer| (answer.status, answer.body, answer.retry_after)), &[200])
            }
            Parcel::Redemption { customer, key } => (self.redeem(*customer, key).await, &[200, 202]),
        };
        match answered {
            Err(_) => Answer::None,
            Ok((status, body, _)) if expected.contains(&status) => {
                let position = serde_json::from_str::<Value>(&body).ok().and_then(|body| body["position"].as_u64());
                Answer::Acknowledged { position }
            }
            Ok((503, _, Some(_))) => Answer::Refused,
            Ok((404, ..)) if matches!(parcel, Parcel::Redemption { .. }) => Answer::Later,
            Ok((status, body, retry_after)) => {
                Answer::Wrong(format!("{status} with Retry-After {retry_after:?}: {body}"))
            }
        }
    }

    async fn redeem(&self, customer: u64, key: &str) -> reqwest::Result<(u16, String, Option<u64>)> {
        let body = json!({
            "plugin": PLUGIN, "action": "redeem", "input": { "reward": REWARD }, "idempotency_key": key,
        });
        let response = self.api.post(format!("{}/{customer}/actions", self.actions)).json(&body).send().await?;
        let retry_after = response.headers().get("Retry-After").and_then(|it| it.to_str().ok()?.parse().ok());
        Ok((response.status().as_u16(), response.text().await?, retry_after))
    }
}
