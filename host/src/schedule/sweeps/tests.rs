//! People who are forgotten and stores that end, through the whole pipeline, with a plugin that writes down all that it is
//! told wherever it can.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    dispatch::bench::{Bench, DAY, DOMAIN, START},
    domain::{
        Capability, Checkout, Contact, ContactId, Effect, EffectId, EffectStage, EffectStatus, Event, Fulfillment,
        Order, Origin, Outcome, PluginName, SentMail, Signal, Suppression, SuppressionCause,
    },
    engine::guest::{ANSWER, Guest},
    store::{Access, Scan, SharedLink, TaskRecord, keys},
};

const HOARDER: &str = "hoarder";

const CAPABILITIES: [Capability; 3] = [Capability::Mail, Capability::Orders, Capability::Tasks];

/// Everything that tells who somebody is, in the notices that the tests send.
const TELLING: [&str; 6] = ["mira", "okonjo", "lindenweg", "4915100000", "paketpost", "for you"];

/// Keeps the payload under `dump/7`, in a timer, a note, a task, a mail and an order's note.
fn hoarder() -> Vec<u8> {
    let mut guest = Guest::default();
    let [dump, later, seen, title, template, customer, order] =
        ["dump/7", "later/7", "seen", "Who is it?", "welcome", "7", "1"].map(|text| guest.text(text));
    let payload = "(local.get $n) (local.get $m)";
    let pair = format!(
        "(i32.store (i32.const 300) (i32.const {})) (i32.store (i32.const 304) (i32.const {}))
         (i32.store (i32.const 308) (local.get $n)) (i32.store (i32.const 312) (local.get $m))",
        seen.at, seen.length
    );
    let pairs = "(i32.const 300) (i32.const 1)";
    guest.module(&format!(
        "(call $payload (i32.const {ANSWER}))
         (local.set $n (i32.load (i32.const 16))) (local.set $m (i32.load (i32.const 20)))
         {pair}
         (call $state_set {dump} {payload} (i32.const 64))
         (call $timer_at {later} (i64.add (call $now) (i64.const 86400000)) {payload} (i32.const 64))
         (call $note {seen} {pairs} (i32.const 64))
         (call $open_task {dump} {title} {pairs} (i32.const 1) {customer} (i32.const 0) (i32.const 0) (i32.const 0)
             (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i32.const 64))
         (call $mail {customer} {template} {pairs} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64))
         (call $order_note {order} {seen} (i32.const 64))"
    ))
}

fn paid() -> Value {
    json!({
        "id": 1, "name": "#1", "currency": "EUR", "financial_status": "paid", "email": "mira@example.com",
        "created_at": "2026-10-01T00:00:00Z", "updated_at": "2026-10-01T00:00:00Z",
        "total_price": "10.00", "subtotal_price": "10.00", "total_tax": "0.00", "line_items": [],
        "customer": {"id": 7, "email": "mira@example.com", "first_name": "Mira", "last_name": "Okonjo"},
        "shipping_address": {"address1": "Lindenweg 4", "country_code": "DE", "phone": "+4915100000", "name": "Mira Okonjo"},
        "note_attributes": [{"name": "gift", "value": "For you"}],
    })
}

fn request(orders: &Value) -> Value {
    json!({"customer": {"id": 7, "email": "mira@example.com"}, "orders_to_redact": orders, "orders_requested": orders})
}

/// A store in which all of that has happened.
async fn bench_for(topics: &[&str]) -> Bench {
    let bench = Bench::new().await;
    bench.install_for(topics, HOARDER, &CAPABILITIES, &hoarder()).await;
    bench.switch_on(HOARDER, &CAPABILITIES).await;
    bench.accept(&bench.webhook("paid", "orders/paid", &paid())).await;
    let shipped = json!({
        "id": 5, "order_id": 1, "status": "success", "tracking_number": "PAKETPOST1",
        "tracking_url": "https://paketpost.example/1", "updated_at": "2026-10-02T00:00:00Z",
    });
    bench.accept(&bench.webhook("shipped", "fulfillments/create", &shipped)).await;
    let left = json!({
        "token": "c1", "email": "mira@example.com", "currency": "EUR", "total_price": "5.00",
        "updated_at": "2026-10-02T00:00:00Z",
    });
    bench.accept(&bench.webhook("left", "checkouts/create", &left)).await;
    let mut rows = bench.transaction();
    let shared = SharedLink { store: bench.id, plugin: HOARDER.into(), customer: "7".into() };
    rows.put(keys::link("K3JQ7PZ2"), &shared);
    rows.put_bytes(keys::customer_link(bench.id, &HOARDER.into(), &"7".into()), b"K3JQ7PZ2".to_vec());
    rows.put(keys::contact(bench.id, CONTACT), &contact());
    rows.commit().await.unwrap();
    bench
}

