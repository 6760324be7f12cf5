//! What Shopify is told of the app, against what the host does: topics, scopes, fields, languages, the listing's lengths, and
//! the privacy page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use regulars::{
    domain::Timestamp,
    platform::{
        Context,
        shopify::{admin::API_VERSION, normalise, scopes},
    },
};
use serde_json::{Value, json};

/// What the template has where an app has the address of its host.
const HOST: &str = "https://regulars.example";

/// Topics that the host reads and the app does not ask for, each with its reason.
const NOT_ASKED_FOR: [(&str, &str); 6] = [
    ("orders/partially_fulfilled", "`orders/updated` tells the same"),
    ("customers/enable", "`customers/update` tells the same"),
    ("customers/disable", "`customers/update` tells the same"),
    ("checkouts/create", "no plugin lists checkouts, and they tell much of a person"),
    ("checkouts/update", "no plugin lists checkouts"),
    ("checkouts/delete", "no plugin lists checkouts"),
];

/// Scopes of each document, as the schema demands them.
const DOCUMENTS: &[(&str, &[&str])] = &[
    ("add_codes", &["write_discounts"]),
    ("add_tags", &["write_customers", "write_orders"]),
    ("add_variant", &["write_order_edits"]),
    ("begin_order_edit", &["write_order_edits"]),
    ("bulk_operation", &[]),
    ("cancel_bulk_operation", &[]),
    ("changed_orders", &["read_orders"]),
    ("changed_products", &["read_products"]),
    ("codes_addition", &["read_discounts"]),
    ("commit_order_edit", &["write_order_edits"]),
    ("consent", &["read_customers"]),
    ("counts", &["read_orders", "read_customers"]),
    ("create_discount", &["write_discounts"]),
    ("create_free_shipping", &["write_discounts"]),
    ("create_gift_card", &["write_gift_cards"]),
    ("credit", &["write_store_credit_account_transactions"]),
    ("debit", &["write_store_credit_account_transactions"]),
    ("discount", &["read_discounts"]),
    ("discount_by_code", &["read_discounts"]),
    ("discount_codes", &["read_discounts"]),
    ("end_discount", &["write_discounts"]),
    ("fulfillment_orders", &["read_orders", "read_merchant_managed_fulfillment_orders"]),
    ("gift_cards", &["read_gift_cards"]),
    ("give_line", &["write_order_edits"]),
    ("installation", &[]),
    ("metafield", &["read_customers"]),
    ("order", &["read_orders", "read_customers"]),
    ("order_note", &["read_orders"]),
    ("order_with_lines", &["read_orders"]),
    ("past_customers", &["read_customers"]),
    ("past_orders", &["read_orders", "read_customers"]),
    ("prices", &["read_products"]),
    ("product", &["read_products"]),
    ("refund", &["read_orders"]),
    ("refused_codes", &["read_discounts"]),
    ("remove_tags", &["write_customers", "write_orders"]),
    ("run_bulk_query", &[]),
    ("set_consent", &["write_customers"]),
    ("set_fulfillment_deadline", &["write_merchant_managed_fulfillment_orders"]),
    ("set_metafield", &["write_customers"]),
    ("shop", &[]),
    ("store_credit", &["read_customers", "read_store_credit_accounts", "read_store_credit_account_transactions"]),
    ("variant", &["read_products"]),
    ("write_order_note", &["write_orders"]),
];

/// The scope of what a topic tells of, by the beginning of its name.
const TOPICS: [(&str, &str); 8] = [
    ("app/", ""),
    ("customers/merge", "read_customer_merge"),
    ("customers", "read_customers"),
    ("disputes/", "read_shopify_payments_disputes"),
    ("fulfillments/", "read_fulfillments"),
    ("orders/", "read_orders"),
    ("products/", "read_products"),
    ("refunds/", "read_orders"),
];

/// Scopes that neither a document nor a topic needs.
const BESIDES: [(&str, &str); 2] = [
    ("write_app_proxy", "the theme's panel comes through the app proxy"),
    ("read_all_orders", "without it the history ends 60 days ago"),
];

/// Characters that Shopify leaves for a field of the listing.
const LISTING: [(&str, usize); 11] = [
    ("Name", 30),
    ("App card subtitle", 62),
    ("Introduction", 100),
    ("Details", 500),
    ("Features", 80),
    ("Search terms", 20),
    ("Title for search engines", 60),
    ("Description for search engines", 160),
    ("Works with", 20),
    ("Text for images", 64),
    ("Permission texts", 200),
];

