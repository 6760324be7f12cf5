//! Tokens that end: renewed in time, once, and kept before they are used.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    dispatch::bench::{Bench, DOMAIN, START},
    platform::http::Limits,
    store::Refresh,
};

const HOUR: Duration = Duration::from_secs(3_600);

/// A shop that gives tokens, and a store that has one of it.
struct Shop {
    bench: Bench,
    keeper: Arc<Keeper>,
    asked: Arc<Mutex<Vec<Value>>>,
}

/// Gives the n-th pair, after a while.
async fn gives(number: u32) -> Response {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (access, refresh) = (format!("shpat_{number}"), format!("shprt_{number}"));
    let answer = json!({
        "access_token": access, "scope": "read_orders,write_discounts", "expires_in": 3600,
        "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
    });
    Json(answer).into_response()
}

impl Shop {
    /// What is answered hangs on how often has been asked before.
    async fn answering<F, A>(answer: F) -> Self
    where
        F: Fn(u32) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let heard = Arc::clone(&asked);
        let count = Arc::new(AtomicU32::new(0));
        let route = post(move |Json(request): Json<Value>| {
            heard.lock().unwrap().push(request);
            answer(count.fetch_add(1, Ordering::SeqCst) + 1)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/admin/oauth/access_token", route);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let bench = Bench::new().await;
        let refresh = Refresh { token: "shprt_0".into(), expires_at: START + 90 * 24 * HOUR };
        let access = Access { expires_at: Some(START + HOUR), refresh: Some(refresh), ..Access::lasting("shpat_0") };
        let change = StoreChange { access: Some(access), api_url: Some(url), ..StoreChange::default() };
        bench.catalog.change_store(DOMAIN, change).await.unwrap();
        let app = App {
            client_id: "app".into(),
            secrets: ["new", "old"].map(Secret::new).to_vec(),
            api_url: None,
            limits: Limits::default(),
        };
        let clock = Arc::new(bench.clock.clone());
        let keeper = Keeper::new(Arc::clone(&bench.catalog), clock, Http::new().unwrap(), Some(app));
        Self { bench, keeper: Arc::new(keeper), asked }
    }

    fn store(&self) -> Arc<StoreEntry> {
        self.bench.catalog.store_named(DOMAIN).unwrap()
    }

    async fn token(&self) -> Result<String, Failure> {
        self.keeper.token(&self.store()).await.map(|token| token.expose().to_owned())
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_token_is_used_until_it_is_about_to_end_and_its_successor_is_kept_before_it_is_used() {
    let shop = Shop::answering(gives).await;
    shop.bench.clock.advance(HOUR - RENEW_AHEAD - Duration::from_millis(1));
    assert_eq!((shop.token().await.unwrap().as_str(), shop.asked()), ("shpat_0", 0));
    shop.bench.clock.advance(Duration::from_millis(1));
    assert_eq!(shop.token().await.unwrap(), "shpat_1");
    let request = json!({
        "grant_type": "refresh_token", "refresh_token": "shprt_0", "client_id": "app", "client_secret": "new",
    });
    assert_eq!(*shop.asked.lock().unwrap(), [request]);
    let kept = shop.bench.restarted().catalog.store_named(DOMAIN).unwrap().access.clone().unwrap();
    assert_eq!((kept.token.as_str(), kept.refresh.unwrap().token.as_str()), ("shpat_1", "shprt_1"));
    assert_eq!(kept.scopes, ["read_orders", "write_discounts"]);
    assert_eq!((shop.token().await.unwrap().as_str(), shop.asked()), ("shpat_1", 1));
}

#[tokio::test]
async fn many_who_need_a_token_at_once_renew_it_once() {
    let shop = Shop::answering(gives).await;
    shop.bench.clock.advance(HOUR);
    let entry = shop.store();
    let calls = (0..20).map(|_| shop.keeper.token(&entry));
    let tokens = futures_util::future::join_all(calls).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().expose() == "shpat_1"));
    assert_eq!(shop.asked(), 1);
}

#[tokio::test]
async fn while_the_shop_does_not_answer_a_good_token_is_used_and_an_ended_one_waits() {
    let shop = Shop::answering(async |_| StatusCode::BAD_GATEWAY.into_response()).await;
    shop.bench.clock.advance(HOUR - Duration::from_secs(60));
    assert_eq!(shop.token().await.unwrap(), "shpat_0");
    shop.bench.clock.advance(Duration::from_secs(60));
    assert!(matches!(shop.token().await.unwrap_err(), Failure::Unreachable { .. }));
}

#[tokio::test]
async fn a_right_that_is_refused_or_too_old_says_that_the_app_has_to_be_opened() {
    let refused = async |_| (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    let shop = Shop::answering(refused).await;
    shop.bench.clock.advance(HOUR);
    let refusal = reason(shop.token().await);
    assert!(refusal.contains("invalid_grant") && refusal.ends_with(REOPEN), "{refusal}");
    let shop = Shop::answering(gives).await;
    shop.bench.clock.advance(90 * 24 * HOUR);
    assert_eq!((reason(shop.token().await).as_str(), shop.asked()), (REOPEN, 0));
}

/// Why there is no token until somebody acts.
fn reason(token: Result<String, Failure>) -> String {
    let Err(Failure::Later { reason, .. }) = token else { panic!("{token:?}") };
    reason
}

#[tokio::test]
async fn a_good_token_is_used_though_the_right_to_the_next_is_refused() {
    let refused = async |_| (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    let shop = Shop::answering(refused).await;
    shop.bench.clock.advance(HOUR - Duration::from_secs(60));
    assert_eq!((shop.token().await.unwrap().as_str(), shop.asked()), ("shpat_0", 1));
}

#[tokio::test]
async fn what_nobody_has_needed_for_a_day_is_renewed_all_the_same() {
    let shop = Shop::answering(gives).await;
    for (hours, asked) in [(0, 0), (23, 0), (1, 1), (23, 1), (1, 2)] {
        shop.bench.clock.advance(hours * HOUR);
        shop.keeper.keep_alive().await;
        assert_eq!(shop.asked(), asked, "{hours} hours on");
    }
}

#[tokio::test]
async fn a_token_that_does_not_end_is_left_alone() {
    let shop = Shop::answering(gives).await;
    let change = StoreChange { access: Some(Access::lasting("shpat_lasting")), ..StoreChange::default() };
    shop.bench.catalog.change_store(DOMAIN, change).await.unwrap();
    shop.bench.clock.advance(1_000 * 24 * HOUR);
    shop.keeper.keep_alive().await;
    assert_eq!((shop.token().await.unwrap().as_str(), shop.asked()), ("shpat_lasting", 0));
}
