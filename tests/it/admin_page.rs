//! The admin page: it is served whole, loads nothing from elsewhere, and answers nobody but people of this machine.

use std::collections::BTreeSet;

use regulars_tests::host::Host;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use crate::{
    brittle, pausing,
    shop::{DOMAIN, Shop, webhook},
};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

async fn ask(host: &Host, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::new();
    let request = client.request(method, format!("{}{path}", host.admin_url()));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("the host answers")
}

async fn get(host: &Host, path: &str) -> Response {
    ask(host, Method::GET, path, &[]).await
}

fn header_of<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
}

/// What stands in `name="..."`, or after `from`, anywhere in a file.
fn references<'a>(file: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    file.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

#[tokio::test]
async fn the_page_and_all_that_it_loads_are_served_under_a_policy_that_loads_nothing_else() {
    let host = Host::builder().start();
    let (mut open, mut served) = (vec!["/".to_owned()], BTreeSet::new());
    while let Some(path) = open.pop() {
        if !served.insert(path.clone()) {
            continue;
        }
        let response = get(&host, &path).await;
        assert_eq!(response.status(), 200, "{path}");
        let kind = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(header_of(&response, "content-type"), kind, "{path}");
        assert_eq!(header_of(&response, "x-content-type-options"), "nosniff", "{path}");
        let policy = header_of(&response, "content-security-policy").to_owned();
        for directive in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        let file = response.text().await.unwrap();
        assert!(!file.contains("innerHTML"), "{path} puts text into the page as markup");
        let named =
            references(&file, "src=\"").chain(references(&file, "href=\"")).chain(references(&file, "from \"./"));
        for name in named.filter(|name| !name.starts_with(['#', '$']) && !name.starts_with("data:")) {
            assert!(!name.contains("//"), "{path} loads {name} from elsewhere");
            open.push(format!("/{name}"));
        }
    }
    for path in ["/", "/admin.js", "/admin.css"] {
        assert!(served.contains(path), "{served:?}");
    }
    assert!(served.len() > 3, "the script's modules are looked at too: {served:?}");
}

#[tokio::test]
async fn a_foreign_host_name_that_resolves_here_is_refused() {
    let host = Host::builder().start();
    let port = host.admin_url().rsplit_once(':').unwrap().1;
    for name in ["evil.example".to_owned(), format!("evil.example:{port}"), format!("127.0.0.1.evil.example:{port}")] {
        for path in ["/", "/admin.js", "/v1/status", "/v1/stores"] {
            let response = ask(&host, Method::GET, path, &[(header::HOST.as_str(), &name)]).await;
            assert_eq!(response.status(), 403, "{name} {path}");
            assert_eq!(header_of(&response, "content-type"), "application/problem+json");
        }
    }
    for name in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "[::1]".to_owned()] {
        let response = ask(&host, Method::GET, "/v1/status", &[(header::HOST.as_str(), &name)]).await;
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn a_change_that_another_site_has_a_browser_send_is_refused() {
    let host = Host::builder().start();
    let add = |headers: &'static [(&'static str, &'static str)], domain: &str| {
        let body = json!({ "domain": domain, "currency": "EUR", "secrets": ["hush"] });
        let request = reqwest::Client::new().post(format!("{}/v1/stores", host.admin_url())).json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(add(&[(SEC_FETCH_SITE, "cross-site")], "a.myshopify.com").await, 403);
    assert_eq!(add(&[(SEC_FETCH_SITE, "same-site")], "a.myshopify.com").await, 403);
    assert_eq!(add(&[("origin", "https://evil.example")], "a.myshopify.com").await, 403, "a browser of before 2023");
    let stores: Value = get(&host, "/v1/stores").await.json().await.unwrap();
    assert_eq!(stores, json!([]), "nothing was added");
    assert_eq!(add(&[(SEC_FETCH_SITE, "same-origin")], "a.myshopify.com").await, 201, "the page itself");
    assert_eq!(add(&[], "b.myshopify.com").await, 201, "a script of this machine");
    let removed = ask(&host, Method::DELETE, "/v1/stores/a.myshopify.com", &[(SEC_FETCH_SITE, "cross-site")]).await;
    assert_eq!(removed.status(), 403);
    // Reading is harmless: another site's page cannot see the answer.
    let read = ask(&host, Method::GET, "/v1/status", &[(SEC_FETCH_SITE, "cross-site")]).await;
    assert_eq!(read.status(), 200);
    assert!(read.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
}

#[tokio::test]
async fn what_the_page_shows_comes_in_one_answer_newest_first() {
    let shop = Shop::open().await;
    assert_eq!(shop.send(&webhook("customers/create", "customer_created", "1")).await.status, 200);
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "2")).await.status, 200);
    shop.settled(2).await;
    let activity = shop.get(&format!("/stores/{DOMAIN}/activity?limit=1")).await;
    let listed = |name: &str| activity[name].as_array().unwrap_or_else(|| panic!("{name}: {activity}")).clone();
    let events = listed("events");
    assert_eq!(events.len(), 1, "as many as were asked for");
    assert_eq!(events[0]["topic"], "order.paid");
    let (order, customer) = (events[0]["order"].as_str().unwrap(), events[0]["customer"].as_str().unwrap());
    assert!(activity["orders"][order]["name"].as_str().unwrap().starts_with('#'), "{activity}");
    assert!(activity["people"][customer]["first_name"].is_string(), "{activity}");
    let mails = listed("mails");
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["content"]["Mail"]["template"], "earned");
    assert_eq!(listed("effects"), [] as [Value; 0], "no code was asked for");
    let customers = listed("customers");
    assert_eq!(customers[0]["id"], customer);
    let balance = customers[0]["figures"]["loyalty-points"]["balance"].as_str().map(|it| it.parse::<i64>().unwrap());
    assert_eq!(balance, shop.balance(customer).await);
    assert_eq!(customers[0]["last_event_at"], events[0]["received_at"]);
}

