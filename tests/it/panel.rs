//! What plugins show to a customer, as JSON and as a page, and what the page's forms do.

use serde_json::json;

use crate::{
    shop::DOMAIN,
    showcase::{MIRA, MIRAS_ADDRESS, NAME, Stage, form_keys},
};

#[tokio::test]
async fn a_panel_is_shown_as_json_as_a_page_and_on_the_command_line() {
    let stage = Stage::open().await;
    let path = format!("/v1/stores/{DOMAIN}/customers/{MIRAS_ADDRESS}/panel");
    let (status, parts) = stage.ask("GET", &path, None).await;
    assert_eq!(status, 200, "{parts}");
    let form = json!({
        "kind": "form",
        "fields": [{ "name": "email", "label": "E-mail", "kind": "email", "required": false }],
        "button": { "action": "share", "label": "Go", "input": [] },
    });
    let blocks =
        json!([{ "kind": "heading", "title": "Tell a friend" }, { "kind": "link", "title": "Your link" }, form]);
    assert_eq!(parts, json!([{ "plugin": NAME, "title": "Showcase", "blocks": blocks }]));

    let page = stage.page(stage.host.admin_url(), &format!("{path}.html?locale=de"), &[]).await;
    assert_eq!(page.status(), 200);
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"de\">") && html.contains("<h2>Tell a friend</h2>"), "{html}");
    assert!(html.contains("(freiwillig)"), "the host's own words are in the language too: {html}");
    assert!(!html.contains("<script"), "{html}");

    let told = stage.run(&["panel", DOMAIN, MIRA]);
    for part in ["== Showcase", "Tell a friend", "E-mail (email)"] {
        assert!(told.contains(part), "{told}");
    }
    let (status, problem) = stage.ask("GET", &format!("/v1/stores/{DOMAIN}/customers/1/panel"), None).await;
    assert_eq!((status, problem["type"].as_str().unwrap()), (404, "urn:regulars:problem:not-found"));
}

#[tokio::test]
async fn a_form_of_the_page_asks_once_and_the_page_then_shows_what_came_of_it() {
    let stage = Stage::open().await;
    let customer = format!("/v1/stores/{DOMAIN}/customers/{MIRA}");
    let page = async || {
        let page = stage.page(stage.host.admin_url(), &format!("{customer}/panel.html?taken"), &[]).await;
        page.text().await.unwrap()
    };
    let first = page().await;
    let keys = form_keys(&first);
    assert_eq!(keys.len(), 1, "{first}");
    let act = format!("{customer}/actions/{NAME}/share?locale=en");
    let body = format!("email=friend%40example.com&regulars-key={}", keys[0]);
    for _ in 0..2 {
        let answer = stage.form(stage.host.admin_url(), &act, body.clone(), &[]).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], "../../panel.html?taken&locale=en");
    }
    let asked: Vec<_> = stage.told_of("shopper.action").await;
    assert_eq!(asked, [json!({ "email": "friend@example.com" })], "the same form counts once");
    let second = page().await;
    assert!(second.contains("role=\"status\""), "{second}");
    assert!(second.contains("&#x2f;l&#x2f;"), "the link that was made is shown: {second}");
    assert_ne!(form_keys(&second), keys, "a page that is drawn anew can ask anew");
}

#[tokio::test]
async fn a_form_that_another_site_sends_or_that_is_none_is_refused() {
    let stage = Stage::open().await;
    let act = format!("/v1/stores/{DOMAIN}/customers/{MIRA}/actions/{NAME}/share");
    let status = async |body: &str, headers: &[(&str, &str)]| {
        stage.form(stage.host.admin_url(), &act, body.to_owned(), headers).await.status().as_u16()
    };
    assert_eq!(status("regulars-key=k", &[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(status("email=x", &[]).await, 400, "without its key a form could count twice");
    assert_eq!(stage.told_of("shopper.action").await.len(), 0);
}
