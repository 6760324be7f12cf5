//! What customers say of marketing mail on this host's pages is passed on to the shop's own newsletter, by an effect of the
//! host's own. What a platform tells is not told back.

use crate::{
    catalog::StoreEntry,
    domain::{ConsentChange, Customer, Effect, EffectId, EffectKind, Event, Origin, PluginName, Timestamp},
    store::{Error, LastChange, Transaction, keys, survivor},
};

/// Queues what the platform is to be told; false if there is nothing to tell, or nobody there whom it would be told of.
pub(super) fn pass_on(
    transaction: &mut Transaction,
    entry: &StoreEntry,
    event: &Event,
    now: Timestamp,
) -> Result<bool, Error> {
    let Origin::Consent { customer, accepts_marketing } = &event.origin else { return Ok(false) };
    let (store, plugin) = (entry.id(), PluginName::host());
    let customer = survivor(transaction, store, customer.clone())?;
    let known = transaction.get::<Customer>(&keys::customer(store, &customer))?;
    if customer.is_guest() || known.is_none_or(|known| known.deleted) {
        return Ok(false);
    }
    let id = EffectId::derive(&entry.record.domain, &event.id, &plugin, 0);
    let change = ConsentChange { customer, accepts_marketing: *accepts_marketing, said_at: event.occurred_at };
    let kind = EffectKind::SetConsent(change);
    if let Some((customer, field)) = kind.value_changed() {
        transaction.put(keys::last_change(store, &plugin, customer, field), &LastChange { effect: id.clone() });
    }
    transaction.queue_effect(store, &Effect::queued(id, plugin, event.id.clone(), kind, now));
    Ok(true)
}
