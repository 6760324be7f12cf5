//! Magento shops that are being connected: who runs the host asks for two addresses, the merchant enters them as those of an
//! integration, and activates it. The shop then posts the integration's keys to the one and opens the other.
//!
//! The post shows nobody: its address alone, which only the merchant has, says whose it is, and the exchange of its keys at
//! the shop's own address that it came from there. Addresses are good once and for an hour; they end with the process, and
//! are asked for anew.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use data_encoding::BASE32_NOPAD;
use reqwest::Url;

use super::{InstallError, Keeper, door, to_its_end};
use crate::{
    catalog::{NewStore, StoreChange},
    domain::{CodeKey, Platform, Secret, Timestamp},
    platform::{
        self, Failure,
        http::Door,
        magento::{
            RestClient,
            rest::{
                Shop,
                credentials::Integration,
                handshake::{Activation, exchange},
            },
        },
    },
    store::Access,
};

#[cfg(test)]
mod tests;

/// How long the two addresses are good.
const GOOD_FOR: Duration = Duration::from_secs(3_600);

/// Bytes of what only the merchant has.
const TICKET_BYTES: usize = 20;

/// Shops that are being connected, by what only their merchants have.
pub(super) type Connections = HashMap<String, Connection>;

/// A shop that is being connected.
pub(super) struct Connection {
    shop: Shop,
    /// The shop's API, where it is not at the host's root.
    api_url: Option<String>,
    /// What its module will sign with; none keeps those of a store that is there.
    secret: Option<Secret>,
    expires_at: Timestamp,
    activation: Option<Activation>,
    /// What the activation was exchanged for. A shop gives it once: whatever fails afterwards goes on from here.
    integration: Option<Integration>,
}

/// What begins a connection.
pub struct NewConnection {
    /// The address of the shop, as its merchant knows it.
    pub url: String,
    /// Where its API is called instead.
    pub api_url: Option<String>,
    pub secret: Option<Secret>,
}

/// A connection that waits for the merchant.
#[derive(Debug)]
pub struct Begun {
    /// The end of both addresses.
    pub ticket: String,
    pub store: String,
    pub expires_at: Timestamp,
    /// What the shop's module has to sign with, where it was made up for a store that is new.
    pub made_secret: Option<Secret>,
}

/// Why a shop is not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("`{0}` is no address of a shop: `https://shop.example.com` is one")]
    Address(String),
    #[error("there is no such connection, or no more: ask for another with `regulars store connect`")]
    NoConnection,
    #[error("the shop says that it is at `{said}`, and {host} was to be connected: connect that address")]
    OtherShop { said: String, host: String },
    #[error(
        "the shop has not sent its keys: activate the integration, whose callback URL has to be the one that was given"
    )]
    NotActivated,
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        Self::Install(failure.into())
    }
}

/// Where the merchant's browser goes on.
#[derive(Debug, PartialEq, Eq)]
pub struct Connected {
    /// Hosts to which it may be sent back.
    pub hosts: Vec<String>,
}

