//! A simulated Shopify Admin GraphQL API on a loopback port.
//!
//! It judges before it acts: every document is validated against the schema and its variables are coerced, so that a
//! wrong call gets the GraphQL errors it would get from Shopify. What is valid is executed on a small shop, by Shopify's
//! rules: codes of discounts and gift cards are issued once, tags are sets whatever their case, notes are replaced as a
//! whole, edits of orders are sessions, store credit is booked as often as it is asked for, metafields are compared with
//! what the caller saw, calls cost points.
//!
//! ```
//! use regulars_tests::shopify_admin::{Fault, Options, SchemaSource, ShopifyAdmin};
//!
//! let admin = ShopifyAdmin::start(&SchemaSource::best(), Options::default()).unwrap();
//! admin.set_fault(Fault::DropAfterExecuting, 1);
//! assert!(admin.base_url().starts_with("http://127.0.0.1:"));
//! assert!(admin.codes().is_empty());
//! ```

mod bulk;
mod code_additions;
mod cost;
mod customers;
mod discounts;
mod execute;
mod fulfillment_orders;
mod gift_cards;
mod metafields;
mod oauth;
mod order_edits;
mod orders;
mod products;
mod schema;
mod shop;
mod store_credit;
mod storefront;

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
    routing::{get, post},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

pub use self::{
    bulk::BulkFault,
    cost::Limits,
    customers::Consent,
    discounts::{CartLine, DiscountCode, DiscountItems, DiscountValue},
    fulfillment_orders::FulfillmentOrder,
    gift_cards::GiftCard,
    metafields::Metafield,
    oauth::{App, session_token, signed_query},
    order_edits::{AddedLine, OrderEdit},
    products::{Product, Variant},
    schema::{SchemaError, SchemaSource},
    shop::{Amount, UserError},
    store_credit::StoreCreditTransaction,
    storefront::Storefront,
};
use self::{cost::Bucket, oauth::Tokens, shop::Shop};
use crate::{
    TimedOut,
    peer::{Clock, Peer},
};

/// What `manifests/shopify/shopify.app.toml` asks for, the optional ones too.
const SCOPES: [&str; 14] = [
    "read_all_orders",
    "read_customer_merge",
    "read_fulfillments",
    "read_products",
    "read_shopify_payments_disputes",
    "read_store_credit_accounts",
    "write_app_proxy",
    "write_customers",
    "write_discounts",
    "write_gift_cards",
    "write_merchant_managed_fulfillment_orders",
    "write_order_edits",
    "write_orders",
    "write_store_credit_account_transactions",
];

