//! Pages for shoppers and their friends: panels, and the pages behind links. Plain HTML that needs no script.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use crate::host::Host;

pub mod form;
pub mod html;
mod links;
mod magento;
mod mail_words;
pub mod panels;
mod preferences;
mod unsubscribe;
pub mod visitor;
pub mod words;

/// Bytes of a form that a visitor sends: some fields of text.
pub(super) const FORM_BYTES: usize = 16 << 10;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded or run; forms go back to where the page came from.
static CONTENT_POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = BASE64.encode(&Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::try_from(policy).expect("base 64 fits a header")
});

/// What the internet may reach.
pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/l/{link}", get(links::show))
        .route("/l/{link}/actions/{action}", post(links::act))
        .route("/u/{token}", get(unsubscribe::ask).post(unsubscribe::unsubscribe))
        .route("/preferences/{token}", get(preferences::show).post(preferences::save))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .route("/magento/panel", post(magento::show))
        .route("/magento/panel/actions", post(magento::act))
}

/// A whole page, as it is answered.
pub struct Page {
    pub status: StatusCode,
    pub html: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY.clone()),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            // A page is one person's, and each of its forms counts once.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.status, headers, self.html).into_response()
    }
}

/// 128 bits that nobody can guess, as 26 characters: what names a rendering of a form, or a browser.
pub fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase()
}
