//! What a platform tells of the app in a shop: that it was removed, what it may do; and the end of a store.

use std::time::Duration;

use super::*;
use crate::{
    domain::{Act, Actor, AuditEntry, AuditKey, Event},
    store::{StoreTerms, keys::Due},
};

/// Shopify asks for a shop's erasure this long after the app was removed. A store that was added since is another
/// installation, which the request does not mean.
const ERASED_AFTER: Duration = Duration::from_secs(48 * 3_600);

/// How late the request may come. A store that nobody has told of its removal may have been installed again right after
/// it: it is erased only where the request cannot mean an installation before this one.
const COMES_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// How long after a store's rows were deleted they are looked for once more: what was being applied meanwhile has been.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

impl Catalog {
    /// The platform says that the app was removed from the shop: access ends, and no more events are taken. False if it was
    /// installed anew since, or is removed already.
    pub async fn uninstalled(&self, event: &Event) -> Result<bool, Error> {
        let _turn = self.changing.lock().await;
        let Some(entry) = self.registry().store(event.store).cloned() else { return Ok(false) };
        let mut record = entry.record.clone();
        if record.installed_at > event.occurred_at || record.removed_at.is_some() {
            return Ok(false);
        }
        record.removed_at = Some(self.clock.now());
        // What signs its last webhooks stays.
        let mut credentials = record.credentials.open(&self.keys.vault, record.id)?;
        credentials.access = None;
        record.credentials = KeptCredentials::seal(&self.keys.vault, record.id, &credentials);
        let mut transaction = self.transaction();
        transaction.put(keys::store(record.id), &record);
        let audit = AuditEntry {
            event: Some(event.id.to_string()),
            ..self.audit_of(&entry, Act::StoreRemoved, Actor::Platform)
        };
        transaction.append_audit(&audit)?;
        self.publish(transaction, entry.id()).await?;
        Ok(true)
    }

    /// The platform says what the app may do from now on. Older than what was said last, or than the installation, it
    /// counts for nothing.
    pub async fn scopes_granted(&self, event: &Event, scopes: &[String]) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let Some(entry) = self.registry().store(event.store).cloned() else { return Ok(()) };
        let mut record = entry.record.clone();
        let mut credentials = record.credentials.open(&self.keys.vault, record.id)?;
        let is_older = record.installed_at > event.occurred_at || entry.terms.scopes_told_at > event.occurred_at;
        let Some(access) = credentials.access.as_mut().filter(|_| !is_older) else { return Ok(()) };
        access.scopes = scopes.to_vec();
        record.credentials = KeptCredentials::seal(&self.keys.vault, record.id, &credentials);
        let mut transaction = self.transaction();
        transaction.put(keys::store(record.id), &record);
        let terms = StoreTerms { scopes_told_at: event.occurred_at, ..entry.terms.clone() };
        transaction.put(keys::store_terms(record.id), &terms);
        self.publish(transaction, entry.id()).await
    }

    /// The platform asks for the shop's erasure. False if the store is gone already, or is another installation.
    pub async fn erase_as_asked(&self, event: &Event) -> Result<bool, Error> {
        let _turn = self.changing.lock().await;
        let Some(entry) = self.registry().store(event.store).cloned() else { return Ok(false) };
        let margin = if entry.record.removed_at.is_some() { Duration::ZERO } else { COMES_WITHIN };
        if entry.record.installed_at + ERASED_AFTER + margin > event.occurred_at {
            return Ok(false);
        }
        let audit = self.audit_of(&entry, Act::StoreErased, Actor::Platform);
        self.erase(AuditEntry { event: Some(event.id.to_string()), ..audit }).await?;
        Ok(true)
    }

    /// Erases a store, removed or not, because whoever runs the host says so.
    pub async fn erase_store(&self, domain: &str) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let entry = self.store_known(domain)?;
        self.erase(self.audit_of(&entry, Act::StoreErased, Actor::Operator)).await
    }

    /// Takes a store off the list, and has its rows deleted.
    async fn erase(&self, audit: AuditEntry) -> Result<(), Error> {
        let (store, now) = (audit.store, self.clock.now());
        let mut transaction = self.transaction();
        transaction.delete(keys::store(store));
        for at in [now, now + LOOK_AGAIN] {
            transaction.put(Due::Erasure { store }.key(at), &audit);
        }
        transaction.append_audit(&audit)?;
        self.publish(transaction, store).await
    }

    /// An entry of the audit trail about a store, as of now.
    pub fn audit_of(&self, entry: &StoreEntry, act: Act, by: Actor) -> AuditEntry {
        let (store, domain) = (entry.id(), entry.record.domain.clone());
        AuditEntry { at: self.clock.now(), act, by, store, domain, customer: None, event: None }
    }

    /// What names customers in the audit trail.
    pub fn audit_key(&self) -> &AuditKey {
        &self.keys.audit
    }

    /// The store of that domain, also one that has been removed and not erased.
    pub fn store_known(&self, domain: &str) -> Result<Arc<StoreEntry>, Error> {
        let registry = self.registry();
        let known = registry.store_named(domain).or_else(|| registry.removed(domain));
        known.cloned().ok_or_else(|| Error::NoStore(domain.into()))
    }
}