const CONTACT: ContactId = ContactId([1; 16]);

fn contact() -> Contact {
    let detail = "550 5.1.1 <mira@example.com> unknown".into();
    Contact {
        customer: Some("7".into()),
        mails: vec![SentMail { effect: "gone".into(), at: START, marketing: true, bounced: true }],
        suppression: Some(Suppression { cause: SuppressionCause::HardBounce, since: START, detail }),
        ..Contact::default()
    }
}

/// Sweeps away all whose time has come.
async fn sweep(bench: &Bench) {
    erase_due(&bench.pipeline).await.unwrap();
    forget_due(&bench.pipeline).await.unwrap();
    expire_checkouts(&bench.pipeline).await.unwrap();
    expire_audit(&bench.pipeline).await.unwrap();
}

/// All that is kept, in lower case.
fn everything(bench: &Bench) -> Vec<(Key, String)> {
    let rows = bench.store.scan(&Scan::of(Key::from_bytes(Vec::new()), usize::MAX)).unwrap();
    let text = |(key, value): (Key, crate::store::Value)| {
        let bytes = [key.as_bytes(), &value.bytes].concat();
        (key, String::from_utf8_lossy(&bytes).to_lowercase())
    };
    rows.into_iter().map(text).collect()
}

#[track_caller]
fn assert_forgotten(bench: &Bench) {
    for (key, text) in everything(bench) {
        for telling in TELLING {
            assert!(!text.contains(telling), "{key:?} still holds {telling}: {text}");
        }
    }
}

#[tokio::test]
async fn nothing_tells_who_a_redacted_person_was_whatever_a_plugin_wrote_down() {
    let bench = bench_for(&["order.paid"]).await;
    let told: Vec<_> = everything(&bench).into_iter().map(|(_, text)| text).collect();
    for telling in TELLING {
        assert!(told.iter().filter(|text| text.contains(telling)).count() >= 1, "{telling} is kept at first");
    }
    bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([1])))).await;
    sweep(&bench).await;
    assert_forgotten(&bench);

    let order: Order = bench.read(&keys::order(bench.id, &"1".into())).unwrap();
    assert_eq!((order.total.minor, order.customer), (1_000, Some("7".into())), "sums stay, and ids");
    let shipment: Fulfillment = bench.read(&keys::fulfillment(bench.id, &"1".into(), &"5".into())).unwrap();
    assert_eq!((shipment.status.as_deref(), shipment.tracking_url), (Some("success"), None));
    assert_eq!(bench.read::<Checkout>(&keys::checkout(bench.id, &"c1".into())), None);
    let task: TaskRecord = bench.read(&keys::task(bench.id, &HOARDER.into(), "dump/7")).unwrap();
    assert_eq!((task.customer, task.details.len()), (Some("7".into()), 0), "what is to be decided stays");
    let contact: Contact = bench.read(&keys::contact(bench.id, CONTACT)).unwrap();
    let suppression = contact.suppression.as_ref().map(|it| (it.cause, it.detail.as_str()));
    assert_eq!((contact.customer, suppression), (None, Some((SuppressionCause::HardBounce, ""))));
    assert_eq!(bench.read::<SharedLink>(&keys::link("K3JQ7PZ2")), None);
    let usage = bench.pipeline.usage.take_changed();
    assert!(usage.iter().any(|((_, plugin), usage)| plugin.as_str() == HOARDER && usage.keys == 0), "{usage:?}");
}

#[tokio::test]
async fn a_word_on_marketing_that_has_not_been_passed_on_goes_with_the_customer() {
    let bench = bench_for(&["order.paid"]).await;
    let said = Event {
        origin: Origin::Consent { customer: "7".into(), accepts_marketing: true },
        body: Bytes::new(),
        ..bench.webhook("back", "", &json!({}))
    };
    bench.accept(&said).await;
    let id = EffectId::derive(DOMAIN, &said.id, &PluginName::host(), 0);
    let status = || bench.read::<Effect>(&keys::effect(bench.id, &id)).unwrap().status;
    assert!(matches!(status(), EffectStatus::Pending { .. }));
    bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
    sweep(&bench).await;
    assert!(matches!(status(), EffectStatus::Dropped { .. }), "{:?}", status());
}

