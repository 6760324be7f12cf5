//! Access to platforms' APIs: tokens that end are renewed before they do.
//!
//! A renewal is asked for by one call at a time for each store, and what it brings is kept as a pair before it is used: a
//! right to the next token is good for one. Shopify takes the old one again until its successor has been used, so that a
//! crash in between locks nobody out. A token that nobody has needed for a day is renewed all the same, so that the right to
//! the next one never grows old.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::Url;

use crate::{
    catalog::{self, Catalog, StoreChange, StoreEntry},
    clock::Clock,
    domain::Timestamp,
    platform::{
        Failure, Secret,
        http::{Door, Http, Reach},
        shopify::oauth::{self, App, Proof},
    },
    store::Access,
};

mod connections;
mod install;
#[cfg(test)]
mod tests;

pub use connections::{Begun, ConnectError, Connected, NewConnection};
pub use install::InstallError;

/// A token that ends sooner is renewed before it is used: a call and its tries are over by then.
const RENEW_AHEAD: Duration = Duration::from_secs(300);

/// A token that ended longer ago is renewed though nobody needs it.
const IDLE: Duration = Duration::from_secs(23 * 3_600);

/// Between two looks for such tokens.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(1_800);

/// Gives the tokens of stores, and keeps them fresh.
pub struct Keeper {
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    http: Http,
    /// None where this host is installed from no listing.
    app: Option<App>,
    /// Held while a shop is asked for a token, by its domain: also a shop that is no store yet, or no longer.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    connections: Mutex<connections::Connections>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("app", &self.app).finish_non_exhaustive()
    }
}

impl Keeper {
    pub fn new(catalog: Arc<Catalog>, clock: Arc<dyn Clock>, http: Http, app: Option<App>) -> Self {
        Self { catalog, clock, http, app, turns: Mutex::default(), connections: Mutex::default() }
    }

    pub fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// The store's token, renewed if it is about to end.
    pub async fn token(&self, store: &StoreEntry) -> Result<Secret, Failure> {
        let access = store.access.as_ref().ok_or_else(|| no_token(store))?;
        match self.is_due(access, RENEW_AHEAD) {
            false => Ok(Secret::new(access.token.as_str())),
            true => self.renewed(store).await,
        }
    }

    async fn ask(&self, shop: &str, api_url: Option<&str>, proof: &Proof) -> Result<Access, Failure> {
        let app = self.app.as_ref().ok_or_else(no_app)?;
        oauth::token(&self.http, &door(shop, api_url), app, proof, self.clock.now()).await
    }

    fn turn(&self, shop: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(shop.into()).or_default())
    }

    fn is_due(&self, access: &Access, ahead: Duration) -> bool {
        access.expires_at.is_some_and(|end| end <= self.clock.now() + ahead)
    }

    /// Renews a store's token, unless another call has done so meanwhile.
    async fn renewed(&self, store: &StoreEntry) -> Result<Secret, Failure> {
        let turn = self.turn(&store.record.domain);
        let _turn = turn.lock().await;
        let entry = self.catalog.registry().store(store.id()).cloned();
        let entry = entry.ok_or_else(|| permanent("the store is gone"))?;
        let access = entry.access.as_ref().ok_or_else(|| no_token(&entry))?;
        if !self.is_due(access, RENEW_AHEAD) {
            return Ok(Secret::new(access.token.as_str()));
        }
        match self.renew(&entry, access).await {
            Ok(token) => Ok(token),
            // What is still good is used, whatever stands in the way of what comes after it.
            Err(failure) if !self.is_due(access, Duration::ZERO) => {
                let store = entry.id();
                tracing::warn!(%store, %failure, "the access token of store {store} could not be renewed yet: {failure}");
                Ok(Secret::new(access.token.as_str()))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn renew(&self, entry: &StoreEntry, access: &Access) -> Result<Secret, Failure> {
        let refresh = access.refresh.as_ref().filter(|refresh| refresh.expires_at > self.clock.now());
        let refresh = refresh.ok_or_else(|| until_somebody_acts(REOPEN))?;
        let record = &entry.record;
        let proof = Proof::Refresh(Secret::new(refresh.token.as_str()));
        let next = self.ask(&record.domain, record.api_url.as_deref(), &proof).await;
        let next = next.map_err(|failure| match failure {
            Failure::Permanent { reason } => until_somebody_acts(format!("{reason}; {REOPEN}")),
            failure => failure,
        })?;
        let token = Secret::new(next.token.as_str());
        let change = StoreChange { access: Some(next), ..StoreChange::default() };
        let kept = self.catalog.change_store(&record.domain, change).await;
        kept.map_err(|error: catalog::Error| Failure::Transient {
            reason: format!("the new token is not kept: {error}"),
        })?;
        Ok(token)
    }

    /// Renews what nobody has needed for a day.
    async fn keep_alive(&self) {
        let now = self.clock.now();
        let stores: Vec<_> = self.catalog.registry().stores().into_iter().map(Arc::clone).collect();
        for entry in stores.iter().filter(|entry| entry.access.as_ref().is_some_and(|access| is_idle(access, now))) {
            if let Err(failure) = self.renewed(entry).await {
                let store = entry.id();
                tracing::warn!(%store, %failure, "the access token of store {store} could not be renewed: {failure}");
            }
        }
    }
}

/// Keeps rights to next tokens young, until it is dropped.
pub async fn run(keeper: Arc<Keeper>) {
    loop {
        keeper.keep_alive().await;
        tokio::time::sleep(KEEP_ALIVE_EVERY).await;
    }
}

fn is_idle(access: &Access, now: Timestamp) -> bool {
    access.refresh.is_some() && access.expires_at.is_some_and(|end| end + IDLE <= now)
}

/// Has work come to its end whoever stops waiting for it. A window that is closed drops its request; what a shop gives once
/// would be lost with it.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

/// A shop is called at public addresses under its own name, whatever port and path belong to it; another name is the word of
/// who runs the host.
pub(crate) fn door(shop: &str, api_url: Option<&str>) -> Door {
    let base = api_url.map_or_else(|| format!("https://{shop}"), Into::into);
    let named = Url::parse(&base).ok().and_then(|url| url.host_str().map(str::to_owned));
    let is_own = named.is_none_or(|named| named.eq_ignore_ascii_case(shop));
    Door { base, reach: if is_own { Reach::Public } else { Reach::Anywhere } }
}

const REOPEN: &str = "somebody who works in the shop has to open the app once, which gets a new token";

fn no_token(store: &StoreEntry) -> Failure {
    permanent(format!(
        "the store has no access token: open the app in the shop, or set one with `regulars store update {} --token`",
        store.record.domain
    ))
}

fn no_app() -> Failure {
    permanent("this host is no app of a listing: set `shopify.client_id` and `shopify.client_secrets`")
}

/// What a person mends, who may take a while: what waits for it is not given up at once.
fn until_somebody_acts(reason: impl Into<String>) -> Failure {
    Failure::Later { retry_after: Duration::from_secs(3_600), reason: reason.into() }
}

fn permanent(reason: impl Into<String>) -> Failure {
    Failure::Permanent { reason: reason.into() }
}
