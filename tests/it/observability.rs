//! What operators see from outside: health, logs.

use regulars_tests::{host::Host, shopify_admin::Options};
use serde_json::Value;

use crate::shop::{DOMAIN, SECRET, Shop, webhook};

const CUSTOMER: &str = "9107200431558877203";

/// Log lines as objects, each checked for what every line has.
fn lines(log: &str) -> Vec<Value> {
    // What the host prints to those who start it is no log.
    let log = log.lines().filter(|line| !line.starts_with("listening ") && *line != "ready");
    let lines: Vec<Value> =
        log.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for line in &lines {
        for field in ["timestamp", "level", "message"] {
            assert!(line[field].is_string(), "{field} in {line}");
        }
    }
    lines
}

/// An order is paid and mailed about; the host with its whole log.
async fn paid_order(config: &str, filter: &str) -> Shop {
    let shop = Shop::open_with(Host::builder().config(config).env("RUST_LOG", filter)).await;
    for (topic, fixture, id) in
        [("customers/create", "customer_created", "w-new"), ("orders/paid", "order_placed", "w-paid")]
    {
        assert_eq!(shop.send(&webhook(topic, fixture, id)).await.status, 200);
    }
    shop.settled(2).await;
    shop
}

#[tokio::test]
async fn an_orders_way_can_be_followed_in_the_json_log_by_its_events_id() {
    let shop = paid_order("[log]\nformat = \"json\"", "info,regulars::journey=debug").await;
    let lines = lines(&shop.host.log());
    let way: Vec<_> = lines.iter().filter(|line| line["event"] == "webhook/w-paid").collect();
    let told = |message: &str| {
        let told = way.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(message)));
        *told.unwrap_or_else(|| panic!("no line says `{message}`: {way:#?}"))
    };
    assert_eq!(told("is kept at")["store"], "1");
    assert_eq!(told("is applied")["topic"], "order.paid");
    let delivered = told("has handled event");
    assert_eq!((&delivered["plugin"], &delivered["outcome"]), (&"loyalty-points".into(), &"done".into()));
    assert_eq!((&delivered["customer"], &delivered["store"]), (&CUSTOMER.into(), &"1".into()));
    assert!(delivered["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{delivered}");
    let mailed = told("(mail) is done");
    assert_eq!((&mailed["plugin"], &mailed["kind"]), (&"loyalty-points".into(), &"mail".into()));
    let effects = shop.effects().await;
    assert!(effects.iter().any(|effect| effect["id"] == mailed["effect"]), "the line names the effect: {mailed}");
}

#[tokio::test]
async fn neither_people_nor_secrets_are_in_the_log_however_much_the_host_and_its_clients_log() {
    // Not the compiler, which would log for minutes.
    let filter = "info,regulars=trace,lettre=trace,reqwest=trace,hyper_util=trace,hyper=trace,rustls=trace,sled=trace";
    for format in ["json", "text"] {
        let mut shop = paid_order(&format!("[log]\nformat = \"{format}\""), filter).await;
        let (_, redeemed) = shop.redeem(CUSTOMER, "redeem-1").await;
        assert!(redeemed.is_object(), "{redeemed}");
        shop.settled(3).await;
        assert!(shop.host.terminate());
        let log = shop.host.log();
        assert!(log.contains("webhook/w-paid"), "the log tells of the order");
        let customer: Value =
            serde_json::from_slice(&webhook("customers/create", "customer_created", "x").body).unwrap();
        let people = ["email", "first_name", "last_name"].map(|field| customer[field].as_str().expect("it is there"));
        let token = Options::default().access_token;
        for private in people.into_iter().chain([SECRET, &token]) {
            let line = log.lines().find(|line| line.contains(private));
            assert_eq!(line, None, "`{private}` is in the {format} log");
        }
        let mails = shop.mails.messages();
        let address = &mails[0].envelope_to[0];
        assert!(!log.contains(address.as_str()), "{address} is in the {format} log");
    }
}

#[tokio::test]
async fn a_host_that_runs_is_alive_and_ready_and_says_so_to_the_internet_and_to_its_operator() {
    let shop = Shop::open().await;
    for base in [shop.host.webhooks_url(), shop.host.admin_url()] {
        for (path, status) in [("healthz", "live"), ("readyz", "ready")] {
            let answer = reqwest::Client::new().get(format!("{base}/{path}")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{base}/{path}");
            assert_eq!(answer.json::<Value>().await.unwrap()["status"], status);
        }
    }
    let listed = shop.get("/stores").await;
    assert_eq!(listed[0]["domain"], DOMAIN, "{listed}");
}