#[tokio::test]
async fn what_comes_after_the_first_round_is_taken_out_in_the_second() {
    let bench = bench_for(&["order.paid"]).await;
    bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
    sweep(&bench).await;
    bench.accept(&bench.webhook("late", "orders/paid", &paid())).await;
    assert!(everything(&bench).iter().any(|(_, text)| text.contains("okonjo")), "the plugin has written it down again");
    bench.clock.advance(32 * DAY - Duration::from_secs(1));
    sweep(&bench).await;
    bench.clock.advance(Duration::from_secs(1));
    sweep(&bench).await;
    assert_forgotten(&bench);
    assert_eq!(bench.queued(DueQueue::Forgettings), 0);
}

#[tokio::test]
async fn a_plugin_that_is_told_keeps_its_sums_and_one_that_cannot_be_told_keeps_nothing() {
    for (topics, kept) in [(vec!["order.paid", "customer.redacted"], true), (vec!["order.paid"], false)] {
        let bench = bench_for(&topics).await;
        bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
        sweep(&bench).await;
        let state = bench.store.get(&keys::state(bench.id, &HOARDER.into(), "dump/7")).unwrap();
        let timer = bench.store.get(&keys::timer(bench.id, &HOARDER.into(), "later/7")).unwrap();
        assert_eq!((state.is_some(), timer.is_some()), (kept, kept), "{topics:?}");
        assert_eq!(bench.queued(DueQueue::Timers), usize::from(kept));
    }
}

/// Forgets nobody when it is told to.
fn failing() -> Vec<u8> {
    Guest::default().module("unreachable")
}

#[tokio::test]
async fn a_plugin_that_could_not_bear_to_be_told_keeps_nothing_and_one_that_was_told_keeps_its_sums_though_it_is_off() {
    for (is_borne, kept) in [(false, false), (true, true)] {
        let topics = ["order.paid", "customer.redacted"];
        let bench = bench_for(&topics).await;
        if !is_borne {
            bench.install_for(&topics, HOARDER, &CAPABILITIES, &failing()).await;
        }
        let position = bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
        if !is_borne {
            let mut rows = bench.transaction();
            let mut event: EventRecord = bench.read(&keys::event(bench.id, position)).unwrap();
            event.deliveries.iter_mut().for_each(|delivery| delivery.outcome = Outcome::Dead { reason: "no".into() });
            rows.put(keys::event(bench.id, position), &event);
            rows.commit().await.unwrap();
        }
        sweep(&bench).await;
        bench.catalog.disable(DOMAIN, &HOARDER.into()).await.unwrap();
        bench.clock.advance(32 * DAY);
        sweep(&bench).await;
        let state = bench.store.get(&keys::state(bench.id, &HOARDER.into(), "dump/7")).unwrap();
        assert_eq!(state.is_some(), kept, "borne: {is_borne}");
    }
}

