//! A simulated Magento REST API on a loopback port.
//!
//! It judges before it acts: who calls has to show it, a signature is checked by RFC 5849 and its nonce is good once, and
//! every request is held against the published document. What is valid is done in a small shop, by Magento's rules: coupons
//! are there once, rules are made of anything, comments only grow in number and bear no character of four bytes, customers
//! are changed in part, attributes that are not there are passed over.
//!
//! ```
//! use regulars_tests::magento_rest::{Fault, MagentoRest, Options};
//!
//! let shop = MagentoRest::start(Options::default()).unwrap();
//! shop.set_fault_after(0, Fault::DropAfterExecuting);
//! assert!(shop.base_url().starts_with("http://127.0.0.1:"));
//! assert!(shop.coupons().is_empty());
//! ```

mod access;
mod batches;
mod handshake;
mod listing;
mod openapi;
mod shop;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

pub use self::{
    access::{Access, Consumer},
    handshake::Activation,
};
use self::{
    access::{Refusal, check_signature, oauth_parameters, query_of, refusal, value},
    openapi::OpenApi,
    shop::Shop,
};
use crate::peer::{Clock, Peer};

/// How the shop is set up.
#[derive(Clone)]
pub struct Options {
    /// 0 picks a free port.
    pub port: u16,
    pub access: Access,
    /// Where its store views are, as its own settings say.
    pub host: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, access: Access::Bearer("simulated-token".into()), host: "shop.example.com".into() }
    }
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with 500; nothing is executed.
    InternalError,
    /// Answered with 503, as in maintenance; nothing is executed.
    Maintenance,
    /// Answered with 429; nothing is executed.
    Throttle,
    /// Executed, then the connection is closed without an answer: a retry finds the work done.
    DropAfterExecuting,
    /// The connection is closed without an answer, and it is executed when [`MagentoRest::execute_late`] is called.
    ExecuteLate,
}

/// One request as it came, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: String,
    /// From the version on.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with this status.
    Answered(u16),
    /// Not as the published document says: the caller has a bug.
    Invalid(String),
    Unauthorised,
    Failed(Fault),
}

/// The running API; dropping it closes the port and all connections.
pub struct MagentoRest {
    peer: Peer,
    server: Arc<Server>,
}

struct Server {
    api: OpenApi,
    access: Mutex<Access>,
    faults: Mutex<VecDeque<Option<Fault>>>,
    state: Mutex<Seen>,
    /// Resources that the caller has not been given.
    denied: Mutex<BTreeSet<&'static str>>,
    /// In seconds.
    retry_after: AtomicU64,
    clock: Clock,
}

/// All that callers have done so far.
#[derive(Default)]
struct Seen {
    shop: Shop,
    requests: Vec<Request>,
    nonces: BTreeSet<String>,
    late: Vec<Asked>,
    batches: batches::Batches,
    tokens_given: u64,
    handshake: handshake::State,
}

/// A request as far as it is executed.
#[derive(Clone)]
struct Asked {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl Asked {
    fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }
}

impl MagentoRest {
    pub fn start(options: Options) -> io::Result<Self> {
        let Options { port, access, host } = options;
        let shop = Shop {
            views: vec![view(1, 1, &host, "EUR"), view(2, 2, "us.shop.example.com", "USD"), view(3, 1, &host, "EUR")],
            groups: ["NOT LOGGED IN", "General", "Wholesale"]
                .iter()
                .zip(0..)
                .map(|(code, id)| group(id, code))
                .collect(),
            ..Shop::default()
        };
        let server = Arc::new(Server {
            api: OpenApi::own_cut(),
            access: Mutex::new(access),
            faults: Mutex::default(),
            state: Mutex::new(Seen { shop, ..Seen::default() }),
            denied: Mutex::default(),
            retry_after: AtomicU64::new(7),
            clock: Clock::default(),
        });
        let router = server.clock.date(Router::new().fallback(answer).with_state(Arc::clone(&server)));
        let peer = Peer::start("magento-rest", port, async move |listener| {
            axum::serve(listener, router).await.expect("serving ends only with the peer");
        })?;
        Ok(Self { peer, server })
    }

