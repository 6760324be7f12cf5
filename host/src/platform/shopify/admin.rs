//! Calls of Shopify's Admin GraphQL API: the effects that Regulars performs in a store.
//!
//! None of the mutations used here takes an idempotency key, so each is made to count once: a code is found again by its
//! title, and tags are a set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use reqwest::{Client, Response, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::throttle::{Level, Throttle, WAIT_MIN, stated_wait, wait_after_refusal};
use crate::{
    clock::Clock,
    domain::{CustomerId, EffectId, NewDiscount, TagChange, Timestamp},
    platform::{Failure, Receipt, Secret, error::shorten},
};

pub mod changes;
#[cfg(test)]
mod tests;

/// The version that the documents are written for.
pub const API_VERSION: &str = "2026-10";

const CREATE_DISCOUNT: &str = include_str!("documents/create_discount.graphql");
const DISCOUNT_BY_CODE: &str = include_str!("documents/discount_by_code.graphql");
const ADD_TAGS: &str = include_str!("documents/add_tags.graphql");
const REMOVE_TAGS: &str = include_str!("documents/remove_tags.graphql");

/// Points to have before an effect starts: two calls of a mutation's base price of 10.
const EFFECT_COST: u32 = 20;

/// Bounds of one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the first byte sent to the last byte received.
    pub timeout: Duration,
    /// The documents ask for a handful of fields; a longer answer is not one of theirs.
    pub max_answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_answer_bytes: 1 << 20 }
    }
}

/// Calls one store's Admin API.
#[derive(Debug)]
pub struct AdminClient {
    http: Http,
    url: Url,
    /// Marked sensitive, so that it does not show in debug output.
    token: HeaderValue,
    clock: Arc<dyn Clock>,
    limits: Limits,
    throttle: Mutex<Throttle>,
}

/// The way to all stores' APIs: one connection pool for all their clients.
#[derive(Clone, Debug)]
pub struct Http(Way);

#[derive(Clone, Debug)]
enum Way {
    Network(Client),
    #[cfg(test)]
    Simulated(Arc<dyn simulated::Peer>),
}

impl Http {
    /// Follows no redirect, which would carry the access token to an address that nobody has checked.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("regulars/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(Way::Network(client)))
    }

    /// Leads to a peer inside the process.
    #[cfg(test)]
    pub(crate) fn simulated(peer: Arc<dyn simulated::Peer>) -> Self {
        Self(Way::Simulated(peer))
    }
}

/// What answers a simulation's calls.
#[cfg(test)]
pub(crate) mod simulated {
    use std::{fmt, pin::Pin};

    use super::{HeaderMap, StatusCode, Url, Value};

    /// An answer, or how the connection failed.
    pub type Answered = Result<(StatusCode, HeaderMap, Vec<u8>), &'static str>;

    pub trait Peer: Send + Sync + fmt::Debug {
        /// Answers the shop at that address.
        fn post(&self, url: &Url, request: Value) -> Pin<Box<dyn Future<Output = Answered> + Send + '_>>;
    }
}

