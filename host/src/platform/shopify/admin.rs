//! Calls of Shopify's Admin GraphQL API: the effects that Regulars performs in a store.
//!
//! Here stand the client and the one place from which it calls; each noun has a file of its own below. None of the
//! mutations used here takes an idempotency key, so each effect is made to count once by what it leaves behind: see
//! `platform/marks.rs`, and the top of each noun's file.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::{
    answer::{Answer, Changed},
    discount_batches::Addition,
};
use super::{
    scopes,
    throttle::{Throttle, WAIT_MIN, stated_wait},
};
use crate::{
    clock::Clock,
    domain::{EffectId, EffectKind, Timestamp},
    platform::{
        Failure, Secret,
        http::{Body, Call, Http, Limits, Reach},
        unanswered::Unanswered,
    },
};

mod answer;
mod bulk;
pub mod changes;
mod consents;
mod counts;
mod discount_batches;
mod discounts;
mod fulfillment_orders;
mod gift_cards;
mod installation;
mod metafields;
mod orders;
pub(super) mod parcel_gifts;
mod past;
mod shop;
#[cfg(test)]
pub(crate) mod simulated;
mod store_credit;
mod tags;
#[cfg(test)]
mod tests;

pub use shop::ShopDetails;

/// The version that the documents are written for.
pub const API_VERSION: &str = "2026-10";

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-shopify-access-token");

/// Points to have before a call: a mutation's base price, or a page of a listing in part.
const CALL_COST: u32 = 20;

/// Calls one store's Admin API.
#[derive(Debug)]
pub struct AdminClient {
    http: Http,
    reach: Reach,
    url: Url,
    /// Marked sensitive, so that it does not show in debug output. It changes while calls are on their way, of which this
    /// client knows more than what another one would.
    token: Mutex<HeaderValue>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    throttle: Mutex<Throttle>,
    /// Held by a change that begins with reading: our own changes must not overwrite each other.
    changes: tokio::sync::Mutex<()>,
    /// By effects that edit orders, and by customers.
    unanswered: Unanswered,
    /// Codes that are being added to discounts.
    additions: Mutex<BTreeMap<EffectId, Addition>>,
}

impl AdminClient {
    /// A client for the store at `base`, which is `https://{shop}` unless the store's settings name another endpoint.
    pub fn new(http: Http, base: &str, token: &Secret, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let url = format!("{}/admin/api/{API_VERSION}/graphql.json", base.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| permanent(format!("the store's endpoint is not a URL: {error}")))?;
        let token = Mutex::new(header_of(token)?);
        Ok(Self {
            http,
            reach: Reach::Anywhere,
            url,
            token,
            clock,
            limits: Limits::default(),
            throttle: Mutex::default(),
            changes: tokio::sync::Mutex::default(),
            unanswered: Unanswered::default(),
            additions: Mutex::default(),
        })
    }

    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Calls with another token from now on.
    pub fn set_token(&self, token: &Secret) -> Result<(), Failure> {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = header_of(token)?;
        Ok(())
    }

