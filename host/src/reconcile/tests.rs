//! What was missed is made up for, once, whatever goes wrong on the way.

use std::{collections::BTreeSet, sync::atomic::AtomicU64};

use serde_json::{Value, json};

use super::*;
use crate::{
    dispatch::bench::{Bench, START},
    domain::{Order, Platform, RefundId},
    engine::guest::Guest,
    platform::{ListedProduct, OrdersPage, ProductsPage, Told},
};

mod asked;
mod products;

const MINUTE: Duration = Duration::from_secs(60);
const SETTINGS: Settings =
    Settings { every: Duration::from_secs(900), overlap: Duration::from_secs(3600), settle: MINUTE, pages: 100 };

const TOPICS: [&str; 5] = ["order.placed", "order.paid", "order.refunded", "order.cancelled", "order.updated"];

/// An order as the platform knows it; times are minutes after the store was added.
#[derive(Clone, Default)]
struct Sold {
    id: u64,
    placed: i64,
    updated: u64,
    paid: bool,
    cancelled: Option<u64>,
    refunds: Vec<(u64, u64)>,
}

fn minutes(at: i64) -> Timestamp {
    Timestamp(START.0.checked_add_signed(at * 60_000).unwrap())
}

fn after(at: u64) -> Timestamp {
    START + MINUTE * u32::try_from(at).unwrap()
}

impl Sold {
    fn body(&self) -> Value {
        json!({
            "id": self.id, "name": format!("#{}", self.id), "currency": "EUR",
            "financial_status": if self.paid { "paid" } else { "pending" },
            "created_at": minutes(self.placed).to_string(), "updated_at": after(self.updated).to_string(),
            "cancelled_at": self.cancelled.map(|at| after(at).to_string()),
            "total_price": "10.00", "subtotal_price": "10.00", "line_items": [],
            "customer": {"id": self.id % 3 + 1},
        })
    }

    fn refund(&self, id: u64) -> Value {
        let at = self.refunds.iter().find(|refund| refund.0 == id).map(|refund| after(refund.1).to_string());
        json!({"id": id, "order_id": self.id, "created_at": at, "refund_line_items": []})
    }

    fn steps(&self) -> Vec<(Step, Option<Timestamp>)> {
        let mut steps = vec![(Step::Placed, None)];
        steps.extend(self.paid.then_some((Step::Paid, None)));
        let refunds = self.refunds.iter().map(|(id, at)| (Step::Refunded(id.to_string().into()), Some(after(*at))));
        steps.extend(refunds);
        steps.extend(self.cancelled.map(|at| (Step::Cancelled, Some(after(at)))));
        steps
    }

    /// The webhooks that tell of it.
    fn webhooks(&self, bench: &Bench) -> Vec<Event> {
        let told = |(step, _): (Step, _)| {
            let (topic, body) = told(self, &step);
            let object = if let Step::Refunded(refund) = &step { refund.to_string() } else { self.id.to_string() };
            bench.webhook(&format!("{topic}/{object}"), topic, &body)
        };
        self.steps().into_iter().map(told).collect()
    }
}

fn told(sold: &Sold, step: &Step) -> (&'static str, Value) {
    let topic = crate::platform::shopify::admin::changes::topic_of(step);
    match step {
        Step::Refunded(refund) => (topic, sold.refund(refund.as_str().parse().unwrap())),
        _ => (topic, sold.body()),
    }
}

/// A platform of which two orders or products make a page.
#[derive(Default)]
struct Shop {
    sold: Vec<Sold>,
    products: Vec<ListedProduct>,
    /// What goes wrong, call by call; `None` where nothing does.
    faults: Mutex<Vec<Option<Failure>>>,
    calls: AtomicU64,
}

impl Shop {
    fn fault(&self) -> Result<(), Failure> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut faults = self.faults.lock().unwrap();
        if faults.is_empty() { Ok(()) } else { faults.remove(0).map_or(Ok(()), Err) }
    }
}

