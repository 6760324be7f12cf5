//! A shop that installs the app: whoever works in it shows a session token or comes back with a code, the host gets a token
//! of its own for that, and the store is there.

use std::{sync::Arc, time::Duration};

use super::{Keeper, door, no_app};
use crate::{
    catalog::{self, NewStore, StoreChange, StoreEntry},
    domain::{Platform, Secret},
    platform::{
        Failure,
        shopify::{AdminClient, oauth::Proof},
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
    pub async fn install(&self, shop: &str, proof: Proof<'_>, locale: &str) -> Result<Arc<StoreEntry>, InstallError> {
        let known = || self.catalog.registry().store_of(Platform::Shopify, shop).cloned();
        let turn = known().map(|entry| self.turn(entry.id()));
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let known = known();
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
            None => self.add(shop, app.api_url.clone(), access, locale).await,
        }
    }

    /// Whether the store's token was got a moment ago.
    fn is_young(&self, entry: &StoreEntry) -> bool {
        self.clock.now().since(entry.record.installed_at) < YOUNG && entry.access.is_some()
    }

    async fn add(
        &self,
        shop: &str,
        api_url: Option<String>,
        access: Access,
        locale: &str,
    ) -> Result<Arc<StoreEntry>, InstallError> {
        let door = door(shop, api_url.as_deref());
        let token = Secret::new(access.token.as_str());
        let client = AdminClient::new(self.http.clone(), &door.base, &token, Arc::clone(&self.clock))?;
        let details = client.with_reach(door.reach).shop().await?;
        let new = NewStore {
            platform: Platform::Shopify,
            domain: shop.into(),
            name: details.name,
            url: details.url,
            currency: details.currency,
            time_zone: details.time_zone,
            locale: locale.into(),
            secrets: Vec::new(),
            access: Some(access),
            api_url,
        };
        match self.catalog.add_store(new).await {
            // Two windows were opened at once.
            Err(catalog::Error::StoreExists(_)) => Ok(self.catalog.store_named(shop)?),
            added => Ok(added?),
        }
    }
}
