//! A shop that installs the app: whoever works in it shows a session token or comes back with a code, the host gets a token
//! of its own for that, and the store is there.

use std::{sync::Arc, time::Duration};

use super::{Keeper, door, no_app, to_its_end};
use crate::{
    catalog::{self, NewStore, StoreChange, StoreEntry},
    domain::{Platform, Secret},
    platform::{
        Failure,
        shopify::{
            AdminClient,
            oauth::{App, Proof},
        },
    },
    store::Access,
};

/// Windows that are opened within this share one token.
const YOUNG: Duration = Duration::from_secs(60);

/// Why a shop could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(transparent)]
    Shop(#[from] Failure),
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

impl Keeper {
    /// The store of a shop that somebody who works in it has opened: made or brought back where it is not there, and with a
    /// token that is young. `locale` is for a store that is new.
    ///
    /// A token that looks good may have died with an uninstallation that nobody has told of yet.
    pub async fn install(
        self: &Arc<Self>,
        shop: &str,
        proof: Proof,
        locale: &str,
    ) -> Result<Arc<StoreEntry>, InstallError> {
        let (keeper, shop, locale) = (Arc::clone(self), shop.to_owned(), locale.to_owned());
        to_its_end(async move { keeper.install_now(&shop, &proof, &locale).await }).await
    }

    async fn install_now(&self, shop: &str, proof: &Proof, locale: &str) -> Result<Arc<StoreEntry>, InstallError> {
        let turn = self.turn(shop);
        let _turn = turn.lock().await;
        let known = self.catalog.registry().store_of(Platform::Shopify, shop).cloned();
        if let Some(entry) = known.as_ref().filter(|entry| self.is_young(entry)) {
            return Ok(Arc::clone(entry));
        }
        let app = self.app.as_ref().ok_or_else(no_app)?;
        let access = self.ask(shop, app.api_url.as_deref(), proof).await?;
        match known {
            Some(_) => {
                let change = StoreChange { access: Some(access), seen_installed: true, ..StoreChange::default() };
                Ok(self.catalog.change_store(shop, change).await?)
            }
            None => self.add(app, shop, access, locale).await,
        }
    }

    /// Whether the store's token was got a moment ago.
    fn is_young(&self, entry: &StoreEntry) -> bool {
        self.clock.now().since(entry.record.installed_at) < YOUNG && entry.access.is_some()
    }

    async fn add(&self, app: &App, shop: &str, access: Access, locale: &str) -> Result<Arc<StoreEntry>, InstallError> {
        let door = door(shop, app.api_url.as_deref());
        let token = Secret::new(access.token.as_str());
        let client = AdminClient::new(self.http.clone(), &door.base, &token, Arc::clone(&self.clock))?;
        let details = client.with_reach(door.reach).with_limits(app.limits).shop().await?;
        // A shop that comes back speaks as it did.
        let spoken = self.catalog.registry().removed(shop).map(|entry| entry.record.locale.clone());
        let new = NewStore {
            platform: Platform::Shopify,
            domain: shop.into(),
            name: details.name,
            url: details.url,
            currency: details.currency,
            time_zone: details.time_zone,
            locale: spoken.unwrap_or_else(|| locale.into()),
            secrets: Vec::new(),
            access: Some(access),
            api_url: app.api_url.clone(),
        };
        Ok(self.catalog.add_store(new).await?)
    }
}
