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
    catalog::{StoreEntry, templates::{Locale, wanted}},
    domain::{Contact, Customer},
    effects::{Recipient, contacts},
    host::Host,
    store::{Error, Store, decode, keys},
};

/// Who follows a link of a mail, and how they are spoken to.
pub(super) struct Reader {
    pub recipient: Recipient,
    pub store: Arc<StoreEntry>,
    pub contact: Contact,
    pub is_unsubscribed: bool,
    pub locale: Locale,
    pub words: &'static MailWords,
}

/// Reads a link's token; an answer for who has none that is good.
pub(super) fn reader(host: &Host, token: &str) -> Result<Reader, Response> {
    let gone = || html::notice(StatusCode::NOT_FOUND, words::of(""), words::of("").gone).into_response();
    let recipient = contacts::recipient(&host.outbox, token).ok_or_else(gone)?;
    let store = host.catalog.registry().store(recipient.store).cloned().ok_or_else(gone)?;
    let contact = contacts::read(&host.outbox, recipient.store, recipient.contact).map_err(|error| failed(&error))?;
    let contact = contact.unwrap_or_default();
    let customer = contact.customer.as_ref().map(|id| host.sled.get(&keys::customer(recipient.store, id)));
    let customer = customer.transpose().map_err(|error| failed(&error))?.flatten();
    let customer = customer.and_then(|row| decode::<Customer>(&row.bytes).ok());
    let is_unsubscribed = contact.is_unsubscribed(customer.as_ref().and_then(|customer| customer.consent_at));
    let locale = customer.and_then(|customer| customer.locale);
    let wanted = wanted(locale.as_deref(), &store.record.locale);
    let words = mail_words::of(&wanted);
    let locale = Locale::parse(words.lang).unwrap_or_else(Locale::english);
    Ok(Reader { recipient, store, contact, is_unsubscribed, locale, words })
}

/// A page for who has to come again.
pub(super) fn failed(error: &Error) -> Response {
    tracing::error!(%error, "the page of a mail's link cannot be served: {error}");
    html::notice(StatusCode::SERVICE_UNAVAILABLE, words::of(""), words::of("").failed).into_response()
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
pub async fn ask(State(host): State<Arc<Host>>, Path(token): Path<String>) -> Response {
    let reader = match reader(&host, &token) {
        Ok(reader) => reader,
        Err(answer) => return answer,
    };
    let words = reader.words;
    let more = context! { text => words.unsubscribe_text, preferences => preferences(&token) };
    reader.page("unsubscribe.html", words.unsubscribe_title, more)
}

/// `POST /u/{token}`: what the body says does not matter, and nothing is asked or redirected (RFC 8058, section 3.2).
pub async fn unsubscribe(State(host): State<Arc<Host>>, Path(token): Path<String>) -> Response {
    let reader = match reader(&host, &token) {
        Ok(reader) => reader,
        Err(answer) => return answer,
    };
    if let Err(error) = contacts::unsubscribe(&host.outbox, &reader.recipient).await {
        return failed(&error);
    }
    tracing::info!(store = %reader.recipient.store, plugin = %reader.recipient.plugin, "somebody has unsubscribed");
    let words = reader.words;
    let text = words.unsubscribed_text.replace("{}", reader.shop());
    reader.page("unsubscribed.html", words.unsubscribed_title, context! { text, preferences => preferences(&token) })
}
