//! The end of an integration's activation: what the shop has posted is exchanged for a token, first a request token and then
//! one for access (RFC 5849, sections 2.1 and 2.3).

use std::fmt;

use axum::http::{HeaderMap, Method, header::AUTHORIZATION};
use serde::Deserialize;

use super::{
    Shop, base_of,
    credentials::Integration,
    oauth1::{Signer, Token},
    permanent, signed, transient,
};
use crate::{
    domain::Timestamp,
    platform::{
        Failure,
        error::shorten,
        http::{Call, Http, Limits},
    },
};

/// What a shop posts when its merchant activates the integration. Whoever posts it is shown to be the shop by the exchange.
#[derive(Clone, Deserialize)]
pub struct Activation {
    #[serde(rename = "oauth_consumer_key")]
    pub consumer_key: String,
    #[serde(rename = "oauth_consumer_secret")]
    pub consumer_secret: String,
    #[serde(rename = "oauth_verifier")]
    pub verifier: String,
    /// Where the shop says that it is.
    pub store_base_url: String,
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").field("store_base_url", &self.store_base_url).finish_non_exhaustive()
    }
}

/// What Magento says where it has given a token for the activation: it gives another once the integration is activated anew.
const ALREADY_GIVEN: &str = "not a verifier token";
const REAUTHORISE: &str = ". It has given one already, for an answer that was lost or to somebody else: choose Reauthorize for the \
                           integration in the shop's admin";

/// A token as the shop writes it.
#[derive(Deserialize)]
struct Given {
    oauth_token: String,
    oauth_token_secret: String,
}

/// Exchanges what was posted for access.
pub async fn exchange(
    http: &Http,
    shop: &Shop,
    activation: &Activation,
    now: Timestamp,
) -> Result<Integration, Failure> {
    let consumer =
        Signer { consumer_key: &activation.consumer_key, consumer_secret: &activation.consumer_secret, token: None };
    let request = ask(http, shop, "request", consumer, now).await?;
    let verifier = Some(activation.verifier.as_str());
    let token = Token { token: &request.oauth_token, secret: &request.oauth_token_secret, verifier };
    let access = ask(http, shop, "access", Signer { token: Some(token), ..consumer }, now).await?;
    Ok(Integration {
        consumer_key: activation.consumer_key.clone(),
        consumer_secret: activation.consumer_secret.clone(),
        access_token: access.oauth_token,
        access_token_secret: access.oauth_token_secret,
    })
}

async fn ask(http: &Http, shop: &Shop, kind: &str, signer: Signer<'_>, now: Timestamp) -> Result<Given, Failure> {
    let mut url = base_of(shop)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["oauth", "token", kind]);
    }
    let headers = HeaderMap::from_iter([(AUTHORIZATION, signed(&Method::POST, &url, signer, now))]);
    let call = Call { method: Method::POST, url, headers, body: None };
    let answer = http.send(shop.reach, call, Limits::default()).await?;
    match answer.status {
        status if status.is_success() => serde_urlencoded::from_bytes(&answer.body)
            .map_err(|_| transient(format!("the {kind} token that {} gives cannot be read", shop.host))),
        status if status.is_server_error() => Err(Failure::Unreachable {
            reason: format!("{} answered {status} when it was asked for a token", shop.host),
        }),
        status => {
            let why = why(&answer.body);
            let remedy = if why.contains(ALREADY_GIVEN) { REAUTHORISE } else { "" };
            Err(permanent(format!("{} gives no {kind} token: it answered {status}{why}{remedy}", shop.host)))
        }
    }
}

/// What the shop says of a refusal, in a form or in JSON; it holds no secret of ours.
fn why(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        oauth_problem: String,
    }
    let problem = serde_urlencoded::from_bytes::<Problem>(body).ok();
    problem.map_or_else(String::new, |problem| format!(" ({})", shorten(&problem.oauth_problem)))
}
