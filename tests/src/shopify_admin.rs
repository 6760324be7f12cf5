//! A simulated Shopify Admin GraphQL API on a loopback port.
//!
//! It judges before it acts: every document is validated against the schema and its variables are coerced, so that a
//! wrong call gets the GraphQL errors it would get from Shopify. What is valid is executed on a small shop: discount
//! codes are issued once, tags are put on customers, calls cost points.
//!
//! ```
//! use regulars_tests::shopify_admin::{Fault, Options, SchemaSource, ShopifyAdmin};
//!
//! let admin = ShopifyAdmin::start(&SchemaSource::best(), Options::default()).unwrap();
//! admin.set_fault(Fault::DropAfterExecuting, 1);
//! assert!(admin.base_url().starts_with("http://127.0.0.1:"));
//! assert!(admin.codes().is_empty());
//! ```

mod cost;
mod execute;
mod orders;
mod schema;
mod shop;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use apollo_compiler::{
    ExecutableDocument, Schema, request::coerce_variable_values, response::JsonMap, validation::Valid,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use self::{cost::Bucket, shop::Shop};
pub use self::{
    cost::Limits,
    schema::{SchemaError, SchemaSource},
    shop::{DiscountCode, DiscountValue, UserError},
};
use crate::{TimedOut, peer::Peer};

/// How the shop is set up.
#[derive(Clone)]
pub struct Options {
    /// 0 picks a free port.
    pub port: u16,
    /// What `X-Shopify-Access-Token` has to say.
    pub access_token: String,
    /// The shop's currency: the amounts of a code are in it.
    pub currency: String,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, access_token: "shpat_simulated".into(), currency: "EUR".into(), limits: Limits::default() }
    }
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with 500; nothing is executed.
    InternalError,
    /// Never answered; nothing is executed.
    Hang,
    /// Executed, then the connection is closed without an answer: a retry finds the work done.
    DropAfterExecuting,
    /// Answered as if the bucket were empty.
    Throttle,
}

/// One request as it came, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The API version in the path.
    pub version: String,
    pub query: String,
    pub variables: Value,
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Executed; what the shop declined is listed.
    Executed(Vec<UserError>),
    /// Not valid by the schema, or no GraphQL request at all: the caller has a bug.
    Invalid(String),
    Unauthorised,
    Throttled,
    Failed(Fault),
}

/// The running API; dropping it closes the port and all connections.
pub struct ShopifyAdmin {
    peer: Peer,
    server: Arc<Server>,
}

struct Server {
    schema: Valid<Schema>,
    access_token: String,
    bucket: Mutex<Bucket>,
    faults: Mutex<VecDeque<Fault>>,
    state: watch::Sender<Seen>,
}

/// All that callers have done so far.
#[derive(Clone, Default)]
struct Seen {
    shop: Shop,
    requests: Vec<Request>,
}

/// Why the API did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("cannot listen on loopback: {0}")]
    Listen(#[from] io::Error),
}

impl ShopifyAdmin {
    pub fn start(source: &SchemaSource, options: Options) -> Result<Self, StartError> {
        let shop = Shop { currency: options.currency, ..Shop::default() };
        let server = Arc::new(Server {
            schema: schema::load(source)?,
            access_token: options.access_token,
            bucket: Mutex::new(Bucket::full(options.limits, Instant::now())),
            faults: Mutex::default(),
            state: watch::Sender::new(Seen { shop, requests: vec![] }),
        });
        let router =
            Router::new().route("/admin/api/{version}/graphql.json", post(graphql)).with_state(Arc::clone(&server));
        let peer = Peer::start("shopify-admin", options.port, async move |listener| {
            axum::serve(listener, router).await.expect("serving ends only with the peer");
        })?;
        Ok(Self { peer, server })
    }

    /// The address to use in place of `https://{shop}.myshopify.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.peer.address())
    }

    /// Codes issued so far, in order.
    pub fn codes(&self) -> Vec<DiscountCode> {
        self.server.state.borrow().shop.codes.clone()
    }

    /// Gives the shop an order, or a newer state of one, as its webhooks tell it.
    pub fn put_order(&self, body: Value) {
        self.server.state.send_modify(|seen| seen.shop.orders.put(body));
    }

    /// Tags of the customer with this global id.
    pub fn tags(&self, customer: &str) -> BTreeSet<String> {
        self.server.state.borrow().shop.tags.get(customer).cloned().unwrap_or_default()
    }

    /// Requests answered or failed so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.server.state.borrow().requests.clone()
    }

    /// Lets the next `requests` requests go wrong; replaces what was set before, so that 0 ends it.
    pub fn set_fault(&self, fault: Fault, requests: usize) {
        *lock(&self.server.faults) = std::iter::repeat_n(fault, requests).collect();
    }

    /// Waits until what callers have done satisfies `condition`, which is asked again after each request.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Result<(), TimedOut> {
        let mut changes = self.server.state.subscribe();
        let satisfied = async {
            while !condition(self) {
                // The sender lives as long as `self`.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(deadline, satisfied).await.map_err(|_| TimedOut { after: deadline })
    }

    /// Closes the port and all connections, as dropping does.
    pub fn stop(self) {}
}

