//! The end of codes, effects that are taken back, and what is given back of a budget.

use std::sync::{Arc, LazyLock};

use axum::extract::Json;
use jiff::tz::TimeZone;

use super::*;
use crate::{
    domain::{Benefit, DiscountEnd, Money, NewDiscount, Order, PluginName},
    store::{
        Access,
        budget::{Budget, BudgetBound, MONEY, Period},
        keys::Due,
    },
};

const CODE: &str = "FERN-ABC";

fn discount(minor: i64) -> EffectKind {
    EffectKind::CreateDiscount(NewDiscount {
        customer: Some("7".into()),
        code: CODE.into(),
        benefit: Benefit::Amount(Money::new(minor, "EUR".parse().unwrap())),
        minimum_subtotal: None,
        collections: Vec::new(),
        products: Vec::new(),
        starts_at: START,
        ends_at: None,
        uses: Some(1),
        once_per_customer: true,
        combines: false,
        offer: false,
    })
}

fn end() -> EffectKind {
    EffectKind::DisableDiscount(DiscountEnd { made_by: "making".into(), code: CODE.into() })
}

/// The queries that a shop has been asked.
type Asked = Arc<Mutex<Vec<String>>>;

/// A shop that knows of no code, and so has none to end.
async fn shop(post: &Post) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let routes = Router::new().fallback(move |Json(request): Json<serde_json::Value>| {
        lock(&heard).push(request["query"].as_str().unwrap_or_default().to_owned());
        async { r#"{"data":{"codeDiscountNodeByCode":null}}"# }
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let change = StoreChange { access: Some(Access::lasting("token")), api_url: Some(url), ..StoreChange::default() };
    post.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    asked
}

/// Writes an effect as it stands after its end.
async fn settle(post: &Post, id: &str, status: EffectStatus) {
    let effect = post.effect(id);
    let mut transaction = post.bench.transaction();
    if let EffectStatus::Pending { due, .. } = effect.status {
        transaction.delete(due_of(post.bench.id, &effect).key(due));
    }
    transaction.put_effect(post.bench.id, Some(&effect), &Effect { status, ..effect.clone() });
    transaction.commit().await.unwrap();
}

/// Order 1 comes, and has used the code.
async fn use_code(post: &Post) {
    assert_eq!(post.bench.accept(&post.bench.order("1")).await, Position(1));
    let order: Order = post.bench.read(&keys::order(post.bench.id, &"1".into())).unwrap();
    let mut transaction = post.bench.transaction();
    transaction.put_order(post.bench.id, Some(&order), &Order { discount_codes: vec![CODE.into()], ..order.clone() });
    transaction.commit().await.unwrap();
}

fn done() -> EffectStatus {
    EffectStatus::Done { receipt: "made".into() }
}

#[tokio::test]
async fn the_end_of_a_code_waits_for_its_making() {
    let post = Post::new(None).await;
    let asked = shop(&post).await;
    post.queue("making", discount(500), None).await;
    let making = post.effect("making");
    post.queue("end", end(), None).await;
    // The making is put off, so that only the end is tried.
    let mut transaction = post.bench.transaction();
    let later = post.bench.clock.now() + Duration::from_secs(60);
    transaction.delete(due_of(post.bench.id, &making).key(making.queued_at));
    let status = EffectStatus::Pending { due: later, last_error: None };
    transaction.put_effect(post.bench.id, Some(&making), &Effect { status, ..making.clone() });
    transaction.commit().await.unwrap();
    post.run_due().await;
    let EffectStatus::Pending { due, last_error: Some(reason) } = post.status("end") else { panic!() };
    assert_eq!((due, post.effect("end").attempts), (later + BEHIND, 0));
    assert!(reason.contains("waits for effect making"), "{reason}");
    settle(&post, "making", done()).await;
    post.advance(due.since(post.bench.clock.now())).await;
    assert!(is_done(&post.status("end")), "{:?}", post.status("end"));
    assert!(!lock(&asked).is_empty());
}

#[tokio::test]
async fn a_code_that_was_never_made_has_ended_without_a_call() {
    let post = Post::new(None).await;
    let asked = shop(&post).await;
    post.queue("making", discount(500), None).await;
    settle(&post, "making", EffectStatus::Dropped { reason: "taken back".into() }).await;
    post.queue("end", end(), None).await;
    post.run_due().await;
    assert!(is_done(&post.status("end")));
    assert!(lock(&asked).is_empty());
}

#[tokio::test]
async fn a_code_for_one_use_that_an_order_has_used_is_not_ended() {
    let post = Post::new(None).await;
    let asked = shop(&post).await;
    post.queue("making", discount(500), None).await;
    settle(&post, "making", done()).await;
    use_code(&post).await;
    post.queue("end", end(), None).await;
    post.run_due().await;
    let status = post.status("end");
    assert!(matches!(&status, EffectStatus::Dead { reason } if reason.contains("order 1 has used")), "{status:?}");
    assert!(lock(&asked).is_empty());
}

#[tokio::test]
async fn a_code_for_many_uses_is_ended_however_often_it_has_been_used_and_its_budget_stays_spent() {
    let post = Post::new(None).await;
    let asked = shop(&post).await;
    bounded(&post, 1_000).await;
    let EffectKind::CreateDiscount(bound) = discount(500) else { unreachable!() };
    let open = NewDiscount { customer: None, uses: Some(5), ..bound };
    queue_counted(&post, "making", EffectKind::CreateDiscount(open)).await;
    settle(&post, "making", done()).await;
    assert_eq!(used(&post), 500);
    use_code(&post).await;
    post.queue("end", end(), None).await;
    post.run_due().await;
    assert!(is_done(&post.status("end")), "{:?}", post.status("end"));
    assert!(!lock(&asked).is_empty());
    assert_eq!(used(&post), 500);
}

#[tokio::test]
async fn the_making_of_a_code_that_is_to_end_is_not_tried_again_by_hand() {
    let post = Post::new(None).await;
    post.queue("making", discount(500), None).await;
    post.run_due().await;
    assert!(matches!(post.status("making"), EffectStatus::Dead { .. }));
    post.queue("end", end(), None).await;
    let mut transaction = post.bench.transaction();
    transaction.put(keys::code_end(post.bench.id, &"making".into()), &EffectId::from("end"));
    transaction.commit().await.unwrap();
    let retried = retry(&post.outbox, post.bench.id, &"making".into()).await;
    assert!(matches!(retried, Err(RetryError::Ended)), "{retried:?}");
    for dry_run in [true, false] {
        let page = retry_page(&post.outbox, post.bench.id, &Selection::default(), None, dry_run).await.unwrap();
        assert_eq!((page.effects.len(), page.skipped.values().sum::<u64>()), (0, 1));
    }
}

#[tokio::test]
async fn an_effect_that_is_tried_cannot_be_taken_back_meanwhile() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", hanging.local_addr().unwrap());
    let mailer = Mailer::new(&url, "Fern <hello@fern.example>", Duration::from_secs(600)).unwrap();
    let post = Post::new(Some(mailer)).await;
    post.queue("first", mail_to("7"), None).await;
    let effect = post.effect("first");
    let later = START + Duration::from_secs(60);
    let status = EffectStatus::Pending { due: later, last_error: None };
    let EffectKind::Mail(mail) = effect.kind.clone() else { panic!("a mail was queued") };
    let kind = EffectKind::Mail(Mail { send_at: later, ..mail });
    let waiting = Effect { kind, status, ..effect.clone() };
    let mut transaction = post.bench.transaction();
    transaction.delete(due_of(post.bench.id, &effect).key(START));
    transaction.put_bytes(due_of(post.bench.id, &waiting).key(later), Vec::new());
    transaction.put_effect(post.bench.id, Some(&effect), &waiting);
    transaction.commit().await.unwrap();
    let take_back = |is_taken| {
        let mut transaction = post.bench.transaction();
        let taken = transaction.take_back_effect(post.bench.id, &waiting, "withdrawn", later).unwrap();
        assert_eq!(taken, is_taken);
    };
    take_back(true);
    post.bench.clock.advance(Duration::from_secs(60));
    let row = Due::Effect { store: post.bench.id, to: waiting.kind.destination(), id: "first".into() }.key(later);
    let id = EffectId::from("first");
    let trying = attempt(&post.outbox, post.bench.id, &id, &row);
    tokio::select! {
        biased;
        tried = trying => panic!("the mail server never answers: {tried:?}"),
        (_, _) = async { hanging.accept().await.unwrap() } => {}
    }
    take_back(false);
}

async fn bounded(post: &Post, limit: u64) {
    let bound = BudgetBound { kind: MONEY.into(), period: Period::Ever, limit };
    let mut transaction = post.bench.transaction();
    budget(post).set_bounds(&mut transaction, &[bound]);
    transaction.commit().await.unwrap();
}

fn budget(post: &Post) -> Budget<'_> {
    static WRITER: LazyLock<PluginName> = LazyLock::new(|| "writer".into());
    static ZONE: TimeZone = TimeZone::UTC;
    Budget { store: post.bench.id, plugin: &WRITER, zone: &ZONE }
}

