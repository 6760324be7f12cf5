//! Answers of the REST API: what was asked for, or Magento's words for why not.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{permanent, transient};
use crate::platform::{Failure, error::shorten};

/// A wait where a shop that is throttled or in maintenance states none, and the longest that is believed.
const WAIT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// An answer that came of the request itself: it was done, there is no such thing, or Magento declines it.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

impl Answer {
    /// Sorts out what says nothing of the request: other addresses, refused access, a shop that is busy or broken.
    pub(super) fn of(host: &str, status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Result<Self, Failure> {
        let said = || said(&body);
        match status.as_u16() {
            200..=299 | 400 | 404 => Ok(Self { status, body }),
            300..=399 => Err(permanent(format!("{host} redirects elsewhere: set the address of the shop's API"))),
            // Whoever signs anew is heard.
            401 if said().is_some_and(|said| said.contains("nonce")) => {
                Err(transient(format!("{host} takes the request for a repeated one")))
            }
            401 => Err(permanent(format!("{}: {TOKEN_REFUSED}", said().unwrap_or_else(|| status.to_string())))),
            403 => Err(permanent(format!("{}: {ACCESS_DENIED}", said().unwrap_or_else(|| status.to_string())))),
            429 => Err(Failure::Throttled { retry_after: retry_after(headers).unwrap_or(WAIT) }),
            502..=504 => {
                let reason = format!("{host} answered {status}");
                match retry_after(headers) {
                    Some(retry_after) => Err(Failure::Later { retry_after, reason }),
                    None => Err(Failure::Unreachable { reason }),
                }
            }
            // One that names a report concerns this request: other calls of the shop may well succeed.
            408 | 425 | 500..=599 => {
                let detail = said().map_or_else(String::new, |said| format!(": {said}"));
                Err(transient(format!("{host} answered {status}{detail}")))
            }
            _ => {
                let detail = said().unwrap_or_else(|| "this program and Magento disagree about the request".into());
                Err(permanent(format!("{host} answered {status}: {detail}")))
            }
        }
    }

    /// Whether Magento has looked at what was asked for and will not do it.
    pub(super) fn is_declined(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(permanent(said(&self.body).unwrap_or_else(|| format!("Magento answered {}", self.status))));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| transient(format!("Magento's answer cannot be read: {error}")))
    }

    /// The same; `None` if there is no such thing. A shop that has no such address answers alike, and is told from that.
    pub(super) fn found<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match self.status == StatusCode::NOT_FOUND {
            true if said(&self.body).is_none_or(|said| said.contains("does not match any route")) => {
                Err(permanent("there is no Magento REST API here: check the address of the shop's API"))
            }
            true => Ok(None),
            false => self.read().map(Some),
        }
    }
}

const TOKEN_REFUSED: &str = "activate the integration anew with `regulars store connect`, give it all resources that \
                             docs/magento.md lists, or set another token with `regulars store update`";

const ACCESS_DENIED: &str = "give the integration all resources that docs/magento.md lists";

/// What Magento says, with its parameters in their places.
fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        message: String,
        #[serde(default)]
        parameters: Value,
    }
    let said: Said = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let named: Vec<(String, String)> = match &said.parameters {
        // The last first: `%1` begins `%10`.
        Value::Array(values) => {
            values.iter().enumerate().map(|(index, value)| ((index + 1).to_string(), text(value))).rev().collect()
        }
        Value::Object(values) => values.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        _ => Vec::new(),
    };
    let filled = named.iter().fold(said.message, |message, (name, value)| message.replace(&format!("%{name}"), value));
    Some(shorten(&filled))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).clamp(Duration::from_secs(1), WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn failure(status: u16, body: Value) -> Failure {
        failure_with(status, body, &HeaderMap::new())
    }

    fn failure_with(status: u16, body: Value, headers: &HeaderMap) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer::of("shop.example", status, headers, body.to_string().into_bytes());
        answer.and_then(|answer| answer.read::<Value>()).unwrap_err()
    }

    #[test]
    fn what_magento_says_has_its_parameters_in_place() {
        let listed = json!({"message": "Signature method %1 is not supported", "parameters": ["HMAC-SHA1"]});
        assert_eq!(failure(400, listed).to_string(), "Signature method HMAC-SHA1 is not supported");
        let named = json!({
            "message": "No such entity with %fieldName = %fieldValue",
            "parameters": {"fieldName": "customerId", "fieldValue": 99_999},
        });
        assert_eq!(failure(404, named).to_string(), "No such entity with customerId = 99999");
    }

    #[test]
    fn a_refused_token_and_a_missing_resource_say_what_helps() {
        let denied = json!({
            "message": "The consumer isn't authorized to access %resources.",
            "parameters": {"resources": "Magento_Backend::store"},
        });
        let Failure::Permanent { reason } = failure(401, denied) else { panic!("it is permanent") };
        assert!(
            reason.starts_with("The consumer isn't authorized to access Magento_Backend::store.: activate"),
            "{reason}"
        );
        assert!(matches!(failure(403, json!({})), Failure::Permanent { .. }));
    }

    #[test]
    fn a_nonce_that_is_taken_for_a_repeated_one_is_tried_again() {
        let repeated =
            json!({"message": "The nonce is already being used by the consumer with ID %1", "parameters": ["1"]});
        assert!(matches!(failure(401, repeated), Failure::Transient { .. }));
    }

    #[test]
    fn a_shop_that_is_busy_or_in_maintenance_or_broken_is_told_apart() {
        let wait = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        let seven = Duration::from_secs(7);
        assert_eq!(failure_with(429, json!({}), &wait), Failure::Throttled { retry_after: seven });
        assert_eq!(failure(429, json!({})), Failure::Throttled { retry_after: WAIT });
        assert!(
            matches!(failure_with(503, json!({}), &wait), Failure::Later { retry_after, .. } if retry_after == seven)
        );
        assert!(matches!(failure(503, json!({})), Failure::Unreachable { .. }));
        let report = json!({"message": "Internal Error. Report ID: webapi-1"});
        assert!(matches!(failure(500, report), Failure::Transient { reason } if reason.contains("webapi-1")));
    }

    #[test]
    fn nothing_of_that_id_is_told_from_no_such_address() {
        let of = |body: Value| {
            let body = body.to_string().into_bytes();
            Answer::of("shop.example", StatusCode::NOT_FOUND, &HeaderMap::new(), body).unwrap().found::<Value>()
        };
        assert_eq!(of(json!({"message": "The entity that was requested doesn't exist."})), Ok(None));
        assert!(of(json!({"message": "Request does not match any route."})).is_err());
        assert!(of(json!("<html>")).is_err());
    }
}
