//! Who sends to a Magento store's addresses, and how each is believed.
//!
//! What belongs here: one file for each sender, from the request to events that can be kept. Bodies are read as far as that
//! takes, which is their envelope.

use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::normalise;
use crate::{
    domain::Timestamp,
    platform::{Refusal, Secret},
};

pub mod adobe_commerce;
pub mod adobe_io;
mod adobe_keys;
pub mod async_events;
pub mod mageplaza;
pub mod module;

pub use crate::platform::rsa::{NotAKey, PublicKey};
pub use adobe_keys::{AdobeKeys, KeyPath, Unavailable};

/// Who sends. All but our own module name the store in the address that they were given, and with it the ids of the store's
/// views, where they tell of a whole installation that serves other shops as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender<'a> {
    /// `POST /webhooks/magento`
    Module,
    /// `POST /webhooks/adobe-io/{store}?views=1,3`
    AdobeIo { store: &'a str, views: Option<&'a str> },
    /// `POST /webhooks/adobe-commerce/{store}?views=1,3`
    AdobeCommerce { store: &'a str, views: Option<&'a str> },
    /// `POST /webhooks/async-events/{store}/{event}?views=1,3`
    AsyncEvents { store: &'a str, event: &'a str, views: Option<&'a str> },
    /// `POST /webhooks/mageplaza/{store}/{hook}?views=1,3`
    Mageplaza { store: &'a str, hook: &'a str, views: Option<&'a str> },
}

impl Sender<'_> {
    /// The store that a request claims to come from.
    pub fn claimed_store(self, headers: &HeaderMap) -> Result<String, Refusal> {
        match self {
            Self::Module => module::claimed_store(headers),
            Self::AdobeIo { store, .. }
            | Self::AdobeCommerce { store, .. }
            | Self::AsyncEvents { store, .. }
            | Self::Mageplaza { store, .. } => Ok(store.to_ascii_lowercase()),
        }
    }
}

/// The forms of bodies, each with its sender's name as people know it.
pub const FORMS: [(&str, &str); 5] = [
    (module::FORM, "our module"),
    (adobe_io::FORM, "Adobe I/O Events"),
    (adobe_commerce::FORM, "Commerce webhooks"),
    (async_events::FORM, "mageos-async-events"),
    (mageplaza::FORM, "Mageplaza's module"),
];

impl Sender<'_> {
    /// The store views that the address is for; `None` for all of the installation.
    pub fn views(self) -> Result<Option<Vec<u64>>, Refusal> {
        let views = match self {
            Self::Module => None,
            Self::AdobeIo { views, .. }
            | Self::AdobeCommerce { views, .. }
            | Self::AsyncEvents { views, .. }
            | Self::Mageplaza { views, .. } => views,
        };
        let ids = views.map(|ids| ids.split(',').map(|id| id.trim().parse()).collect());
        ids.transpose().map_err(|_| Refusal::Body("`views` in its address is no list of store views' ids".into()))
    }
}

/// What a sender is believed by, and when it is.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The store's secrets.
    pub secrets: &'a [Secret],
    /// The client id of the store's project in Adobe's Developer Console.
    pub adobe_client_id: Option<&'a str>,
    /// What the store's Commerce webhooks are signed with.
    pub adobe_webhook_key: Option<&'a PublicKey>,
    pub now: Timestamp,
    /// For how long ids of events are remembered: an older event could have been here before.
    pub remembered: Duration,
}

/// An event that a believed sender has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The same for every repeat: the key to find repeats by.
    pub id: String,
    pub topic: String,
    /// The form that the body has.
    pub form: &'static str,
    /// When it happened, by its sender's clock.
    pub occurred_at: Option<Timestamp>,
    pub body: Bytes,
}

/// A header's text, trimmed; `None` if it is absent, blank or not ASCII.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Refusal> {
    header(headers, name).ok_or(Refusal::MissingHeader { header: name })
}

/// Ids and topics become keys and log fields: short, printable, without spaces.
fn is_printable(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An event of a sender who signs neither id nor time. Topic and body name it: a repeat has the same. A body that is older than
/// ids are remembered is refused.
fn of_body_alone(
    (prefix, topic): (&str, String),
    form: &'static str,
    body: &Bytes,
    trust: &Trust<'_>,
) -> Result<Received, Refusal> {
    if !is_printable(&topic) {
        return Err(Refusal::Body("its topic is none".into()));
    }
    let occurred_at = normalise::changed_at(&topic, body);
    check_age(occurred_at, trust)?;
    let hash = Sha256::new().chain_update(&topic).chain_update([0]).chain_update(body).finalize();
    Ok(Received {
        id: format!("{prefix}/{}", HEXLOWER.encode(&hash[..16])),
        topic,
        form,
        occurred_at,
        body: body.clone(),
    })
}

/// Refuses an event that is older than ids are remembered.
fn check_age(occurred_at: Option<Timestamp>, trust: &Trust<'_>) -> Result<(), Refusal> {
    match occurred_at.map(|at| trust.now.since(at)) {
        Some(age) if age > trust.remembered => Err(Refusal::Stale { seconds: age.as_secs() }),
        _ => Ok(()),
    }
}
