//! A Magento shop is connected as its merchant does it: two addresses, an integration, its activation, and back to the shop.

use regulars_tests::{
    host::Host,
    magento_rest::{Access, Activation, Fault, MagentoRest, Options, Outcome},
};
use reqwest::{Client, Response, StatusCode, header::LOCATION, redirect::Policy};
use serde_json::Value;

const SHOP: &str = "https://shop.example.com";

/// A host, a shop that lets nobody in yet, and the merchant's browser.
struct Scene {
    host: Host,
    shop: MagentoRest,
    browser: Client,
}

/// What the command line has told the merchant to enter.
struct Entered {
    told: String,
    ticket: String,
}

impl Scene {
    fn new() -> Self {
        let access = Access::Bearer("nobody has it".into());
        let shop = MagentoRest::start(Options { access, ..Options::default() }).unwrap();
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { host: Host::builder().start(), shop, browser }
    }

    fn connect(&self) -> Entered {
        let output = self.host.cli(&["store", "connect", "magento", SHOP, "--api-url", &self.shop.base_url()]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = told.lines().find(|line| line.contains("/magento/callback/")).unwrap();
        let ticket = line.rsplit('/').next().unwrap().to_owned();
        assert!(told.contains(&format!("/magento/identity/{ticket}")), "{told}");
        Entered { told, ticket }
    }

    fn url(&self, path: &str) -> String {
        let webhooks = self.host.webhooks_url();
        let end = webhooks.find("/webhooks").unwrap_or(webhooks.len());
        format!("{}/magento/{path}", &webhooks[..end])
    }

    /// The shop's server posts the integration's keys.
    async fn post_keys(&self, ticket: &str, keys: &Activation, from: &str) -> StatusCode {
        let form = [
            ("oauth_consumer_key", keys.consumer_key.as_str()),
            ("oauth_consumer_secret", &keys.consumer_secret),
            ("store_base_url", from),
            ("oauth_verifier", &keys.verifier),
        ];
        let posted = self
            .browser
            .post(self.url(&format!("callback/{ticket}")))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(serde_urlencoded::to_string(form).unwrap());
        posted.send().await.unwrap().status()
    }

    /// The shop's admin opens the identity link.
    async fn come_back(&self, ticket: &str, key: &str, to: &str) -> Response {
        let query = serde_urlencoded::to_string([("oauth_consumer_key", key), ("success_call_back", to)]).unwrap();
        self.browser.get(self.url(&format!("identity/{ticket}?{query}"))).send().await.unwrap()
    }

    fn stores(&self) -> Value {
        self.host.cli_json(&["store", "list", "--json"])
    }
}

#[tokio::test]
async fn a_shop_that_its_merchant_connects_is_a_store_with_access_and_a_secret_for_its_module() {
    let scene = Scene::new();
    let entered = scene.connect();
    let keys = scene.shop.activate("regulars");
    assert_eq!(scene.post_keys(&entered.ticket, &keys, &format!("{SHOP}/")).await, StatusCode::OK);
    let back = format!("{SHOP}/admin/integration/loginSuccessCallback/");
    let answer = scene.come_back(&entered.ticket, &keys.consumer_key, &back).await;
    assert_eq!((answer.status(), answer.headers()[LOCATION].to_str().unwrap()), (StatusCode::FOUND, &*back));

    let stores = scene.stores();
    let store = &stores[0];
    assert_eq!((&store["domain"], &store["platform"]), (&"shop.example.com".into(), &"magento".into()));
    assert_eq!((&store["currency"], &store["time_zone"]), (&"EUR".into(), &"Europe/Amsterdam".into()));
    assert_eq!(
        (&store["locale"], &store["has_access_token"], &store["secrets"]),
        (&"nl".into(), &true.into(), &1.into())
    );

    // The token is good: reconciliation reads the shop with it.
    let reconciled =
        scene.host.cli_json(&["store", "reconcile", "shop.example.com", "--since", "2026-01-01T00:00:00Z", "--json"]);
    assert_eq!(reconciled["latest"]["error"], Value::Null, "{reconciled}");
    let requests = scene.shop.requests();
    assert!(requests.iter().any(|it| it.path == "V1/orders" && it.outcome == Outcome::Answered(200)), "{requests:?}");

    // The secret is told once, and neither it nor the shop's keys stand in the log.
    let secret = entered.told.lines().find_map(|line| line.trim().strip_prefix("Secret")).unwrap();
    let secret = secret.trim().split(' ').next().unwrap();
    let log = scene.host.log();
    for hidden in [secret, &keys.consumer_secret, &keys.verifier, &entered.ticket, "regulars-token-secret"] {
        assert!(!log.contains(hidden), "{hidden} stands in the log");
    }
}

#[tokio::test]
async fn an_address_is_good_once_and_only_for_whom_it_was_made() {
    let scene = Scene::new();
    let entered = scene.connect();
    let keys = scene.shop.activate("regulars");
    let from = format!("{SHOP}/");
    assert_eq!(scene.post_keys("guessed", &keys, &from).await, StatusCode::NOT_FOUND);
    assert_eq!(scene.come_back("guessed", &keys.consumer_key, SHOP).await.status(), StatusCode::NOT_FOUND);
    let elsewhere = scene.post_keys(&entered.ticket, &keys, "https://elsewhere.example.com/").await;
    assert_eq!(elsewhere, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::CONFLICT);
    assert_eq!(scene.post_keys(&entered.ticket, &keys, &from).await, StatusCode::OK);
    assert_eq!(scene.come_back(&entered.ticket, "another", SHOP).await.status(), StatusCode::CONFLICT);
    assert_eq!(scene.stores(), Value::Array(vec![]));
    assert_eq!(scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::FOUND);
    assert_eq!(scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_that_the_shop_did_not_give_connect_nothing_and_its_own_still_do() {
    let scene = Scene::new();
    let entered = scene.connect();
    let keys = scene.shop.activate("regulars");
    let forged = Activation { consumer_secret: "guessed".into(), ..keys.clone() };
    let from = format!("{SHOP}/");
    scene.post_keys(&entered.ticket, &forged, &from).await;
    let refused = scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await;
    assert_eq!(refused.status(), StatusCode::BAD_GATEWAY);
    let told: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert!(told["detail"].as_str().unwrap().contains("signature_invalid"), "{told}");
    assert_eq!(scene.stores(), Value::Array(vec![]));
    scene.post_keys(&entered.ticket, &keys, &from).await;
    assert_eq!(scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn a_shop_that_falters_after_it_has_given_its_token_is_connected_when_the_merchant_tries_again() {
    let scene = Scene::new();
    let entered = scene.connect();
    let keys = scene.shop.activate("regulars");
    scene.post_keys(&entered.ticket, &keys, &format!("{SHOP}/")).await;
    scene.shop.set_fault_after(0, Fault::Maintenance);
    let faltered = scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status();
    assert_eq!(faltered, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(scene.stores(), Value::Array(vec![]));
    assert_eq!(scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::FOUND);
    assert_eq!(scene.stores()[0]["has_access_token"], true);
}

#[tokio::test]
async fn an_activation_whose_token_was_given_already_says_to_activate_it_anew() {
    let scene = Scene::new();
    let keys = scene.shop.activate("regulars");
    let from = format!("{SHOP}/");
    let used = scene.connect();
    scene.post_keys(&used.ticket, &keys, &from).await;
    assert_eq!(scene.come_back(&used.ticket, &keys.consumer_key, SHOP).await.status(), StatusCode::FOUND);
    let again = scene.connect();
    scene.post_keys(&again.ticket, &keys, &from).await;
    let refused = scene.come_back(&again.ticket, &keys.consumer_key, SHOP).await;
    assert_eq!(refused.status(), StatusCode::BAD_GATEWAY);
    let told: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
    assert!(told["detail"].as_str().unwrap().contains("choose Reauthorize"), "{told}");
    // As the shop does then.
    let anew = scene.shop.activate("regulars");
    scene.post_keys(&again.ticket, &anew, &from).await;
    assert_eq!(scene.come_back(&again.ticket, &anew.consumer_key, SHOP).await.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn the_merchant_is_sent_back_to_the_shop_and_nowhere_else() {
    let scene = Scene::new();
    for to in ["https://evil.example/", "javascript:alert(1)", "//evil.example"] {
        let entered = scene.connect();
        let keys = scene.shop.activate("regulars");
        scene.post_keys(&entered.ticket, &keys, &format!("{SHOP}/")).await;
        let answer = scene.come_back(&entered.ticket, &keys.consumer_key, to).await;
        assert_eq!((answer.status(), answer.headers().get(LOCATION)), (StatusCode::OK, None), "{to}");
        assert!(answer.text().await.unwrap().contains("The shop is connected"));
    }
}

#[tokio::test]
async fn a_store_that_is_there_keeps_what_it_has_and_gets_access() {
    let scene = Scene::new();
    let add = ["store", "add", "shop.example.com", "--platform", "magento", "--currency", "EUR", "--secret", "hush"];
    assert!(scene.host.cli(&add).status.success());
    let entered = scene.connect();
    assert!(entered.told.contains("the one that was given"), "{}", entered.told);
    let keys = scene.shop.activate("regulars");
    scene.post_keys(&entered.ticket, &keys, &format!("{SHOP}/")).await;
    scene.come_back(&entered.ticket, &keys.consumer_key, SHOP).await;
    let store = &scene.stores()[0];
    assert_eq!((&store["has_access_token"], &store["secrets"]), (&true.into(), &1.into()));
    assert_eq!(store["time_zone"], "UTC");
}

#[tokio::test]
async fn what_is_no_shop_is_not_connected() {
    let scene = Scene::new();
    for url in
        ["shop.example.com", "http://shop.example.com", "https://127.0.0.1", "https://localhost", "ftp://a.example"]
    {
        let output = scene.host.cli(&["store", "connect", "magento", url]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("no address of a shop"), "{url}: {said}");
    }
    let shopify = scene.host.cli(&["store", "connect", "shopify", "https://fern.myshopify.com"]);
    assert!(String::from_utf8_lossy(&shopify.stderr).contains("opens the app"));
}
