//! Tokens of Adobe's identity service (IMS): fetched with the store's own credential, used until shortly before they end.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Url;
use serde::Deserialize;

use super::{credentials::Service, permanent};
use crate::{
    domain::Timestamp,
    platform::{
        Failure, Secret,
        http::{Body, Call, Http, Limits, Reach},
    },
};

const TOKEN_URL: &str = "https://ims-na1.adobelogin.com/ims/token/v3";

const SCOPES: &str = "openid,AdobeID,email,profile,additional_info.roles,additional_info.projectedProductContext,\
                      commerce.accs";

/// A token that ends sooner is renewed before it is used.
const RENEW_AHEAD: Duration = Duration::from_secs(300);

/// A token and until when it is good.
#[derive(Debug)]
pub(super) struct ServiceToken {
    token: Secret,
    expires_at: Timestamp,
}

impl ServiceToken {
    /// The header to send it in, while it is good.
    pub(super) fn header(&self, now: Timestamp) -> Option<HeaderValue> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.token.expose())).ok()?;
        header.set_sensitive(true);
        (now + RENEW_AHEAD < self.expires_at).then_some(header)
    }

    /// Asks for a token.
    pub(super) async fn fetch(http: &Http, service: &Service, limits: Limits, now: Timestamp) -> Result<Self, Failure> {
        let (url, reach) = match &service.token_url {
            Some(url) => (url.as_str(), Reach::Anywhere),
            None => (TOKEN_URL, Reach::Public),
        };
        let url = Url::parse(url).map_err(|_| permanent("the credential's `token_url` is no URL"))?;
        let form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", service.client_id.clone()),
            ("client_secret", service.client_secret.clone()),
            ("scope", SCOPES.to_owned()),
        ];
        let call = Call { method: Method::POST, url, headers: HeaderMap::new(), body: Some(Body::Form(form)) };
        let answer = http.send(reach, call, limits).await?;
        match answer.status {
            status if status.is_success() => {
                let given: Given = serde_json::from_slice(&answer.body)
                    .map_err(|_| Failure::Transient { reason: "Adobe's answer with a token cannot be read".into() })?;
                let expires_at = now + Duration::from_secs(given.expires_in);
                Ok(Self { token: Secret::new(given.access_token), expires_at })
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Failure::Throttled { retry_after: Duration::from_secs(60) }),
            status if status.is_server_error() => {
                Err(Failure::Unreachable { reason: format!("Adobe answered {status} when it was asked for a token") })
            }
            status => Err(permanent(format!(
                "Adobe gives no token ({status}): check `client_id` and `client_secret`, and that the credential has the \
                 scopes of Commerce"
            ))),
        }
    }
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    /// In seconds.
    expires_in: u64,
}
