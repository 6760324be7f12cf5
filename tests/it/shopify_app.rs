//! The app as a merchant installs it from the listing, and as shoppers see it in the shop: everything by what Shopify signs.

use regulars::{
    clock::{Clock as _, System},
    domain::Capability,
    platform::{Secret, shopify::signature::sign},
};
use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    population::Webhook,
    sender::Sender,
    shopify_admin::{App, Options, SchemaSource, ShopifyAdmin, session_token, signed_query},
};
use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::{
    shop::{DOMAIN, plugin_file, webhook},
    showcase::form_keys,
};

/// The customer of the fixtures.
const MIRA: &str = "9107200431558877203";

struct Stage {
    host: Host,
    shopify: ShopifyAdmin,
    app: App,
    http: Client,
}

fn seconds() -> u64 {
    System.now().0 / 1_000
}

impl Stage {
    /// A host that is an app, and no store yet.
    fn open() -> Self {
        let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options::default()).unwrap();
        let app = Options::default().app;
        let (id, secret, api) = (&app.client_id, &app.client_secret, shopify.base_url());
        let host = Host::builder()
            .config(format!("[shopify]\nclient_id = {id:?}\nclient_secrets = [{secret:?}]\napi_url = {api:?}\n"))
            .start();
        let file = plugin_file("loyalty-points");
        assert!(host.cli(&["plugin", "install", &file.to_string_lossy()]).status.success());
        Self { host, shopify, app, http: Client::builder().redirect(Policy::none()).build().unwrap() }
    }

    /// A host whose app the shop has installed, with its plugin on and the customer known.
    async fn installed() -> Self {
        let stage = Self::open();
        assert_eq!(stage.open_app(&stage.staff()).await.status(), 200);
        let grants = json!({ "grants": Capability::ALL.iter().map(ToString::to_string).collect::<Vec<_>>() });
        let enabled = stage.api(Method::PUT, &format!("/stores/{DOMAIN}/plugins/loyalty-points"), &stage.staff());
        let enabled = enabled.json(&grants).send().await.unwrap();
        assert!(enabled.status().is_success(), "{}", enabled.text().await.unwrap());
        stage.tell("customers/create", "customer_created").await;
        eventually("the customer is known", DEADLINE, async || {
            let path = format!("/stores/{DOMAIN}/customers/{MIRA}");
            let known = stage.api(Method::GET, &path, &stage.staff()).send().await.unwrap();
            (known.status() == 200).then_some(())
        })
        .await;
        stage
    }

    /// Posts a webhook that the app's secret signs.
    async fn tell(&self, topic: &'static str, fixture: &str) {
        assert_eq!(self.told(topic, fixture, &self.app.client_secret).await, 200);
    }

    /// How a webhook is answered that a secret signs.
    async fn told(&self, topic: &'static str, fixture: &str, secret: &str) -> u16 {
        let told = webhook(topic, fixture, fixture);
        let signature = sign(&Secret::new(secret), &told.body);
        let headers = told.headers.iter().map(|(name, value)| match *name {
            "X-Shopify-Hmac-Sha256" => (*name, signature.clone()),
            name => (name, value.clone()),
        });
        let told = Webhook { headers: headers.collect(), ..told };
        let sender = Sender::to(self.host.webhooks_url()).unwrap();
        let url = format!("{}/webhooks/shopify", self.host.webhooks_url());
        sender.at(url).send(&told).await.unwrap().status
    }

    fn token(&self, changes: &Value) -> String {
        let now = seconds();
        let mut claims = json!({
            "iss": format!("https://{DOMAIN}/admin"), "dest": format!("https://{DOMAIN}"), "aud": self.app.client_id,
            "sub": "42", "exp": now + 60, "nbf": now, "iat": now, "jti": "1", "sid": "2",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        session_token(&self.app, &claims)
    }

    /// The session token of somebody who works in the shop.
    fn staff(&self) -> String {
        self.token(&json!({}))
    }

    fn shopper(&self, customer: &str) -> String {
        let sub = format!("gid://shopify/Customer/{customer}");
        self.token(&json!({ "iss": format!("{DOMAIN}/checkouts"), "dest": DOMAIN, "sub": sub }))
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.host.webhooks_url()))
    }

    async fn open_app(&self, token: &str) -> Response {
        let path = format!("/shopify/app?embedded=1&shop={DOMAIN}&host=YWRtaW4&locale=de&id_token={token}");
        self.ask(Method::GET, &path).send().await.unwrap()
    }

    fn api(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.ask(method, &format!("/shopify/v1{path}")).bearer_auth(token)
    }

    /// An address as the app proxy passes it on, for a shopper who is signed in, or for nobody.
    fn proxied(&self, path: &str, customer: &str, more: &[(&str, &str)]) -> String {
        let now = seconds().to_string();
        let own = [
            ("shop", DOMAIN),
            ("path_prefix", "/apps/regulars"),
            ("timestamp", &now),
            ("logged_in_customer_id", customer),
        ];
        format!("/shopify/proxy{path}?{}", signed_query(&self.app, "signature", &[&own, more].concat()))
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn opening_the_app_installs_the_shop_and_shows_it_to_the_shops_admin_alone() {
    let stage = Stage::open();
    let page = stage.open_app(&stage.staff()).await;
    assert_eq!(page.status(), 200);
    let policy = header(&page, "content-security-policy").to_owned();
    assert!(policy.contains(&format!("frame-ancestors https://{DOMAIN} https://admin.shopify.com;")), "{policy}");
    let html = page.text().await.unwrap();
    let first = html.find("<script").unwrap();
    assert!(html[first..].starts_with("<script src=\"https://cdn.shopify.com/shopifycloud/app-bridge.js\">"), "{html}");
    assert!(html.contains("data-api=\"v1\"") && html.contains("shopify-api-key"), "{html}");

    let stores = stage.host.cli_json(&["store", "list", "--json"]);
    let store = &stores[0];
    let told = ["domain", "name", "currency", "time_zone", "locale", "url"].map(|name| store[name].as_str().unwrap());
    assert_eq!(told, [DOMAIN, "Fern & Fable", "EUR", "Europe/Berlin", "de", "https://fern.example"]);
    assert_eq!(store["has_access_token"], true);
    assert_eq!(stage.open_app(&stage.staff()).await.status(), 200);
    assert_eq!(stage.shopify.tokens_given(), ["session token"], "windows that are opened together share a token");
    stage.tell("customers/create", "customer_created").await;
    for file in ["admin.js", "host.js", "plugins.js", "scopes.js", "admin.css"] {
        assert_eq!(stage.ask(Method::GET, &format!("/shopify/{file}")).send().await.unwrap().status(), 200, "{file}");
    }
}

#[tokio::test]
async fn what_shows_nobody_who_works_in_a_shop_installs_nothing() {
    let stage = Stage::open();
    let foreign = App { client_secret: "other".into(), ..stage.app.clone() };
    let forged = session_token(&foreign, &json!({"iss": format!("https://{DOMAIN}/admin")}));
    for token in [forged.as_str(), "nonsense", ""] {
        let answer = stage.open_app(token).await;
        // A page that fetches a token, in which nothing is known.
        assert_eq!(answer.status(), 302, "{token}");
        assert!(header(&answer, "location").starts_with("/shopify/bounce?shop="), "{token}");
    }
    assert_eq!(stage.open_app(&stage.shopper(MIRA)).await.status(), 403);
    assert_eq!(stage.ask(Method::GET, "/shopify/app").send().await.unwrap().status(), 401);
    let stores = stage.host.cli_json(&["store", "list", "--json"]);
    assert_eq!((stores, stage.shopify.tokens_given().len()), (json!([]), 0));
}

#[tokio::test]
async fn a_page_whose_token_has_run_out_is_opened_anew_by_app_bridge() {
    let stage = Stage::open();
    let old = stage.token(&json!({ "exp": seconds() - 30 }));
    let answer = stage.open_app(&old).await;
    let to = header(&answer, "location").to_owned();
    assert!(to.contains("shopify-reload=%2Fshopify%2Fapp%3F") && !to.contains("id_token"), "{to}");
    let page = stage.ask(Method::GET, &to).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(header(&page, "content-security-policy").contains(&format!("frame-ancestors https://{DOMAIN} ")));
    assert!(page.text().await.unwrap().contains("app-bridge.js"));
    let elsewhere = stage.ask(Method::GET, "/shopify/bounce?shop=evil.example").send().await.unwrap();
    assert!(header(&elsewhere, "content-security-policy").contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn who_works_in_a_shop_sees_and_changes_their_own_store_and_nothing_else() {
    let stage = Stage::installed().await;
    let added = ["store", "add", "moss.myshopify.com", "--currency", "EUR", "--secret", "s"];
    assert!(stage.host.cli(&added).status.success());
    let staff = stage.staff();
    let own: Value = stage.api(Method::GET, "/stores", &staff).send().await.unwrap().json().await.unwrap();
    assert_eq!((own.as_array().unwrap().len(), own[0]["domain"].as_str()), (1, Some(DOMAIN)));
    for (method, path, status) in [
        (Method::GET, format!("/stores/{DOMAIN}/activity"), 200),
        (Method::GET, "/plugins".into(), 200),
        (Method::GET, "/status".into(), 200),
        (Method::GET, format!("/stores/{DOMAIN}/plugins/loyalty-points/settings"), 200),
        (Method::GET, format!("/stores/{DOMAIN}/plugins/loyalty-points/templates"), 404),
        (Method::GET, format!("/stores/{DOMAIN}/letterhead"), 404),
        (Method::GET, format!("/stores/{DOMAIN}/customers"), 404),
        (Method::PUT, "/stores/moss.myshopify.com/plugins/loyalty-points".into(), 403),
        (Method::GET, "/stores/moss.myshopify.com/activity".into(), 403),
        (Method::GET, "/stores/moss%2Emyshopify.com/activity".into(), 403),
        (Method::GET, format!("/stores/{DOMAIN}%2F..%2Fmoss.myshopify.com/activity"), 403),
        (Method::PATCH, format!("/stores/{DOMAIN}"), 404),
        (Method::GET, format!("/stores/{DOMAIN}/export"), 404),
        (Method::POST, "/backup".into(), 404),
        (Method::POST, "/plugins".into(), 405),
    ] {
        let answer = stage.api(method.clone(), &path, &staff).send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
    }
    let status: Value = stage.api(Method::GET, "/status", &staff).send().await.unwrap().json().await.unwrap();
    let counters: Vec<_> = status["counters"].as_object().unwrap().keys().collect();
    assert_eq!(counters, ["looks"], "what the host counts is of all stores");
    let none = stage.ask(Method::GET, "/shopify/v1/stores").send().await.unwrap();
    assert_eq!((none.status().as_u16(), header(&none, "x-shopify-retry-invalid-session-request")), (401, "1"));
    let shopper = stage.api(Method::GET, "/stores", &stage.shopper(MIRA)).send().await.unwrap();
    assert_eq!(shopper.status(), 403);
}

#[tokio::test]
async fn where_shopify_does_not_install_by_itself_the_merchant_agrees_and_comes_back_with_a_code() {
    let stage = Stage::open();
    let now = seconds().to_string();
    let opened = signed_query(&stage.app, "hmac", &[("shop", DOMAIN), ("timestamp", &now)]);
    let sent = stage.ask(Method::GET, &format!("/shopify/app?{opened}")).send().await.unwrap();
    assert_eq!(sent.status(), 302);
    let to = reqwest::Url::parse(header(&sent, "location")).unwrap();
    assert_eq!(to.path(), "/admin/oauth/authorize");
    let asked = |name: &str| to.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    assert_eq!(asked("client_id"), stage.app.client_id);
    assert!(asked("redirect_uri").ends_with("/shopify/auth/callback"));
    let state = asked("state");

    let back = |pairs: &[(&str, &str)]| format!("/shopify/auth/callback?{}", signed_query(&stage.app, "hmac", pairs));
    let moss = [("code", "c1"), ("shop", "moss.myshopify.com"), ("state", &*state), ("timestamp", &*now)];
    let unasked = [("code", "c1"), ("shop", DOMAIN), ("state", "1.x"), ("timestamp", &*now)];
    for pairs in [moss, unasked] {
        assert_eq!(stage.ask(Method::GET, &back(&pairs)).send().await.unwrap().status(), 401, "{pairs:?}");
    }
    let good = back(&[("code", "c1"), ("shop", DOMAIN), ("state", &state), ("timestamp", &now)]);
    let forged = good.replace("code=c1", "code=c2");
    assert_eq!(stage.ask(Method::GET, &forged).send().await.unwrap().status(), 401);
    let done = stage.ask(Method::GET, &good).send().await.unwrap();
    let home = format!("https://{DOMAIN}/admin/apps/{}", stage.app.client_id);
    assert_eq!((done.status().as_u16(), header(&done, "location")), (302, home.as_str()));
    assert_eq!(stage.shopify.tokens_given(), ["code"]);
    assert_eq!(stage.host.cli_json(&["store", "list", "--json"])[0]["domain"], DOMAIN);
}

#[tokio::test]
async fn the_themes_panel_is_for_whoever_is_signed_in_in_the_shop() {
    let stage = Stage::installed().await;
    let locale = [("locale", "de")];
    let page = stage.ask(Method::GET, &stage.proxied("/panel", MIRA, &locale)).send().await.unwrap();
    assert_eq!((page.status().as_u16(), header(&page, "cache-control")), (200, "no-store"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<main data-regulars=\"panel\">") && html.contains("<html lang=\"de\">"), "{html}");
    for (customer, status) in [("", 401), ("404", 404)] {
        let denied = stage.ask(Method::GET, &stage.proxied("/panel", customer, &locale)).send().await.unwrap();
        assert_eq!(denied.status(), status, "customer `{customer}`");
        assert!(!denied.text().await.unwrap().contains("data-regulars"));
    }
    let forged = stage.proxied("/panel", "404", &[]).replace("customer_id=404", &format!("customer_id={MIRA}"));
    assert_eq!(stage.ask(Method::GET, &forged).send().await.unwrap().status(), 401);
    assert_eq!(stage.ask(Method::GET, "/shopify/proxy/panel").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_form_of_the_themes_panel_counts_once_and_only_for_whom_it_was_drawn() {
    let stage = Stage::installed().await;
    let page = stage.ask(Method::GET, &stage.proxied("/panel", MIRA, &[])).send().await.unwrap().text().await.unwrap();
    let keys = form_keys(&page);
    let key = keys.first().map_or_else(|| panic!("the panel has a form: {page}"), Clone::clone);
    let send = async |customer: &str, key: &str| {
        let to = stage.proxied("/actions/loyalty-points/redeem", customer, &[("locale", "de")]);
        let form = serde_urlencoded::to_string([("regulars-key", key), ("reward", "five")]).unwrap();
        let sent = stage.ask(Method::POST, &to).header("content-type", "application/x-www-form-urlencoded").body(form);
        sent.send().await.unwrap()
    };
    let taken = send(MIRA, &key).await;
    assert_eq!((taken.status().as_u16(), header(&taken, "location")), (303, "../../panel?taken&locale=de"));
    assert_eq!(send(MIRA, &key).await.status(), 303);
    let actions = || {
        let events = stage.host.cli_json(&["event", "list", DOMAIN, "--json"]);
        events.as_array().unwrap().iter().filter(|event| event["topic"] == "shopper.action").count()
    };
    assert_eq!(actions(), 1);
    for key in ["drawn-by-nobody", &key.replace(|letter: char| letter.is_ascii_digit(), "x")] {
        assert_eq!(send(MIRA, key).await.status(), 400, "{key}");
    }
    assert_eq!(send("404", &key).await.status(), 400);
    assert_eq!(actions(), 1);
}

#[tokio::test]
async fn the_customer_accounts_panel_is_for_the_customer_of_the_session_token() {
    let stage = Stage::installed().await;
    let show = |token: &str| stage.ask(Method::GET, "/shopify/account/panel?locale=en").bearer_auth(token).send();
    let panel = show(&stage.shopper(MIRA)).await.unwrap();
    let cors = |response: &Response| header(response, "access-control-allow-origin").to_owned();
    assert_eq!((panel.status().as_u16(), cors(&panel).as_str()), (200, "*"));
    let parts: Value = panel.json().await.unwrap();
    assert_eq!(parts[0]["plugin"], "loyalty-points");
    assert!(parts[0]["blocks"].is_array() && parts[0].get("error").is_none(), "{parts}");
    let unknown: Value = show(&stage.shopper("404")).await.unwrap().json().await.unwrap();
    assert_eq!(unknown, json!([]));
    let anonymous = stage.token(&json!({ "iss": format!("{DOMAIN}/checkouts"), "dest": DOMAIN, "sub": null }));
    for token in [stage.staff(), anonymous, "nonsense".into()] {
        let denied = show(&token).await.unwrap();
        assert_eq!((denied.status().as_u16(), cors(&denied).as_str()), (401, "*"));
    }
    let asked = stage.ask(Method::OPTIONS, "/shopify/account/actions").send().await.unwrap();
    assert_eq!(
        (asked.status().as_u16(), header(&asked, "access-control-allow-headers")),
        (204, "Authorization, Content-Type")
    );

    let act = json!({ "plugin": "loyalty-points", "action": "redeem", "input": {}, "idempotency_key": "k1" });
    for status in [202, 200] {
        let sent = stage.ask(Method::POST, "/shopify/account/actions").bearer_auth(stage.shopper(MIRA)).json(&act);
        assert_eq!(sent.send().await.unwrap().status(), status);
    }
    let post = stage.ask(Method::POST, "/shopify/account/actions").header("content-type", "application/json");
    let unreadable = post.bearer_auth(stage.shopper(MIRA)).body("{").send().await.unwrap();
    assert_eq!((unreadable.status().as_u16(), cors(&unreadable).as_str()), (400, "*"));
    assert_eq!(unreadable.json::<Value>().await.unwrap()["type"], "urn:regulars:problem:bad-request");
}

#[tokio::test]
async fn a_shopper_who_asks_without_end_is_asked_for_patience_and_nobody_else_is() {
    let stage = Stage::installed().await;
    let show = async |customer: &str| {
        stage.ask(Method::GET, &stage.proxied("/panel", customer, &[])).send().await.unwrap().status().as_u16()
    };
    let mut answers = Vec::new();
    while answers.last() != Some(&429) && answers.len() < 200 {
        answers.push(show(MIRA).await);
    }
    assert!(answers.len() > 30 && answers.last() == Some(&429), "{answers:?}");
    assert_eq!(show("404").await, 404);
    let account = stage.ask(Method::GET, "/shopify/account/panel").bearer_auth(stage.shopper(MIRA));
    assert_eq!(account.send().await.unwrap().status(), 429);
}

#[tokio::test]
async fn of_a_shop_that_is_not_here_requests_of_people_are_answered_and_what_shopify_has_not_signed_is_refused() {
    let stage = Stage::open();
    let secret = stage.app.client_secret.as_str();
    for (topic, fixture, status) in [
        ("customers/redact", "customer_redacted", 200),
        ("customers/data_request", "data_requested", 200),
        ("orders/paid", "order_placed", 404),
    ] {
        assert_eq!(stage.told(topic, fixture, secret).await, status, "{topic}");
        assert_eq!(stage.told(topic, fixture, "another").await, 401, "{topic}");
    }
}

#[tokio::test]
async fn whoever_asks_is_shown_the_privacy_page() {
    let (host, http) = (Host::builder().start(), Client::new());
    let page = http.get(format!("{}/shopify/privacy", host.webhooks_url())).send().await.unwrap();
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    let html = page.text().await.unwrap();
    assert!(html.starts_with("<!doctype html>") && html.contains("<h2>What is kept</h2>"), "{html}");
}

#[tokio::test]
async fn a_host_that_is_no_app_answers_as_if_there_were_nothing() {
    let (host, http) = (Host::builder().start(), Client::new());
    for path in ["/shopify/app?id_token=a.b.c", "/shopify/auth/callback?code=1", "/shopify/bounce"] {
        let answer = http.get(format!("{}{path}", host.webhooks_url())).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}