fn used(post: &Post) -> u64 {
    budget(post).standing(&mut post.bench.transaction(), post.bench.clock.now()).unwrap()[0].used
}

/// Queues an effect as a delivery does that counts it.
async fn queue_counted(post: &Post, id: &str, kind: EffectKind) {
    post.queue(id, kind, None).await;
    let mut transaction = post.bench.transaction();
    budget(post).count_effect(&mut transaction, &post.effect(id)).unwrap().unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_effect_that_is_given_up_gives_back_what_it_counts_for_and_counts_anew_when_it_is_tried_again() {
    let post = Post::new(None).await;
    bounded(&post, 500).await;
    queue_counted(&post, "making", discount(500)).await;
    assert_eq!(used(&post), 500);
    post.run_due().await;
    assert!(matches!(post.status("making"), EffectStatus::Dead { .. }));
    assert_eq!(used(&post), 0);
    retry(&post.outbox, post.bench.id, &"making".into()).await.unwrap();
    assert_eq!(used(&post), 500);
    post.run_due().await;
    queue_counted(&post, "other", discount(500)).await;
    let retried = retry(&post.outbox, post.bench.id, &"making".into()).await;
    assert!(matches!(retried, Err(RetryError::UsedUp(_))), "{retried:?}");
}

#[tokio::test]
async fn a_code_that_is_ended_unused_gives_back_what_it_counts_for() {
    let post = Post::new(None).await;
    shop(&post).await;
    bounded(&post, 500).await;
    queue_counted(&post, "making", discount(500)).await;
    settle(&post, "making", done()).await;
    post.queue("end", end(), None).await;
    assert_eq!(used(&post), 500);
    post.run_due().await;
    assert!(is_done(&post.status("end")), "{:?}", post.status("end"));
    assert_eq!(used(&post), 0);
}
