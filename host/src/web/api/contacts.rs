//! `/v1/stores/{store}/contacts` and `/v1/stores/{store}/suppressions`: what was sent to an address, and which are not
//! written to. `/v1/mail/reports`: mails that came back, and complaints.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::problem::{Problem, Result},
    limit, store_id,
};
use crate::{
    domain::{Contact, ContactId, StoreId, Suppression},
    effects::{contacts, reports},
    host::Host,
};

#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<usize>,
}

/// An address by itself or by the name that listings give it.
fn contact_id(host: &Host, store: StoreId, who: &str) -> ContactId {
    ContactId::parse(who).unwrap_or_else(|| contacts::id_of(&host.outbox, store, who))
}

fn suppression(suppression: &Suppression) -> Value {
    json!({ "cause": suppression.cause, "since_at": suppression.since, "detail": suppression.detail })
}

/// What was sent to an address, and what whoever reads there wants.
pub async fn show(State(host): State<Arc<Host>>, Path((store, who)): Path<(String, String)>) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    let id = contact_id(&host, store, &who);
    let contact = contacts::read(&host.outbox, store, id)?.unwrap_or_default();
    let Contact { customer, mails, unsubscribed_at, topics_off, paused_until, suppression: suppressed } = contact;
    Ok(Json(json!({
        "contact": id.to_string(),
        "customer": customer,
        "mails": mails.iter().rev().map(|mail| json!({
            "effect": mail.effect,
            "at": mail.at,
            "marketing": mail.marketing,
            "bounced": mail.bounced,
        })).collect::<Vec<_>>(),
        "unsubscribed_at": unsubscribed_at,
        "topics_off": topics_off,
        "paused_until": paused_until,
        "suppression": suppressed.as_ref().map(suppression),
    })))
}

/// Addresses that are not written to, the latest first.
pub async fn suppressions(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Value>>> {
    let store = store_id(&host, &store)?;
    let listed = contacts::suppressed(&host.outbox, store, limit(query.limit))?;
    let view = |(id, contact): &(ContactId, Contact)| {
        let mut view = contact.suppression.as_ref().map_or_else(|| json!({}), suppression);
        view["contact"] = json!(id.to_string());
        view["customer"] = json!(contact.customer);
        view
    };
    Ok(Json(listed.iter().map(view).collect()))
}

/// Writes to an address again.
pub async fn lift(State(host): State<Arc<Host>>, Path((store, who)): Path<(String, String)>) -> Result<Json<Value>> {
    let store = store_id(&host, &store)?;
    let id = contact_id(&host, store, &who);
    match contacts::lift_suppression(&host.outbox, store, id).await? {
        true => Ok(Json(json!({ "contact": id.to_string(), "status": "lifted" }))),
        false => Err(Problem::missing(format!("`{who}` is not suppressed"))),
    }
}

/// Takes in the mail that a server or a mailbox provider sent about one of ours: the body is the mail as it came.
pub async fn report(State(host): State<Arc<Host>>, mail: Bytes) -> Result<Json<Value>> {
    let reports::Outcome { store, effect, consequence, detail } = reports::take(&host.outbox, &mail).await?;
    let store = host.catalog.registry().store(store).map(|entry| entry.record.domain.clone());
    let (status, cause) = match consequence {
        reports::Consequence::Suppressed(cause) => ("suppressed", Some(cause)),
        reports::Consequence::Counted => ("counted", None),
        reports::Consequence::None => ("ignored", None),
    };
    Ok(Json(json!({ "store": store, "effect": effect, "status": status, "cause": cause, "detail": detail })))
}
