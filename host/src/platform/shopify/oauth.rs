//! Access tokens: asked for with a session token, with the code of an authorisation, or with the last token's right to the
//! next. All three are one call of the shop, and are answered in one form.

use axum::http::{HeaderMap, Method, StatusCode};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::Timestamp,
    platform::{
        Failure, Secret,
        error::shorten,
        http::{Body, Call, Door, Http, Limits},
    },
    store::{Access, Refresh},
};

/// How long a lasting right to the next token is taken to last if the shop does not say: what Shopify documents.
const REFRESH_SECONDS: u64 = 90 * 86_400;

/// The app as Shopify knows it.
#[derive(Clone, Debug)]
pub struct App {
    pub client_id: String,
    /// The client secrets, newest first: the newest asks, any may have signed.
    pub secrets: Vec<Secret>,
    /// Where every shop's API is instead of at its own domain, in a trial.
    pub api_url: Option<String>,
    /// Of one call for a token.
    pub limits: Limits,
}

/// What gets a token.
#[derive(Debug)]
pub enum Proof {
    /// A session token of somebody who works in the shop, a minute old at most.
    SessionToken(Secret),
    /// The code of an authorisation, used once.
    Code(Secret),
    /// The last token's right to the next.
    Refresh(Secret),
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    scope: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    refresh_token_expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    error_description: Option<String>,
}

/// Asks a shop for an offline token that ends, and for the right to the next one.
pub async fn token(http: &Http, door: &Door, app: &App, proof: &Proof, now: Timestamp) -> Result<Access, Failure> {
    let url = format!("{}/admin/oauth/access_token", door.base.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| permanent("the shop's address is no URL"))?;
    let call =
        Call { method: Method::POST, url, headers: HeaderMap::new(), body: Some(Body::Json(request(app, proof)?)) };
    let answer = http.send(door.reach, call, app.limits).await?;
    match answer.status {
        status if status.is_success() => read(&answer.body, now),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure::Throttled { retry_after: std::time::Duration::from_secs(5) }),
        status if status.is_server_error() => {
            Err(Failure::Unreachable { reason: format!("the shop answered {status} when it was asked for a token") })
        }
        status => Err(permanent(format!("the shop gives no token: it answered {status}{}", why(&answer.body)))),
    }
}

fn request(app: &App, proof: &Proof) -> Result<Value, Failure> {
    let secret =
        app.secrets.first().ok_or_else(|| permanent("the app has no client secret: set `shopify.client_secrets`"))?;
    let mut request = match proof {
        Proof::SessionToken(token) => json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token.expose(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
            "expiring": "1",
        }),
        Proof::Code(code) => json!({ "code": code.expose(), "expiring": "1" }),
        Proof::Refresh(token) => json!({ "grant_type": "refresh_token", "refresh_token": token.expose() }),
    };
    request["client_id"] = app.client_id.as_str().into();
    request["client_secret"] = secret.expose().into();
    Ok(request)
}

fn read(body: &[u8], now: Timestamp) -> Result<Access, Failure> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| Failure::Transient { reason: "the shop's answer with a token cannot be read".into() })?;
    let after = |seconds: u64| Timestamp(now.0.saturating_add(seconds.saturating_mul(1_000)));
    let refresh_ends = after(answer.refresh_token_expires_in.unwrap_or(REFRESH_SECONDS));
    Ok(Access {
        token: answer.access_token,
        expires_at: answer.expires_in.map(after),
        refresh: answer.refresh_token.map(|token| Refresh { token, expires_at: refresh_ends }),
        scopes: answer.scope.split(',').filter(|scope| !scope.is_empty()).map(|scope| scope.trim().into()).collect(),
    })
}

/// What the shop says of a refusal, which holds no secret of ours.
fn why(body: &[u8]) -> String {
    let refusal = serde_json::from_slice::<Refusal>(body).ok();
    let text = refusal.and_then(|refusal| refusal.error_description.or(refusal.error));
    text.map_or_else(String::new, |text| format!(" ({})", shorten(&text)))
}

fn permanent(reason: impl Into<String>) -> Failure {
    Failure::Permanent { reason: reason.into() }
}
