//! Effects that a platform performs: one client for each store, so that its rate limit is kept in one place.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, Method};
use reqwest::Url;

use super::{Verdict, ends};
use crate::{
    access::{Keeper, door},
    catalog::StoreEntry,
    clock::Clock,
    domain::{ConsentChange, Customer, CustomerId, Effect, EffectKind, Platform, StoreId, Timestamp},
    platform::{
        Client, Failure, Receipt, Secret,
        http::{Call, Door, Http, HttpAnswer, Limits, Reach},
        magento::{RestClient, rest::Shop},
        shopify::AdminClient,
    },
    store::{Error, Key, LastChange, Record, Store, decode, keys},
};

/// The clients of all stores, made when first needed.
pub struct Storefronts {
    http: Http,
    access: Arc<Keeper>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    clients: Mutex<HashMap<StoreId, Known>>,
}

/// A client and what it was made from. Another address makes another client; another token makes none, as the old one knows
/// of calls that may still arrive.
struct Known {
    base: String,
    token: Secret,
    client: Arc<Client>,
}

impl fmt::Debug for Storefronts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storefronts")
    }
}

impl Storefronts {
    pub fn new(http: Http, access: Arc<Keeper>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { http, access, clock, limits, clients: Mutex::default() }
    }

    /// The client that calls a store, with a token that is good for a while.
    pub async fn client(&self, store: &StoreEntry) -> Result<Arc<Client>, Failure> {
        let token = self.access.token(store).await?;
        let record = &store.record;
        let Door { base, reach } = door_of(store);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get_mut(&store.id()).filter(|known| known.base == base) {
            match &*known.client {
                _ if known.token.expose() == token.expose() => return Ok(Arc::clone(&known.client)),
                Client::Shopify(client) => client.set_token(&token)?,
                Client::Magento(client) => client.set_token(&token)?,
            }
            known.token = token;
            return Ok(Arc::clone(&known.client));
        }
        let client = match record.platform {
            Platform::Shopify => {
                let client = AdminClient::new(self.http.clone(), &base, &token, Arc::clone(&self.clock))?;
                Arc::new(Client::Shopify(Box::new(client.with_limits(self.limits).with_reach(reach))))
            }
            Platform::Magento => {
                let shop = Shop { host: record.domain.clone(), base: base.clone(), reach };
                let (codes, clock) = (store.context.code_key.clone(), Arc::clone(&self.clock));
                let client = RestClient::new(self.http.clone(), shop, &token, codes, clock)?;
                Arc::new(Client::Magento(Box::new(client.with_timeout(self.limits.timeout))))
            }
        };
        clients.insert(store.id(), Known { base, token, client: Arc::clone(&client) });
        Ok(client)
    }

    /// What anybody is answered at a path of the shop's own address.
    pub async fn look(&self, store: &StoreEntry, path: &str) -> Result<HttpAnswer, Failure> {
        let Door { base, reach } = door_of(store);
        self.look_at(&format!("{}{path}", base.trim_end_matches('/')), reach).await
    }

    /// The same where the shop has sent the caller on to.
    pub async fn look_further(&self, store: &StoreEntry, url: &str) -> Result<HttpAnswer, Failure> {
        self.look_at(url, door_of(store).reach).await
    }

    async fn look_at(&self, url: &str, reach: Reach) -> Result<HttpAnswer, Failure> {
        let url = Url::parse(url).map_err(|error| Failure::Permanent { reason: format!("`{url}`: {error}") })?;
        let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: None };
        self.http.send(reach, call, self.limits).await
    }

    /// Tries an effect; `rows` is where the outbox is kept.
    pub(super) async fn perform(
        &self,
        rows: &dyn Store,
        store: &StoreEntry,
        effect: &Effect,
        now: Timestamp,
    ) -> Result<Verdict, Error> {
        if effect.kind.customer().is_some_and(CustomerId::is_guest) {
            let reason = "the customer is a guest, of whom the platform has no record".into();
            return Ok(Verdict::Dropped { reason });
        }
        let client = match self.client(store).await {
            Ok(client) => client,
            Err(failure) => return Ok(verdict_of(failure)),
        };
        let allowed = client.next_allowed_for(&effect.kind, now);
        if allowed > now {
            return Ok(Verdict::Wait { until: allowed, reason: "the store's rate limit is used up".into() });
        }
        Ok(match call(rows, &client, store.id(), effect).await? {
            Ok(receipt) => Verdict::Done { receipt: receipt.0 },
            Err(failure) => verdict_of(failure),
        })
    }
}

