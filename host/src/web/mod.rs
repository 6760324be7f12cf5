//! HTTP: the platforms' webhooks, shoppers' pages, the JSON API, the admin page.
//!
//! Errors are worded for HTTP in `problem`, and nowhere else.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::host::Host;

mod admin;
mod api;
mod health;
mod magento;
mod metrics;
mod problem;
mod shopify;
mod storefront;
mod webhooks;

/// What the internet may reach: webhooks, shoppers' pages and health.
pub fn public(host: Arc<Host>) -> Router {
    Router::new()
        .route("/webhooks/shopify", post(webhooks::shopify))
        .route("/webhooks/magento", post(webhooks::magento))
        .route("/webhooks/adobe-io/{store}", get(webhooks::adobe_io_challenge).post(webhooks::adobe_io))
        .route("/webhooks/adobe-commerce/{store}", post(webhooks::adobe_commerce))
        .route("/webhooks/async-events/{store}/{event}", post(webhooks::async_events))
        .route("/webhooks/mageplaza/{store}/{hook}", post(webhooks::mageplaza))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(storefront::routes())
        .nest("/shopify", shopify::routes(&host))
        .nest("/magento", magento::routes())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(host)
}

/// Figures and health alone, for a scraper that is elsewhere: no names, no ids, nothing that changes anything.
pub fn metrics(host: Arc<Host>) -> Router {
    Router::new()
        .merge(figures())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(host)
}

fn figures() -> Router<Arc<Host>> {
    Router::new()
        .route("/metrics", get(metrics::show))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
}

/// What only people of this machine may reach: the admin page and the JSON API. It asks for no password.
pub fn admin(host: Arc<Host>) -> Router {
    Router::new()
        .merge(admin::routes())
        .nest("/v1", api::routes())
        .merge(figures())
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::map_response(problem::of_extractors::<{ api::BODY_BYTES }>))
        .layer(axum::middleware::from_fn(admin::from_this_machine))
        .with_state(host)
}