impl Changes for Shop {
    async fn changed_orders(
        &self,
        (from, to): (Timestamp, Timestamp),
        from_row: Option<&str>,
    ) -> Result<OrdersPage, Failure> {
        self.fault()?;
        let mut changed: Vec<_> =
            self.sold.iter().filter(|sold| (from..=to).contains(&after(sold.updated))).cloned().collect();
        changed.sort_by_key(|sold| (sold.updated, sold.id));
        let first: usize = from_row.map_or(0, |row| row.parse().unwrap());
        let orders = changed.iter().skip(first).take(2).map(|sold| ChangedOrder {
            id: sold.id.to_string().into(),
            created_at: minutes(sold.placed),
            updated_at: after(sold.updated),
            steps: sold.steps(),
        });
        let next = (first + 2 < changed.len()).then(|| (first + 2).to_string());
        Ok(OrdersPage { orders: orders.collect(), next })
    }

    async fn changed_products(
        &self,
        (from, to): (Timestamp, Timestamp),
        from_row: Option<&str>,
    ) -> Result<ProductsPage, Failure> {
        self.fault()?;
        let mut changed: Vec<_> = self.products.clone();
        changed.retain(|product| (from..=to).contains(&product.updated_at));
        changed.sort_by_key(|product| product.updated_at);
        let first: usize = from_row.map_or(0, |row| row.parse().unwrap());
        let next = (first + 2 < changed.len()).then(|| (first + 2).to_string());
        Ok(ProductsPage { products: changed.into_iter().skip(first).take(2).collect(), next })
    }

    async fn told(&self, order: &OrderId, step: &Step) -> Result<Option<Told>, Failure> {
        self.fault()?;
        let sold = self.sold.iter().find(|sold| sold.id.to_string() == order.as_str());
        Ok(sold.map(|sold| {
            let (topic, body) = told(sold, step);
            let body = body.to_string().into();
            Told { platform: Platform::Shopify, topic: topic.into(), api_version: "2026-10".into(), body }
        }))
    }

    fn next_allowed(&self, now: Timestamp) -> Timestamp {
        now
    }
}

/// A store whose plugin counts events by topic, an hour and a half after it was added.
async fn store() -> Bench {
    let bench = Bench::new().await;
    let guest = Guest::default();
    let module = guest.module("(call $count (local.get $topic) (local.get $topic_len))");
    bench.install_for(&TOPICS, "counter", &[], &module).await;
    bench.switch_on("counter", &[]).await;
    bench.clock.advance(MINUTE * 90);
    bench
}

/// One run, and everything applied that it appended.
async fn reconcile(bench: &Bench, shop: &Shop, settings: Settings) -> Reconciliation {
    reconcile_since(bench, shop, settings, None).await
}

async fn reconcile_since(bench: &Bench, shop: &Shop, settings: Settings, since: Option<u64>) -> Reconciliation {
    let before = *bench.inbox.durable().borrow();
    let entry = bench.catalog.registry().store(bench.id).cloned().unwrap();
    run_store(&bench.pipeline, settings, &entry, shop, since.map(after), |_| {}).await.unwrap();
    apply_from(bench, before.next()).await;
    kept(&bench.pipeline, bench.id).unwrap().unwrap()
}

async fn apply_from(bench: &Bench, first: Position) {
    for (position, _) in bench.inbox.read(first, 10_000, 1 << 24).unwrap() {
        bench.apply_at(position).await;
    }
    bench.run_due().await;
}

fn counts(bench: &Bench) -> [u32; 5] {
    TOPICS.map(|topic| bench.counted("counter", topic))
}

fn returned(id: u64) -> Sold {
    Sold { id, placed: 10, updated: 30, paid: true, refunds: vec![(id * 10, 20), (id * 10 + 1, 30)], ..Sold::default() }
}

#[tokio::test]
async fn an_order_that_no_webhook_told_of_is_told_as_its_webhooks_would_have() {
    let bench = store().await;
    let cancelled = Sold { id: 2, placed: 5, updated: 40, cancelled: Some(40), ..Sold::default() };
    let shop = Shop { sold: vec![returned(1), cancelled], ..Shop::default() };
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!(counts(&bench), [2, 1, 2, 1, 0]);
    let latest = &found.latest;
    assert_eq!((latest.looked_at, latest.repaired, latest.duplicates, latest.pages), (2, 6, 0, 1));
    assert_eq!((latest.late_max, latest.late_median, &latest.error), (70 * 60_000, 60 * 60_000, &None));
    let order: Order = bench.read(&keys::order(bench.id, &"1".into())).unwrap();
    assert_eq!(order.updated_at, after(30));
    // Nothing is found a second time.
    let again = reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!((again.latest.repaired, again.latest.duplicates, again.repaired), (0, 6, 6));
    assert_eq!(counts(&bench), [2, 1, 2, 1, 0]);
}

