//! The pages of links that customers share: what the link's plugin shows to whoever follows it, and the way into the shop.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Path, RawForm, Request, State, rejection::RawFormRejection},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Page,
    form::{self, Form},
    html::{self, Actions, Panels},
    panels, token,
    visitor::Browser,
    words::{self, Words},
};
use crate::{
    catalog::StoreEntry,
    engine::panel::{View, ViewKind},
    host::Host,
    ingest::{
        Rates,
        actions::{self, Action, ActionRefused, By},
        household, visits,
    },
    store::{self, SharedLink, Store, decode, keys},
};

/// The parameter with which the way into the shop names the link: the shop notes it on the cart.
const PARAMETER: &str = "regulars_link";

/// What a page's address ends in after something was asked on it.
const TAKEN_IN: &str = "?taken";

/// Bytes of a link's name.
const NAME_BYTES: usize = 64;

/// A link that can be followed.
struct Link {
    name: String,
    shared: SharedLink,
    entry: Arc<StoreEntry>,
}

/// Why somebody gets no page.
enum Denied {
    /// There is no such link, or none any more.
    Gone,
    /// Too much has been asked for from there.
    Busy,
    /// The form is none.
    Unreadable,
    Failed(store::Error),
}

impl From<store::Error> for Denied {
    fn from(error: store::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ActionRefused> for Denied {
    fn from(refused: ActionRefused) -> Self {
        match refused {
            ActionRefused::Store(error) => Self::Failed(error),
            ActionRefused::FarBehind => Self::Busy,
            ActionRefused::Plugin(_) => Self::Gone,
            ActionRefused::Key | ActionRefused::Name | ActionRefused::UnknownCustomer(_) => Self::Unreadable,
        }
    }
}

impl Denied {
    fn page(&self, words: &Words) -> Response {
        let (status, notice) = match self {
            Self::Gone => (StatusCode::NOT_FOUND, words.gone),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, words.busy),
            Self::Unreadable => (StatusCode::BAD_REQUEST, words.unreadable),
            Self::Failed(error) => {
                tracing::error!(%error, "a link's page cannot be served: {error}");
                (StatusCode::SERVICE_UNAVAILABLE, words.failed)
            }
        };
        html::notice(status, words, notice).into_response()
    }
}

/// `GET /l/{link}`
pub async fn show(State(host): State<Arc<Host>>, Path(name): Path<String>, request: Request) -> Response {
    let browser = browser(request.method(), request.headers(), request.extensions());
    let taken_in = request.uri().query().is_some_and(|query| query == &TAKEN_IN[1..]);
    match page(&host, &name, &browser, taken_in).await {
        Ok(page) => {
            let mut response = page.into_response();
            if let Some(cookie) = browser.set_cookie(host.config.public_url().starts_with("https:")) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(denied) => denied.page(words::of(browser.locale.as_deref().unwrap_or_default())),
    }
}

fn browser(method: &Method, headers: &HeaderMap, extensions: &Extensions) -> Browser {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    Browser::of(method, headers, peer, token)
}

async fn page(host: &Arc<Host>, name: &str, browser: &Browser, taken_in: bool) -> Result<Page, Denied> {
    let visitors = &host.ingest.visitors;
    check(host, &visitors.pages, browser)?;
    let link = find(host, name)?;
    if browser.is_visit {
        let place = (link.name.as_str(), &link.shared);
        let counted = visits::count(&host.pipeline, visitors, &link.entry, place, &browser.visitor).await;
        // Whoever follows the link is to get into the shop all the same.
        if let Err(error) = counted {
            tracing::error!(%error, store = %link.entry.id(), "a visit cannot be kept: {error}");
        }
    }
    let locale = browser.locale.clone().unwrap_or_else(|| link.entry.record.locale.clone());
    let view = View { kind: ViewKind::Link(link.name.clone()), customer: None, locale: locale.clone() };
    let drawn = panels::draw_one(host, &link.entry, view, link.shared.plugin.clone()).await;
    let sections: Vec<_> = drawn.into_iter().filter(|drawn| drawn.blocks.is_ok()).collect();
    let shop_link = shop_link(&link.entry.record.url, &link.name);
    let (actions, key) = (Actions::OfLink(&link.name), token());
    let of_store = Panels::of(&link.entry, &locale, &sections, actions, &key);
    Ok(html::panels(&Panels { taken_in, shop_link: shop_link.as_deref(), ..of_store }))
}

fn check(host: &Host, rates: &Rates, browser: &Browser) -> Result<(), Denied> {
    match rates.allows(household(browser.visitor.address), host.clock.now()) {
        true => Ok(()),
        false => Err(Denied::Busy),
    }
}

/// The link of that name, whatever its case, if its plugin is still at work in its store.
fn find(host: &Host, name: &str) -> Result<Link, Denied> {
    if name.len() > NAME_BYTES {
        return Err(Denied::Gone);
    }
    let name = name.to_ascii_uppercase();
    let row = host.sled.get(&keys::link(&name))?.ok_or(Denied::Gone)?;
    let shared: SharedLink = decode(&row.bytes)?;
    let registry = host.catalog.registry();
    let entry = registry.store(shared.store).filter(|entry| entry.record.removed_at.is_none()).ok_or(Denied::Gone)?;
    entry.plugin(&shared.plugin).ok_or(Denied::Gone)?;
    Ok(Link { name, entry: Arc::clone(entry), shared })
}

/// The shop's address with the link's name; none if the shop has no address that is one.
fn shop_link(shop: &str, name: &str) -> Option<String> {
    let mut url = reqwest::Url::parse(shop).ok()?;
    url.query_pairs_mut().append_pair(PARAMETER, name);
    Some(url.into())
}

/// `POST /l/{link}/actions/{action}`
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((name, action)): Path<(String, String)>,
    (method, headers, extensions): (Method, HeaderMap, Extensions),
    form: Result<RawForm, RawFormRejection>,
) -> Response {
    let browser = browser(&method, &headers, &extensions);
    let form = form.ok().and_then(|RawForm(body)| form::read(&body).ok());
    match take_in(&host, &name, action, &browser, form).await {
        Ok(()) => {
            let page = format!("../../{}{TAKEN_IN}", html::segment(&name));
            let location = HeaderValue::try_from(page).expect("a segment fits a header");
            (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
        }
        Err(denied) => denied.page(words::of(browser.locale.as_deref().unwrap_or_default())),
    }
}

async fn take_in(host: &Host, name: &str, action: String, browser: &Browser, form: Option<Form>) -> Result<(), Denied> {
    check(host, &host.ingest.visitors.forms, browser)?;
    let link = find(host, name)?;
    let Form { key, mut input } = form.ok_or(Denied::Unreadable)?;
    // What the host knows stands above what was sent.
    input.insert("link".into(), link.name.clone().into());
    input.insert("signals".into(), browser.visitor.shown_to(&link.entry, &link.shared.plugin));
    let by = By::Visitor(link.name);
    let action = Action { plugin: link.shared.plugin, by, name: action, input, key };
    let (_, accepted) = actions::accept(&host.pipeline, &link.entry, action).await?;
    panels::decided(host, accepted).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_into_the_shop_names_the_link_and_keeps_what_the_address_has() {
        assert_eq!(shop_link("https://fern.example", "K3").as_deref(), Some("https://fern.example/?regulars_link=K3"));
        let with_query = shop_link("https://fern.example/de?a=b", "K&3");
        assert_eq!(with_query.as_deref(), Some("https://fern.example/de?a=b&regulars_link=K%263"));
        assert_eq!(shop_link("fern.example", "K3"), None);
    }
}
