//! Calls of Magento's REST API: the effects that Regulars performs in a shop, and what it reads of it.
//!
//! Here stand the client and the one place from which it calls; each noun has a file of its own. No call takes an
//! idempotency key, so each effect is made to count once by what it leaves behind (`platform/marks.rs`, and the top of each
//! noun's file). What is looked for first and then written takes turns, and a write that was not answered is given time to
//! arrive before anything else is written to the same thing: Magento compares nothing with what the caller has seen.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use data_encoding::HEXLOWER;
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::{
    answer::Answer,
    batches::Batch,
    credentials::{Credentials, Service},
    oauth1::{Once, Signer, Token},
    search::{Page, Search, Total},
    service_token::ServiceToken,
    views::ReadViews,
};
use crate::{
    clock::Clock,
    domain::{CodeKey, EffectId, Timestamp},
    platform::{
        Failure, Secret,
        http::{Body, Call, Http, Limits, Reach},
        unanswered::Unanswered,
    },
};

mod answer;
mod attributes;
mod batches;
mod changes;
mod comments;
mod coupons;
pub mod credentials;
mod customers;
pub mod handshake;
pub mod oauth1;
mod parcels;
mod past;
pub mod resources;
mod rules;
mod search;
mod service_token;
mod text;
mod views;

/// What paths begin with: those of calls that are answered when they are done.
const V1: &[&str] = &["V1"];

/// Orders with all their lines, and rules with their conditions, are long.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// A shop that a client calls.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The host name of its store views: an installation may serve other shops as well.
    pub host: String,
    /// What all addresses of the API begin with, before `rest`.
    pub base: String,
    pub reach: Reach,
}

/// Calls one shop's REST API.
pub struct RestClient {
    http: Http,
    shop: Shop,
    access: Mutex<Arc<Access>>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    codes: CodeKey,
    /// Held while views are read, so that one call reads them for all.
    views: tokio::sync::Mutex<Option<ReadViews>>,
    /// When the shop, throttled or in maintenance, has said that it may be called again.
    allowed_at: Mutex<Timestamp>,
    /// Held by a change that begins with reading: our own changes must not overwrite or repeat each other.
    changes: tokio::sync::Mutex<()>,
    /// By path.
    unanswered: Unanswered,
    /// Batches of codes that are being worked off.
    batches: Mutex<BTreeMap<EffectId, Batch>>,
}

/// What shows who calls. Another token changes it while calls are on their way, of which the client knows more than what
/// another one would.
struct Access {
    credentials: Credentials,
    /// Held while a token is fetched, so that one call fetches it for all.
    service_token: tokio::sync::Mutex<Option<ServiceToken>>,
}

impl Access {
    fn by(token: &Secret) -> Result<Self, Failure> {
        Ok(Self { credentials: Credentials::read(token)?, service_token: tokio::sync::Mutex::default() })
    }
}

impl fmt::Debug for RestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestClient").field("shop", &self.shop).finish_non_exhaustive()
    }
}

