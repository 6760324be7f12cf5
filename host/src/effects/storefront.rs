//! Effects that a platform performs: one client for each store, so that its rate limit is kept in one place.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::Verdict;
use crate::{
    catalog::StoreEntry,
    clock::Clock,
    domain::{Effect, EffectKind, Platform, StoreId, Timestamp},
    platform::{Client, Failure, Secret, shopify::admin},
};

/// The clients of all stores, made when first needed.
pub struct Storefronts {
    http: admin::Http,
    clock: Arc<dyn Clock>,
    limits: admin::Limits,
    clients: Mutex<HashMap<StoreId, Known>>,
}

/// A client and what it was made from: a changed token or address makes another.
struct Known {
    base: String,
    token: String,
    client: Arc<Client>,
}

impl fmt::Debug for Storefronts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storefronts")
    }
}

impl Storefronts {
    pub fn new(clock: Arc<dyn Clock>, timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self::over(admin::Http::new()?, clock, timeout))
    }

    pub(crate) fn over(http: admin::Http, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        let limits = admin::Limits { timeout, ..admin::Limits::default() };
        Self { http, clock, limits, clients: Mutex::default() }
    }

    /// The client that calls a store.
    pub fn client(&self, store: &StoreEntry) -> Result<Arc<Client>, Failure> {
        let record = &store.record;
        let token = record.access_token.clone().ok_or_else(|| Failure::Permanent {
            reason: format!(
                "the store has no access token: set one with `regulars store update {} --token`",
                record.domain
            ),
        })?;
        let base = record.api_url.clone().unwrap_or_else(|| format!("https://{}", record.domain));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&store.id())
            && known.base == base
            && known.token == token
        {
            return Ok(Arc::clone(&known.client));
        }
        let client = match record.platform {
            Platform::Shopify => {
                let secret = Secret::new(token.as_str());
                let client = admin::AdminClient::new(self.http.clone(), &base, &secret, Arc::clone(&self.clock))?;
                Arc::new(Client::Shopify(client.with_limits(self.limits)))
            }
        };
        clients.insert(store.id(), Known { base, token, client: Arc::clone(&client) });
        Ok(client)
    }

    pub(super) async fn perform(&self, store: &StoreEntry, effect: &Effect, now: Timestamp) -> Verdict {
        let client = match self.client(store) {
            Ok(client) => client,
            Err(failure) => return verdict_of(failure),
        };
        let allowed = client.next_allowed(now);
        if allowed > now {
            return Verdict::Wait { until: allowed, reason: "the store's rate limit is used up".into() };
        }
        let called = match &effect.kind {
            EffectKind::CreateDiscount(discount) => client.create_discount(&effect.id, discount).await,
            EffectKind::ChangeTags(change) => client.change_tags(change).await,
            EffectKind::Mail(_) => Err(Failure::Permanent { reason: "a platform sends no mail for us".into() }),
        };
        match called {
            Ok(receipt) => Verdict::Done { receipt: receipt.0 },
            Err(failure) => verdict_of(failure),
        }
    }
}

fn verdict_of(failure: Failure) -> Verdict {
    let reason = failure.to_string();
    match failure {
        Failure::Throttled { retry_after } | Failure::Later { retry_after, .. } => {
            Verdict::Busy { wait: retry_after, reason }
        }
        Failure::Unreachable { .. } => Verdict::Unreachable { reason },
        Failure::Transient { .. } => Verdict::Failed { reason },
        Failure::Permanent { .. } => Verdict::Dead { reason },
    }
}
