//! `/u/{token}`: out of a shop's marketing, by a mail program's one click (RFC 8058) or by a person's.
//!
//! Mail scanners follow links, so that looking changes nothing; a post does, without asking who it is or why.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use minijinja::{Value, context, value::Serde};

use super::{html, mail_words, mail_words::MailWords, words};
use crate::{
    catalog::{
        StoreEntry,
        templates::{Locale, wanted},
    },
    effects::{
        Recipient,
        contacts::{self, Standing},
    },
    host::Host,
    store::Error,
};

/// Who follows a link of a mail, and how they are spoken to.
pub(super) struct Reader {
    pub recipient: Recipient,
    pub store: Arc<StoreEntry>,
    pub standing: Standing,
    pub locale: Locale,
    pub words: &'static MailWords,
}

/// Why somebody gets no page.
pub(super) enum Denied {
    /// The link is none of this host's, or of a store that is gone.
    Gone,
    Failed(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let words = words::of("");
        let (status, notice) = match self {
            Self::Gone => (StatusCode::NOT_FOUND, words.gone),
            Self::Failed(error) => {
                tracing::error!(%error, "the page of a mail's link cannot be served: {error}");
                (StatusCode::SERVICE_UNAVAILABLE, words.failed)
            }
        };
        html::notice(status, words, notice).into_response()
    }
}

/// Reads a link's token.
pub(super) fn reader(host: &Host, token: &str) -> Result<Reader, Denied> {
    let recipient = contacts::recipient(&host.outbox, token).ok_or(Denied::Gone)?;
    let store = host.catalog.registry().store(recipient.store).cloned().ok_or(Denied::Gone)?;
    let standing = contacts::standing(&host.outbox, recipient.store, recipient.contact)?;
    let locale = standing.customer.as_ref().and_then(|customer| customer.locale.as_deref());
    let words = mail_words::of(&wanted(locale, &store.record.locale));
    let locale = Locale::parse(words.lang).unwrap_or_else(Locale::english);
    Ok(Reader { recipient, store, standing, locale, words })
}

impl Reader {
    pub fn shop(&self) -> &str {
        &self.store.record.name
    }

    /// A page of a mail's link.
    pub fn page(&self, template: &str, title: &str, more: Value) -> Response {
        let title = title.replace("{}", self.shop());
        let context = context! { lang => self.words.lang, title, words => Value::from(Serde(self.words)), ..more };
        html::render(template, StatusCode::OK, context).into_response()
    }
}

/// The way from one link's page to the other's, both of which end in the token.
fn preferences(token: &str) -> String {
    format!("../preferences/{}", html::segment(token))
}

/// `GET /u/{token}`
pub async fn ask(State(host): State<Arc<Host>>, Path(token): Path<String>) -> Result<Response, Denied> {
    let reader = reader(&host, &token)?;
    let words = reader.words;
    let more = context! { text => words.unsubscribe_text, preferences => preferences(&token) };
    Ok(reader.page("unsubscribe.html", words.unsubscribe_title, more))
}

/// `POST /u/{token}`: what the body says does not matter, and nothing is asked or redirected (RFC 8058, section 3.2).
pub async fn unsubscribe(State(host): State<Arc<Host>>, Path(token): Path<String>) -> Result<Response, Denied> {
    let reader = reader(&host, &token)?;
    contacts::unsubscribe(&host.outbox, reader.recipient.store, reader.recipient.contact).await?;
    tracing::info!(store = %reader.recipient.store, plugin = %reader.recipient.plugin, "somebody has unsubscribed");
    let words = reader.words;
    let text = words.unsubscribed_text.replace("{}", reader.shop());
    let more = context! { text, preferences => preferences(&token) };
    Ok(reader.page("unsubscribed.html", words.unsubscribed_title, more))
}

#[cfg(test)]
mod tests;
