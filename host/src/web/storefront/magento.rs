//! `/magento/panel`: the panels in a Magento shop. Our module asks for them on a page of the shop's, signed, in the name of
//! the customer whom the shop's session names; of the page that it gets it shows what `docs/wire.md` of the module says.

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    super::{
        problem::{Problem, Result},
        webhooks::read_body,
    },
    Page, form,
    html::{self, Actions, Panels},
    panels::{self, Viewer},
    token,
};
use crate::{
    catalog::StoreEntry,
    domain::Topic,
    host::Host,
    ingest::{
        actions::{self, Action, By},
        magento,
    },
    platform::magento::senders::module,
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
    require_patience(&host, &entry, &customer_id)?;
    page(&host, &entry, &customer_id, locale, false).await
}

/// `POST /magento/panel/actions`: the panel as it is once the action is decided, or a moment later.
pub async fn act(State(host): State<Arc<Host>>, headers: HeaderMap, body: Body) -> Result<Page> {
    let (entry, asked) = believed::<Act>(&host, "panel.act", &headers, body).await?;
    require_patience(&host, &entry, &asked.customer_id)?;
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
    host.pipeline.heard.note(entry.id(), &Topic::PANEL_SHOWN, module::FORM, host.clock.now());
    let data = message.data.ok_or_else(|| Problem::bad_request("`data` is missing"))?;
    let asked = serde_json::from_str(data.get()).map_err(|error| Problem::bad_request(format!("`data`: {error}")))?;
    Ok((entry, asked))
}

fn require_patience(host: &Host, entry: &StoreEntry, customer: &str) -> Result<()> {
    match host.ingest.visitors.may_ask(entry.id(), &customer.into(), host.clock.now()) {
        true => Ok(()),
        false => Err(Problem::too_often()),
    }
}

/// The page of a customer; there is none for somebody unknown, or where no plugin shows anything.
async fn page(
    host: &Arc<Host>,
    entry: &Arc<StoreEntry>,
    customer: &str,
    locale: Option<String>,
    taken_in: bool,
) -> Result<Page> {
    let viewer = Viewer { entry, customer: customer.into(), locale };
    let view = viewer.view(host)?.ok_or_else(|| Problem::no_customer(customer))?;
    let locale = view.locale.clone();
    let sections = panels::draw_all(host, entry, view).await;
    if sections.is_empty() {
        return Err(Problem::missing("no plugin of the store shows anything"));
    }
    let key = token();
    let of_store = Panels::of(entry, &locale, &sections, Actions::InShop, &key);
    Ok(html::panels(&Panels { taken_in, ..of_store }))
}
