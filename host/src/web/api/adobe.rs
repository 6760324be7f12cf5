//! `/v1/stores/{store}/adobe`: by what Adobe's services are believed that tell of a store.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::Result;
use crate::{catalog::StoreEntry, host::Host, store::AdobeServices};

/// What is left out stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdobeBody {
    client_id: Option<String>,
    webhook_key: Option<String>,
}

pub async fn show(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Value>> {
    Ok(Json(view(&*host.catalog.store_named(&store)?)))
}

pub async fn set(
    State(host): State<Arc<Host>>,
    Path(store): Path<String>,
    Json(body): Json<AdobeBody>,
) -> Result<Json<Value>> {
    let AdobeBody { client_id, webhook_key } = body;
    let change = AdobeServices { client_id, webhook_key };
    Ok(Json(view(&*host.catalog.set_adobe_services(&store, change).await?)))
}

fn view(store: &StoreEntry) -> Value {
    json!({ "client_id": store.adobe.client_id, "has_webhook_key": store.adobe.webhook_key.is_some() })
}
