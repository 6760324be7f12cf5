//! Adobe's services of a store: by what they are believed.

use super::*;
use crate::{platform::magento::senders::PublicKey, store::AdobeServices};

/// How a store's Adobe services are known, ready to be compared with.
#[derive(Clone, Debug, Default)]
pub struct Adobe {
    /// The client id of its project in Adobe's Developer Console.
    pub client_id: Option<String>,
    /// What its Commerce webhooks are signed with.
    pub webhook_key: Option<PublicKey>,
}

impl Catalog {
    /// Changes how a store's Adobe services are known; `None` leaves as it is.
    pub async fn set_adobe_services(&self, domain: &str, change: AdobeServices) -> Result<Arc<StoreEntry>, Error> {
        if let Some(pem) = &change.webhook_key {
            PublicKey::from_pem(pem)
                .map_err(|error| Error::Invalid { key: "webhook key", reason: error.to_string() })?;
        }
        let turn = self.changing.lock().await;
        let store = self.store_named(domain)?;
        let key = keys::adobe_services(store.id());
        let mut transaction = self.transaction();
        let known = transaction.get::<AdobeServices>(&key)?.unwrap_or_default();
        let services = AdobeServices {
            client_id: change.client_id.or(known.client_id),
            webhook_key: change.webhook_key.or(known.webhook_key),
        };
        transaction.put(key, &services);
        self.publish(transaction, store.id()).await?;
        drop(turn);
        self.store_named(domain)
    }

    pub(super) fn adobe(&self, store: StoreId) -> Result<Adobe, Error> {
        let Some(row) = self.store.get(&keys::adobe_services(store))? else { return Ok(Adobe::default()) };
        let AdobeServices { client_id, webhook_key } = decode(&row.bytes)?;
        // Whatever could be read when it was set can be read.
        Ok(Adobe { client_id, webhook_key: webhook_key.and_then(|pem| PublicKey::from_pem(&pem).ok()) })
    }
}