fn door_of(store: &StoreEntry) -> Door {
    door(&store.record.domain, store.record.api_url.as_deref())
}

async fn call(
    rows: &dyn Store,
    client: &Client,
    store: StoreId,
    effect: &Effect,
) -> Result<Result<Receipt, Failure>, Error> {
    let id = &effect.id;
    let is_last = || is_last(rows, store, effect).map_err(|error| Failure::Transient { reason: error.to_string() });
    Ok(match &effect.kind {
        EffectKind::CreateDiscount(discount) => client.create_discount(id, discount).await,
        EffectKind::CreateDiscounts(batch) => client.create_discounts(id, batch).await,
        EffectKind::DisableDiscount(end) => {
            let making = read::<Effect>(rows, &keys::effect(store, &end.made_by))?;
            let ended = client.end_discount(end, making.as_ref()).await;
            ended.and_then(|ended| ends::outcome(end, making.as_ref(), ended))
        }
        EffectKind::StoreCredit(change) => client.change_store_credit(id, change).await,
        EffectKind::CreateGiftCard(card) => client.create_gift_card(id, card).await,
        EffectKind::ChangeTags(change) => client.change_tags(change).await,
        EffectKind::ChangeOrderTags(change) => client.change_order_tags(change).await,
        EffectKind::AddOrderNote(note) => client.add_order_note(id, note).await,
        EffectKind::AddParcelGift(gift) => client.add_parcel_gift(id, gift).await,
        EffectKind::SetShipBy(ship_by) => client.set_ship_by(id, ship_by).await,
        EffectKind::SetMetafield(change) => client.set_metafield(change, &is_last).await,
        EffectKind::SetBirthday(change) => client.set_birthday(change, &is_last).await,
        EffectKind::SetConsent(change) => client.set_consent(change, &is_last).await,
        EffectKind::Mail(_) => Err(Failure::Permanent { reason: "a platform sends no mail for us".into() }),
    })
}

/// Whether no later change of the value that an effect sets has been queued, or is known from the platform.
fn is_last(rows: &dyn Store, store: StoreId, effect: &Effect) -> Result<bool, Error> {
    let Some((customer, field)) = effect.kind.value_changed() else { return Ok(true) };
    if let EffectKind::SetConsent(change) = &effect.kind
        && read::<Customer>(rows, &keys::customer(store, customer))?
            .is_some_and(|known| has_changed_mind(&known, change))
    {
        return Ok(false);
    }
    let field = keys::last_change(store, &effect.plugin, customer, field);
    Ok(read::<LastChange>(rows, &field)?.is_none_or(|last| last.effect == effect.id))
}

/// Whether a customer has said something else since. Of a refusal it is enough that the platform tells it; a consent has to
/// have been given since.
fn has_changed_mind(known: &Customer, change: &ConsentChange) -> bool {
    match change.accepts_marketing {
        true => known.accepts_marketing == Some(false) && known.consent_at > Some(change.said_at),
        false => known.consented_at > Some(change.said_at),
    }
}

fn read<T: Record>(rows: &dyn Store, key: &Key) -> Result<Option<T>, Error> {
    rows.get(key)?.map(|row| decode(&row.bytes)).transpose()
}

fn verdict_of(failure: Failure) -> Verdict {
    let reason = failure.to_string();
    match failure {
        Failure::Throttled { retry_after } | Failure::Later { retry_after, .. } => {
            Verdict::Busy { wait: retry_after, reason }
        }
        Failure::NotYet { until, .. } => Verdict::Wait { until, reason },
        Failure::Unreachable { .. } => Verdict::Unreachable { reason },
        Failure::Transient { .. } => Verdict::Failed { reason },
        Failure::Permanent { .. } => Verdict::Dead { reason },
    }
}