const LANGUAGES: [&str; 6] = ["de", "en", "es", "fr", "ja", "nl"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn toml_of(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn app() -> toml::Table {
    toml_of("manifests/shopify/shopify.app.toml")
}

fn texts(value: Option<&toml::Value>) -> Vec<String> {
    let list = value.and_then(toml::Value::as_array).into_iter().flatten();
    list.map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// The paths of the files of a folder whose names end so, by their names without that.
fn files(folder: &str, end: &str) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter_map(|path| Some((path.file_name()?.to_str()?.strip_suffix(end)?.to_owned(), path.clone()))).collect()
}

struct Subscription {
    topics: Vec<String>,
    compliance: Vec<String>,
    include_fields: Vec<String>,
    filter: Option<String>,
}

fn subscriptions() -> Vec<Subscription> {
    let app = app();
    let list = app["webhooks"]["subscriptions"].as_array().unwrap();
    let read = |it: &toml::Value| Subscription {
        topics: texts(it.get("topics")),
        compliance: texts(it.get("compliance_topics")),
        include_fields: texts(it.get("include_fields")),
        filter: it.get("filter").map(|filter| filter.as_str().unwrap().to_owned()),
    };
    list.iter().map(read).collect()
}

/// Every topic that the app asks for, once.
fn asked_for() -> BTreeSet<String> {
    let all: Vec<_> = subscriptions().into_iter().flat_map(|it| it.topics.into_iter().chain(it.compliance)).collect();
    let once: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(all.len(), once.len(), "a topic is asked for twice: {all:?}");
    once
}

/// The topics of the host's table, each with ours.
fn read_by_the_host() -> BTreeMap<String, String> {
    let source = read("host/src/platform/shopify/normalise/mod.rs");
    let table = source.split_once("match topic {").unwrap().1.split_once("_ =>").unwrap().0;
    let mut topics = BTreeMap::new();
    let parts: Vec<_> = table.split("Topic::").collect();
    // What stands before one of our words are theirs.
    for pair in parts.windows(2) {
        let ours: String = pair[1].chars().take_while(|it| it.is_ascii_uppercase() || *it == '_').collect();
        for topic in pair[0].split('"').filter(|text| text.contains('/') && !text.contains(' ')) {
            topics.insert(topic.to_owned(), ours.to_lowercase().replacen('_', ".", 1));
        }
    }
    assert!(topics.len() > 20, "the table was not understood: {topics:?}");
    topics
}

#[test]
fn the_app_asks_for_the_topics_that_the_host_reads_and_for_no_others() {
    let known = read_by_the_host();
    let mut wanted: BTreeSet<String> = known.into_keys().collect();
    for (topic, reason) in NOT_ASKED_FOR {
        assert!(wanted.remove(topic), "{topic} is left out ({reason}), and the host does not read it");
    }
    assert_eq!(asked_for(), wanted);
}

#[test]
fn whatever_a_plugin_lists_comes_with_a_webhook() {
    let (known, asked) = (read_by_the_host(), asked_for());
    let come: BTreeSet<_> = known.iter().filter(|(theirs, _)| asked.contains(*theirs)).map(|(_, ours)| ours).collect();
    let of_the_platform: BTreeSet<_> = known.values().collect();
    for (plugin, path) in files("manifests/plugins", ".toml") {
        let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        for topic in texts(manifest["plugin"].get("topics")) {
            assert!(come.contains(&topic) || !of_the_platform.contains(&topic), "{plugin} waits for {topic} in vain");
        }
    }
}

#[test]
fn bodies_cut_down_to_the_fields_asked_for_are_read_as_whole_ones() {
    let context = Context { currency: "EUR".parse().unwrap(), occurred_at: Timestamp(1_791_000_000_000) };
    let fixtures = [
        ("order_placed", "orders/create"),
        ("order_two_currencies", "orders/create"),
        ("order_nulls", "orders/create"),
        ("order_of_guest", "orders/create"),
        ("order_jpy", "orders/paid"),
        ("order_kwd", "orders/paid"),
        ("order_updated", "orders/updated"),
        ("order_cancelled", "orders/cancelled"),
        ("refund_partial", "refunds/create"),
        ("refund_shipping_line", "refunds/create"),
        ("refund_of_money_alone", "refunds/create"),
        ("customer_created", "customers/create"),
        ("customer_deleted", "customers/delete"),
        ("fulfillment_delivered", "fulfillments/update"),
        ("product_updated", "products/update"),
    ];
    let subscriptions = subscriptions();
    for (fixture, topic) in fixtures {
        let subscription = subscriptions.iter().find(|it| it.topics.iter().any(|it| it == topic)).unwrap();
        let body = read(&format!("tests/fixtures/shopify/{fixture}.json"));
        let sent: Value = serde_json::from_str(&body).unwrap();
        let cut = cut_down(&sent, &subscription.include_fields);
        assert_ne!(cut, sent, "{fixture} shows nothing: all of its fields are asked for");
        let whole = normalise::read(topic, body.as_bytes(), &context).unwrap();
        assert_eq!(normalise::read(topic, cut.to_string().as_bytes(), &context).unwrap(), whole, "{fixture}");
    }
    for subscription in subscriptions.iter().filter(|it| !it.include_fields.is_empty()) {
        let has = |field: &str| subscription.include_fields.iter().any(|it| it == field);
        let come_once =
            subscription.topics.iter().all(|topic| topic.ends_with("/create") || topic.ends_with("/delete"));
        assert!(has("id") && (come_once || has("updated_at")), "{:?} look alike at Shopify", subscription.topics);
        for field in subscription.filter.iter().flat_map(|filter| filter.split(" OR ")) {
            let (field, _) = field.split_once(':').unwrap();
            assert!(has(field), "{:?}: the filter looks at {field}, which is left out", subscription.topics);
        }
    }
}

/// A body with nothing but these fields, each named by its path.
fn cut_down(body: &Value, fields: &[String]) -> Value {
    let mut cut = json!({});
    for field in fields {
        let Some(value) = body.pointer(&format!("/{}", field.replace('.', "/"))) else { continue };
        let place = field.split('.').fold(&mut cut, |place, part| &mut place[part]);
        *place = value.clone();
    }
    cut
}

#[test]
fn scopes_are_those_that_the_documents_and_topics_need() {
    let documents: BTreeSet<_> = files("host/src/platform/shopify/documents", ".graphql").into_keys().collect();
    assert_eq!(DOCUMENTS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), documents);
    let of_topic = |topic: &String| {
        let scope = TOPICS.iter().find(|(beginning, _)| topic.starts_with(beginning));
        scope.unwrap_or_else(|| panic!("{topic}: of which scope?")).1.to_owned()
    };
    let topics: Vec<_> = subscriptions().into_iter().flat_map(|it| it.topics).collect();
    let of_documents = DOCUMENTS.iter().flat_map(|(_, scopes)| scopes.iter().map(|scope| (*scope).to_owned()));
    let besides = BESIDES.iter().map(|(scope, _)| (*scope).to_owned());
    let needed: BTreeSet<_> = of_documents.chain(topics.iter().map(of_topic)).chain(besides).collect();
    let is_held =
        |scope: &String| scope.strip_prefix("read_").is_some_and(|it| needed.contains(&format!("write_{it}")));
    let least: BTreeSet<_> = needed.iter().filter(|scope| !scope.is_empty() && !is_held(scope)).cloned().collect();

    let app = app();
    let required = app["access_scopes"]["scopes"].as_str().unwrap().split(',').map(str::to_owned);
    let optional = texts(app["access_scopes"].get("optional_scopes"));
    for scope in &optional {
        assert!(topics.iter().all(|topic| of_topic(topic) != *scope), "{scope} is optional, and a topic needs it");
    }
    let mut asked: Vec<_> = required.chain(optional).collect();
    asked.sort();
    assert_eq!(asked, least.into_iter().collect::<Vec<_>>());

    let (readme, source) = (read("manifests/shopify/README.md"), read("manifests/shopify/shopify.app.toml"));
    for scope in asked {
        assert!(readme.contains(&format!("`{scope}`")), "README.md does not say what {scope} is for");
        assert!(source.contains(&format!("# {scope} ")) || source.contains(&format!("\"{scope}\", ")), "{scope}: why?");
    }
}

#[test]
fn what_an_examination_asks_for_is_what_the_app_asks_for() {
    let app = app();
    let required = app["access_scopes"]["scopes"].as_str().unwrap().split(',').map(str::to_owned);
    let optional: Vec<_> = texts(app["access_scopes"].get("optional_scopes"));
    let asked: Vec<_> = required.chain(optional.iter().cloned()).collect();
    let page = read("host/src/web/admin/scopes.js");
    for scope in &asked {
        let is_optional = optional.contains(scope);
        assert_eq!(scopes::is_optional(scope), is_optional, "{scope}");
        assert_eq!(page.contains(&format!("\"{scope}\"")), is_optional, "the page asks for what is optional: {scope}");
    }
    let topics = normalise::TOPICS;
    let of_topics = topics.iter().filter_map(scopes::of_topic);
    for scope in scopes::of_effects().into_iter().chain(scopes::OF_READING.iter().copied()).chain(of_topics) {
        assert!(scopes::is_granted(&asked, scope), "{scope}");
    }
    let told: BTreeSet<_> = topics.iter().map(ToString::to_string).collect();
    let read: BTreeSet<_> = read_by_the_host().into_values().collect();
    let besides: BTreeSet<_> = read.difference(&told).map(String::as_str).collect();
    let compliance = ["app.scopes", "app.uninstalled", "customer.data_requested", "customer.redacted", "shop.redacted"];
    assert_eq!(besides, BTreeSet::from(compliance));
    assert_eq!(told.difference(&read).count(), 0, "{told:?}");
}

#[test]
fn addresses_are_those_of_one_host_and_versions_are_one() {
    let app = app();
    let text = |section: &str, key: &str| app[section][key].as_str().unwrap().to_owned();
    assert_eq!(app["client_id"].as_str(), Some(""), "whose app it is, is not for the repository to say");
    assert_eq!(app["embedded"].as_bool(), Some(true));
    assert_eq!(app["access_scopes"]["use_legacy_install_flow"].as_bool(), Some(false));
    let webhooks = app["webhooks"]["subscriptions"].as_array().unwrap();
    for webhook in webhooks {
        assert_eq!(webhook["uri"].as_str(), Some(format!("{HOST}/webhooks/shopify").as_str()));
    }
    let addresses = [app["application_url"].as_str().unwrap().to_owned(), text("app_proxy", "url")];
    for address in addresses.into_iter().chain(texts(app["auth"].get("redirect_urls"))) {
        assert!(address.starts_with(&format!("{HOST}/shopify/")), "{address}");
    }
    assert_eq!((text("app_proxy", "prefix"), text("app_proxy", "subpath")), ("apps".into(), "regulars".into()));
    let block = read("manifests/shopify/extensions/storefront/blocks/panel.liquid");
    assert!(block.contains("'/apps/regulars'"), "the block asks where the app proxy is");

    assert_eq!(text("webhooks", "api_version"), API_VERSION);
    let extension = toml_of("manifests/shopify/extensions/customer-account/shopify.extension.toml");
    assert_eq!(extension["api_version"].as_str(), Some(API_VERSION));
}

#[test]
fn every_language_has_the_same_words() {
    for (folder, end) in [("customer-account", ".json"), ("storefront", ".json"), ("storefront", ".schema.json")] {
        let found = files(&format!("manifests/shopify/extensions/{folder}/locales"), end);
        let words: BTreeMap<_, _> = found
            .iter()
            .filter(|(name, _)| end == ".schema.json" || !name.ends_with(".schema"))
            .map(|(name, path)| {
                let value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
                let mut words = BTreeMap::new();
                collect(&value, "", &mut words);
                (name.trim_end_matches(".default").to_owned(), words)
            })
            .collect();
        assert_eq!(words.keys().collect::<Vec<_>>(), LANGUAGES.each_ref(), "{folder}");
        assert!(found.contains_key("en.default"), "{folder}: English stands in for languages that are missing");
        for (language, of_language) in &words {
            assert_eq!(of_language, &words["en"], "{folder}: {language}");
        }
    }
}

/// The keys of a file of words, each with the names that stand in its text.
fn collect(value: &Value, path: &str, words: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(parts) => parts.iter().for_each(|(key, part)| collect(part, &format!("{path}/{key}"), words)),
        Value::String(text) => {
            assert!(!text.trim().is_empty(), "{path} says nothing");
            let names =
                text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|it| it.0.trim().to_owned());
            words.insert(path.to_owned(), names.collect());
        }
        other => panic!("{path}: {other} is no text"),
    }
}

