//! A season in which webhooks are lost ends, once it is reconciled, as the season in which none is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use regulars::{
    catalog::NewStore,
    clock::{Clock, Manual},
    config::Config,
    domain::{Capability, Event, Origin, Platform, PluginName, Timestamp},
    host::{Host, Workers},
    reconcile::{self, Settings},
    store::{
        Access, Reconciled, Reconciliation, Scan, decode,
        keys::{self, Due, DueQueue},
    },
};
use regulars_tests::{
    DEADLINE,
    host::eventually,
    population::{Population, Scheduled, Shop, Size, oracle},
    shopify_admin::{Limits, Options, SchemaSource, ShopifyAdmin},
};
use serde_json::Value;

use crate::shop::plugin_file;

const DAY: Duration = Duration::from_secs(86_400);
const SETTINGS: Settings =
    Settings { every: DAY, overlap: Duration::from_secs(3600), settle: Duration::from_secs(60), pages: 100 };

/// A host in this process, with `loyalty-points` on, on a clock that the season moves.
struct Season {
    host: Host,
    workers: Workers,
    clock: Manual,
    opened: Timestamp,
    _data_dir: tempfile::TempDir,
}

impl Season {
    async fn begin(shop: &Shop, shopify: &ShopifyAdmin) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.data_dir = data_dir.path().join("data");
        config.reconcile.every_seconds = 0;
        config.history.on_installation = false;
        let opened = Timestamp(u64::try_from(shop.opens.as_millisecond()).unwrap());
        let clock = Manual::at(opened);
        let host = Host::open(config, Arc::new(clock.clone())).unwrap();
        let new = NewStore {
            platform: Platform::Shopify,
            domain: shop.domain.clone(),
            name: "Fern".into(),
            url: "https://fern.example".into(),
            currency: shop.currency.parse().unwrap(),
            time_zone: "Europe/Amsterdam".into(),
            locale: "en".into(),
            secrets: vec!["hush".into()],
            access: Some(Access::lasting(Options::default().access_token)),
            api_url: Some(shopify.base_url()),
        };
        host.catalog.add_store(new).await.unwrap();
        host.catalog.install(std::fs::read(plugin_file("loyalty-points")).unwrap()).await.unwrap();
        let grants = Capability::ALL.iter().copied().collect();
        let settings: Value = serde_json::from_str(oracle::SETTINGS).unwrap();
        host.catalog.enable(&shop.domain, &"loyalty-points".into(), grants, Some(&settings)).await.unwrap();
        let workers = host.start().unwrap();
        Self { host, workers, clock, opened, _data_dir: data_dir }
    }

    async fn receive(&self, scheduled: &Scheduled) {
        let webhook = &scheduled.webhook;
        let header = |name: &str| webhook.headers.iter().find(|(it, _)| *it == name).unwrap().1.clone();
        let now = self.clock.now();
        let event = Event {
            id: format!("webhook/{}", header("X-Shopify-Webhook-Id")).into(),
            store: self.host.catalog.registry().stores()[0].id(),
            origin: Origin::Webhook {
                platform: Platform::Shopify,
                topic: webhook.topic.into(),
                api_version: header("X-Shopify-API-Version"),
            },
            occurred_at: now,
            received_at: now,
            body: webhook.body.clone(),
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

/// Lives through the season, day by day, with the webhooks at these places lost; reconciles each day.
async fn live(population: &Population, lost: impl Fn(usize) -> bool) -> (Season, Vec<Scheduled>, Vec<Reconciled>) {
    let limits = Limits { maximum: 1e9, restore_rate: 1e9 };
    let options = Options { limits, ..Options::default() };
    let shopify = ShopifyAdmin::start(&SchemaSource::best(), options).unwrap();
    let season = Season::begin(population.shop(), &shopify).await;
    let (mut missed, mut found) = (Vec::new(), Vec::new());
    let mut day = 1;
    for (number, scheduled) in population.webhooks().enumerate() {
        while scheduled.at > DAY * day {
            season.clock.advance((season.opened + DAY * day).since(season.clock.now()));
            found.push(season.reconcile().await);
            day += 1;
        }
        season.clock.advance((season.opened + scheduled.at).since(season.clock.now()));
        if scheduled.webhook.topic.starts_with("orders/") {
            shopify.put_order(serde_json::from_slice(&scheduled.webhook.body).unwrap());
        }
        let of_order = !scheduled.webhook.topic.starts_with("customers/");
        match of_order && lost(number) {
            true => missed.push(scheduled),
            false => season.receive(&scheduled).await,
        }
    }
    season.clock.advance(DAY);
    found.push(season.reconcile().await);
    assert!(found.iter().all(|run| run.error.is_none()), "{found:?}");
    (season, missed, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_of_which_webhooks_are_lost_ends_as_the_clean_one_once_it_is_reconciled() {
    let size = Size { customers: 60, days: 40 };
    let population = Population::sized(11, Shop::named("fern"), size);
    let (clean, none, found) = live(&population, |_| false).await;
    assert!(none.is_empty());
    assert_eq!(found.iter().map(|run| run.repaired).sum::<u64>(), 0, "{found:?}");
    let expected: BTreeMap<_, _> =
        population.expected().into_iter().map(|(id, owed)| (id.to_string(), owed.balance())).collect();
    assert_eq!(clean.balances(), expected);

    // One in a hundred, and a bad day's one in five.
    for one_in in [100, 5] {
        let (season, missed, found) = live(&population, |number| (number * 7_919 + 13) % one_in == 0).await;
        assert!(!missed.is_empty());
        assert_eq!(season.balances(), expected, "one in {one_in} lost");
        let repaired: u64 = found.iter().map(|run| run.repaired).sum();
        assert!(repaired > 0, "{found:?}");
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
