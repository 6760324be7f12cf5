//! What operators see from outside: health, logs, figures, traces.

use std::collections::BTreeSet;

use regulars_tests::{
    DEADLINE,
    host::{Host, eventually},
    otlp::{Collector, Span},
    shopify_admin::Options,
    smtp_sink::Fault,
};
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
    let mut shop = paid_order("[log]\nformat = \"json\"", "info,regulars::journey=debug").await;
    let effects = shop.effects().await;
    assert!(shop.host.terminate(), "what was begun is told");
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
    assert!(effects.iter().any(|effect| effect["id"] == mailed["effect"]), "the line names the effect: {mailed}");
}

#[tokio::test]
async fn neither_people_nor_secrets_are_in_the_log_however_much_the_host_and_its_clients_log() {
    // Not the compiler, which would log for minutes, nor sled, which logs from threads that are past logging.
    let filter = "info,regulars=trace,lettre=trace,reqwest=trace,hyper_util=trace,hyper=trace,rustls=trace";
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
async fn a_log_that_no_terminal_shows_has_no_colours() {
    let mut host = Host::builder().config("[log]\nformat = \"text\"").start();
    assert!(host.terminate());
    let log = host.log();
    assert!(log.contains("INFO") && !log.contains('\u{1b}'), "{log:?}");
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

/// The figures, read by a parser that is not ours.
pub async fn figures(url: &str) -> prometheus_parse::Scrape {
    let answer = reqwest::Client::new().get(url).send().await.expect("the host answers");
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("the answer is text");
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    prometheus_parse::Scrape::parse(lines).expect("the exposition can be parsed")
}

/// The value of the one series that has these labels; a histogram's is its count.
pub fn value(scrape: &prometheus_parse::Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    use prometheus_parse::Value;
    let has = |sample: &&prometheus_parse::Sample| {
        let rest = || sample.labels.iter().all(|(key, _)| labels.iter().any(|(known, _)| known == key));
        let mut wanted = labels.iter();
        sample.metric == name && wanted.all(|(key, value)| sample.labels.get(key) == Some(*value)) && rest()
    };
    let found: Vec<_> = scrape.samples.iter().filter(has).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:#?}");
    match &found[0].value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value,
        Value::Histogram(buckets) => buckets.last().expect("there are buckets").count,
        Value::Summary(_) => panic!("{name} is a summary"),
    }
}

#[tokio::test]
async fn the_figures_after_a_known_journey_are_those_of_the_journey() {
    let shop = paid_order("[metrics]\nlisten = \"127.0.0.1:0\"", "info").await;
    assert_eq!(shop.send(&webhook("orders/paid", "order_placed", "w-paid")).await.status, 200);
    let mut unsigned = webhook("orders/paid", "order_placed", "w-other");
    unsigned.body = b"{}".to_vec().into();
    assert_eq!(shop.send(&unsigned).await.status, 401);
    eventually("what was committed is counted", DEADLINE, async || {
        let counters = shop.get("/status").await["counters"].take();
        (counters["effects_done"] == 2 && counters["deliveries_done"] == 3).then_some(())
    })
    .await;
    let log = shop.host.log();
    let own = log.lines().find_map(|line| line.strip_prefix("listening metrics ")).expect("it says where it listens");
    let answer = reqwest::Client::new().get(format!("{}/metrics", shop.host.webhooks_url())).send().await.unwrap();
    assert_eq!(answer.status(), 404, "the internet is told nothing");
    let private = reqwest::Client::new().get(format!("{own}/v1/status")).send().await.unwrap();
    assert_eq!(private.status(), 404, "the figures' listener has nothing else");

    for base in [own, shop.host.admin_url()] {
        let scrape = figures(&format!("{base}/metrics")).await;
        let value = |name: &str, labels: &[(&str, &str)]| value(&scrape, name, labels);
        for (outcome, count) in [("accepted", 2.0), ("duplicate", 1.0), ("unsigned", 1.0), ("failed", 0.0)] {
            assert_eq!(value("regulars_webhooks_total", &[("outcome", outcome)]), count, "{outcome}");
        }
        for (outcome, count) in [("accepted", 2.0), ("duplicate", 1.0), ("refused", 1.0)] {
            assert_eq!(value("regulars_webhook_duration_seconds", &[("outcome", outcome)]), count, "{outcome}");
        }
        assert_eq!(value("regulars_webhook_answers_total", &[("status", "200")]), 3.0);
        assert_eq!(value("regulars_webhook_answers_total", &[("status", "401")]), 1.0);
        // The plugin has been told of its settings besides.
        assert_eq!(value("regulars_events_applied_total", &[]), 3.0);
        assert_eq!(value("regulars_event_wait_seconds", &[]), 3.0);
        let plugin = ("plugin", "loyalty-points");
        assert_eq!(value("regulars_deliveries_total", &[plugin, ("outcome", "done")]), 3.0);
        assert_eq!(value("regulars_delivery_fuel", &[plugin]), 3.0);
        assert_eq!(value("regulars_effects_total", &[("kind", "mail"), ("outcome", "done")]), 2.0);
        assert_eq!(value("regulars_queue_length", &[("queue", "events")]), 0.0);
        assert_eq!(value("regulars_queue_age_seconds", &[("queue", "effects")]), 0.0);
        assert_eq!(value("regulars_unready", &[("reason", "inbox")]), 0.0);
        assert!(value("regulars_write_sync_duration_seconds", &[("file", "inbox")]) >= 2.0);
        assert!(value("regulars_disk_bytes", &[("part", "inbox")]) > 0.0);
        assert!(value("process_resident_memory_bytes", &[]) > 1e6);
        let status = shop.get("/status").await;
        assert_eq!(status["counters"]["deliveries_done"], 3, "one source: {status}");
    }
}

#[tokio::test]
async fn the_operators_page_lists_every_figure_and_no_other() {
    let shop = paid_order("", "info").await;
    let scrape = figures(&format!("{}/metrics", shop.host.admin_url())).await;
    let shown: BTreeSet<_> = scrape.samples.iter().map(|sample| sample.metric.clone()).collect();
    let shown: BTreeSet<String> = shown
        .iter()
        .map(|name| {
            // A histogram is one figure, whatever a parser makes of its sum and count.
            let family = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count"));
            family.filter(|family| shown.contains(*family)).unwrap_or(name).to_owned()
        })
        .collect();
    let page = format!("{}/../docs/operations.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("## Every figure").expect("the page has the list");
    let listed: BTreeSet<String> =
        table.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect();
    assert_eq!(listed, shown);
    for family in &shown {
        let help = scrape.docs.get(family.trim_end_matches("_total")).or_else(|| scrape.docs.get(family));
        assert!(help.is_some_and(|help| !help.is_empty()), "{family} has no help");
    }
}

/// The spans of one event, once those of these names are there.
async fn spans_of(collector: &Collector, event: &str, names: &[&str]) -> Vec<Span> {
    eventually("the collector has the event's spans", DEADLINE, async || {
        let spans = collector.spans();
        let spans: Vec<_> =
            spans.into_iter().filter(|it| it.attributes.get("regulars.event").is_some_and(|id| id == event)).collect();
        names.iter().all(|name| spans.iter().any(|span| span.name == *name)).then_some(spans)
    })
    .await
}

#[tokio::test]
async fn one_trace_leads_from_an_orders_webhook_to_its_mail() {
    let collector = Collector::start().expect("the collector starts");
    let config = format!("[telemetry]\notlp = \"{}\"\nservice_name = \"fern\"", collector.url());
    let mut shop = paid_order(&config, "info").await;
    let names = ["webhook", "inbox.append", "event.apply", "store.commit", "delivery", "effect"];
    let spans = spans_of(&collector, "webhook/w-paid", &names).await;
    let span = |name: &str| {
        let named: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(named.len(), 1, "{name}: {spans:#?}");
        named[0]
    };
    let (webhook, apply, delivery, effect) = (span("webhook"), span("event.apply"), span("delivery"), span("effect"));
    assert!(spans.iter().all(|span| span.trace == webhook.trace), "one trace: {spans:#?}");
    assert_eq!(webhook.parent, None);
    assert_eq!(span("inbox.append").parent, Some(webhook.id));
    assert_eq!(apply.parent, Some(webhook.id));
    assert_eq!(span("store.commit").parent, Some(apply.id));
    assert_eq!(delivery.parent, Some(apply.id));
    assert_eq!(effect.parent, Some(delivery.id));
    for span in &spans {
        assert!(span.begun <= span.ended, "{span:?}");
        assert_eq!(span.service, "fern");
    }
    for (span, name, value) in [
        (delivery, "regulars.plugin", "loyalty-points"),
        (effect, "regulars.outcome", "done"),
        (webhook, "regulars.store", "1"),
    ] {
        assert_eq!(span.attributes.get(name).map(String::as_str), Some(value), "{span:?}");
    }
    // What is left goes out when the host stops.
    assert_eq!(shop.send(&crate::shop::webhook("refunds/create", "refund_partial", "w-last")).await.status, 200);
    shop.settled(3).await;
    // A commit can be seen before the one who made it has told of it.
    eventually("the last event is counted", DEADLINE, async || {
        (shop.get("/status").await["counters"]["events_applied"].as_u64() >= Some(3)).then_some(())
    })
    .await;
    assert!(shop.host.terminate());
    spans_of(&collector, "webhook/w-last", &["webhook", "event.apply"]).await;
}

#[tokio::test]
async fn an_effect_that_is_done_after_a_restart_stands_in_the_trace_of_its_event() {
    let collector = Collector::start().expect("the collector starts");
    let config = format!("[telemetry]\notlp = \"{}\"", collector.url());
    let mut shop = Shop::open_with(Host::builder().config(config)).await;
    shop.mails.set_fault(Fault::DropAfterAccepting, 1);
    assert_eq!(shop.send(&webhook("customers/create", "customer_created", "w-new")).await.status, 200);
    let tried = |spans: &[Span]| spans.iter().filter(|span| span.name == "effect").cloned().collect::<Vec<_>>();
    let before = spans_of(&collector, "webhook/w-new", &["webhook", "delivery", "effect"]).await;
    assert_eq!(tried(&before)[0].attributes["regulars.outcome"], "retrying");
    shop.host.restart();
    let after = eventually("the mail is sent and traced", DEADLINE, async || {
        let spans = spans_of(&collector, "webhook/w-new", &["effect"]).await;
        spans.iter().any(|span| span.name == "effect" && span.attributes["regulars.outcome"] == "done").then_some(spans)
    })
    .await;
    let delivery = after.iter().find(|span| span.name == "delivery").expect("it was there before");
    for effect in tried(&after) {
        assert_eq!((effect.trace, effect.parent), (delivery.trace, Some(delivery.id)), "{effect:?}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_loses_spans_and_nothing_else() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
    let mut shop = paid_order(&format!("[telemetry]\notlp = \"http://{nobody}\""), "info").await;
    assert!(shop.effects().await.iter().all(|effect| effect["status"] == "done"));
    assert!(shop.host.terminate(), "it stops well");
}
