//! Requests that cannot be read: whatever is wrong with one, the answer is a problem document that says it.

use regulars_tests::host::Host;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::Value;

async fn ask(method: Method, url: String, body: impl Into<reqwest::Body>) -> Response {
    let request = reqwest::Client::new().request(method, url).header(header::CONTENT_TYPE, "application/json");
    request.body(body).send().await.expect("the host answers")
}

/// The status, the last part of the problem's type, its detail.
async fn problem(answer: Response) -> (StatusCode, String, String) {
    let status = answer.status();
    let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
    let text = answer.text().await.expect("the answer is whole");
    assert_eq!(content_type.as_ref().map(|it| it.as_bytes()), Some(&b"application/problem+json"[..]), "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    let text = |field: &str| problem[field].as_str().unwrap_or_else(|| panic!("{field}: {problem}")).to_owned();
    let kind = text("type");
    (status, kind.trim_start_matches("urn:regulars:problem:").to_owned(), text("detail"))
}

#[tokio::test]
async fn a_body_or_a_query_that_cannot_be_read_is_told_with_the_place_and_the_reason() {
    let host = Host::builder().start();
    let (get, post) = (Method::GET, Method::POST);
    for (method, path, body, says) in [
        (&post, "stores", "{", ["line 1 column 1", "EOF"]),
        (&post, "stores", r#"{"domian": "fern.myshopify.com"}"#, ["domian", "unknown field"]),
        (&post, "stores/any/replay", r#"{"what": "mails"}"#, ["what", "mails"]),
        (&post, "stores/any/events/1", r#"{"plugin": 5}"#, ["plugin", "expected a string"]),
        (&post, "stores/any/reconciliation", r#"{"since": "now"}"#, ["since", "now"]),
        (&post, "stores/any/customers/1/actions", r#"{"plugin": "points"}"#, ["action", "missing field"]),
        (&post, "backup", "[]", ["target", "invalid length"]),
        (&get, "stores/any/events?limit=many", "", ["limit", "invalid digit"]),
        (&get, "stores/any/customers?limit=-1", "", ["limit", "invalid digit"]),
        (&get, "stores/%ff", "", ["UTF-8", "store"]),
    ] {
        let answer = ask(method.clone(), format!("{}/v1/{path}", host.admin_url()), body).await;
        let (status, kind, detail) = problem(answer).await;
        assert_eq!((status, kind.as_str()), (StatusCode::BAD_REQUEST, "bad-request"), "{path} {body}: {detail}");
        assert!(says.iter().all(|part| detail.contains(part)), "{path} {body}: {detail}");
    }
    let untyped = reqwest::Client::new().post(format!("{}/v1/stores", host.admin_url())).body("{}").send().await;
    let (_, kind, detail) = problem(untyped.expect("the host answers")).await;
    assert!(kind == "bad-request" && detail.contains("application/json"), "{detail}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_with_the_limit() {
    let host = Host::builder().start();
    let limit = regulars::catalog::package::MAX_FILE_BYTES + 1;
    let answer = ask(Method::POST, format!("{}/v1/plugins", host.admin_url()), vec![b' '; limit + 1]).await;
    let (status, kind, detail) = problem(answer).await;
    assert_eq!((status, kind.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"), "{detail}");
    assert!(detail.contains(&limit.to_string()), "{detail}");
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_told_with_those_that_it_takes() {
    let host = Host::builder().config("[metrics]\nlisten = \"127.0.0.1:0\"").start();
    let log = host.log();
    let figures =
        log.lines().find_map(|line| line.strip_prefix("listening metrics ")).expect("it says where it listens");
    let (webhooks, admin) = (host.webhooks_url(), host.admin_url());
    for (method, base, path, allowed) in [
        (Method::GET, webhooks, "/webhooks/shopify", "POST"),
        (Method::POST, webhooks, "/healthz", "GET,HEAD"),
        (Method::POST, figures, "/metrics", "GET,HEAD"),
        (Method::DELETE, admin, "/v1/status", "GET,HEAD"),
        (Method::PUT, admin, "/v1/stores/any/plugins/any/resume", "POST"),
        (Method::POST, admin, "/", "GET,HEAD"),
    ] {
        let answer = ask(method.clone(), format!("{base}{path}"), "").await;
        assert_eq!(answer.headers().get(header::ALLOW).map(|it| it.as_bytes()), Some(allowed.as_bytes()), "{path}");
        let (status, kind, detail) = problem(answer).await;
        assert_eq!((status, kind.as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"), "{detail}");
        assert!(detail.contains(path) && detail.contains(method.as_str()), "{detail}");
    }
}
