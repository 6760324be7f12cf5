//! The app's home in a shop's admin: installs the shop when it is opened, and is then the admin page for that one store.
//!
//! Shopify opens it in a frame, with a session token in the address. Without one, App Bridge is loaded, which opens it anew
//! with one; where Shopify has not installed the app by itself, the merchant is sent to agree first.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_urlencoded::to_string as encoded;

use super::{app, require_staff};
use crate::{
    domain::Secret,
    host::Host,
    platform::shopify::{
        headers::shop_domain,
        oauth::{App, Proof},
        session_token,
        signed_query::{Pairs, SignedQuery, verify_callback},
    },
    web::{
        admin,
        problem::{Problem, Result},
        storefront::visitor::is_tag,
    },
};

/// How long an authorisation may take, and so how long its state is good.
const STATE_SECONDS: u64 = 600;

pub async fn open(State(host): State<Arc<Host>>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = query.unwrap_or_default();
    let app = app(&host)?;
    let given = Pairs::of(&query);
    let Some(token) = given.get("id_token") else { return unproved(&host, app, &query) };
    // A token that does not hold, as of a page that was opened long ago, is got anew.
    let Ok(session) = session_token::verify(&app.client_id, &app.secrets, token, host.clock.now()) else {
        return Ok(bounce(given.get("shop").and_then(shop_domain).as_deref(), &given));
    };
    require_staff(&session)?;
    let locale = given.get("locale").filter(|tag| is_tag(tag)).unwrap_or("en");
    host.access.install(&session.shop, Proof::SessionToken(Secret::new(token)), locale).await?;
    Ok(admin::embedded(&app.client_id, &session.shop))
}

/// Somebody is here without a session token: if Shopify has sent them for a shop that is not installed, they are sent to
/// agree; else App Bridge fetches a token.
fn unproved(host: &Host, app: &App, query: &str) -> Result<Response> {
    let given = Pairs::of(query);
    let signed = verify_callback(&app.secrets, query, host.clock.now()).ok();
    let shop = signed.as_ref().and_then(|query| query.get("shop")).and_then(shop_domain);
    let is_framed = given.get("embedded") == Some("1");
    match shop {
        Some(shop) if !is_framed && host.catalog.registry().store_named(&shop).is_none() => Ok(ask(host, app, &shop)),
        Some(shop) => Ok(bounce(Some(&shop), &given)),
        None => Err(Problem::no_session("open this app in the shop's admin: nothing here shows whose shop it is for")),
    }
}

/// Sends the merchant to agree to what the app may do.
fn ask(host: &Host, app: &App, shop: &str) -> Response {
    let state = host.outbox.mails.links.key.state(shop, host.clock.now().0 / 1_000);
    let callback = format!("{}/shopify/auth/callback", host.config.public_url());
    // Scopes are those of the app's configuration at Shopify, as with an installation that Shopify does by itself.
    let query = [("client_id", app.client_id.as_str()), ("redirect_uri", &callback), ("state", &state)];
    let base = app.api_url.clone().unwrap_or_else(|| format!("https://{shop}"));
    let to = format!("{base}/admin/oauth/authorize?{}", encoded(query).expect("texts are written as they are"));
    redirect(&to)
}

/// Comes back from the shop with a code for a token.
pub async fn callback(State(host): State<Arc<Host>>, RawQuery(query): RawQuery) -> Result<Response> {
    let app = app(&host)?;
    let query: SignedQuery = verify_callback(&app.secrets, &query.unwrap_or_default(), host.clock.now())
        .map_err(|refused| Problem::no_session(format!("the shop's answer is refused: {refused}")))?;
    let shop = query.get("shop").and_then(shop_domain).ok_or_else(|| Problem::bad_request("no shop is named"))?;
    let state = query.get("state").unwrap_or_default();
    let is_ours = host.outbox.mails.links.key.is_state(&shop, state, host.clock.now().0 / 1_000, STATE_SECONDS);
    if !is_ours {
        return Err(Problem::no_session("this host has not asked for that, or too long ago: open the app again"));
    }
    let code = query.get("code").ok_or_else(|| Problem::bad_request("there is no code"))?;
    host.access.install(&shop, Proof::Code(Secret::new(code)), "en").await?;
    Ok(redirect(&format!("https://{shop}/admin/apps/{}", app.client_id)))
}

/// Sends to a page of nothing but App Bridge, which opens this address anew with a session token.
fn bounce(shop: Option<&str>, given: &Pairs) -> Response {
    let written = |pairs: &[(&str, &str)]| encoded(pairs).expect("texts are written as they are");
    let kept = given.iter().filter(|(name, _)| !matches!(*name, "id_token" | "hmac" | "shopify-reload"));
    let kept: Vec<(&str, &str)> = kept.collect();
    let reload = format!("/shopify/app?{}", written(&kept));
    let host = kept.iter().find(|(name, _)| *name == "host").map_or("", |(_, host)| *host);
    let query = [("shop", shop.unwrap_or_default()), ("host", host), ("shopify-reload", &reload)];
    redirect(&format!("/shopify/bounce?{}", written(&query)))
}

/// `GET /shopify/bounce`
pub async fn bridge(State(host): State<Arc<Host>>, RawQuery(query): RawQuery) -> Result<Response> {
    let shop = Pairs::of(&query.unwrap_or_default()).get("shop").and_then(shop_domain);
    Ok(admin::bridge(&app(&host)?.client_id, shop.as_deref()))
}

fn redirect(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Err(_) => Problem::bad_request("the address cannot be gone to").into_response(),
    }
}