#[tokio::test]
async fn what_a_plugin_keeps_by_a_fingerprint_of_the_person_is_forgotten() {
    let bench = bench_for(&["order.paid"]).await;
    let signal = Signal::email("mira@example.com").unwrap();
    let banned = format!("banned/email/{}", signal.shown_to(DOMAIN, HOARDER));
    let mut rows = bench.transaction();
    rows.put_bytes(keys::state(bench.id, &HOARDER.into(), &banned), b"7".to_vec());
    rows.commit().await.unwrap();
    bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
    sweep(&bench).await;
    assert_eq!(bench.store.get(&keys::state(bench.id, &HOARDER.into(), &banned)).unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_asks_by_address_alone_names_whoever_has_it() {
    let bench = bench_for(&["order.paid"]).await;
    let asked = json!({"customer": {"email": "mira@example.com"}, "orders_requested": []});
    let position = bench.accept(&bench.webhook("ask", "customers/data_request", &asked)).await;
    let key = format!("data-request/{position}");
    let task: TaskRecord = bench.read(&keys::task(bench.id, &crate::domain::PluginName::host(), &key)).unwrap();
    assert_eq!(task.customer, Some("7".into()));
}

#[tokio::test]
async fn a_request_for_data_is_a_task_that_the_merchant_closes_and_stands_in_the_trail() {
    let bench = Bench::new().await;
    let position = bench.accept(&bench.webhook("ask", "customers/data_request", &request(&json!([41, 42])))).await;
    let key = format!("data-request/{position}");
    let task: TaskRecord = bench.read(&keys::task(bench.id, &crate::domain::PluginName::host(), &key)).unwrap();
    assert_eq!(task.due, Some(bench.clock.now() + 30 * DAY));
    let command = "regulars customer data fern.myshopify.com 7 --order 41 --order 42 --out customer.json";
    assert_eq!(task.details[0].1, command);
    let entry = bench.catalog.store_named(DOMAIN).unwrap();
    let answer = crate::ingest::tasks::Answer {
        plugin: crate::domain::PluginName::host(),
        task: key.clone(),
        choice: "answered".into(),
        reason: String::new(),
    };
    crate::ingest::tasks::accept(&bench.pipeline, &entry, answer).await.unwrap();
    bench.apply_at(position.next()).await;
    assert_eq!(bench.read::<TaskRecord>(&keys::task(bench.id, &crate::domain::PluginName::host(), &key)), None);
    let acts: Vec<_> = trail(&bench).iter().map(|entry| (entry.act, entry.by)).collect();
    assert_eq!(acts, [(Act::DataAnswered, Actor::Operator), (Act::DataRequested, Actor::Platform)]);
}

fn trail(bench: &Bench) -> Vec<AuditEntry> {
    audit::latest(&*bench.store, None, 100).unwrap()
}

#[tokio::test]
async fn a_redaction_stands_in_the_trail_without_the_customers_id_and_goes_after_its_time() {
    let bench = bench_for(&["order.paid"]).await;
    bench.accept(&bench.webhook("redact", "customers/redact", &request(&json!([])))).await;
    sweep(&bench).await;
    let entries = trail(&bench);
    let acts: Vec<_> = entries.iter().map(|entry| entry.act).collect();
    assert_eq!(acts, [Act::CustomerForgotten, Act::CustomerRedacted]);
    let hash = bench.catalog.audit_key().customer(bench.id, &"7".into());
    assert!(entries.iter().all(|entry| entry.customer == Some(hash) && entry.domain == DOMAIN), "{entries:?}");
    bench.clock.advance(1_096 * DAY);
    // The second round comes first, and is newer.
    sweep(&bench).await;
    assert_eq!(trail(&bench).len(), 3);
    bench.clock.advance(Duration::from_secs(1));
    sweep(&bench).await;
    assert_eq!(trail(&bench).len(), 1);
}

#[tokio::test]
async fn a_checkout_is_let_go_ninety_days_after_its_last_change() {
    let bench = Bench::new().await;
    let begun = |at: &str| json!({"token": "c1", "email": "mira@example.com", "currency": "EUR", "updated_at": at});
    bench.accept(&bench.webhook("1", "checkouts/create", &begun("2026-10-02T00:00:00Z"))).await;
    bench.accept(&bench.webhook("2", "checkouts/update", &begun("2026-10-04T00:00:00Z"))).await;
    assert_eq!(bench.queued(DueQueue::Checkouts), 1, "by its last change alone");
    let key = keys::checkout(bench.id, &"c1".into());
    let changed = bench.read::<Checkout>(&key).unwrap().updated_at;
    bench.clock.advance((changed + 90 * DAY).since(bench.clock.now()) - Duration::from_millis(1));
    sweep(&bench).await;
    assert!(bench.read::<Checkout>(&key).is_some());
    bench.clock.advance(Duration::from_millis(1));
    sweep(&bench).await;
    assert_eq!(bench.read::<Checkout>(&key), None);
    assert!(!everything(&bench).iter().any(|(key, text)| text.contains("mira") && key.store() == Some(bench.id)));
}

/// A webhook that was triggered at another time than now.
fn triggered(bench: &Bench, id: &str, topic: &str, at: Timestamp) -> crate::domain::Event {
    let body = json!({"id": 1, "myshopify_domain": DOMAIN, "shop_domain": DOMAIN});
    crate::domain::Event { occurred_at: at, ..bench.webhook(id, topic, &body) }
}

#[tokio::test]
async fn a_removed_app_has_no_access_and_its_effects_come_to_nothing_unless_it_was_installed_again() {
    let bench = bench_for(&["order.paid"]).await;
    let access = Some(Access::lasting("token"));
    let change = crate::catalog::StoreChange { access, ..Default::default() };
    bench.catalog.change_store(DOMAIN, change).await.unwrap();
    let pending = |bench: &Bench| {
        bench.store.scan(&Scan::of(keys::effects_listed(bench.id, EffectStage::Pending), 100)).unwrap().len()
    };
    assert!(pending(&bench) > 0);
    let before = bench.clock.now().saturating_sub(Duration::from_secs(1));
    bench.accept(&triggered(&bench, "stale", "app/uninstalled", before)).await;
    assert!(bench.catalog.store_named(DOMAIN).is_ok(), "it was installed since");
    assert!(pending(&bench) > 0);

    bench.clock.advance(DAY);
    bench.accept(&triggered(&bench, "gone", "app/uninstalled", bench.clock.now())).await;
    assert!(bench.catalog.store_named(DOMAIN).is_err());
    let entry = bench.catalog.store_known(DOMAIN).unwrap();
    assert!(entry.access.is_none() && !entry.secrets.is_empty(), "its last webhooks are still checked");
    assert_eq!((pending(&bench), bench.queued(DueQueue::Effects)), (0, 0));
    let dropped = bench.store.scan(&Scan::of(keys::effects_listed(bench.id, EffectStage::Dropped), 1)).unwrap();
    let (_, id) = keys::effect_of(&dropped[0].0).unwrap();
    let effect: crate::domain::Effect = bench.read(&keys::effect(bench.id, &id)).unwrap();
    let reason = "the app was removed from the shop".into();
    assert_eq!(effect.status, EffectStatus::Dropped { reason });
    assert_eq!(trail(&bench)[0].act, Act::StoreRemoved);
}

#[tokio::test]
async fn what_the_app_may_do_is_what_was_said_last() {
    let bench = Bench::new().await;
    let access = Some(Access::lasting("token"));
    let change = crate::catalog::StoreChange { access, ..Default::default() };
    bench.catalog.change_store(DOMAIN, change).await.unwrap();
    bench.clock.advance(DAY);
    let now = bench.clock.now();
    for (id, at, scope) in [("new", now, "write_orders"), ("old", now.saturating_sub(DAY / 2), "read_orders")] {
        let body = json!({"id": 1, "shop_id": 2, "previous": [], "current": [scope]});
        let event = bench.webhook(id, "app/scopes_update", &body);
        bench.accept(&crate::domain::Event { occurred_at: at, ..event }).await;
    }
    let entry = bench.catalog.store_named(DOMAIN).unwrap();
    assert_eq!(entry.access.as_ref().unwrap().scopes, ["write_orders"]);
}

#[tokio::test]
async fn a_shop_that_asks_for_it_is_erased_with_all_its_rows_unless_the_app_was_installed_again() {
    let bench = bench_for(&["order.paid"]).await;
    bench.clock.advance(DAY);
    bench.accept(&triggered(&bench, "other", "shop/redact", bench.clock.now())).await;
    assert!(bench.catalog.store_named(DOMAIN).is_ok(), "the installation that it means has ended before this one");
    bench.clock.advance(DAY + DAY / 2);
    bench.accept(&triggered(&bench, "late", "shop/redact", bench.clock.now())).await;
    assert!(bench.catalog.store_named(DOMAIN).is_ok(), "the request may be hours late, and this one is in use");

    bench.clock.advance(DAY / 2);
    let others = json!({"shop_domain": "moss.myshopify.com"});
    bench.accept(&bench.webhook("others", "shop/redact", &others)).await;
    assert!(bench.catalog.store_named(DOMAIN).is_ok(), "the body is another shop's");
    let position = bench.accept(&triggered(&bench, "erase", "shop/redact", bench.clock.now())).await;
    assert!(bench.catalog.store_known(DOMAIN).is_err());
    sweep(&bench).await;
    // Applied once more, as after a crash; and what was in the inbox behind it.
    bench.apply_at(position).await;
    bench.accept(&bench.webhook("late", "orders/paid", &paid())).await;
    bench.clock.advance(Duration::from_secs(3_600));
    sweep(&bench).await;
    let left = everything(&bench);
    assert!(!left.iter().any(|(key, _)| key.store() == Some(bench.id)), "{left:?}");
    assert_forgotten(&bench);
    let acts: Vec<_> = trail(&bench).iter().map(|entry| entry.act).collect();
    assert_eq!(acts, [Act::ErasureEnded, Act::ErasureEnded, Act::StoreErased]);
    assert_eq!(bench.queued(DueQueue::Erasures) + bench.queued(DueQueue::Timers), 0);
}

#[tokio::test]
async fn at_level_one_a_plugin_sees_no_name_and_no_address_in_what_a_platform_sent() {
    let bench = Bench::new().await;
    let level = crate::domain::ProtectedData::Level1;
    let change = crate::catalog::StoreChange { protected_data: Some(level), ..Default::default() };
    bench.catalog.change_store(DOMAIN, change).await.unwrap();
    bench.install_for(&["order.paid"], HOARDER, &CAPABILITIES, &hoarder()).await;
    bench.switch_on(HOARDER, &CAPABILITIES).await;
    bench.accept(&bench.webhook("paid", "orders/paid", &paid())).await;
    let state = bench.store.get(&keys::state(bench.id, &HOARDER.into(), "dump/7")).unwrap().unwrap();
    assert_eq!(state.bytes, b"null");
    let restarted = bench.restarted();
    assert_eq!(restarted.catalog.store_named(DOMAIN).unwrap().context.protected_data, level, "it is kept");
}