    /// How far its calls may lead; by default wherever the operator has said.
    pub fn with_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// When the store's bucket, as last stated, has room for one call.
    pub fn next_allowed(&self, now: Timestamp) -> Timestamp {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).next_allowed(now, CALL_COST)
    }

    /// When it has room for all calls of an effect.
    pub fn next_allowed_for(&self, effect: &EffectKind, now: Timestamp) -> Timestamp {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).next_allowed(now, cost_of(effect))
    }

    /// What a mutation answers. Documents hold one mutation each: what comes first might be refused and the next one done.
    async fn mutate<T: DeserializeOwned>(&self, document: &str, variables: Value) -> Result<Changed<T>, Failure> {
        self.ask(document, variables).await?.ok_or_else(no_data)
    }

    /// The field that a document asks for; `None` where Shopify has nothing of that kind.
    async fn ask<T: DeserializeOwned>(&self, document: &str, variables: Value) -> Result<Option<T>, Failure> {
        let fields: BTreeMap<String, Option<T>> = self.call(document, variables).await?;
        fields.into_values().next().ok_or_else(no_data)
    }

    async fn call<T: DeserializeOwned>(&self, document: &str, variables: Value) -> Result<T, Failure> {
        let body = self.exchange(json!({ "query": document, "variables": variables })).await?;
        let answer: Answer<T> = serde_json::from_slice(&body)
            .map_err(|error| transient(format!("Shopify's answer cannot be read: {error}")))?;
        if let Some(level) = answer.level() {
            self.throttle.lock().unwrap_or_else(PoisonError::into_inner).observe(level, self.clock.now());
        }
        answer.into_result()
    }

    /// The body of a successful answer.
    async fn exchange(&self, request: Value) -> Result<Vec<u8>, Failure> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let headers = HeaderMap::from_iter([(ACCESS_TOKEN, token)]);
        let call = Call { method: Method::POST, url: self.url.clone(), headers, body: Some(Body::Json(request)) };
        let answer = self.http.send(self.reach, call, self.limits).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(self.refused(answer.status, &answer.headers)) }
    }

    /// An answer that is no GraphQL answer, by its HTTP status.
    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Failure {
        let host = self.url.host_str().unwrap_or("the store");
        match status.as_u16() {
            300..=399 => permanent(format!("{host} redirects elsewhere: set the store's permanent domain")),
            401 => permanent(TOKEN_REFUSED),
            402 => permanent("the store is frozen: its owner has to settle the bill with Shopify"),
            403 => permanent(access_denied()),
            404 => permanent(format!(
                "{host} has no Admin API {API_VERSION}: check the store's domain, and that the store still exists"
            )),
            423 => permanent("Shopify has locked the store"),
            429 => Failure::Throttled { retry_after: retry_after(headers, self.clock.now()).unwrap_or(WAIT_MIN) },
            // 430 is Shopify's own: the request looked suspicious just then.
            408 | 425 | 430 | 500..=599 => {
                let reason = format!("{host} answered {status}");
                match retry_after(headers, self.clock.now()) {
                    Some(retry_after) => Failure::Later { retry_after, reason },
                    None if status.is_server_error() => Failure::Unreachable { reason },
                    None => transient(reason),
                }
            }
            _ => permanent(format!("{host} answered {status}: this program and Shopify disagree about the request")),
        }
    }
}

const TOKEN_REFUSED: &str = "the access token was refused: open the app in the shop's admin, or set a new token with \
                             `regulars store update`";

/// Why Shopify refuses what the token's scopes do not allow.
fn access_denied() -> String {
    let scopes = scopes::of_effects().into_iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(", ");
    format!(
        "access was denied: grant the app {scopes}, as far as plugins are to do these things, and customer data, then set its \
         new token with `regulars store update`; `regulars doctor` says what is missing"
    )
}

fn header_of(token: &Secret) -> Result<HeaderValue, Failure> {
    let token = HeaderValue::from_str(token.expose()).ok().filter(|token| !token.is_empty());
    let mut token = token
        .ok_or_else(|| permanent("the access token is not one: set the store's token with `regulars store update`"))?;
    token.set_sensitive(true);
    Ok(token)
}

fn permanent(reason: impl Into<String>) -> Failure {
    Failure::Permanent { reason: reason.into() }
}

fn transient(reason: impl Into<String>) -> Failure {
    Failure::Transient { reason: reason.into() }
}

fn no_data() -> Failure {
    transient("Shopify's answer holds no data")
}

/// The wait that an answer asks for: seconds, with a fraction in some of Shopify's answers, or the date of HTTP, which
/// what stands before Shopify may state.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(stated_wait(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    let ahead = u64::try_from(date).ok()?.saturating_sub(now.0);
    Some(stated_wait(Duration::from_millis(ahead).as_secs_f64()))
}

/// The global id of an object: facts keep the number at its end, and merchants may have set either.
fn gid(kind: &str, id: &str) -> String {
    if id.starts_with("gid://") { id.into() } else { format!("gid://shopify/{kind}/{id}") }
}

/// Points of all calls of an effect: 10 for each mutation, and for each query what it lists.
fn cost_of(effect: &EffectKind) -> u32 {
    match effect {
        EffectKind::CreateDiscounts(_) => 300,
        EffectKind::AddParcelGift(_) => 250,
        EffectKind::StoreCredit(_) => 150,
        EffectKind::SetShipBy(_) => 70,
        EffectKind::CreateGiftCard(_) | EffectKind::AddOrderNote(_) => 30,
        _ => 20,
    }
}
