//! The exchange of an activated integration's keys for its token: `/oauth/token/request`, then `/oauth/token/access`.

use axum::{
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};

use super::{
    Access, Consumer, MagentoRest, Server,
    access::{check_signature, oauth_parameters, value},
    lock,
};

/// An integration whose exchange has begun.
#[derive(Default)]
pub(super) struct State {
    activated: Option<Activated>,
}

struct Activated {
    consumer: Consumer,
    verifier: String,
    token: Token,
}

/// What the one token of an integration is: it goes on from one kind to the next, and never back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Verifier,
    Request,
    Access,
}

/// What a shop posts to the callback address when an integration is activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    pub consumer_key: String,
    pub consumer_secret: String,
    pub verifier: String,
}

impl MagentoRest {
    /// Activates an integration: what the shop would post. Its token is good once it has been exchanged.
    pub fn activate(&self, name: &str) -> Activation {
        let consumer = Consumer::named(name);
        let verifier = format!("{name}-verifier");
        let activation = Activation {
            consumer_key: consumer.key.clone(),
            consumer_secret: consumer.secret.clone(),
            verifier: verifier.clone(),
        };
        self.seen().handshake.activated = Some(Activated { consumer, verifier, token: Token::Verifier });
        activation
    }
}

/// Answers the two addresses of the exchange; `None` for any other.
pub(super) fn answer(server: &Server, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let step = uri.path().strip_prefix("/oauth/token/")?;
    let refused =
        |status: StatusCode, problem: &str| Some((status, format!("oauth_problem={problem}")).into_response());
    let mut seen = lock(&server.state);
    let seen = &mut *seen;
    let (Some(activated), Some(parameters)) = (&mut seen.handshake.activated, oauth_parameters(headers)) else {
        return refused(StatusCode::UNAUTHORIZED, "consumer_key_rejected");
    };
    let request_secret = format!("{}-request-secret", activated.verifier);
    let token_secret = if step == "access" { request_secret.as_str() } else { "" };
    let secrets = (activated.consumer.secret.as_str(), token_secret);
    if check_signature((method, uri, headers), &parameters, secrets, &mut seen.nonces).is_err() {
        return refused(StatusCode::UNAUTHORIZED, "signature_invalid");
    }
    let request_token = format!("{}-request", activated.verifier);
    match step {
        "request" if activated.token != Token::Verifier => refused(
            StatusCode::UNAUTHORIZED,
            "Cannot+create+request+token+because+consumer+token+is+not+a+verifier+token",
        ),
        "request" => {
            activated.token = Token::Request;
            Some(format!("oauth_token={request_token}&oauth_token_secret={request_secret}").into_response())
        }
        "access"
            if activated.token == Token::Request
                && value(&parameters, "oauth_token") == request_token
                && value(&parameters, "oauth_verifier") == activated.verifier =>
        {
            activated.token = Token::Access;
            let Consumer { token, token_secret, .. } = activated.consumer.clone();
            *lock(&server.access) = Access::Integration(activated.consumer.clone());
            Some(format!("oauth_token={token}&oauth_token_secret={token_secret}").into_response())
        }
        _ => refused(StatusCode::UNAUTHORIZED, "token_rejected"),
    }
}