#[test]
fn the_listing_keeps_to_the_lengths_that_shopify_leaves() {
    let listing = read("manifests/shopify/listing.md");
    let fields: BTreeMap<_, _> = listing.split("\n## ").skip(1).filter_map(|field| field.split_once('\n')).collect();
    assert_eq!(fields.len(), LISTING.len());
    for (name, most) in LISTING {
        let text = fields.get(format!("{name} ({most})").as_str()).unwrap_or_else(|| panic!("{name} ({most})")).trim();
        let parts: Vec<_> = match text.starts_with("- ") {
            true => text.lines().map(|line| line.strip_prefix("- ").expect("a list, and nothing else")).collect(),
            false => vec![text],
        };
        for part in parts {
            let length = part.chars().count();
            assert!((1..=most).contains(&length) && !part.contains('\n'), "{name}: {length} characters: {part}");
            assert!(!part.contains("Shopify"), "{name}: the platform is not ours to name");
        }
    }
}

#[test]
fn the_privacy_page_names_every_kind_of_record() {
    let source = read("host/src/store/key.rs");
    let tables = source.split_once("pub enum Table {").unwrap().1.split_once("\n}").unwrap().0;
    let tables =
        tables.lines().filter_map(|line| line.trim().split_once(" = ")).filter(|(name, _)| !name.starts_with('/'));
    let tables: Vec<_> = tables.map(|(name, _)| name).collect();
    assert!(tables.len() > 40, "the tables were not understood: {tables:?}");
    let page = read("manifests/shopify/privacy.html");
    let parts = page.split("data-tables=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let mut named: Vec<_> = parts.flat_map(|(names, _)| names.split(' ')).collect();
    named.sort_unstable();
    let mut wanted = tables.clone();
    wanted.sort_unstable();
    assert_eq!(named, wanted);
}
