//! The admin page: what came in, what plugins decided and why, what went out. It reads the JSON API like any client.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};

use super::problem::Problem;
use crate::host::Host;

const PAGE: &str = include_str!("admin/index.html");
const STYLE: &str = include_str!("admin/admin.css");

/// The script that the page begins with, and its modules.
const SCRIPTS: &[(&str, &str)] = &[
    ("/admin.js", include_str!("admin/admin.js")),
    ("/closely.js", include_str!("admin/closely.js")),
    ("/form.js", include_str!("admin/form.js")),
    ("/history.js", include_str!("admin/history.js")),
    ("/host.js", include_str!("admin/host.js")),
    ("/list.js", include_str!("admin/list.js")),
    ("/plugins.js", include_str!("admin/plugins.js")),
    ("/rows.js", include_str!("admin/rows.js")),
    ("/scopes.js", include_str!("admin/scopes.js")),
    ("/words.js", include_str!("admin/words.js")),
];

/// Nothing from elsewhere is loaded or run. Mails as sent stand in sandboxed frames, whose inline styles are theirs.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                              connect-src 'self'; img-src 'self' https: data:; frame-src 'self'; \
                              frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Where the head of the page begins.
const CHARSET: &str = "<meta charset=\"utf-8\">";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub fn routes() -> Router<Arc<Host>> {
    Router::new().route("/", get(async || file("text/html; charset=utf-8", PAGE))).merge(files())
}

/// What the page loads.
pub fn files() -> Router<Arc<Host>> {
    let style = Router::new().route("/admin.css", get(async || file("text/css; charset=utf-8", STYLE)));
    SCRIPTS.iter().fold(style, |router, (path, script)| {
        router.route(path, get(async || file("text/javascript; charset=utf-8", script)))
    })
}

/// The page inside a shop's admin: App Bridge adds the session token to what it asks for, and the API is that of one store.
pub fn embedded(client_id: &str, shop: &str) -> Response {
    let page = PAGE.replacen(CHARSET, &format!("{CHARSET}\n  {}", app_bridge(client_id)), 1).replacen(
        "<html lang=\"en\">",
        "<html lang=\"en\" data-api=\"v1\">",
        1,
    );
    framed(page, Some(shop))
}

/// A page of nothing but App Bridge.
pub fn bridge(client_id: &str, shop: Option<&str>) -> Response {
    let head = app_bridge(client_id);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  {CHARSET}\n  {head}\n  <title>Regulars</title>\n</head>\n</html>\n"
    );
    framed(page, shop)
}

/// Has to be the first script of a page, and from Shopify's own address.
fn app_bridge(client_id: &str) -> String {
    let client_id = client_id.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
    format!(
        "<meta name=\"shopify-api-key\" content=\"{client_id}\">\n  \
         <script src=\"https://cdn.shopify.com/shopifycloud/app-bridge.js\"></script>"
    )
}

/// A page that only the admin of one shop may show in a frame; `shop` was checked to be a shop's domain.
fn framed(page: String, shop: Option<&str>) -> Response {
    let framed_by =
        shop.map_or_else(|| "'none'".to_owned(), |shop| format!("https://{shop} https://admin.shopify.com"));
    let policy = format!(
        "default-src 'none'; script-src 'self' https://cdn.shopify.com; style-src 'self' 'unsafe-inline'; \
         connect-src 'self' https://*.shopify.com; img-src 'self' https: data:; frame-src 'self' https://*.shopify.com; \
         frame-ancestors {framed_by}; base-uri 'none'; form-action 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).expect("a domain fits a header")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, page).into_response()
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}

/// Turns away what a web page elsewhere makes a browser of this machine ask for: a foreign host name that resolves here,
/// and changes that another site sends.
pub async fn from_this_machine(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_local(headers) || (is_change(request.method()) && is_cross_site(headers)) {
        let detail = "the admin page answers only requests that are made for an address of this machine";
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not from here", detail).into_response();
    }
    next.run(request).await
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE).and_then(|site| site.to_str().ok()) {
        // No browser sends a request without it: the command line and scripts do.
        None => headers.contains_key(header::ORIGIN),
        Some(site) => site != "same-origin",
    }
}