/// How the shop is set up.
#[derive(Clone)]
pub struct Options {
    /// 0 picks a free port.
    pub port: u16,
    /// What `X-Shopify-Access-Token` has to say, besides the tokens that the shop gives to the app.
    pub access_token: String,
    /// The app that may ask for tokens.
    pub app: App,
    /// The shop's currency: the amounts of a code are in it.
    pub currency: String,
    /// What the app may do.
    pub scopes: Vec<String>,
    pub limits: Limits,
    /// The shop's time at its start. Each request takes a millisecond of it.
    pub now: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        let now = "2026-10-01T10:00:00Z".parse().expect("it is an instant");
        let (access_token, currency) = ("shpat_simulated".into(), "EUR".into());
        let app = App { client_id: "simulated-app".into(), client_secret: "app-secret".into() };
        let scopes = SCOPES.map(str::to_owned).to_vec();
        Self { port: 0, access_token, app, currency, scopes, limits: Limits::default(), now }
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
    schema: Arc<Valid<Schema>>,
    access_token: String,
    tokens: Tokens,
    bucket: Mutex<Bucket>,
    faults: Mutex<VecDeque<Option<Fault>>>,
    state: watch::Sender<Seen>,
    app: App,
    storefront: Mutex<Storefront>,
    clock: Clock,
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
        let scopes = options.scopes;
        let shop = Shop { currency: options.currency, now: options.now, scopes, ..Shop::default() };
        let clock = Clock::default();
        let server = Arc::new(Server {
            schema: schema::shared(source)?,
            access_token: options.access_token,
            tokens: Tokens::of(options.app.clone()),
            bucket: Mutex::new(Bucket::full(options.limits, Instant::now())),
            faults: Mutex::default(),
            state: watch::Sender::new(Seen { shop, requests: vec![] }),
            app: options.app,
            storefront: Mutex::default(),
            clock: clock.clone(),
        });
        let router = Router::new()
            .route("/admin/api/{version}/graphql.json", post(graphql))
            .route("/bulk/{file}", get(bulk::file))
            .route("/admin/oauth/access_token", post(oauth::token))
            .fallback(storefront::page)
            .with_state(Arc::clone(&server));
        let router = clock.date(router);
        let peer = Peer::start("shopify-admin", options.port, async move |listener| {
            axum::serve(listener, router).await.expect("serving ends only with the peer");
        })?;
        let base = format!("http://{}", peer.address());
        server.state.send_modify(|seen| seen.shop.bulk.base = base);
        Ok(Self { peer, server })
    }

    /// The address to use in place of `https://{shop}.myshopify.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.peer.address())
    }

    /// Ends every token that the shop has given, as an uninstallation does.
    pub fn revoke_tokens(&self) {
        self.server.tokens.revoke();
    }

    /// How often the app was given a token, and for what.
    pub fn tokens_given(&self) -> Vec<&'static str> {
        self.server.tokens.given()
    }

    /// What the app may do from now on.
    pub fn grant(&self, scopes: &[&str]) {
        self.change(|shop| shop.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect());
    }

    /// What shoppers' addresses lead to; nothing, if it was not said.
    pub fn set_storefront(&self, storefront: Storefront) {
        *lock(&self.server.storefront) = storefront;
    }

    /// Puts the clock by which answers are dated ahead of this machine's, or behind.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.server.clock.set_ahead(seconds);
    }

    /// The shop's time.
    pub fn now(&self) -> Timestamp {
        self.shop(|shop| shop.now)
    }

    /// Codes issued so far, in order.
    pub fn codes(&self) -> Vec<DiscountCode> {
        self.shop(|shop| shop.discounts.0.clone())
    }

    /// Lets orders use a code so many times more.
    pub fn use_code(&self, code: &str, times: u32) {
        self.change(|shop| shop.discounts.use_code(code, times));
    }

    /// Lets the queue that adds codes to discounts stand still, or go on.
    pub fn hold_code_additions(&self, are_held: bool) {
        self.change(|shop| shop.code_additions.are_held = are_held);
    }

    /// Lets the shop take none of these codes where they are added to a discount.
    pub fn refuse_codes(&self, codes: &[&str]) {
        self.change(|shop| shop.code_additions.refused = codes.iter().map(|code| (*code).into()).collect());
    }

    /// Gives the shop an order, or a newer state of one, as its webhooks tell it.
    pub fn put_order(&self, body: Value) {
        self.change(|shop| shop.put_order(body));
    }

    /// Gives the shop a customer, or a newer state of one, as its webhooks tell it.
    pub fn put_customer(&self, body: Value) {
        self.change(|shop| shop.customers.put(body));
    }

    /// What a customer, named by global id, has last said of marketing mail.
    pub fn consent(&self, customer: &str) -> Consent {
        self.shop(|shop| shop.customers.consent(customers::number(customer)))
    }

    /// Shows the app no orders that were created before, as without `read_all_orders`; `None` for all.
    pub fn show_orders_since(&self, since: Option<Timestamp>) {
        self.change(|shop| shop.orders.shown_since = since);
    }

    /// Lets bulk operations that begin from now on go wrong, one for each.
    pub fn set_bulk_faults(&self, faults: impl IntoIterator<Item = BulkFault>) {
        self.change(|shop| shop.bulk.faults = faults.into_iter().collect());
    }

    /// How many bulk operations of others run in the shop.
    pub fn set_other_bulk_operations(&self, running: usize) {
        self.change(|shop| shop.bulk.others = running);
    }

    /// Parts of bulk operations' files that were read, as offset and length.
    pub fn file_parts(&self) -> Vec<(usize, usize)> {
        self.shop(|shop| shop.bulk.parts.clone())
    }

    /// How many bulk operations have begun.
    pub fn bulk_operations(&self) -> usize {
        self.shop(|shop| shop.bulk.begun())
    }

    /// How many of them have been cancelled.
    pub fn cancelled_bulk_operations(&self) -> usize {
        self.shop(|shop| shop.bulk.cancelled())
    }

    /// The note of the order with this global id.
    pub fn note(&self, order: &str) -> String {
        self.shop(|shop| shop.orders.note(order))
    }

    /// Writes a note as the merchant does.
    pub fn write_note(&self, order: &str, note: &str) {
        self.change(|shop| shop.orders.write_note(order, note.into()));
    }

    /// Edits of orders that were committed, in order.
    pub fn order_edits(&self) -> Vec<OrderEdit> {
        self.shop(|shop| shop.order_edits.committed.clone())
    }

    /// Declines every edit of an order from now on, as where its payment forbids one.
    pub fn decline_order_edits(&self) {
        self.change(|shop| shop.order_edits.are_declined = true);
    }

    /// Has the order with this global id sent in these parts.
    pub fn put_fulfillment_orders(&self, order: &str, parts: Vec<FulfillmentOrder>) {
        self.change(|shop| shop.fulfillment_orders.put(order, parts));
    }

    /// The parts in which an order is sent: one, unless it was said otherwise.
    pub fn fulfillment_orders(&self, order: &str) -> Vec<FulfillmentOrder> {
        self.shop(|shop| shop.fulfillment_orders.of(order))
    }

    /// Puts a product on sale.
    pub fn put_product(&self, product: Product) {
        self.change(|shop| shop.products.put(product));
    }

    /// Takes a product as a webhook tells it, with the ids of its `collections`.
    pub fn tell_product(&self, body: Value) {
        self.change(|shop| shop.products.tell(body));
    }

    /// Tags of the customer or order with this global id.
    pub fn tags(&self, owner: &str) -> BTreeSet<String> {
        self.shop(|shop| shop.tags.of(owner))
    }

    /// Changes of all customers' store credit, in order.
    pub fn store_credit(&self) -> Vec<StoreCreditTransaction> {
        self.shop(|shop| shop.store_credit.0.clone())
    }

    /// Changes the store credit of the customer with this global id as the merchant does, at a time.
    pub fn adjust_store_credit(&self, customer: &str, amount: Amount, made_at: Timestamp) {
        self.change(|shop| {
            shop.store_credit.adjust(customer, amount, made_at, None);
        });
    }

    /// Gift cards made so far, in order.
    pub fn gift_cards(&self) -> Vec<GiftCard> {
        self.shop(|shop| shop.gift_cards.0.clone())
    }

    /// A metafield by the global id of what it is on, and by its namespace as the app writes it.
    pub fn metafield(&self, owner: &str, namespace: &str, key: &str) -> Option<Metafield> {
        self.shop(|shop| shop.metafields.find(owner, namespace, key).cloned())
    }

    /// Sets a metafield as somebody else does.
    ///
    /// # Panics
    /// If the value does not fit its type.
    pub fn set_metafield(&self, owner: &str, (namespace, key): (&str, &str), kind: &str, value: &str) {
        let input = json!({"ownerId": owner, "namespace": namespace, "key": key, "type": kind, "value": value});
        self.change(|shop| {
            let set = shop.metafields.set(json!({ "metafields": [input] }), shop.now);
            set.expect("the value fits its type");
        });
    }

    fn shop<T>(&self, read: impl FnOnce(&Shop) -> T) -> T {
        read(&self.server.state.borrow().shop)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Shop) -> T) {
        self.server.state.send_modify(|seen| {
            change(&mut seen.shop);
        });
    }

    /// Requests answered or failed so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.server.state.borrow().requests.clone()
    }

    /// Lets the next `requests` requests go wrong; replaces what was set before, so that 0 ends it.
    pub fn set_fault(&self, fault: Fault, requests: usize) {
        *lock(&self.server.faults) = std::iter::repeat_n(Some(fault), requests).collect();
    }

    /// Lets one request go wrong after `requests` that do not; replaces what was set before.
    pub fn set_fault_after(&self, requests: usize, fault: Fault) {
        *lock(&self.server.faults) = std::iter::repeat_n(None, requests).chain([Some(fault)]).collect();
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
    let fault = lock(&server.faults).pop_front().flatten();
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
    let token = headers.get("X-Shopify-Access-Token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    let authorised = token == server.access_token || server.tokens.is_good(token);
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
            seen.shop.now += Duration::from_millis(1);
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
