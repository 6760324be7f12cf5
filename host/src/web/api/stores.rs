//! `/v1/stores`: the shops that this host serves.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::problem::{Problem, Result};
use crate::{
    catalog::{NewStore, StoreChange, StoreEntry},
    domain::{Platform, ProtectedData, StoreId, Timestamp},
    host::Host,
    store::Access,
};

/// A store without its secrets.
#[derive(Serialize)]
pub struct StoreView {
    id: StoreId,
    domain: String,
    platform: Platform,
    name: String,
    url: String,
    currency: String,
    time_zone: String,
    locale: String,
    /// How many webhook secrets are accepted.
    secrets: usize,
    has_access_token: bool,
    /// What the platform has said that the app may do.
    scopes: Vec<String>,
    /// The level of protected customer data that plugins may see.
    protected_data: u8,
    api_url: Option<String>,
    plugins: Vec<String>,
    added_at: Timestamp,
}

impl From<&StoreEntry> for StoreView {
    fn from(entry: &StoreEntry) -> Self {
        let record = &entry.record;
        Self {
            id: record.id,
            domain: record.domain.clone(),
            platform: record.platform,
            name: record.name.clone(),
            url: record.url.clone(),
            currency: record.currency.to_string(),
            time_zone: record.time_zone.clone(),
            locale: record.locale.clone(),
            secrets: entry.secrets.len(),
            has_access_token: entry.access.is_some(),
            scopes: entry.access.as_ref().map(|access| access.scopes.clone()).unwrap_or_default(),
            protected_data: entry.terms.protected_data.number(),
            api_url: record.api_url.clone(),
            plugins: entry.enabled.iter().map(|enabled| enabled.name().to_string()).collect(),
            added_at: record.added_at,
        }
    }
}

/// What a client says of a store, new or changed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreBody {
    platform: Option<String>,
    domain: Option<String>,
    name: Option<String>,
    url: Option<String>,
    currency: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
    secrets: Vec<String>,
    drop_old_secrets: bool,
    access_token: Option<String>,
    api_url: Option<String>,
    protected_data: Option<u8>,
}

pub async fn list(State(host): State<Arc<Host>>) -> Json<Vec<StoreView>> {
    Json(host.catalog.registry().stores().into_iter().map(|entry| StoreView::from(&**entry)).collect())
}

pub async fn show(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<StoreView>> {
    Ok(Json(StoreView::from(&*host.catalog.store_named(&store)?)))
}

pub async fn add(State(host): State<Arc<Host>>, Json(body): Json<StoreBody>) -> Result<(StatusCode, Json<StoreView>)> {
    let domain = body.domain.ok_or_else(|| Problem::bad_request("`domain` is missing"))?;
    let currency = body.currency.as_deref().ok_or_else(|| Problem::bad_request("`currency` is missing"))?;
    let currency = currency.parse().map_err(|error| Problem::bad_request(format!("`currency`: {error}")))?;
    let platform = body.platform.as_deref().unwrap_or(Platform::Shopify.as_str());
    let platform = platform.parse().map_err(|error| Problem::bad_request(format!("`platform`: {error}")))?;
    let entry = host
        .catalog
        .add_store(NewStore {
            platform,
            name: body.name.unwrap_or_else(|| domain.split('.').next().unwrap_or(&domain).to_owned()),
            url: body.url.unwrap_or_else(|| format!("https://{domain}")),
            currency,
            time_zone: body.time_zone.unwrap_or_else(|| "UTC".into()),
            locale: body.locale.unwrap_or_else(|| "en".into()),
            secrets: body.secrets,
            access: body.access_token.map(Access::lasting),
            api_url: body.api_url,
            domain,
        })
        .await?;
    Ok((StatusCode::CREATED, Json(StoreView::from(&*entry))))
}

pub async fn change(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<StoreBody>,
) -> Result<Json<StoreView>> {
    if body.platform.is_some() || body.domain.is_some() || body.currency.is_some() {
        let detail = "a store keeps its platform, its domain and its currency: add another store instead";
        return Err(Problem::bad_request(detail));
    }
    let level = |number| {
        let level = ProtectedData::of_number(number);
        level.ok_or_else(|| Problem::bad_request("`protected_data` is 1 or 2"))
    };
    let change = StoreChange {
        protected_data: body.protected_data.map(level).transpose()?,
        name: body.name,
        url: body.url,
        time_zone: body.time_zone,
        locale: body.locale,
        add_secrets: body.secrets,
        drop_old_secrets: body.drop_old_secrets,
        access: body.access_token.map(Access::lasting),
        api_url: body.api_url,
        seen_installed: false,
    };
    Ok(Json(StoreView::from(&*host.catalog.change_store(&store, change).await?)))
}

pub async fn remove(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    host.catalog.remove_store(&store).await?;
    Ok(Json(json!({ "removed": store })))
}
