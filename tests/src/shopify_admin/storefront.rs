//! The shop as shoppers reach it: its password, and the app proxy, which signs what it passes on to the app.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{Server, lock, oauth::signed_query};

/// What shoppers' addresses lead to.
#[derive(Clone, Debug, Default)]
pub enum Storefront {
    /// No app has a proxy.
    #[default]
    Plain,
    /// Nobody gets in without a password.
    Password,
    /// The app proxy of the shop of this domain, which leads to an app's address.
    Proxy { shop: String, url: String },
}

/// Where the app's proxy is in the shop.
const PREFIX: &str = "/apps/regulars";

pub(super) async fn page(State(server): State<Arc<Server>>, uri: Uri) -> Response {
    let storefront = lock(&server.storefront).clone();
    match (storefront, uri.path().strip_prefix(PREFIX)) {
        (Storefront::Password, _) => Redirect::temporary("/password").into_response(),
        (Storefront::Proxy { shop, url }, Some(rest)) => {
            let timestamp = server.clock.now().as_second().to_string();
            let pairs = [
                ("shop", shop.as_str()),
                ("path_prefix", PREFIX),
                ("timestamp", &timestamp),
                ("logged_in_customer_id", ""),
            ];
            let query = signed_query(&server.app, "signature", &pairs);
            let asked = reqwest::Client::new().get(format!("{url}{rest}?{query}"));
            let Ok(answer) = asked.send().await else {
                return StatusCode::BAD_GATEWAY.into_response();
            };
            let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
            let status = answer.status();
            let mut response = (status, answer.bytes().await.unwrap_or_default()).into_response();
            if let Some(kind) = kind {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            response
        }
        (Storefront::Plain | Storefront::Proxy { .. }, _) => {
            (StatusCode::NOT_FOUND, Html("<h1>There is no such page</h1>")).into_response()
        }
    }
}
