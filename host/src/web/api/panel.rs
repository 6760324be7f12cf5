//! `/v1/stores/{store}/customers/{customer}/panel`: what plugins show to a customer, as JSON and as a page, and what the page's
//! forms ask for.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, RawForm, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        problem::{Problem, Result},
        storefront::{
            Page,
            form::{self, Form},
            html::{self, Actions, Panels},
            panels::{self, Drawn, Viewer},
            token,
            visitor::is_tag,
        },
    },
    customers::find,
    plugin_name,
};
use crate::{
    catalog::StoreEntry,
    engine::panel::View,
    host::Host,
    ingest::actions::{self, Action, By},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct PanelQuery {
    /// IETF language tag; else the customer's, else the store's.
    locale: Option<String>,
    /// Something has just been asked on the page.
    taken: Option<String>,
}

/// Every plugin's part, in order of their names. One that fails says so, and hides no other.
pub async fn show(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Query(query): Query<PanelQuery>,
) -> Result<Json<Vec<Value>>> {
    let (entry, view) = viewed(&host, &store, &customer, query.locale)?;
    let told = |drawn: Drawn| match drawn.blocks {
        Ok(blocks) => json!({ "plugin": drawn.plugin, "title": drawn.title, "blocks": blocks }),
        Err(error) => json!({ "plugin": drawn.plugin, "title": drawn.title, "error": error.to_string() }),
    };
    Ok(Json(panels::draw_all(&host, &entry, view).await.into_iter().map(told).collect()))
}

/// The same as a page that needs no script.
pub async fn page(
    State(host): State<Arc<Host>>,
    Path((store, customer)): Path<(String, String)>,
    Query(query): Query<PanelQuery>,
) -> Result<Page> {
    let (entry, view) = viewed(&host, &store, &customer, query.locale)?;
    let locale = view.locale.clone();
    let sections = panels::draw_all(&host, &entry, view).await;
    let key = token();
    let of_store = Panels::of(&entry, &locale, &sections, Actions::OfPlugin, &key);
    Ok(html::panels(&Panels { taken_in: query.taken.is_some(), ..of_store }))
}

/// Whose panel, and in which language.
fn viewed(host: &Host, store: &str, customer: &str, locale: Option<String>) -> Result<(Arc<StoreEntry>, View)> {
    let entry = host.catalog.store_named(store)?;
    let id = find(host, entry.id(), customer)?.id;
    let view = Viewer { entry: &entry, customer: id, locale }.view(host)?;
    let view = view.ok_or_else(|| Problem::no_customer(customer))?;
    Ok((entry, view))
}

/// What a form of the page asks for; once that is decided, or a moment later, the page is shown anew.
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((store, customer, plugin, name)): Path<(String, String, String, String)>,
    Query(query): Query<PanelQuery>,
    RawForm(body): RawForm,
) -> Result<Response> {
    let entry = host.catalog.store_named(&store)?;
    let Form { key, input } = form::read(&body)?;
    let action = Action { plugin: plugin_name(&plugin), by: By::Shopper(customer), name, input, key };
    let (_, accepted) = actions::accept(&host.pipeline, &entry, action).await?;
    panels::decided(&host, accepted).await;
    let locale = query.locale.filter(|tag| is_tag(tag)).map(|tag| format!("&locale={tag}")).unwrap_or_default();
    let page = HeaderValue::try_from(format!("../../panel.html?taken{locale}")).expect("a tag fits a header");
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response())
}
