//! `/v1/plugins` and `/v1/stores/{store}/plugins`: what is installed, and what is switched on with which settings.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::problem::Result;
use super::{customers::taken_in, plugin_name};
use crate::{
    catalog::{
        Enabled, Installed,
        settings::{SettingsVersion, changes},
    },
    domain::{Capability, PluginName, StoreId, Timestamp},
    host::Host,
    ingest::{
        actions::{self, Action, By},
        settings::publish,
    },
};

/// An installed plugin.
#[derive(Serialize)]
pub struct PluginView {
    name: String,
    version: String,
    title: String,
    summary: String,
    topics: Vec<String>,
    capabilities: Vec<String>,
    component: String,
    size: usize,
    installed_at: Timestamp,
}

impl From<&Installed> for PluginView {
    fn from(installed: &Installed) -> Self {
        let manifest = &installed.package.manifest;
        Self {
            name: manifest.name.to_string(),
            version: manifest.version.clone(),
            title: manifest.title.clone(),
            summary: manifest.summary.clone(),
            topics: manifest.topics.iter().map(ToString::to_string).collect(),
            capabilities: manifest.capabilities.iter().map(ToString::to_string).collect(),
            component: installed.record.component.to_string(),
            size: installed.package.component.len(),
            installed_at: installed.record.installed_at,
        }
    }
}

/// A plugin as it is switched on in a store.
#[derive(Serialize)]
pub struct EnabledView {
    name: String,
    version: String,
    grants: Vec<String>,
    settings_version: u32,
    settings: Value,
    enabled_at: Timestamp,
    /// `working`, `paused`, or `catching up` with what waited.
    status: &'static str,
    paused: Option<PausedView>,
    /// What the merchant has changed and is not in force, such as words of a mail that an upgrade does not know.
    warnings: Vec<String>,
}

/// Why a plugin does not run, and what waits for it.
#[derive(Serialize)]
pub struct PausedView {
    since: Timestamp,
    reason: String,
    resumed_at: Option<Timestamp>,
    /// Counted up to 10,000.
    waiting: usize,
}

impl EnabledView {
    fn of(host: &Host, store: StoreId, enabled: &Enabled) -> Result<Self> {
        let paused = match &enabled.paused {
            None => None,
            Some(paused) => Some(PausedView {
                since: paused.since,
                reason: paused.reason.clone(),
                resumed_at: paused.resumed_at,
                waiting: host.catalog.waiting(store, enabled.name())?,
            }),
        };
        let status = match () {
            () if enabled.is_paused() => "paused",
            () if enabled.is_catching_up() => "catching up",
            () => "working",
        };
        Ok(Self {
            name: enabled.name().to_string(),
            version: enabled.installed.record.version.clone(),
            grants: enabled.record.grants.clone(),
            settings_version: enabled.record.settings_version,
            settings: Value::Object(enabled.context.settings.clone()),
            enabled_at: enabled.record.enabled_at,
            status,
            paused,
            warnings: enabled.mails.warnings().collect(),
        })
    }
}

/// What switching on takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnableBody {
    grants: BTreeSet<Capability>,
    settings: Option<Value>,
}

pub async fn list(State(host): State<Arc<Host>>) -> Json<Vec<PluginView>> {
    Json(host.catalog.registry().installed().map(|installed| PluginView::from(&**installed)).collect())
}

/// Takes the plugin file as the request's body.
pub async fn install(State(host): State<Arc<Host>>, file: Bytes) -> Result<(StatusCode, Json<PluginView>)> {
    let installed = host.catalog.install(file.to_vec()).await?;
    let stores: Vec<_> = host.catalog.registry().stores().into_iter().cloned().collect();
    for entry in stores {
        host.pipeline.tell_missed_merges(entry.id()).await?;
        publish(&host.pipeline, &entry).await?;
    }
    Ok((StatusCode::CREATED, Json(PluginView::from(&*installed))))
}

