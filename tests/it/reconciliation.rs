//! A season in which webhooks are lost and doubled, and the platform's API fails, ends, once it is reconciled, as the season in
//! which nothing of that happens: on each platform.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use regulars::{
    catalog::NewStore,
    clock::{Clock, Manual},
    config::Config,
    domain::{Capability, Event, Origin, Platform, PluginName, Timestamp},
    host::{Host, Workers},
    reconcile::{self, Settings},
    store::{
        Reconciled, Reconciliation, Scan, decode,
        keys::{self, Due, DueQueue},
    },
};
use regulars_tests::{
    DEADLINE,
    host::eventually,
    population::{Population, Scheduled, Shop, Size, oracle},
};
use serde_json::Value;

mod magento;
mod shopify;

use crate::shop::plugin_file;
use magento::Magento;
use shopify::Shopify;

const DAY: Duration = Duration::from_secs(86_400);
const SETTINGS: Settings =
    Settings { every: DAY, overlap: Duration::from_secs(3600), settle: Duration::from_secs(60), pages: 100 };

/// What goes wrong with a platform's API.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    /// One call fails.
    Hiccup,
    /// One call is refused as one too many.
    Throttled,
    /// Calls fail for longer than a run has patience.
    Outage,
}

/// A shop on some platform, in which a season happens.
trait Peer {
    /// How the host knows it.
    fn store(&self, shop: &Shop) -> NewStore;

    /// The shop as it is after this, and what is told of it; none of what the platform knows no word for.
    fn happen(&self, population: &Population, scheduled: &Scheduled) -> Option<Message>;

    fn fail(&self, trouble: Trouble);
}

/// What a platform tells.
struct Message {
    platform: Platform,
    id: String,
    topic: String,
    form: String,
    body: Bytes,
}

/// How badly a season goes; every so many, and by day.
#[derive(Default)]
struct Weather {
    lost_one_in: Option<usize>,
    doubled_one_in: Option<usize>,
    troubles: BTreeMap<u32, Trouble>,
}

impl Weather {
    fn loses(&self, number: usize) -> bool {
        self.lost_one_in.is_some_and(|one_in| (number * 7_919 + 13).is_multiple_of(one_in))
    }

    fn doubles(&self, number: usize) -> bool {
        self.doubled_one_in.is_some_and(|one_in| (number * 104_729 + 7).is_multiple_of(one_in))
    }
}

/// A host in this process, with `loyalty-points` on, on a clock that the season moves.
struct Season {
    host: Host,
    workers: Workers,
    clock: Manual,
    opened: Timestamp,
    _data_dir: tempfile::TempDir,
}

impl Season {
    async fn begin(shop: &Shop, peer: &impl Peer) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.data_dir = data_dir.path().join("data");
        config.reconcile.every_seconds = 0;
        config.history.on_installation = false;
        let opened = Timestamp(u64::try_from(shop.opens.as_millisecond()).unwrap());
        let clock = Manual::at(opened);
        let host = Host::open(config, Arc::new(clock.clone())).unwrap();
        let store = peer.store(shop);
        let domain = store.domain.clone();
        host.catalog.add_store(store).await.unwrap();
        host.catalog.install(std::fs::read(plugin_file("loyalty-points")).unwrap()).await.unwrap();
        let grants = Capability::ALL.iter().copied().collect();
        let settings: Value = serde_json::from_str(oracle::SETTINGS).unwrap();
        host.catalog.enable(&domain, &"loyalty-points".into(), grants, Some(&settings)).await.unwrap();
        let workers = host.start().unwrap();
        Self { host, workers, clock, opened, _data_dir: data_dir }
    }

    async fn receive(&self, message: &Message) {
        let now = self.clock.now();
        let (topic, api_version) = (message.topic.clone(), message.form.clone());
        let event = Event {
            id: format!("webhook/{}", message.id).into(),
            store: self.host.catalog.registry().stores()[0].id(),
            origin: Origin::Webhook { platform: message.platform, topic, api_version },
            occurred_at: now,
            received_at: now,
            body: message.body.clone(),
        };
        self.host.pipeline.inbox.append(&event).await.unwrap();
    }

    async fn applied(&self) {
        let last = *self.host.pipeline.inbox.durable().borrow();
        let mut reached = self.workers.dispatcher.reached.clone();
        let waited = tokio::time::timeout(DEADLINE, reached.wait_for(|reached| *reached > last)).await;
        waited.expect("the dispatcher gets on").unwrap();
        // What waited for an order is delivered once the order is there.
        eventually("no delivery is due", DEADLINE, async || {
            let due = self.host.pipeline.store.scan(&Scan::of(keys::due_queue(DueQueue::Deliveries), 1)).unwrap();
            let first = due.first().and_then(|(key, _)| Due::read(key));
            first.is_none_or(|(at, _)| at > self.clock.now()).then_some(())
        })
        .await;
    }

    async fn reconcile(&self) -> Reconciled {
        self.applied().await;
        let entry = Arc::clone(self.host.catalog.registry().stores()[0]);
        let client = self.host.outbox.storefronts.client(&entry).await.unwrap();
        reconcile::run_store(&self.host.pipeline, SETTINGS, &entry, &*client, None, |_| {}).await.unwrap();
        self.applied().await;
        let kept = self.host.pipeline.store.get(&keys::reconciliation(entry.id())).unwrap().unwrap();
        decode::<Reconciliation>(&kept.bytes).unwrap().latest
    }

    /// The plugin's state under a prefix, as JSON.
    fn state(&self, prefix: &str) -> BTreeMap<String, Value> {
        let store = self.host.catalog.registry().stores()[0].id();
        let plugin = PluginName::from("loyalty-points");
        let begin = keys::state(store, &plugin, "").as_bytes().len();
        let rows = self.host.pipeline.store.scan(&Scan::of(keys::state(store, &plugin, prefix), 100_000)).unwrap();
        let read = |(key, value): (regulars::store::Key, regulars::store::Value)| {
            let key = String::from_utf8(key.as_bytes()[begin..].to_vec()).unwrap();
            (key, serde_json::from_slice(&value.bytes).unwrap())
        };
        rows.into_iter().map(read).collect()
    }

    /// Of customers; what guests are owed the season's model does not say.
    fn balances(&self) -> BTreeMap<String, i64> {
        let mut accounts = self.state("account/");
        accounts.retain(|key, _| !key.starts_with("account/guest:"));
        accounts.into_iter().map(|(key, account)| (key[8..].into(), account["balance"].as_i64().unwrap())).collect()
    }
}

