//! Every error's HTTP status and wording, as a problem document (RFC 9457).

use axum::{
    Json,
    body::to_bytes,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::storefront::form::FormError;
use crate::{
    access::{ConnectError, InstallError},
    catalog,
    dispatch::ReplayError,
    effects::{RetryError, reports::ReportError},
    host::Unready,
    ingest::{Refused, actions::ActionRefused, tasks::AnswerRefused},
    platform::Failure,
    store,
};

/// An error as a client sees it.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// `urn:regulars:problem:` and a word that does not change.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    /// What went wrong this time, and what helps.
    detail: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// Answers of the routes.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:regulars:problem:{word}");
        Self { kind, title, status, detail: detail.into(), more: Map::new() }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// Nothing shows who asks.
    pub fn no_session(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no-session", "Nothing shows who you are", detail)
    }

    /// Who asks is known, and may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not for you", detail)
    }

    /// A shop has refused what its installation takes.
    pub fn not_installed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "not-installed", "The shop could not be installed", detail)
    }

    /// A shop does not answer for now.
    pub fn shop_away(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "shop-away", "The shop does not answer", detail)
    }

    /// Too much waits already.
    fn far_behind(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "far-behind", "The host is far behind", detail)
    }

    /// Somebody asks more often than anybody needs to.
    pub fn too_often() -> Self {
        let detail = "you have asked too often; ask again in a minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many requests", detail)
    }

    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    pub fn no_customer(name: &str) -> Self {
        Self::missing(format!("there is no customer with the id or e-mail address `{name}`"))
    }

    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large", detail)
    }

    pub fn too_slow(seconds: u64) -> Self {
        let detail = format!("the body did not arrive within {seconds} s");
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long", detail)
    }

    /// What is asked for is the work of a running host, and this one was opened for the moment.
    pub fn not_running(what: &str) -> Self {
        let detail = format!("{what} is the work of a running host, and none runs: start it with `regulars serve`");
        Self::new(StatusCode::CONFLICT, "not-running", "No host is running", detail)
    }

    /// Says nothing about the inside to whoever may ask; the log does.
    pub fn not_ready(reasons: &[Unready]) -> Self {
        let told = |reason: &Unready| match reason {
            Unready::Inbox => ("inbox", "no event can be kept: the log says why".to_owned()),
            Unready::Store => ("store", "nothing can be committed: the log says why".to_owned()),
            Unready::Behind { waited, bound } => {
                ("behind", format!("an event has waited for {} s, longer than {} s", waited.as_secs(), bound.as_secs()))
            }
        };
        let reasons: Vec<_> = reasons.iter().map(told).collect();
        let detail: Vec<_> = reasons.iter().map(|(_, detail)| detail.as_str()).collect();
        let list = reasons.iter().map(|(reason, detail)| json!({ "reason": reason, "detail": detail })).collect();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "The host is not ready", detail.join("; "))
            .with("reasons", list)
    }

    /// Says nothing about the inside; the log does.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed: {error}");
        let detail = "the host's log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", detail)
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.into(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Request(refusal) if refusal.is_unauthenticated() => {
                Self::new(StatusCode::UNAUTHORIZED, "bad-signature", "The webhook is not signed by the store", detail)
            }
            Refused::Request(_) => {
                Self::new(StatusCode::BAD_REQUEST, "bad-headers", "The webhook's headers cannot be read", detail)
            }
            Refused::UnknownStore(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown-store", "The store is not known here", detail)
            }
            Refused::NotJson(_) => {
                Self::new(StatusCode::BAD_REQUEST, "not-json", "The webhook's body cannot be read", detail)
            }
            Refused::NoKey(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-key", "The signature cannot be checked now", detail)
            }
            Refused::FarBehind => Self::far_behind(detail),
            Refused::Unavailable(error) => error.into(),
        }
    }
}

impl From<ConnectError> for Problem {
    fn from(error: ConnectError) -> Self {
        let detail = error.to_string();
        match error {
            ConnectError::NoConnection => Self::missing(detail),
            ConnectError::Address(_) | ConnectError::OtherShop { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "other-shop", "The address is not the shop's", detail)
            }
            ConnectError::NotActivated => {
                Self::new(StatusCode::CONFLICT, "not-activated", "The integration is not activated", detail)
            }
            ConnectError::Install(error) => error.into(),
        }
    }
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Catalog(error) => error.into(),
            InstallError::Shop(failure @ Failure::Permanent { .. }) => Self::not_installed(failure.to_string()),
            InstallError::Shop(failure) => Self::shop_away(failure.to_string()),
        }
    }
}

impl From<ActionRefused> for Problem {
    fn from(refused: ActionRefused) -> Self {
        match refused {
            ActionRefused::Plugin(error) => error.into(),
            ActionRefused::Key | ActionRefused::Name => Self::bad_request(refused.to_string()),
            ActionRefused::UnknownCustomer(name) => Self::no_customer(&name),
            ActionRefused::FarBehind => Self::far_behind(refused.to_string()),
            ActionRefused::Store(error) => error.into(),
        }
    }
}