/// What stands between two texts of a file.
fn between<'a>(file: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = file.split_once(begin).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split_once(end)).map(|(found, _)| found);
    found.unwrap_or_else(|| panic!("nothing stands between `{begin}` and `{end}`"))
}

/// No browser clicks here: the request is put together from the script's own text.
#[tokio::test]
async fn the_page_offers_to_resume_a_paused_plugin_and_the_request_it_makes_lets_it_go_on() {
    let shop = pausing::paused("at first").await;
    brittle::send(&shop, &["w-4"]).await;
    brittle::stand(&shop, 4, "waiting").await;
    let rows = get(&shop.host, "/rows.js").await.text().await.unwrap();
    let offered = between(&rows, "plugins.filter((plugin) => plugin.status === \"paused\")", "}));");
    assert!(offered.contains("verb: \"Resume\""), "{offered}");
    // What the row shows is in the answer that the page asks for.
    let script = get(&shop.host, "/admin.js").await.text().await.unwrap();
    let asked = between(&script, "async function learnPlugins() {", "\n}");
    assert!(asked.contains("api(ofStore(\"plugins\"))"), "{asked}");
    let plugins = shop.get(&format!("/stores/{DOMAIN}/plugins")).await;
    let shown = plugins.as_array().unwrap().iter().filter(|plugin| plugin["status"] == "paused").collect::<Vec<_>>();
    assert_eq!(shown.len(), 1, "{plugins}");
    let (name, paused) = (shown[0]["name"].as_str().unwrap(), &shown[0]["paused"]);
    assert!(name == brittle::NAME && paused["reason"].is_string() && paused["waiting"] == 4, "{plugins}");

    let path = between(offered, "path: `", "`").replace("${pluginPath(name)}", &format!("plugins/{name}"));
    let url = format!("{}/v1/stores/{DOMAIN}/{path}", shop.host.admin_url());
    let request = reqwest::Client::new().post(url).header(SEC_FETCH_SITE, "same-origin").json(&json!({}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.json::<Value>().await.is_ok(), "the page reads the answer as JSON");
    assert_eq!(brittle::handled_in_all(&shop, 4).await.len(), 4);
    pausing::becomes(&shop, "working").await;
}