pub async fn enabled(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Vec<EnabledView>>> {
    let entry = host.catalog.store_named(&store)?;
    entry.enabled.iter().map(|enabled| EnabledView::of(&host, entry.id(), enabled)).collect::<Result<_>>().map(Json)
}

pub async fn enable(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
    Json(body): Json<EnableBody>,
) -> Result<Json<EnabledView>> {
    let plugin = plugin_name(&plugin);
    host.catalog.enable(&store, &plugin, body.grants, body.settings.as_ref()).await?;
    let entry = host.catalog.store_named(&store)?;
    host.pipeline.tell_missed_merges(entry.id()).await?;
    publish(&host.pipeline, &entry).await?;
    Ok(Json(EnabledView::of(&host, entry.id(), host.catalog.enabled(&entry, &plugin)?)?))
}

/// A plugin that goes on.
#[derive(Serialize)]
pub struct ResumedView {
    #[serde(flatten)]
    enabled: EnabledView,
    /// What waited as it was let go on; counted up to 10,000.
    waited: usize,
}

/// Lets a paused plugin go on: it runs what waited first.
pub async fn resume(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
) -> Result<Json<ResumedView>> {
    let plugin = plugin_name(&plugin);
    // Before the plugin goes on, which lets the count fall.
    let waited = host.catalog.waiting(host.catalog.store_named(&store)?.id(), &plugin)?;
    host.catalog.resume(&store, &plugin).await?;
    let entry = host.catalog.store_named(&store)?;
    let enabled = EnabledView::of(&host, entry.id(), host.catalog.enabled(&entry, &plugin)?)?;
    Ok(Json(ResumedView { enabled, waited }))
}

pub async fn disable(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
) -> Result<Json<Value>> {
    host.catalog.disable(&store, &plugin_name(&plugin)).await?;
    Ok(Json(json!({ "disabled": plugin })))
}

/// The settings, the schema that they follow, and every version with what it changed. A plugin that is off has none in
/// force: its are those that it would be switched on with.
pub async fn settings(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let plugin = plugin_name(&plugin);
    let entry = host.catalog.store_named(&store)?;
    let installed = host.catalog.installed(&plugin)?;
    let versions = host.catalog.settings_versions(entry.id(), &plugin)?;
    // The first is compared with itself.
    let before = versions.iter().take(1).chain(&versions).map(|version| &version.settings);
    let listed = versions.iter().zip(before).map(|(version, before)| {
        let changed: Vec<_> = changes(before, &version.settings).into_iter().map(|change| change.path).collect();
        json!({ "version": version.version, "saved_at": version.saved_at, "changed": changed })
    });
    Ok(Json(json!({
        "plugin": plugin,
        "version": entry.plugin(&plugin).map(|enabled| enabled.record.settings_version),
        "settings": host.catalog.settings(&entry, &plugin)?,
        "schema": installed.package.manifest.settings_schema(),
        "versions": listed.collect::<Vec<_>>(),
    })))
}

#[derive(Deserialize)]
pub struct SaveQuery {
    /// Nothing is saved, and what would change is told.
    #[serde(default)]
    dry_run: bool,
}

pub async fn save_settings(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
    Query(query): Query<SaveQuery>,
    Json(settings): Json<Value>,
) -> Result<Json<Value>> {
    let plugin = plugin_name(&plugin);
    if query.dry_run {
        let entry = host.catalog.store_named(&store)?;
        let changes = host.catalog.compare_settings(&entry, &plugin, &settings)?;
        return Ok(Json(json!({ "plugin": plugin, "changes": changes })));
    }
    let version = host.catalog.save_settings(&store, &plugin, &settings).await?;
    saved(&host, &store, &plugin, version).await
}

/// Tells the plugin of its new settings, and the client which they are.
async fn saved(host: &Host, store: &str, plugin: &PluginName, version: u32) -> Result<Json<Value>> {
    publish(&host.pipeline, &*host.catalog.store_named(store)?).await?;
    Ok(Json(json!({ "plugin": plugin, "version": version })))
}

fn find_version(host: &Host, store: &str, plugin: &str, version: u32) -> Result<SettingsVersion> {
    let store = host.catalog.store_named(store)?.id();
    Ok(host.catalog.settings_version(store, &plugin_name(plugin), version)?)
}

pub async fn settings_version(
    State(host): State<Arc<Host>>,
    Path((store, plugin, version)): Path<(String, String, u32)>,
) -> Result<Json<Value>> {
    let SettingsVersion { version, settings, saved_at } = find_version(&host, &store, &plugin, version)?;
    Ok(Json(json!({ "plugin": plugin, "version": version, "saved_at": saved_at, "settings": settings })))
}

#[derive(Deserialize)]
pub struct ChangesQuery {
    /// The version to compare with.
    since: u32,
}

/// In what a version differs from another.
pub async fn settings_changes(
    State(host): State<Arc<Host>>,
    Path((store, plugin, version)): Path<(String, String, u32)>,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Value>> {
    let before = find_version(&host, &store, &plugin, query.since)?;
    let after = find_version(&host, &store, &plugin, version)?;
    let changes = changes(&before.settings, &after.settings);
    Ok(Json(json!({ "plugin": plugin, "since": before.version, "version": after.version, "changes": changes })))
}

/// Saves an older version as a new one.
pub async fn revert_settings(
    State(host): State<Arc<Host>>,
    Path((store, plugin, version)): Path<(String, String, u32)>,
) -> Result<Json<Value>> {
    let plugin = plugin_name(&plugin);
    let version = host.catalog.revert_settings(&store, &plugin, version).await?;
    saved(&host, &store, &plugin, version).await
}

/// What a merchant asks of a plugin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionBody {
    name: String,
    /// Whom it is about, by id or e-mail address.
    customer: Option<String>,
    #[serde(default)]
    input: Map<String, Value>,
    /// The same key is the same action, however often it is sent.
    idempotency_key: String,
}

/// Takes a merchant's action in as an event. The answer means that it is durable, not that it is decided.
pub async fn act(
    State(host): State<Arc<Host>>,
    Path((store, plugin)): Path<(String, String)>,
    Json(body): Json<ActionBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let entry = host.catalog.store_named(&store)?;
    let action = Action {
        plugin: plugin_name(&plugin),
        by: By::Merchant(body.customer),
        name: body.name,
        input: body.input,
        key: body.idempotency_key,
    };
    let (id, accepted) = actions::accept(&host.pipeline, &entry, action).await?;
    Ok(taken_in(&id, accepted))
}