    /// The address to use in place of the shop's own.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.peer.address())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.server.state)
    }

    /// Cart price rules, in the order in which they were made.
    pub fn rules(&self) -> Vec<Value> {
        self.seen().shop.rules.clone()
    }

    /// Makes a rule, or changes one of the same id, as the merchant does.
    pub fn put_rule(&self, rule: Value) {
        put(&mut self.seen().shop.rules, "rule_id", rule);
    }

    /// Codes there are, in the order in which they were made.
    pub fn coupons(&self) -> Vec<Value> {
        self.seen().shop.coupons.clone()
    }

    pub fn put_coupon(&self, coupon: Value) {
        put(&mut self.seen().shop.coupons, "coupon_id", coupon);
    }

    /// Lets in others from now on.
    pub fn set_access(&self, access: Access) {
        *lock(&self.server.access) = access;
    }

    /// Opens another store view of a website.
    pub fn add_view(&self, id: u64, website: u64, host: &str) {
        self.seen().shop.views.push(view(id, website, host, "EUR"));
    }

    /// Moves all store views into a time zone.
    pub fn set_time_zone(&self, zone: &str) {
        for view in &mut self.seen().shop.views {
            view["timezone"] = zone.into();
        }
    }

    /// Uses a code in a checkout; `false` if the shop does not take it. Guests are nobody.
    pub fn use_code(&self, customer: Option<u64>, code: &str) -> bool {
        self.seen().shop.use_code(customer, code)
    }

    pub fn put_customer(&self, customer: Value) {
        put(&mut self.seen().shop.customers, "id", customer);
    }

    pub fn customer(&self, id: u64) -> Value {
        self.seen().shop.customers.iter().find(|customer| customer["id"] == id).cloned().unwrap_or_default()
    }

    pub fn put_group(&self, id: u64, code: &str) {
        put(&mut self.seen().shop.groups, "id", group(id, code));
    }

    /// Creates a customer attribute.
    pub fn add_attribute(&self, code: &str) {
        self.seen().shop.attributes.insert(code.into());
    }

    pub fn put_order(&self, order: Value) {
        put(&mut self.seen().shop.orders, "entity_id", order);
    }

    pub fn put_credit_memo(&self, memo: Value) {
        put(&mut self.seen().shop.memos, "entity_id", memo);
    }

    pub fn put_product(&self, product: Value) {
        put(&mut self.seen().shop.products, "id", product);
    }

    /// Makes a product one of the choices of a configurable one.
    pub fn put_child(&self, parent: &str, child: Value) {
        self.seen().shop.children.push((parent.into(), child));
    }

    /// Comments of an order, oldest first.
    pub fn comments(&self, order: u64) -> Vec<String> {
        let seen = self.seen();
        let own = seen.shop.comments.iter().filter(|comment| comment["parent_id"] == order);
        own.map(|comment| comment["comment"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Comments on an order as people do who serve.
    pub fn write_comment(&self, order: u64, text: &str) {
        let comment = json!({ "comment": text, "parent_id": order, "entity_id": 900_000 });
        self.seen().shop.comments.push(comment);
    }

    /// Requests answered or failed so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.seen().requests.clone()
    }

    /// How many tokens a service's credential has got.
    pub fn tokens_given(&self) -> u64 {
        self.seen().tokens_given
    }

    /// Lets one request go wrong after `requests` that do not; replaces what was set before.
    pub fn set_fault_after(&self, requests: usize, fault: Fault) {
        *lock(&self.server.faults) = std::iter::repeat_n(None, requests).chain([Some(fault)]).collect();
    }

    /// Lets the next `requests` requests go wrong; replaces what was set before, so that 0 ends it.
    pub fn set_fault(&self, fault: Fault, requests: usize) {
        *lock(&self.server.faults) = std::iter::repeat_n(Some(fault), requests).collect();
    }

    /// For how long somebody who is throttled has to wait, from now on; 7 seconds before.
    pub fn set_retry_after(&self, seconds: u64) {
        self.server.retry_after.store(seconds, Ordering::SeqCst);
    }

    /// Takes resources away from the caller, in the place of those that were before.
    pub fn deny(&self, resources: &[&'static str]) {
        *lock(&self.server.denied) = resources.iter().copied().collect();
    }

    /// Puts the clock by which answers are dated ahead of this machine's, or behind.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.server.clock.set_ahead(seconds);
    }

    /// Executes what was given up by its caller and has been on its way since.
    pub fn execute_late(&self) {
        let mut seen = self.seen();
        for asked in std::mem::take(&mut seen.late) {
            seen.shop.answer(&asked.method, &asked.segments(), &asked.query, asked.body.as_ref());
        }
    }
}

fn view(id: u64, website: u64, host: &str, currency: &str) -> Value {
    let url = format!("https://{host}/");
    json!({
        "id": id, "code": format!("view{id}"), "website_id": website, "locale": "nl_NL", "base_currency_code": currency,
        "default_display_currency_code": currency, "timezone": "Europe/Amsterdam", "base_url": url, "secure_base_url": url,
    })
}

fn group(id: u64, code: &str) -> Value {
    json!({ "id": id, "code": code, "tax_class_id": 3 })
}

fn put(items: &mut Vec<Value>, key: &str, item: Value) {
    match items.iter_mut().find(|held| held[key] == item[key]) {
        Some(held) => *held = item,
        None => items.push(item),
    }
}

async fn answer(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(response) = handshake::answer(&server, &method, &uri, &headers) {
        return response;
    }
    if uri.path() == "/ims/token/v3" {
        return server.give_token(&body);
    }
    let fault = lock(&server.faults).pop_front().flatten();
    let is_service = matches!(*lock(&server.access), Access::Service { .. });
    let prefix = if is_service { "/" } else { "/rest/" };
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let asked = Asked {
        method: method.as_str().to_lowercase(),
        path: access::decoded(uri.path().strip_prefix(prefix).unwrap_or_default()),
        query: query_of(&uri),
        body: is_json.then(|| serde_json::from_slice(&body).ok()).flatten(),
    };
    let (outcome, (status, answer)) = server.judge(fault, &asked, (&method, &uri, &headers));
    let drops = matches!(fault, Some(Fault::DropAfterExecuting | Fault::ExecuteLate));
    let outcome = fault.map_or(outcome, Outcome::Failed);
    let Asked { method, path, query, body } = asked;
    lock(&server.state).requests.push(Request { method, path, query, body, outcome });
    if drops {
        hang_up();
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(answer)).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = server.retry_after.load(Ordering::SeqCst);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Ends the connection's task, and with it the connection, without a byte of an answer; no panic message is printed.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new("the connection is dropped on purpose"))
}

impl Server {
    fn judge(
        &self,
        fault: Option<Fault>,
        asked: &Asked,
        request: (&Method, &Uri, &HeaderMap),
    ) -> (Outcome, (u16, Value)) {
        let answered = |(status, body): (u16, Value)| (Outcome::Answered(status), (status, body));
        match fault {
            Some(Fault::InternalError) => {
                return answered(refusal(500, "Internal Error. Report ID: webapi-0", json!([])));
            }
            Some(Fault::Maintenance) => return answered((503, json!("Service Temporarily Unavailable"))),
            Some(Fault::Throttle) => return answered(refusal(429, "Too Many Requests", json!([]))),
            Some(Fault::DropAfterExecuting | Fault::ExecuteLate) | None => {}
        }
        if let Err(refused) = self.check_access(request) {
            return (Outcome::Unauthorised, refused);
        }
        let segments = asked.segments();
        if let Some(resource) = access::resource_of(&asked.method, &segments)
            && lock(&self.denied).contains(resource)
        {
            let parameters = json!({ "resources": resource });
            return answered(refusal(401, "The consumer isn't authorized to access %resources.", parameters));
        }
        if let Some(judged) = batches::judge(self, asked, &segments) {
            return judged;
        }
        if !self.api.has(&segments) {
            return answered(refusal(404, "Request does not match any route.", json!([])));
        }
        if let Some(objection) = self.api.objection(&asked.method, &segments, &asked.query, asked.body.as_ref()) {
            return (Outcome::Invalid(objection.clone()), refusal(400, &objection, json!([])));
        }
        let mut seen = lock(&self.state);
        if fault == Some(Fault::ExecuteLate) {
            seen.late.push(asked.clone());
            return answered((500, Value::Null));
        }
        answered(seen.shop.answer(&asked.method, &segments, &asked.query, asked.body.as_ref()))
    }

    fn check_access(&self, request: (&Method, &Uri, &HeaderMap)) -> Result<(), Refusal> {
        let (_, _, headers) = request;
        let bearer = |token: &str| {
            let sent = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
            sent.is_some_and(|sent| sent.strip_prefix("Bearer ") == Some(token))
        };
        let not_allowed = || {
            let resource = json!({ "resources": "Magento_Sales::actions_view" });
            refusal(401, "The consumer isn't authorized to access %resources.", resource)
        };
        match &*lock(&self.access) {
            Access::Bearer(token) if bearer(token) => Ok(()),
            Access::Integration(consumer) => {
                let parameters = oauth_parameters(headers).ok_or_else(not_allowed)?;
                let is_ours = value(&parameters, "oauth_consumer_key") == consumer.key
                    && value(&parameters, "oauth_token") == consumer.token;
                let secrets = (consumer.secret.as_str(), consumer.token_secret.as_str());
                match is_ours {
                    true => check_signature(request, &parameters, secrets, &mut lock(&self.state).nonces),
                    false => Err(not_allowed()),
                }
            }
            Access::Service { client_id, organisation, .. }
                if bearer(&service_token(lock(&self.state).tokens_given))
                    && headers.get("x-api-key").is_some_and(|key| key == client_id)
                    && headers.get("x-gw-ims-org-id").is_some_and(|id| id == organisation) =>
            {
                Ok(())
            }
            _ => Err(not_allowed()),
        }
    }

    /// Adobe's identity service: the last token that it gave is good.
    fn give_token(&self, body: &[u8]) -> Response {
        let form = String::from_utf8_lossy(body);
        let uri: Uri = format!("/?{form}").parse().unwrap_or_default();
        let form = query_of(&uri);
        match &*lock(&self.access) {
            Access::Service { client_id, client_secret, token_seconds, .. }
                if value(&form, "client_id") == client_id
                    && value(&form, "client_secret") == client_secret
                    && value(&form, "grant_type") == "client_credentials" =>
            {
                let mut seen = lock(&self.state);
                seen.tokens_given += 1;
                let token = service_token(seen.tokens_given);
                Json(json!({ "access_token": token, "token_type": "bearer", "expires_in": token_seconds }))
                    .into_response()
            }
            _ => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_client" }))).into_response(),
        }
    }
}

fn service_token(number: u64) -> String {
    format!("service-token-{number}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