impl AdminClient {
    /// A client for the store at `base`, which is `https://{shop}` unless the store's settings name another endpoint.
    pub fn new(http: Http, base: &str, token: &Secret, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let url = format!("{}/admin/api/{API_VERSION}/graphql.json", base.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| permanent(format!("the store's endpoint is not a URL: {error}")))?;
        let mut token =
            HeaderValue::from_str(token.expose()).ok().filter(|token| !token.is_empty()).ok_or_else(|| {
                permanent("the access token is not one: set the store's token with `regulars store update`")
            })?;
        token.set_sensitive(true);
        Ok(Self { http, url, token, clock, limits: Limits::default(), throttle: Mutex::default() })
    }

    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// When the store's bucket, as last stated, has room for one effect.
    pub fn next_allowed(&self, now: Timestamp) -> Timestamp {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).next_allowed(now, EFFECT_COST)
    }

    /// Creates a code. The title holds the effect's id: a code that is taken by a discount of the same title was created
    /// by an earlier try.
    pub async fn create_discount(&self, effect: &EffectId, discount: &NewDiscount) -> Result<Receipt, Failure> {
        let title = title_of(effect);
        let variables = json!({ "discount": discount_input(&title, discount) });
        let created: Created = self.call(CREATE_DISCOUNT, variables).await?;
        let payload = created.payload.ok_or_else(no_data)?;
        if payload.user_errors.iter().any(UserError::is_taken) {
            return self.find_discount(&title, &discount.code).await;
        }
        payload.user_errors.into_result()?;
        Ok(Receipt(payload.node.ok_or_else(no_data)?.id))
    }

    async fn find_discount(&self, title: &str, code: &str) -> Result<Receipt, Failure> {
        let found: Found = self.call(DISCOUNT_BY_CODE, json!({ "code": code })).await?;
        // Shopify's index of codes trails its writes.
        let node = found.node.ok_or_else(|| transient(format!("the code {code} is taken but cannot be found yet")))?;
        match node.discount.title.as_deref() == Some(title) {
            true => Ok(Receipt(node.id)),
            false => Err(permanent(format!(
                "the code {code} belongs to another discount ({}): delete or rename that one, then retry",
                node.id
            ))),
        }
    }

    /// Adds tags, then removes tags. Both leave a customer that already is as it should be unchanged.
    pub async fn change_tags(&self, change: &TagChange) -> Result<Receipt, Failure> {
        let customer = customer_gid(&change.customer);
        if !change.add.is_empty() {
            let added: Added = self.call(ADD_TAGS, json!({ "id": customer, "tags": change.add })).await?;
            added.payload.ok_or_else(no_data)?.user_errors.into_result()?;
        }
        if !change.remove.is_empty() {
            let removed: Removed = self.call(REMOVE_TAGS, json!({ "id": customer, "tags": change.remove })).await?;
            removed.payload.ok_or_else(no_data)?.user_errors.into_result()?;
        }
        Ok(Receipt(customer))
    }

    async fn call<T: DeserializeOwned>(&self, document: &str, variables: Value) -> Result<T, Failure> {
        let body = self.exchange(&json!({ "query": document, "variables": variables })).await?;
        let answer: Answer<T> = serde_json::from_slice(&body)
            .map_err(|error| transient(format!("Shopify's answer cannot be read: {error}")))?;
        if let Some(level) = answer.level() {
            self.throttle.lock().unwrap_or_else(PoisonError::into_inner).observe(level, self.clock.now());
        }
        answer.into_result()
    }

    /// The body of a successful answer.
    async fn exchange(&self, request: &Value) -> Result<Vec<u8>, Failure> {
        match &self.http.0 {
            Way::Network(client) => self.exchange_over(client, request).await,
            #[cfg(test)]
            Way::Simulated(peer) => {
                let answer = tokio::time::timeout(self.limits.timeout, peer.post(&self.url, request.clone())).await;
                let (status, headers, body) = answer.unwrap_or(Err("no answer came in time")).map_err(transient)?;
                if status.is_success() { Ok(body) } else { Err(self.refused(status, &headers)) }
            }
        }
    }

    async fn exchange_over(&self, client: &Client, request: &Value) -> Result<Vec<u8>, Failure> {
        let response = client
            .post(self.url.clone())
            .header("x-shopify-access-token", self.token.clone())
            .timeout(self.limits.timeout)
            .json(request)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response.status(), response.headers()));
        }
        self.body(response).await
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > self.limits.max_answer_bytes {
                return Err(transient(format!("Shopify's answer exceeds {} bytes", self.limits.max_answer_bytes)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let host = self.url.host_str().unwrap_or("the store");
        let reason = match error {
            _ if error.is_timeout() => format!("{host} gave no answer within {:?}", self.limits.timeout),
            _ if error.is_connect() => format!("{host} cannot be connected to"),
            _ => format!("the connection to {host} broke"),
        };
        Failure::Unreachable { reason }
    }

    /// An answer that is no GraphQL answer, by its HTTP status.
    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Failure {
        let host = self.url.host_str().unwrap_or("the store");
        match status.as_u16() {
            300..=399 => permanent(format!("{host} redirects elsewhere: set the store's permanent domain")),
            401 => permanent(TOKEN_REFUSED),
            402 => permanent("the store is frozen: its owner has to settle the bill with Shopify"),
            403 => permanent(ACCESS_DENIED),
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

const TOKEN_REFUSED: &str =
    "the access token was refused: reinstall the app or set a new token with `regulars store update`";

const ACCESS_DENIED: &str = "access was denied: grant the app `read_orders`, `write_discounts` and `write_customers`, and customer data, \
                             then set its new token with `regulars store update`";

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

fn customer_gid(customer: &CustomerId) -> String {
    format!("gid://shopify/Customer/{customer}")
}

/// The title under which an effect's discount is found again. Buyers see the code; merchants see this.
fn title_of(effect: &EffectId) -> String {
    format!("Regulars {effect}")
}

fn discount_input(title: &str, discount: &NewDiscount) -> Value {
    let mut input = json!({
        "title": title,
        "code": discount.code,
        "startsAt": discount.starts_at.to_string(),
        "usageLimit": 1,
        "appliesOncePerCustomer": true,
        "context": { "customers": { "add": [customer_gid(&discount.customer)] } },
        "customerGets": {
            "value": { "discountAmount": { "amount": discount.value.decimal(), "appliesOnEachItem": false } },
            "items": { "all": true },
        },
        "combinesWith": { "orderDiscounts": false, "productDiscounts": false, "shippingDiscounts": false },
    });
    if let Some(ends_at) = discount.ends_at {
        input["endsAt"] = ends_at.to_string().into();
    }
    if let Some(minimum) = discount.minimum_subtotal {
        input["minimumRequirement"] = json!({ "subtotal": { "greaterThanOrEqualToSubtotal": minimum.decimal() } });
    }
    input
}

/// An answer of the API: HTTP 200 whether or not it did what was asked.
#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    errors: Option<Vec<GraphqlError>>,
    /// Read leniently: the answer counts even if what it says of its cost is in another shape.
    extensions: Option<Value>,
}

#[derive(Deserialize)]
struct GraphqlError {
    #[serde(default)]
    message: String,
    extensions: Option<ErrorExtensions>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    code: Option<String>,
}

impl<T> Answer<T> {
    fn requested_cost(&self) -> Option<f64> {
        self.extensions.as_ref()?.pointer("/cost/requestedQueryCost")?.as_f64()
    }

    fn level(&self) -> Option<Level> {
        Level::deserialize(self.extensions.as_ref()?.pointer("/cost/throttleStatus")?).ok()
    }

    fn into_result(self) -> Result<T, Failure> {
        let errors = self.errors.as_deref().unwrap_or_default();
        if errors.is_empty() {
            return self.data.ok_or_else(no_data);
        }
        let codes = || errors.iter().filter_map(|error| error.extensions.as_ref()?.code.as_deref());
        let messages = || shorten(&errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "));
        if codes().any(|code| code == "THROTTLED") {
            let requested = self.requested_cost().unwrap_or_default();
            return Err(Failure::Throttled { retry_after: wait_after_refusal(requested, self.level()) });
        }
        if codes().any(|code| code == "ACCESS_DENIED") {
            return Err(permanent(format!("{ACCESS_DENIED} (Shopify says: {})", messages())));
        }
        if codes().any(|code| matches!(code, "INTERNAL_SERVER_ERROR" | "TIMEOUT")) {
            return Err(transient(format!("Shopify failed: {}", messages())));
        }
        Err(permanent(format!("Shopify refused the request: {}", messages())))
    }
}

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    field: Option<Vec<String>>,
    #[serde(default)]
    message: String,
}

impl UserError {
    /// True if the discount's code exists already. Some versions say so in the message alone.
    fn is_taken(&self) -> bool {
        let of_code = self.field.as_ref().and_then(|path| path.last()).is_none_or(|field| field == "code");
        of_code
            && match self.code.as_deref() {
                Some(code) => code == "TAKEN",
                None => ["already been taken", "must be unique"].iter().any(|words| self.message.contains(words)),
            }
    }
}

/// What a mutation has against its input.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct UserErrors(Vec<UserError>);

impl UserErrors {
    fn iter(&self) -> impl Iterator<Item = &UserError> {
        self.0.iter()
    }

    fn into_result(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let said = |error: &UserError| match &error.field {
            Some(path) => format!("{}: {}", path.join("."), error.message),
            None => error.message.clone(),
        };
        let all = shorten(&self.0.iter().map(said).collect::<Vec<_>>().join("; "));
        match self.0.iter().any(|error| error.code.as_deref() == Some("INTERNAL_ERROR")) {
            true => Err(transient(format!("Shopify failed: {all}"))),
            false => Err(permanent(format!("Shopify refused the effect: {all}"))),
        }
    }
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "discountCodeBasicCreate")]
    payload: Option<CreatedPayload>,
}

#[derive(Deserialize)]
struct CreatedPayload {
    #[serde(rename = "codeDiscountNode")]
    node: Option<Node>,
    #[serde(rename = "userErrors", default)]
    user_errors: UserErrors,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "codeDiscountNodeByCode")]
    node: Option<FoundNode>,
}

#[derive(Deserialize)]
struct FoundNode {
    id: String,
    #[serde(rename = "codeDiscount")]
    discount: FoundDiscount,
}

/// A discount of another kind than ours answers without a title.
#[derive(Deserialize)]
struct FoundDiscount {
    title: Option<String>,
}

#[derive(Deserialize)]
struct Added {
    #[serde(rename = "tagsAdd")]
    payload: Option<TagsPayload>,
}

#[derive(Deserialize)]
struct Removed {
    #[serde(rename = "tagsRemove")]
    payload: Option<TagsPayload>,
}

#[derive(Deserialize)]
struct TagsPayload {
    #[serde(rename = "userErrors", default)]
    user_errors: UserErrors,
}
