//! What Shopify opens and passes on: the app's home in a shop's admin, the theme's panel, the customer account's panel.
//!
//! Whoever asks is known by what Shopify has signed: a session token, or a query. Neither a cookie nor a header of the
//! browser's counts.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    problem::{self, Problem},
    storefront::{FORM_BYTES, html},
};
use crate::{
    host::Host,
    platform::shopify::{
        oauth::App,
        session_token::{self, Holder, SessionToken},
    },
};

mod account;
mod home;
mod merchant;
mod proxy;

/// What shops and their customers may know of what is kept of them.
const PRIVACY: &str = include_str!("../../../../manifests/shopify/privacy.html");

/// Bytes of what a merchant sends: a plugin's settings.
const MERCHANT_BYTES: usize = 1 << 20;

/// Tells App Bridge to ask again with a fresh token.
const RETRY: HeaderName = HeaderName::from_static("x-shopify-retry-invalid-session-request");

pub fn routes(host: &Arc<Host>) -> Router<Arc<Host>> {
    let shoppers = Router::new()
        .route("/proxy/check", get(proxy::check))
        .route("/proxy/panel", get(proxy::show))
        .route("/proxy/actions/{plugin}/{action}", post(proxy::act))
        .merge(account::routes())
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::map_response(problem::of_extractors::<FORM_BYTES>))
        .layer(middleware::map_response(uncached));
    let merchants = merchant::routes()
        .layer(DefaultBodyLimit::max(MERCHANT_BYTES))
        .layer(middleware::map_response(problem::of_extractors::<MERCHANT_BYTES>));
    let of_own_shop = middleware::from_fn_with_state(Arc::clone(host), merchant::of_own_shop);
    Router::new()
        .route("/app", get(home::open))
        .route("/bounce", get(home::bridge))
        .route("/auth/callback", get(home::callback))
        .route("/privacy", get(async || html::text("Privacy", PRIVACY)))
        .merge(super::admin::files())
        .nest("/v1", merchants.layer(of_own_shop))
        .merge(shoppers)
}

/// What one shopper is shown is nobody else's, and old in a moment.
async fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The app that this host is, if it is one.
fn app(host: &Host) -> Result<&App, Problem> {
    host.access
        .app()
        .ok_or_else(|| Problem::missing("this host is no app of Shopify's: `shopify.client_id` is not set"))
}

/// Whose request it is, by the session token that it bears.
fn bearer(host: &Host, headers: &HeaderMap) -> Result<SessionToken, Problem> {
    let app = app(host)?;
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header.strip_prefix("Bearer ").ok_or_else(|| Problem::no_session("there is no session token"))?;
    session_token::verify(&app.client_id, &app.secrets, token, host.clock.now())
        .map_err(|refused| Problem::no_session(format!("the session token is refused: {refused}")))
}

/// Whether a session is that of somebody who works in the shop.
fn require_staff(session: &SessionToken) -> Result<(), Problem> {
    match session.holder {
        Holder::Staff(_) => Ok(()),
        Holder::Shopper(_) => Err(Problem::forbidden("a shopper's session opens nothing of the shop's")),
    }
}

/// An answer that asks App Bridge for a fresh token, where that may help.
fn retried(problem: Problem) -> Response {
    let retry = problem.status() == StatusCode::UNAUTHORIZED;
    let mut response = problem.into_response();
    if retry {
        response.headers_mut().insert(RETRY, HeaderValue::from_static("1"));
    }
    response
}