/// A GraphQL request over HTTP.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
    operation_name: Option<String>,
}

async fn graphql(
    State(server): State<Arc<Server>>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = lock(&server.faults).pop_front();
    let read: Result<Body, String> = match headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(kind) if kind.starts_with("application/json") => {
            serde_json::from_slice(&body).map_err(|error| format!("the body is no GraphQL request: {error}"))
        }
        kind => Err(format!("the content type is {kind:?}, not application/json")),
    };
    let mut request = Request {
        version,
        query: read.as_ref().map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |body| body.query.clone()),
        variables: read.as_ref().map_or(Value::Null, |body| json!(body.variables)),
        outcome: Outcome::Unauthorised,
    };
    let authorised = headers.get("X-Shopify-Access-Token").is_some_and(|token| token == server.access_token.as_str());
    let (outcome, response) = match (fault, read) {
        (Some(fault @ Fault::InternalError), _) => {
            (Outcome::Failed(fault), StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        (Some(fault @ Fault::Hang), _) => {
            request.outcome = Outcome::Failed(fault);
            server.record(request);
            return std::future::pending().await;
        }
        (_, _) if !authorised => {
            let message = "[API] Invalid API key or access token (unrecognized login or wrong password)";
            (Outcome::Unauthorised, (StatusCode::UNAUTHORIZED, Json(json!({"errors": message}))).into_response())
        }
        (_, _) if !is_version(&request.version) => {
            let outcome = Outcome::Invalid(format!("`{}` is no API version", request.version));
            (outcome, (StatusCode::NOT_FOUND, Json(json!({"errors": "Not Found"}))).into_response())
        }
        (_, Err(error)) => {
            let answer = Json(json!({"errors": {"query": "Required parameter missing or invalid"}}));
            (Outcome::Invalid(error), (StatusCode::BAD_REQUEST, answer).into_response())
        }
        (fault, Ok(body)) => {
            let (outcome, answer) = server.answer(&body, fault == Some(Fault::Throttle));
            (outcome, Json(answer).into_response())
        }
    };
    if fault == Some(Fault::DropAfterExecuting) {
        request.outcome = Outcome::Failed(Fault::DropAfterExecuting);
        server.record(request);
        hang_up();
    }
    request.outcome = outcome;
    server.record(request);
    response
}

/// Ends the connection's task, and with it the connection, without a byte of an answer; no panic message is printed.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("the connection is dropped on purpose"))
}

/// `2026-10`, or `unstable`.
fn is_version(text: &str) -> bool {
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    text == "unstable" || text.split_once('-').is_some_and(|(year, month)| digits(year, 4) && digits(month, 2))
}

impl Server {
    fn record(&self, request: Request) {
        self.state.send_modify(|seen| seen.requests.push(request));
    }

    /// The answer to a request that could be read; GraphQL errors come with status 200.
    fn answer(&self, body: &Body, throttled: bool) -> (Outcome, Value) {
        let invalid = |errors: Value| (Outcome::Invalid(errors.to_string()), json!({"errors": errors}));
        let document = match ExecutableDocument::parse_and_validate(&self.schema, &body.query, "request.graphql") {
            Ok(document) => document,
            Err(refused) => {
                let errors = refused.errors.iter().map(|error| error.to_json()).collect::<Vec<_>>();
                return invalid(json!(errors));
            }
        };
        let variables = body.variables.clone().unwrap_or_default();
        let selected = document.operations.get(body.operation_name.as_deref());
        let coerced = selected.and_then(|operation| {
            coerce_variable_values(&self.schema, operation, &variables).map(|variables| (operation, variables))
        });
        let (operation, variables) = match coerced {
            Ok(ready) => ready,
            Err(error) => return invalid(json!([error.to_graphql_error(&document.sources)])),
        };
        let cost = cost::requested(&document, operation, &variables);
        let mut bucket = lock(&self.bucket);
        if throttled || !bucket.take(cost, Instant::now()) {
            let error = json!({"message": "Throttled", "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            }});
            let answer = json!({"errors": [error], "extensions": {"cost": bucket.report(cost, None)}});
            return (Outcome::Throttled, answer);
        }
        let extensions = json!({"cost": bucket.report(cost, Some(cost))});
        drop(bucket);
        let mut executed = None;
        self.state.send_modify(|seen| {
            executed = Some(execute::execute(&self.schema, &document, operation, &variables, &mut seen.shop));
        });
        match executed.expect("send_modify runs its closure once") {
            Ok((response, declined)) => {
                let outcome = match response.errors.as_slice() {
                    [] => Outcome::Executed(declined),
                    errors => Outcome::Invalid(json!(errors).to_string()),
                };
                let mut answer = json!(response);
                answer["extensions"] = extensions;
                (outcome, answer)
            }
            Err(error) => invalid(json!([error.to_graphql_error(&document.sources)])),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests;
