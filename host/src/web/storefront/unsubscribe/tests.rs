//! The pages behind the links in mails: what they change, and that they speak each reader's language.

use axum::{
    body::Body,
    extract::Request,
    http::{Method, header},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::{
    catalog::NewStore,
    clock::Manual,
    config::Config,
    domain::{Contact, Customer, CustomerId, Origin, Platform, StoreId, Timestamp},
    effects::{contacts::Choice, contacts::Pause},
    store::{Position, Transaction, keys},
    web,
};

struct Bench {
    host: Arc<Host>,
    token: String,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// A host with one store, and one reader who has been written to.
    async fn open(locale: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("data"), ..Config::load(None).unwrap() };
        let host = Arc::new(Host::open(config, Arc::new(Manual::at(Timestamp(1_791_000_000_000)))).unwrap());
        let store = NewStore {
            platform: Platform::Shopify,
            domain: "fern.myshopify.com".into(),
            name: "Fern & Fable".into(),
            url: "https://fern.example".into(),
            currency: "EUR".parse().unwrap(),
            time_zone: "Europe/Berlin".into(),
            locale: "fr".into(),
            secrets: vec!["secret".into()],
            access: None,
            api_url: None,
        };
        let store = host.catalog.add_store(store).await.unwrap().id();
        let contact = contacts::id_of(&host.outbox, store, "mira@example.com");
        let mut transaction = Transaction::new(Arc::clone(&host.outbox.store));
        let email = Some("mira@example.com".to_owned());
        let customer = Customer { email, locale: locale.map(Into::into), ..Customer::nobody("7".into()) };
        transaction.put(keys::customer(store, &customer.id), &customer);
        let known = Contact { customer: Some(customer.id), ..Contact::default() };
        transaction.put(keys::contact(store, contact), &known);
        transaction.commit().await.unwrap();
        let token = host.outbox.mails.links.key.token(&Recipient { store, contact, plugin: "points".into() });
        Self { host, token, _dir: dir }
    }

    async fn follow(&self, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let answer = web::public(Arc::clone(&self.host)).oneshot(request).await.unwrap();
        let status = answer.status();
        assert_eq!(answer.headers().get(header::REFERRER_POLICY).is_some(), status != StatusCode::SEE_OTHER);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Changes what is known of the customer.
    async fn learn(&self, change: impl FnOnce(&mut Customer)) {
        let mut transaction = Transaction::new(Arc::clone(&self.host.outbox.store));
        let key = keys::customer(StoreId(1), &"7".into());
        let mut customer = transaction.get::<Customer>(&key).unwrap().unwrap();
        change(&mut customer);
        transaction.put(key, &customer);
        transaction.commit().await.unwrap();
    }

    /// What the inbox has been told of consent.
    fn said(&self) -> Vec<(CustomerId, bool)> {
        let events = self.host.pipeline.inbox.read(Position(0), 100, 1 << 20).unwrap();
        let said = events.into_iter().filter_map(|(_, event)| match event.origin {
            Origin::Consent { customer, accepts_marketing } => Some((customer, accepts_marketing)),
            _ => None,
        });
        said.collect()
    }

    fn contact(&self) -> Contact {
        let id = contacts::id_of(&self.host.outbox, StoreId(1), "mira@example.com");
        contacts::read(&self.host.outbox, StoreId(1), id).unwrap().unwrap()
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_a_post_of_anything_unsubscribes() {
    for body in ["", "List-Unsubscribe=One-Click", "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--"] {
        let bench = Bench::open(None).await;
        let path = format!("/u/{}", bench.token);
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(bench.follow(method, &path, "").await.0, StatusCode::OK);
        }
        assert_eq!(bench.contact().unsubscribed_at, None);
        assert_eq!(bench.follow(Method::POST, &path, body).await.0, StatusCode::OK, "nothing is redirected");
        assert_eq!(bench.contact().unsubscribed_at, Some(Timestamp(1_791_000_000_000)));
    }
}

#[tokio::test]
async fn pages_speak_the_readers_language_and_then_the_shops() {
    for (locale, spoken) in [
        (Some("en-GB"), "en"),
        (Some("de"), "de"),
        (Some("es-MX"), "es"),
        (Some("nl"), "nl"),
        (Some("ja"), "ja"),
        (Some("fi"), "fr"),
        (None, "fr"),
    ] {
        let bench = Bench::open(locale).await;
        for path in ["u", "preferences"] {
            let (status, page) = bench.follow(Method::GET, &format!("/{path}/{}", bench.token), "").await;
            assert_eq!(status, StatusCode::OK);
            assert!(page.contains(&format!("<html lang=\"{spoken}\">")), "{locale:?}: {page}");
            assert!(page.contains("Fern &amp; Fable") && !page.contains("{}"), "{locale:?}: {page}");
        }
    }
}

#[tokio::test]
async fn who_leaves_on_the_preference_page_is_told_so_there_and_can_come_back() {
    let bench = Bench::open(Some("en")).await;
    let path = format!("/preferences/{}", bench.token);
    assert_eq!(bench.follow(Method::POST, &path, "leave=all").await.0, StatusCode::SEE_OTHER);
    assert!(bench.contact().unsubscribed_at.is_some());
    let (_, page) = bench.follow(Method::GET, &path, "").await;
    assert!(page.contains("You are unsubscribed from all"), "{page}");
    let (status, page) = bench.follow(Method::POST, &path, "topic=%").await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    assert!(bench.contact().unsubscribed_at.is_some(), "a topic that is not offered is none");
    let wanted: std::collections::BTreeSet<_> = ["points".into()].into();
    let choice = Choice { offered: wanted.clone(), wanted, pause: Pause::Keep };
    let recipient = contacts::recipient(&bench.host.outbox, &bench.token).unwrap();
    contacts::choose(&bench.host.outbox, &recipient, &choice).await.unwrap();
    assert_eq!(bench.contact().unsubscribed_at, None);
}

#[tokio::test]
async fn a_link_of_a_store_that_is_gone_leads_nowhere() {
    let bench = Bench::open(None).await;
    bench.host.catalog.remove_store("fern.myshopify.com").await.unwrap();
    for method in [Method::GET, Method::POST] {
        assert_eq!(bench.follow(method, &format!("/u/{}", bench.token), "").await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(bench.contact().unsubscribed_at, None);
}

#[tokio::test]
async fn whoever_leaves_is_heard_once_it_is_new_and_who_comes_back_as_well() {
    let bench = Bench::open(None).await;
    let (leave, preferences) = (format!("/u/{}", bench.token), format!("/preferences/{}", bench.token));
    bench.follow(Method::POST, &leave, "").await;
    assert_eq!(bench.said(), [("7".into(), false)]);
    // As it is once that is applied.
    bench.learn(|customer| customer.accepts_marketing = Some(false)).await;
    bench.follow(Method::POST, &leave, "").await;
    bench.follow(Method::POST, &preferences, "leave=all").await;
    assert_eq!(bench.said().len(), 1, "nothing has changed");

    let recipient = contacts::recipient(&bench.host.outbox, &bench.token).unwrap();
    let offered: std::collections::BTreeSet<_> = ["points".into()].into();
    let of = |wanted: &[&str]| {
        let wanted = wanted.iter().map(|plugin| (*plugin).into()).collect();
        Choice { offered: offered.clone(), wanted, pause: Pause::Keep }
    };
    contacts::choose(&bench.host.outbox, &recipient, &of(&[])).await.unwrap();
    assert_eq!(bench.said().len(), 1, "who wants nothing has not come back");
    contacts::choose(&bench.host.outbox, &recipient, &of(&["points"])).await.unwrap();
    assert_eq!(bench.said(), [("7".into(), false), ("7".into(), true)]);
}

#[tokio::test]
async fn who_has_left_the_shops_newsletter_is_shown_as_gone_and_who_is_saved_anew_has_not_come_back() {
    let bench = Bench::open(Some("en")).await;
    let preferences = format!("/preferences/{}", bench.token);
    bench.learn(|customer| customer.accepts_marketing = Some(false)).await;
    assert!(bench.follow(Method::GET, &preferences, "").await.1.contains("You are unsubscribed from all"));
    bench.learn(|customer| customer.accepts_marketing = Some(true)).await;
    assert!(!bench.follow(Method::GET, &preferences, "").await.1.contains("You are unsubscribed from all"));

    bench.follow(Method::POST, &preferences, "leave=all").await;
    let later = Some(Timestamp(1_791_000_000_001));
    bench.learn(|customer| customer.consent_at = later).await;
    assert!(bench.follow(Method::GET, &preferences, "").await.1.contains("You are unsubscribed from all"));
    bench.learn(|customer| customer.consented_at = later).await;
    assert!(!bench.follow(Method::GET, &preferences, "").await.1.contains("You are unsubscribed from all"));
}

#[tokio::test]
async fn a_word_is_of_whoever_has_absorbed_the_reader_and_of_nobody_who_is_deleted_or_reads_elsewhere() {
    let bench = Bench::open(None).await;
    bench.learn(|customer| customer.deleted = true).await;
    bench.follow(Method::POST, &format!("/u/{}", bench.token), "").await;
    let corrected = Some("mira.okonjo@example.com".to_owned());
    bench.learn(|customer| (customer.deleted, customer.email) = (false, corrected)).await;
    bench.follow(Method::POST, &format!("/u/{}", bench.token), "").await;
    assert_eq!(bench.said(), []);
    assert!(bench.contact().unsubscribed_at.is_some(), "nobody writes to the address all the same");
    let mut transaction = Transaction::new(Arc::clone(&bench.host.outbox.store));
    let left = Customer { email: Some("Mira@Example.com".into()), ..Customer::nobody("8".into()) };
    transaction.put(keys::customer(StoreId(1), &left.id), &left);
    transaction.commit().await.unwrap();
    bench.learn(|customer| customer.merged_into = Some("8".into())).await;
    bench.follow(Method::POST, &format!("/u/{}", bench.token), "").await;
    assert_eq!(bench.said(), [("8".into(), false)]);
}