impl RestClient {
    /// A client for a shop. Codes that stand for store credit are made with the installation's key.
    pub fn new(http: Http, shop: Shop, token: &Secret, codes: CodeKey, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        base_of(&shop)?;
        Ok(Self {
            http,
            shop,
            access: Mutex::new(Arc::new(Access::by(token)?)),
            clock,
            limits: Limits { max_answer_bytes: MAX_ANSWER_BYTES, ..Limits::default() },
            codes,
            views: tokio::sync::Mutex::default(),
            allowed_at: Mutex::default(),
            changes: tokio::sync::Mutex::default(),
            unanswered: Unanswered::default(),
            batches: Mutex::default(),
        })
    }

    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { limits: Limits { timeout, ..self.limits }, ..self }
    }

    /// Calls with another token from now on.
    pub fn set_token(&self, token: &Secret) -> Result<(), Failure> {
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Access::by(token)?);
        Ok(())
    }

    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the shop may be called again, as far as it has said.
    pub fn next_allowed(&self, now: Timestamp) -> Timestamp {
        now.max(*self.allowed_at.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is at a path; `None` if nothing is.
    async fn find<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, Failure> {
        self.exchange(Method::GET, V1, path, &[], None).await?.found()
    }

    async fn list<T: DeserializeOwned>(&self, path: &[&str], search: &Search) -> Result<Vec<T>, Failure> {
        let answer = self.exchange(Method::GET, V1, path, search.query(), None).await?;
        Ok(answer.read::<Page<T>>()?.into_items())
    }

    /// How many a search finds.
    async fn count_of(&self, path: &[&str], search: &Search) -> Result<u64, Failure> {
        let answer = self.exchange(Method::GET, V1, path, search.query(), None).await?;
        Ok(answer.read::<Total>()?.total_count)
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &[&str], body: Value) -> Result<T, Failure> {
        self.exchange(method, V1, path, &[], Some(body)).await?.read()
    }

    /// Writes to something that bears no repeat, such as an order's list of comments.
    async fn write<T: DeserializeOwned>(&self, method: Method, path: &[&str], body: Value) -> Result<T, Failure> {
        let written = self.send(method, path, body).await;
        self.unanswered.note(&path.join("/"), &written, self.clock.now());
        written
    }

    /// Refuses while a write to that path may still arrive.
    fn is_answered(&self, path: &[&str]) -> Result<(), Failure> {
        self.unanswered.check(&path.join("/"), self.clock.now())
    }

    async fn exchange(
        &self,
        method: Method,
        root: &[&str],
        path: &[&str],
        query: &[(String, String)],
        body: Option<Value>,
    ) -> Result<Answer, Failure> {
        let url = self.url(root, path, query)?;
        let headers = self.headers(&method, &url).await?;
        let call = Call { method, url, headers, body: body.map(Body::Json) };
        let host = call.url.host_str().unwrap_or("the shop").to_owned();
        let answer = self.http.send(self.shop.reach, call, self.limits).await?;
        let sorted = Answer::of(&host, answer.status, &answer.headers, answer.body);
        if let Err(Failure::Throttled { retry_after } | Failure::Later { retry_after, .. }) = &sorted {
            *self.allowed_at.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now() + *retry_after;
        }
        sorted
    }

    /// Commerce as a service has no `rest` at the beginning.
    fn url(&self, root: &[&str], path: &[&str], query: &[(String, String)]) -> Result<Url, Failure> {
        let rest: &[&str] = match self.access().credentials {
            Credentials::Service(_) => &[],
            Credentials::Bearer(_) | Credentials::Integration(_) => &["rest"],
        };
        let mut url = base_of(&self.shop)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(rest).extend(root).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// What shows who calls, anew for each try.
    async fn headers(&self, method: &Method, url: &Url) -> Result<HeaderMap, Failure> {
        let access = self.access();
        let authorization = match &access.credentials {
            Credentials::Bearer(token) => bearer(token.expose())?,
            Credentials::Integration(it) => {
                let token = Token { token: &it.access_token, secret: &it.access_token_secret, verifier: None };
                let signer =
                    Signer { consumer_key: &it.consumer_key, consumer_secret: &it.consumer_secret, token: Some(token) };
                signed(method, url, signer, self.clock.now())
            }
            Credentials::Service(service) => return self.service_headers(service, &access).await,
        };
        Ok(HeaderMap::from_iter([(AUTHORIZATION, authorization)]))
    }

    async fn service_headers(&self, service: &Service, access: &Access) -> Result<HeaderMap, Failure> {
        let mut held = access.service_token.lock().await;
        let now = self.clock.now();
        let authorization = match held.as_ref().and_then(|token| token.header(now)) {
            Some(header) => header,
            None => {
                let token = held.insert(ServiceToken::fetch(&self.http, service, self.limits, now).await?);
                token.header(now).ok_or_else(|| permanent("Adobe's token has ended before it could be used"))?
            }
        };
        let plain =
            |text: &str| HeaderValue::try_from(text).map_err(|_| permanent("the credential holds odd characters"));
        Ok(HeaderMap::from_iter([
            (AUTHORIZATION, authorization),
            (HeaderName::from_static("x-api-key"), plain(&service.client_id)?),
            (HeaderName::from_static("x-gw-ims-org-id"), plain(&service.organisation)?),
        ]))
    }
}

/// The `Authorization` header of a request that is signed now.
pub(super) fn signed(method: &Method, url: &Url, signer: Signer<'_>, now: Timestamp) -> HeaderValue {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    let once = Once { nonce: &HEXLOWER.encode(&bytes), timestamp: now.0 / 1_000 };
    oauth1::authorization(method, url, signer, once)
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| permanent("the token is none"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn base_of(shop: &Shop) -> Result<Url, Failure> {
    let url = Url::parse(&shop.base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| permanent(format!("`{}` is no address of a shop's API", shop.base)))
}

/// Magento's ids are numbers; anything else would be another address.
fn number(id: &str) -> Result<&str, Failure> {
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(id),
        false => Err(permanent(format!("`{id}` is no id of Magento's"))),
    }
}

/// An instant as Magento writes it, which is UTC whatever the shop's time zone.
fn written(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

fn permanent(reason: impl Into<String>) -> Failure {
    Failure::Permanent { reason: reason.into() }
}

fn transient(reason: impl Into<String>) -> Failure {
    Failure::Transient { reason: reason.into() }
}
