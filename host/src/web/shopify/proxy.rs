//! The theme's panel: what Shopify's app proxy passes on from a shop's own address.
//!
//! The query is signed, and names the shop and who is signed in there. Cookies do not get through: that a form was drawn for
//! whoever sends it is shown by its key, which carries a tag over shop and customer.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawForm, RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    catalog::StoreEntry,
    domain::{CustomerId, Platform},
    host::Host,
    ingest::actions::{self, Action, ActionRefused, By},
    platform::shopify::signed_query::{Pairs, SignedQuery, verify_proxy},
    web::{
        problem::Problem,
        storefront::{
            Page,
            form::{self, Form},
            html::{self, Actions, Panels},
            panels::{self, Viewer},
            token,
            visitor::is_tag,
            words::{self, Words},
        },
    },
};

/// Why a shopper is shown no panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denied {
    /// Not passed on by Shopify, or nobody is signed in.
    Unknown,
    NoPanel,
    Busy,
    Unreadable,
    Failed,
}

impl Denied {
    fn page(self, words: &Words) -> Page {
        let (status, notice) = match self {
            Self::Unknown => (StatusCode::UNAUTHORIZED, &words.sign_in),
            Self::NoPanel => (StatusCode::NOT_FOUND, &words.no_panel),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, &words.busy),
            Self::Unreadable => (StatusCode::BAD_REQUEST, &words.unreadable),
            Self::Failed => (StatusCode::SERVICE_UNAVAILABLE, &words.failed),
        };
        html::notice(status, words, *notice)
    }
}

/// Who asks, as Shopify has signed it.
struct Shopper {
    entry: Arc<StoreEntry>,
    customer: CustomerId,
    query: SignedQuery,
}

pub async fn show(State(host): State<Arc<Host>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    match page(&host, &query).await {
        Ok(page) => page.into_response(),
        Err(denied) => denied.page(words::of(&locale_of(&query))).into_response(),
    }
}

async fn page(host: &Arc<Host>, query: &str) -> Result<Page, Denied> {
    let shopper = shopper(host, query)?;
    let Shopper { entry, customer, query } = &shopper;
    let locale = query.get("locale").map(Into::into);
    let viewer = Viewer { entry, customer: customer.clone(), locale };
    let view = viewer.view(host).map_err(|_| Denied::Failed)?.ok_or(Denied::NoPanel)?;
    let locale = view.locale.clone();
    let sections = panels::draw_all(host, entry, view).await;
    let key = host.outbox.mails.links.key.form(entry.id(), customer, &token());
    let of_store = Panels::of(entry, &locale, &sections, Actions::OfPlugin, &key);
    Ok(html::panels(&Panels { taken_in: query.get("taken").is_some(), ..of_store }))
}

/// Takes a form in, and sends the browser back to the page, by an address that holds under whatever prefix the merchant has
/// given the proxy.
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((plugin, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    RawForm(body): RawForm,
) -> Response {
    let query = query.unwrap_or_default();
    let locale = locale_of(&query);
    match take(&host, &query, plugin, name, &body).await {
        Ok(()) => {
            let locale = if is_tag(&locale) { format!("&locale={locale}") } else { String::new() };
            let page = HeaderValue::try_from(format!("../../panel?taken{locale}")).expect("a tag fits a header");
            (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
        }
        Err(denied) => denied.page(words::of(&locale)).into_response(),
    }
}

async fn take(host: &Arc<Host>, query: &str, plugin: String, name: String, body: &[u8]) -> Result<(), Denied> {
    let Shopper { entry, customer, .. } = shopper(host, query)?;
    let Form { key, input } = form::read(body).map_err(|_| Denied::Unreadable)?;
    if !host.outbox.mails.links.key.is_form(entry.id(), &customer, &key) {
        return Err(Denied::Unreadable);
    }
    let action = Action { plugin: plugin.as_str().into(), by: By::Shopper(customer.to_string()), name, input, key };
    let (_, accepted) = actions::accept(&host.pipeline, &entry, action).await.map_err(|refused| match refused {
        ActionRefused::Store(_) => Denied::Failed,
        ActionRefused::FarBehind => Denied::Busy,
        _ => Denied::Unreadable,
    })?;
    panels::decided(host, accepted).await;
    Ok(())
}

/// `GET /proxy/check`: that this host was reached by the shop's own address, and by whose; an examination of a store asks for it
/// there (`doctor/storefront.rs`).
pub async fn check(State(host): State<Arc<Host>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Problem> {
    let passed_on = passed_on(&host, &query.unwrap_or_default());
    let (entry, _) = passed_on.map_err(|_| Problem::no_session("the query is not signed by the shop that it names"))?;
    Ok(Json(json!({ "store": entry.record.domain })))
}

/// The customer is the one who is signed in by the signed query, and nobody else.
fn shopper(host: &Host, query: &str) -> Result<Shopper, Denied> {
    let (entry, query) = passed_on(host, query)?;
    let customer = query.get("logged_in_customer_id").filter(|id| !id.is_empty()).ok_or(Denied::Unknown)?;
    let customer = CustomerId::from(customer);
    match host.ingest.visitors.may_ask(entry.id(), &customer, host.clock.now()) {
        true => Ok(Shopper { customer, entry, query }),
        false => Err(Denied::Busy),
    }
}

/// The store whose app proxy has passed a query on, as its signature shows.
fn passed_on(host: &Host, query: &str) -> Result<(Arc<StoreEntry>, SignedQuery), Denied> {
    let claimed = Pairs::of(query);
    let shop = claimed.get("shop").ok_or(Denied::Unknown)?;
    let entry = host.catalog.registry().store_of(Platform::Shopify, shop).cloned().ok_or(Denied::Unknown)?;
    let query = verify_proxy(&entry.secrets, query, host.clock.now()).map_err(|_| Denied::Unknown)?;
    Ok((entry, query))
}

/// The language of whoever asks; it decides nothing, and is read of an unsigned query too.
fn locale_of(query: &str) -> String {
    Pairs::of(query).get("locale").unwrap_or_default().to_owned()
}
