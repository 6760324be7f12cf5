//! What opens a store's REST API. A store keeps it as the text of its access token: a plain token, or JSON where it takes
//! more than one text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::platform::{Failure, Secret};

/// What shows Magento who calls.
pub enum Credentials {
    /// A token that is sent as it is: an integration's, where the shop allows that.
    Bearer(Secret),
    Integration(Integration),
    Service(Service),
}

/// An integration that a merchant has activated: requests are signed with it (OAuth 1.0a).
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    pub consumer_key: String,
    pub consumer_secret: String,
    pub access_token: String,
    pub access_token_secret: String,
}

/// A server-to-server credential of Adobe's identity service, which gives tokens that end: for Commerce as a service.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub client_id: String,
    pub client_secret: String,
    /// As in `1234ABCD@AdobeOrg`.
    pub organisation: String,
    /// Where tokens are given, if not by Adobe.
    #[serde(default)]
    pub token_url: Option<String>,
}

impl Credentials {
    /// Reads a store's access token. The error holds nothing of it.
    pub fn read(token: &Secret) -> Result<Self, Failure> {
        let text = token.expose().trim();
        if !text.starts_with('{') {
            let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            return if is_token { Ok(Self::Bearer(Secret::new(text))) } else { Err(unreadable()) };
        }
        let fields: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
        match fields.get("consumer_key") {
            Some(_) => serde_json::from_value(fields).map(Self::Integration),
            None => serde_json::from_value(fields).map(Self::Service),
        }
        .map_err(|_| unreadable())
    }
}

impl Integration {
    /// As a store's access token holds it.
    pub fn as_token(&self) -> String {
        serde_json::to_string(self).expect("four texts are JSON")
    }
}

fn unreadable() -> Failure {
    let reason = "the store's access token cannot be used: it is a token; or JSON with `consumer_key`, `consumer_secret`, \
                  `access_token` and `access_token_secret` of an integration; or JSON with `client_id`, `client_secret` and \
                  `organisation` of a server-to-server credential. Set it with `regulars store update --token-file`";
    Failure::Permanent { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Credentials, Failure> {
        Credentials::read(&Secret::new(text))
    }

    #[test]
    fn a_token_is_a_plain_one_or_that_of_an_integration_or_of_a_service() {
        assert!(matches!(read("q1w2e3\n"), Ok(Credentials::Bearer(token)) if token.expose() == "q1w2e3"));
        let integration = Integration {
            consumer_key: "ck".into(),
            consumer_secret: "cs".into(),
            access_token: "at".into(),
            access_token_secret: "ats".into(),
        };
        let kept = read(&integration.as_token());
        assert!(matches!(kept, Ok(Credentials::Integration(kept)) if kept.as_token() == integration.as_token()));
        let service = r#"{"client_id": "id", "client_secret": "hush", "organisation": "1@AdobeOrg"}"#;
        assert!(matches!(read(service), Ok(Credentials::Service(service)) if service.token_url.is_none()));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        for text in ["", " ", "two words", "{", r#"{"consumer_key": "hush"}"#, r#"{"client_id": 7, "hush": 1}"#] {
            let Err(Failure::Permanent { reason }) = read(text) else { panic!("{text}") };
            assert!(!reason.contains("hush"), "{reason}");
        }
    }
}
