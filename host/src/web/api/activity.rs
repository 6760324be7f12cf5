//! `/v1/stores/{store}/activity`: what happened last, in one answer: events with their decisions, the effects they led
//! to, the customers they concern.
//!
//! What is looked at is bounded, so that asking every second costs a large store no more than a small one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{super::problem::Result, customers::figures, effects::view, limit, read, read_all, store_id};
use crate::{
    domain::{Customer, CustomerId, Effect, EffectKind, Order, StoreId},
    host::Host,
    store::{EventRecord, Scan, keys},
};

/// Events that are looked at, newest first.
const WINDOW: usize = 2_000;

#[derive(Deserialize)]
pub struct ActivityQuery {
    /// Rows of each listing.
    limit: Option<usize>,
}

/// Each listing newest first. `people` and `orders` describe by id what the listings name.
pub async fn show(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    let limit = limit(query.limit);
    let window: Vec<EventRecord> = read_all(&host, &Scan::of(keys::events(store), WINDOW).newest_first())?;
    let (mails, others) = effects(&host, store, &window, limit)?;
    let customers = customers(&host, store, &window, limit)?;
    let events = &window[..window.len().min(limit)];

    let mut people = BTreeMap::new();
    let named = events.iter().filter_map(|event| event.customer.as_ref());
    for id in named.chain(mails.iter().chain(&others).filter_map(|effect| effect.kind.customer())) {
        if !people.contains_key(id)
            && let Some(customer) = read::<Customer>(&host, &keys::customer(store, id))?
        {
            people.insert(id, summary(&customer));
        }
    }
    let mut orders = BTreeMap::new();
    for id in events.iter().filter_map(|event| event.order.as_ref()) {
        if !orders.contains_key(id)
            && let Some(order) = read::<Order>(&host, &keys::order(store, id))?
        {
            orders.insert(id, json!({ "name": order.name, "total": order.total }));
        }
    }
    Ok(Json(json!({
        "events": events,
        "mails": mails.iter().map(view).collect::<Vec<_>>(),
        "effects": others.iter().map(view).collect::<Vec<_>>(),
        "customers": customers,
        "people": people,
        "orders": orders,
    })))
}

fn summary(customer: &Customer) -> Value {
    json!({ "first_name": customer.first_name, "last_name": customer.last_name, "email": customer.email })
}

/// Mails, and effects of every other kind: mails are so many that they would crowd out the rest.
fn effects(host: &Host, store: StoreId, window: &[EventRecord], limit: usize) -> Result<(Vec<Effect>, Vec<Effect>)> {
    let (mut mails, mut others) = (Vec::new(), Vec::new());
    for id in window.iter().flat_map(|event| &event.deliveries).flat_map(|delivery| delivery.effects.iter().rev()) {
        let Some(effect) = read::<Effect>(host, &keys::effect(store, id))? else { continue };
        let listing = if matches!(effect.kind, EffectKind::Mail(_)) { &mut mails } else { &mut others };
        if listing.len() < limit {
            listing.push(effect);
        }
    }
    Ok((mails, others))
}

/// Customers, those of the latest events first, with the figures that plugins noted of them last.
fn customers(host: &Host, store: StoreId, window: &[EventRecord], limit: usize) -> Result<Vec<Value>> {
    let mut order = Vec::new();
    let mut events_of: HashMap<&CustomerId, Vec<&EventRecord>> = HashMap::new();
    for event in window {
        let Some(customer) = &event.customer else { continue };
        let events = events_of.entry(customer).or_default();
        if events.is_empty() {
            order.push(customer);
        }
        events.push(event);
    }
    let mut found = Vec::new();
    for id in order {
        if found.len() == limit {
            break;
        }
        let known = read::<Customer>(host, &keys::customer(store, id))?;
        let Some(customer) = known.filter(|customer| !customer.deleted) else { continue };
        let events = &events_of[id];
        found.push(json!({
            "id": id,
            "customer": summary(&customer),
            "figures": figures(events.iter().copied()),
            "last_event_at": events[0].received_at,
        }));
    }
    Ok(found)
}
