//! `/magento/panel`: the panels in a Magento shop. Our module asks for them on a page of the shop's, signed, in the name of
//! the customer whom the shop's session names; of the page that it gets it shows what `docs/wire.md` of the module says.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    super::{
        problem::{Problem, Result},
        webhooks::read_body,
    },
    Page, form,
    html::{self, Actions, Panels},
    panels, token,
    visitor::is_tag,
    words,
};
use crate::{
    catalog::StoreEntry,
    domain::{Customer, CustomerId},
    engine::panel::{View, ViewKind},
    host::Host,
    ingest::{
        actions::{self, Action, By},
        magento,
    },
    store::{keys, survivor},
};

#[derive(Deserialize)]
pub struct Show {
    customer_id: String,
    locale: Option<String>,
}

#[derive(Deserialize)]
pub struct Act {
    customer_id: String,
    locale: Option<String>,
    plugin: String,
    action: String,
    fields: Vec<(String, String)>,
}

/// `POST /magento/panel`
pub async fn show(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Page> {
    let (entry, Show { customer_id, locale }) = believed(&host, "panel.show", &headers, body).await?;
    page(&host, &entry, &customer_id, locale, false).await
}

/// `POST /magento/panel/actions`: the panel as it is once the action is decided, or a moment later.
pub async fn act(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Page> {
    let (entry, asked) = believed::<Act>(&host, "panel.act", &headers, body).await?;
    let form::Form { key, input } = form::of_pairs(asked.fields)?;
    let by = By::Shopper(asked.customer_id.clone());
    let action = Action { plugin: asked.plugin.into(), by, name: asked.action, input, key };
    let (_, accepted) = actions::accept(&host.pipeline, &entry, action).await?;
    panels::decided(&host, accepted).await;
    page(&host, &entry, &asked.customer_id, asked.locale, true).await
}

/// What a signed message of this topic asks, and in which store.
async fn believed<T: DeserializeOwned>(
    host: &Host,
    topic: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Arc<StoreEntry>, T)> {
    let body = read_body(host, body).await?;
    let (entry, message) = magento::open(&host.ingest, headers, &body)?;
    if message.topic != topic {
        return Err(Problem::bad_request(format!("the topic is not `{topic}`")));
    }
    let data = message.data.ok_or_else(|| Problem::bad_request("`data` is missing"))?;
    let asked = serde_json::from_str(data.get()).map_err(|error| Problem::bad_request(format!("`data`: {error}")))?;
    Ok((entry, asked))
}

/// The page of a customer; there is none for somebody unknown, or where no plugin shows anything.
async fn page(
    host: &Arc<Host>,
    entry: &Arc<StoreEntry>,
    customer: &str,
    locale: Option<String>,
    taken_in: bool,
) -> Result<Page> {
    let none = || Problem::no_customer(customer);
    let view = viewed(host, entry, customer, locale)?.ok_or_else(none)?;
    let locale = view.locale.clone();
    let sections = panels::draw_all(host, entry, view).await;
    if sections.is_empty() {
        return Err(Problem::missing("no plugin of the store shows anything"));
    }
    Ok(html::panels(
        StatusCode::OK,
        &Panels {
            shop: &entry.record.name,
            words: words::of(&locale),
            locale: &locale,
            sections: &sections,
            actions: Actions::InShop,
            key: &token(),
            taken_in,
            shop_link: None,
        },
    ))
}

/// What is looked at; none where the host does not know the customer, or no longer.
fn viewed(host: &Host, entry: &StoreEntry, customer: &str, locale: Option<String>) -> Result<Option<View>> {
    let mut transaction = host.pipeline.transaction();
    let known = transaction.get::<Customer>(&keys::customer(entry.id(), &CustomerId::from(customer)))?;
    let Some(known) = known.filter(|known| !known.deleted || known.merged_into.is_some()) else { return Ok(None) };
    let id = survivor(&mut transaction, entry.id(), known.id)?;
    let locale = locale.or(known.locale).filter(|tag| is_tag(tag)).unwrap_or_else(|| entry.record.locale.clone());
    Ok(Some(View { kind: ViewKind::Panel, customer: Some(id), locale }))
}