/// Lives through the season, day by day, in some weather; reconciles each day. What was lost of orders, and each run.
async fn live(population: &Population, peer: &impl Peer, weather: &Weather) -> (Season, Vec<Message>, Vec<Reconciled>) {
    let season = Season::begin(population.shop(), peer).await;
    let (mut missed, mut found) = (Vec::new(), Vec::new());
    let mut day = 1;
    for (number, scheduled) in population.webhooks().enumerate() {
        while scheduled.at > DAY * day {
            season.clock.advance((season.opened + DAY * day).since(season.clock.now()));
            if let Some(trouble) = weather.troubles.get(&day) {
                peer.fail(*trouble);
            }
            found.push(season.reconcile().await);
            day += 1;
        }
        season.clock.advance((season.opened + scheduled.at).since(season.clock.now()));
        let Some(message) = peer.happen(population, &scheduled) else { continue };
        // Customers are told by webhooks alone.
        let of_order = !scheduled.webhook.topic.starts_with("customers/");
        if of_order && weather.loses(number) {
            missed.push(message);
            continue;
        }
        season.receive(&message).await;
        if weather.doubles(number) {
            season.receive(&message).await;
        }
    }
    season.clock.advance(DAY);
    found.push(season.reconcile().await);
    (season, missed, found)
}

fn population(shop: Shop) -> Population {
    Population::sized(11, shop, Size { customers: 60, days: 40 })
}

/// A clean season and two bad ones end alike.
async fn hold<P: Peer>(population: &Population, peer: impl Fn() -> P) {
    let (clean, none, found) = live(population, &peer(), &Weather::default()).await;
    assert!(none.is_empty() && found.iter().all(|run| run.error.is_none()), "{found:?}");
    assert_eq!(found.iter().map(|run| run.repaired).sum::<u64>(), 0, "{found:?}");
    let expected: BTreeMap<_, _> =
        population.expected().into_iter().map(|(id, owed)| (id.to_string(), owed.balance())).collect();
    assert_eq!(clean.balances(), expected);

    let usual = Weather {
        lost_one_in: Some(100),
        doubled_one_in: Some(50),
        troubles: BTreeMap::from([
            (5, Trouble::Hiccup),
            (12, Trouble::Throttled),
            (20, Trouble::Outage),
            (30, Trouble::Throttled),
        ]),
    };
    let bad = Weather { lost_one_in: Some(5), doubled_one_in: Some(10), troubles: BTreeMap::new() };
    for weather in [usual, bad] {
        let one_in = weather.lost_one_in.unwrap();
        let (season, missed, found) = live(population, &peer(), &weather).await;
        assert!(!missed.is_empty() && season.host.counters.events_repeated.get() > 0);
        assert_eq!(season.balances(), expected, "one in {one_in} lost");
        let outages = weather.troubles.values().filter(|trouble| matches!(trouble, Trouble::Outage)).count();
        assert_eq!(found.iter().filter(|run| run.error.is_some()).count(), outages, "{found:?}");
        assert!(found.iter().map(|run| run.repaired).sum::<u64>() > 0, "{found:?}");
        let late = found.iter().map(|run| run.late_max).max().unwrap();
        assert!((1..=2 * 86_400_000).contains(&late), "{late}");
        // What an order earned is the same to the point and the rule, unless it was cancelled before it was found.
        let orders = season.state("order/");
        for (order, record) in clean.state("order/") {
            match orders.get(&order) {
                Some(found) => assert_eq!(*found, record),
                None => assert_eq!(record["earned"], record["reversed"], "{order}"),
            }
        }
        // The lost come after all.
        for late in &missed {
            season.receive(late).await;
        }
        season.applied().await;
        assert_eq!(season.balances(), expected, "one in {one_in} late");
        season.workers.stop().await;
    }
    clean.workers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shopify_season_of_lost_and_doubled_webhooks_and_a_failing_api_ends_as_the_clean_one() {
    hold(&population(Shop::named("fern")), Shopify::open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_magento_season_of_lost_and_doubled_webhooks_and_a_failing_api_ends_as_the_clean_one() {
    // Amounts of both shapes are those without tax, which this shop adds on top.
    hold(&population(Shop { taxes_included: false, ..Shop::named("fern") }), Magento::open).await;
}
