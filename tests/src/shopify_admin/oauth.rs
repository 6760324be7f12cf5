//! Access tokens: what the shop gives to its app, and what Shopify signs for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Server, lock};

/// The app as it is known to the shop.
#[derive(Clone, Debug)]
pub struct App {
    pub client_id: String,
    pub client_secret: String,
}

/// Tokens that were given.
pub(super) struct Tokens {
    app: App,
    state: Mutex<Given>,
}

#[derive(Default)]
struct Given {
    good: BTreeSet<String>,
    /// The one right to the next token that is good.
    refresh: Option<String>,
    /// Codes that were redeemed: each is good once.
    codes: BTreeSet<String>,
    log: Vec<&'static str>,
}

impl Tokens {
    pub(super) fn of(app: App) -> Self {
        Self { app, state: Mutex::default() }
    }

    pub(super) fn is_good(&self, token: &str) -> bool {
        lock(&self.state).good.contains(token)
    }

    pub(super) fn revoke(&self) {
        let mut state = lock(&self.state);
        state.good.clear();
        state.refresh = None;
    }

    pub(super) fn given(&self) -> Vec<&'static str> {
        lock(&self.state).log.clone()
    }

    /// Judges a request by what Shopify documents, to the last field.
    fn give(&self, request: &BTreeMap<String, String>) -> Result<Value, (&'static str, String)> {
        let field = |name: &str| request.get(name).map_or("", String::as_str);
        if (field("client_id"), field("client_secret")) != (&self.app.client_id, &self.app.client_secret) {
            return Err(("invalid_client", "the app is not known".into()));
        }
        let mut state = lock(&self.state);
        let (kind, known): (_, &[&str]) = match field("grant_type") {
            "urn:ietf:params:oauth:grant-type:token-exchange" => {
                let types = (field("subject_token_type"), field("requested_token_type"), field("expiring"));
                let expected = (
                    "urn:ietf:params:oauth:token-type:id_token",
                    "urn:shopify:params:oauth:token-type:offline-access-token",
                    "1",
                );
                if types != expected {
                    return Err(("invalid_request", format!("{types:?} is not {expected:?}")));
                }
                if field("subject_token").split('.').count() != 3 {
                    return Err(("invalid_subject_token", "it is no session token".into()));
                }
                let fields = &["subject_token", "subject_token_type", "requested_token_type", "expiring", "grant_type"];
                ("session token", fields)
            }
            "refresh_token" => {
                if state.refresh.as_deref() != Some(field("refresh_token")) {
                    return Err(("invalid_grant", "the refresh token is not good".into()));
                }
                ("refresh", &["refresh_token", "grant_type"])
            }
            "" if !field("code").is_empty() => {
                if field("expiring") != "1" || !state.codes.insert(field("code").into()) {
                    return Err(("invalid_request", "the code was used, or the token would not end".into()));
                }
                ("code", &["code", "expiring"])
            }
            other => return Err(("unsupported_grant_type", other.into())),
        };
        let unknown = |name: &&String| {
            !["client_id", "client_secret"].contains(&name.as_str()) && !known.contains(&name.as_str())
        };
        if let Some(name) = request.keys().find(unknown) {
            return Err(("invalid_request", format!("`{name}` has no place there")));
        }
        state.log.push(kind);
        let number = state.log.len();
        let (access, refresh) = (format!("shpat_given_{number}"), format!("shprt_given_{number}"));
        state.good.insert(access.clone());
        state.refresh = Some(refresh.clone());
        Ok(json!({
            "access_token": access, "scope": "read_orders,write_discounts", "expires_in": 3600,
            "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
        }))
    }
}

pub(super) async fn token(
    State(server): State<Arc<Server>>,
    Json(request): Json<BTreeMap<String, String>>,
) -> Response {
    match server.tokens.give(&request) {
        Ok(given) => Json(given).into_response(),
        Err((error, description)) => {
            let answer = json!({ "error": error, "error_description": description });
            (StatusCode::BAD_REQUEST, Json(answer)).into_response()
        }
    }
}

fn sign(secret: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A session token with these claims, as Shopify signs it.
pub fn session_token(app: &App, claims: &Value) -> String {
    let parts = [json!({ "alg": "HS256", "typ": "JWT" }), claims.clone()];
    let [header, claims] = parts.map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let signed = format!("{header}.{claims}");
    let signature = BASE64URL_NOPAD.encode(&sign(&app.client_secret, &signed));
    format!("{signed}.{signature}")
}

/// A query as the app proxy signs it (`signature`), or an authorisation's callback (`hmac`).
pub fn signed_query(app: &App, name: &str, pairs: &[(&str, &str)]) -> String {
    let mut sorted: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    sorted.sort_unstable();
    let message = if name == "signature" { sorted.concat() } else { sorted.join("&") };
    let signature = HEXLOWER.encode(&sign(&app.client_secret, &message));
    let written = serde_urlencoded::to_string(pairs).expect("texts are written as they are");
    format!("{written}&{name}={signature}")
}