#[tokio::test]
async fn what_webhooks_have_told_is_ignored_and_counted() {
    let bench = store().await;
    let shop = Shop { sold: vec![returned(1)], ..Shop::default() };
    for webhook in shop.sold[0].webhooks(&bench) {
        bench.accept(&webhook).await;
    }
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!((found.latest.repaired, found.latest.duplicates), (0, 4));
    assert_eq!(shop.calls.load(std::sync::atomic::Ordering::Relaxed), 1, "nothing is read whole");
    assert_eq!(counts(&bench), [1, 1, 2, 0, 0]);
}

#[tokio::test]
async fn webhooks_that_come_after_the_repair_count_for_nothing() {
    let bench = store().await;
    let shop = Shop { sold: vec![returned(1)], ..Shop::default() };
    reconcile(&bench, &shop, SETTINGS).await;
    let mut late = shop.sold[0].webhooks(&bench);
    late.reverse();
    for webhook in &late {
        bench.accept(webhook).await;
    }
    assert_eq!(counts(&bench), [1, 1, 2, 0, 0]);
    assert_eq!(bench.pipeline.counters.events_told_before.get(), 4);
}

#[tokio::test]
async fn a_missed_update_is_told_once_and_its_late_webhook_is_not() {
    let bench = store().await;
    let placed = Sold { id: 1, placed: 10, updated: 10, ..Sold::default() };
    bench.accept(&placed.webhooks(&bench)[0]).await;
    let shop = Shop { sold: vec![Sold { updated: 20, ..placed }], ..Shop::default() };
    for _ in 0..2 {
        reconcile(&bench, &shop, SETTINGS).await;
    }
    bench.accept(&bench.webhook("late", "orders/updated", &shop.sold[0].body())).await;
    assert_eq!(counts(&bench), [1, 0, 0, 0, 1]);
    let newer = Sold { updated: 25, ..shop.sold[0].clone() };
    bench.accept(&bench.webhook("newer", "orders/updated", &newer.body())).await;
    assert_eq!(counts(&bench), [1, 0, 0, 0, 2]);
}

#[tokio::test]
async fn a_run_in_which_nothing_has_changed_moves_on() {
    let bench = store().await;
    let found = reconcile(&bench, &Shop::default(), SETTINGS).await;
    assert_eq!((found.latest.looked_at, found.latest.pages, found.until), (0, 1, after(89)));
    bench.clock.advance(MINUTE * 120);
    let found = reconcile(&bench, &Shop::default(), SETTINGS).await;
    assert_eq!((found.latest.from, found.until), (after(29), after(209)), "an hour's overlap");
}

#[tokio::test]
async fn a_page_that_fails_ends_the_run_and_the_next_run_finds_the_rest_once() {
    let bench = store().await;
    let refused = || Failure::Permanent { reason: "no such field".into() };
    // The second page's first order is read, its second is not: the process may as well have ended there.
    let mut faults: Vec<_> = (0..14).map(|_| None).collect();
    faults.push(Some(refused()));
    let shop = Shop { sold: (1..=4).map(returned).collect(), faults: faults.into(), ..Shop::default() };
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert!(found.latest.error.as_ref().is_some_and(|error| error.contains("no such field")), "{found:?}");
    assert_eq!((found.until, found.latest.pages), (after(30), 1), "as far as whole pages go");
    let so_far = counts(&bench)[0];
    assert!((1..4).contains(&so_far), "{so_far}");
    let bench = bench.restarted();
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!((found.latest.error, counts(&bench)), (None, [4, 4, 8, 0, 0]));
}