impl From<AnswerRefused> for Problem {
    fn from(refused: AnswerRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            AnswerRefused::NoTask { .. } => Self::missing(detail),
            AnswerRefused::NoChoice { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no-choice", "The task has no such answer", detail)
            }
            AnswerRefused::Reason => Self::bad_request(detail),
            AnswerRefused::Action(refused) => refused.into(),
            AnswerRefused::Store(error) => error.into(),
        }
    }
}

impl From<FormError> for Problem {
    fn from(error: FormError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Full | store::Error::NoRoom { .. } | store::Error::Io { .. } | store::Error::Stopped(_) => {
                tracing::error!(%error, "the store cannot serve a request: {error}");
                let detail = "nothing was kept; send it again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The host cannot keep anything now", detail)
            }
            store::Error::Exists { .. } | store::Error::NotADataDirectory { .. } | store::Error::Locked { .. } => {
                Self::new(StatusCode::CONFLICT, "conflict", "Something stands in the way", error.to_string())
            }
            error => Self::internal(&error),
        }
    }
}

impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        use catalog::Error;
        let detail = error.to_string();
        let unprocessable =
            |word, title, detail: String| Self::new(StatusCode::UNPROCESSABLE_ENTITY, word, title, detail);
        match error {
            Error::NoStore(_) | Error::NotInstalled(_) | Error::NotEnabled { .. } | Error::NoSettings { .. } => {
                Self::missing(detail)
            }
            Error::StoreExists(_) | Error::Conflict => {
                Self::new(StatusCode::CONFLICT, "conflict", "It is there already or is being changed", detail)
            }
            Error::NotPaused { .. } => {
                Self::new(StatusCode::CONFLICT, "not-paused", "The plugin is not paused", detail)
            }
            Error::Invalid { .. } => unprocessable("invalid", "A value cannot be used", detail),
            Error::NotGranted { .. } => unprocessable("not-granted", "A capability is not granted", detail),
            Error::Settings { problems, .. } => {
                let list: Vec<_> =
                    problems.iter().map(|it| json!({ "path": it.path, "message": it.message })).collect();
                let told: Vec<_> = problems.iter().map(|it| format!("{}: {}", it.path, it.message)).collect();
                unprocessable("bad-settings", "The settings do not fit", format!("{detail}: {}", told.join("; ")))
                    .with("problems", Value::Array(list))
            }
            Error::Template(catalog::templates::Error::NoMail(_)) => Self::missing(detail),
            Error::Template(_) => unprocessable("bad-template", "The mail cannot be used", detail),
            Error::Package(_) | Error::Engine(_) => unprocessable("bad-plugin", "The plugin cannot be used", detail),
            Error::Store(error) => error.into(),
            error @ Error::File { .. } => Self::internal(&error),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        let detail = error.to_string();
        match error {
            ReplayError::NoEvent | ReplayError::NoDelivery => Self::missing(detail),
            ReplayError::BodyGone | ReplayError::AllDone | ReplayError::Unreadable(_) => {
                Self::new(StatusCode::CONFLICT, "not-replayed", "Nothing was replayed", detail)
            }
            ReplayError::Waits(_) => Self::new(StatusCode::CONFLICT, "waiting", "The delivery waits", detail),
            ReplayError::Store(error) => error.into(),
        }
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        let detail = error.to_string();
        match error {
            RetryError::NoEffect => Self::missing(detail),
            RetryError::NotFailed(_) | RetryError::Told | RetryError::Ended | RetryError::UsedUp(_) => {
                Self::new(StatusCode::CONFLICT, "not-retried", "The effect was not tried again", detail)
            }
            RetryError::Store(error) => error.into(),
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        let detail = error.to_string();
        match error {
            ReportError::NotMail | ReportError::NotReport | ReportError::NoMail => Self::bad_request(detail),
            ReportError::UnknownMail(_) => Self::missing(detail),
            ReportError::Store(error) => error.into(),
        }
    }
}

/// No such address.
pub async fn not_found() -> Problem {
    Problem::missing("there is nothing at this address")
}

/// An address that does not take this method; the router adds which it takes.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; the header `Allow` names what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method does not fit", detail)
}

/// Bytes of what an extractor says that are told: it may quote the request.
const TOLD_BYTES: usize = 1 << 10;

/// Words what axum's extractors refuse, of whichever route. They answer in plain text, as nothing else here
/// does. `LIMIT` is that of the routes' bodies.
pub async fn of_extractors<const LIMIT: usize>(response: Response) -> Response {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !response.status().is_client_error() || !content_type.is_some_and(|it| it.starts_with("text/plain")) {
        return response;
    }
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large(LIMIT).into_response();
    }
    let told = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    Problem::bad_request(String::from_utf8_lossy(&told[..told.len().min(TOLD_BYTES)])).into_response()
}
