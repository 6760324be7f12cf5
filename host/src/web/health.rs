//! Whether the host lives, and whether it can keep and apply what it is sent.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::problem::{Problem, Result};
use crate::host::Host;

/// `GET /healthz`: the process answers.
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /readyz`: what is sent now is kept, and applied in time.
pub async fn ready(State(host): State<Arc<Host>>) -> Result<Json<Value>> {
    let unready = host.unready();
    if unready.is_empty() { Ok(Json(json!({ "status": "ready" }))) } else { Err(Problem::not_ready(&unready)) }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request, http::StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::{
        clock::Manual,
        config::Config,
        domain::{Event, Origin, StoreId, Timestamp},
        store::{Inbox, Position},
        web,
    };

    struct Bench {
        host: Arc<Host>,
        clock: Manual,
        _dir: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let clock = Manual::at(Timestamp(1_000_000));
        let config = Config { data_dir: dir.path().join("data"), ..Config::load(None).unwrap() };
        let host = Arc::new(Host::open(config, Arc::new(clock.clone())).unwrap());
        Bench { host, clock, _dir: dir }
    }

    impl Bench {
        async fn get(&self, path: &str) -> (StatusCode, Value) {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let answer = web::public(Arc::clone(&self.host)).oneshot(request).await.unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap())
        }

        /// The reasons that `/readyz` gives; none if it says that the host is ready.
        async fn reasons(&self) -> Vec<String> {
            let (status, body) = self.get("/readyz").await;
            let reasons = body["reasons"].as_array().into_iter().flatten();
            let reasons: Vec<_> = reasons.map(|it| it["reason"].as_str().unwrap().to_owned()).collect();
            assert_eq!(status == StatusCode::OK, reasons.is_empty(), "{body}");
            assert!(!body.to_string().contains("secret"), "the inside is not told: {body}");
            reasons
        }
    }

    #[tokio::test]
    async fn a_part_that_cannot_write_makes_the_host_unready_until_it_can_again_and_alive_all_the_while() {
        let bench = bench();
        assert_eq!(bench.reasons().await, Vec::<String>::new());
        bench.host.journal.log().standing().broken("no space at /secret");
        assert_eq!(bench.reasons().await, ["inbox"]);
        bench.host.sled.standing().broken("read-only /secret");
        assert_eq!(bench.reasons().await, ["inbox", "store"]);
        assert_eq!(bench.get("/healthz").await.0, StatusCode::OK);
        bench.host.journal.log().standing().sound();
        bench.host.sled.standing().sound();
        assert_eq!(bench.reasons().await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_backlog_makes_the_host_unready_once_its_oldest_event_has_waited_past_the_bound() {
        let bench = bench();
        let event = Event {
            id: "e1".into(),
            store: StoreId(1),
            origin: Origin::Timer { plugin: "points".into(), key: "k".into(), due: Timestamp(1) },
            occurred_at: Timestamp(1),
            received_at: Timestamp(1_000_000),
            body: bytes::Bytes::from_static(b"{}"),
        };
        bench.host.journal.append(&event).await.unwrap();
        let applied = tokio::sync::watch::Sender::new(Position(1));
        bench.host.reached.set(applied.subscribe()).unwrap();
        bench.clock.advance(std::time::Duration::from_secs(600));
        assert_eq!(bench.reasons().await, Vec::<String>::new());
        bench.clock.advance(std::time::Duration::from_millis(1));
        assert_eq!(bench.reasons().await, ["behind"]);
        applied.send_replace(Position(2));
        assert_eq!(bench.reasons().await, Vec::<String>::new());
    }
}