#[tokio::test]
async fn a_run_that_ends_before_its_record_is_written_is_repeated_without_harm() {
    let bench = store().await;
    let shop = Shop { sold: vec![returned(1)], ..Shop::default() };
    let entry = bench.catalog.registry().store(bench.id).cloned().unwrap();
    for _ in 0..2 {
        // Appended, not applied, and the record of the run is lost.
        run_store(&bench.pipeline, SETTINGS, &entry, &shop, None, |_| {}).await.unwrap();
        let mut lost = bench.transaction();
        lost.delete(keys::reconciliation(bench.id));
        lost.commit().await.unwrap();
    }
    let bench = bench.restarted();
    apply_from(&bench, Position(1)).await;
    assert_eq!(counts(&bench), [1, 1, 2, 0, 0]);
    assert_eq!(bench.pipeline.counters.events_repeated.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_throttled_is_asked_again_when_it_says() {
    let bench = store().await;
    let throttled = || Some(Failure::Throttled { retry_after: Duration::from_secs(7) });
    let busy = || Some(Failure::Transient { reason: "502".into() });
    let shop = Shop { sold: vec![returned(1)], faults: vec![throttled(), busy()].into(), ..Shop::default() };
    let begun = tokio::time::Instant::now();
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!((found.latest.error, found.latest.repaired), (None, 4));
    assert!(begun.elapsed() >= Duration::from_secs(7) + PAUSE, "{:?}", begun.elapsed());

    *shop.faults.lock().unwrap() = (0..TRIES).map(|_| busy()).collect();
    let found = reconcile(&bench, &shop, SETTINGS).await;
    assert!(found.latest.error.is_some_and(|error| error.contains("502")), "it gives up in the end");
}

#[tokio::test]
async fn an_order_from_before_the_store_was_added_is_learnt_and_nothing_is_earned_on_it() {
    let bench = store().await;
    let old = Sold { id: 1, placed: -1_000, updated: 30, paid: true, refunds: vec![(10, 30)], ..Sold::default() };
    let shop = Shop { sold: vec![old], ..Shop::default() };
    reconcile(&bench, &shop, SETTINGS).await;
    assert_eq!(counts(&bench), [0, 0, 1, 0, 1], "the refund of today, and that the order is known");
    assert!(bench.read::<Order>(&keys::order(bench.id, &"1".into())).is_some());
}

#[tokio::test]
async fn a_run_reads_no_more_pages_than_it_may_and_the_next_goes_on() {
    let bench = store().await;
    let sold = (1..=5).map(|id| Sold { updated: 30 + id, ..returned(id) });
    let shop = Shop { sold: sold.collect(), ..Shop::default() };
    let one_page = Settings { pages: 1, ..SETTINGS };
    let mut looked_at = Vec::new();
    loop {
        let found = reconcile(&bench, &shop, one_page).await;
        looked_at.push(found.latest.looked_at);
        if !found.more {
            break;
        }
    }
    assert!(looked_at.len() >= 3 && looked_at.iter().all(|orders| *orders <= 2), "{looked_at:?}");
    assert_eq!(counts(&bench), [5, 5, 10, 0, 0]);
}

#[tokio::test]
async fn with_any_of_the_webhooks_lost_the_counts_end_as_with_none_lost() {
    let sold: Vec<_> = (1..=60)
        .map(|id| match id % 4 {
            0 => Sold { id, placed: 3, updated: 12, cancelled: Some(12), ..Sold::default() },
            1 => returned(id),
            _ => Sold { id, placed: 5, updated: 9, paid: true, ..Sold::default() },
        })
        .collect();
    let clean = store().await;
    for webhook in sold.iter().flat_map(|sold| sold.webhooks(&clean)) {
        clean.accept(&webhook).await;
    }
    for lost_one_in in [1, 2, 7, 50] {
        let bench = store().await;
        let webhooks: Vec<_> = sold.iter().flat_map(|sold| sold.webhooks(&bench)).collect();
        let lost: BTreeSet<usize> = (0..webhooks.len()).filter(|number| (number * 31 + 3) % lost_one_in == 0).collect();
        for (number, webhook) in webhooks.iter().enumerate() {
            if !lost.contains(&number) {
                bench.accept(webhook).await;
            }
        }
        let shop = Shop { sold: sold.clone(), ..Shop::default() };
        let found = reconcile(&bench, &shop, SETTINGS).await;
        assert_eq!(counts(&bench), counts(&clean), "one in {lost_one_in} lost");
        assert_eq!(found.latest.repaired, lost.len() as u64);
        for number in lost {
            bench.accept(&webhooks[number]).await;
        }
        assert_eq!(counts(&bench), counts(&clean), "the lost came late");
    }
}

#[test]
fn a_refund_is_named_by_itself_and_an_order_by_what_became_of_it() {
    let order = OrderId::from("7");
    let refund = Step::Refunded(RefundId::from("9"));
    assert_eq!(id_of("refunds/create", &order, &refund, Timestamp(5)).as_str(), "read/refunds/create/9/5");
    assert_eq!(id_of("orders/paid", &order, &Step::Paid, Timestamp(5)).as_str(), "read/orders/paid/7/5");
}
