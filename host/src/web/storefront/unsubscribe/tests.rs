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
    domain::{Platform, StoreId, Timestamp},
    effects::{contacts::Choice, contacts::Pause},
    store::Transaction,
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
        let customer = Customer { locale: locale.map(Into::into), ..Customer::nobody("7".into()) };
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