impl Keeper {
    /// Begins to connect a shop; an earlier connection of the same shop ends.
    pub fn begin_connection(&self, new: NewConnection) -> Result<Begun, ConnectError> {
        let invalid = || ConnectError::Address(new.url.clone());
        let url = Url::parse(&new.url).ok().filter(|url| url.scheme() == "https").ok_or_else(invalid)?;
        let host = url.host_str().and_then(|host| platform::store_name(Platform::Magento, host)).ok_or_else(invalid)?;
        let path = url.path().trim_end_matches('/');
        let is_root = path.is_empty() && url.port().is_none();
        let own = format!("{}{path}", url.origin().ascii_serialization());
        let api_url = new.api_url.or_else(|| (!is_root).then_some(own));
        let Door { base, reach } = door(&host, api_url.as_deref());
        let shop = Shop { host: host.clone(), base, reach };
        let is_known = self.catalog.registry().store_of(Platform::Magento, &host).is_some();
        let made_secret = (new.secret.is_none() && !is_known).then(|| Secret::new(ticket()));
        let expires_at = self.clock.now() + GOOD_FOR;
        let secret = new.secret.or_else(|| made_secret.clone());
        let ticket = ticket();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|_, other| other.expires_at > self.clock.now() && other.shop.host != host);
        let connection = Connection { shop, api_url, secret, expires_at, activation: None, integration: None };
        connections.insert(ticket.clone(), connection);
        Ok(Begun { ticket, store: host, expires_at, made_secret })
    }

    /// Takes what a shop posts when its integration is activated. Nothing is believed of it yet.
    pub fn take_activation(&self, ticket: &str, activation: Activation) -> Result<(), ConnectError> {
        let now = self.clock.now();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = connections.get_mut(ticket).filter(|connection| connection.expires_at > now);
        let connection = connection.ok_or(ConnectError::NoConnection)?;
        let said = Url::parse(&activation.store_base_url).ok();
        let said = said.as_ref().and_then(Url::host_str).unwrap_or_default();
        if !said.eq_ignore_ascii_case(&connection.shop.host) {
            let (said, host) = (activation.store_base_url, connection.shop.host.clone());
            return Err(ConnectError::OtherShop { said, host });
        }
        connection.activation = Some(activation);
        connection.integration = None;
        Ok(())
    }

    /// Connects the shop whose merchant has come back: its keys are exchanged for a token, and its store is there.
    pub async fn complete_connection(
        self: &Arc<Self>,
        ticket: &str,
        consumer_key: &str,
    ) -> Result<Connected, ConnectError> {
        let (keeper, ticket, consumer_key) = (Arc::clone(self), ticket.to_owned(), consumer_key.to_owned());
        to_its_end(async move { keeper.complete_now(&ticket, &consumer_key).await }).await
    }

    async fn complete_now(&self, ticket: &str, consumer_key: &str) -> Result<Connected, ConnectError> {
        let mut connection = self.taken(ticket, consumer_key)?;
        match self.connect(&mut connection).await {
            Ok(connected) => Ok(connected),
            Err(error) => {
                // The merchant may open the page again.
                self.connections
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(ticket.to_owned())
                    .or_insert(connection);
                Err(error)
            }
        }
    }

    /// Takes out the connection that a merchant comes back to, so that one visit completes it.
    fn taken(&self, ticket: &str, consumer_key: &str) -> Result<Connection, ConnectError> {
        let now = self.clock.now();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let known = connections.get(ticket).filter(|connection| connection.expires_at > now);
        let known = known.ok_or(ConnectError::NoConnection)?;
        match known.activation.as_ref().is_some_and(|activation| activation.consumer_key == consumer_key) {
            true => connections.remove(ticket).ok_or(ConnectError::NoConnection),
            false => Err(ConnectError::NotActivated),
        }
    }

    async fn connect(&self, connection: &mut Connection) -> Result<Connected, ConnectError> {
        let integration = match connection.integration.take() {
            Some(integration) => integration,
            None => {
                let activation = connection.activation.as_ref().ok_or(ConnectError::NotActivated)?;
                exchange(&self.http, &connection.shop, activation, self.clock.now()).await?
            }
        };
        let integration = connection.integration.insert(integration);
        let access = Access::lasting(integration.as_token());
        let Connection { shop, api_url, secret, .. } = &*connection;
        let known = self.catalog.registry().store_of(Platform::Magento, &shop.host).cloned();
        let secrets = secret.iter().map(|secret| secret.expose().to_owned()).collect();
        let kept = match known {
            Some(_) => {
                let change = StoreChange {
                    add_secrets: secrets,
                    access: Some(access),
                    api_url: api_url.clone(),
                    seen_installed: true,
                    ..StoreChange::default()
                };
                self.catalog.change_store(&shop.host, change).await
            }
            None => self.catalog.add_store(self.new_store(connection, access, secrets).await?).await,
        };
        kept.map_err(InstallError::from)?;
        let api_host = Url::parse(&shop.base).ok().and_then(|url| url.host_str().map(str::to_owned));
        Ok(Connected { hosts: [shop.host.clone()].into_iter().chain(api_host).collect() })
    }

    /// What the shop says of itself.
    async fn new_store(
        &self,
        connection: &Connection,
        access: Access,
        secrets: Vec<String>,
    ) -> Result<NewStore, Failure> {
        let shop = &connection.shop;
        // Nothing is made here that takes a key.
        let no_codes = CodeKey::under(&[0; 32]);
        let (http, clock) = (self.http.clone(), Arc::clone(&self.clock));
        let client = RestClient::new(http, shop.clone(), &Secret::new(access.token.as_str()), no_codes, clock)?;
        let views = client.views().await?;
        Ok(NewStore {
            platform: Platform::Magento,
            domain: shop.host.clone(),
            name: shop.host.split('.').next().unwrap_or(&shop.host).to_owned(),
            url: format!("https://{}", shop.host),
            currency: views.currency,
            time_zone: views.time_zone.clone(),
            locale: views.locale.split('_').next().unwrap_or("en").to_owned(),
            secrets,
            access: Some(access),
            api_url: connection.api_url.clone(),
        })
    }
}

fn ticket() -> String {
    let mut bytes = [0; TICKET_BYTES];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    BASE32_NOPAD.encode(&bytes).to_lowercase()
}
