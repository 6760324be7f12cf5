//! The JSON API under `/v1`: what the command line and the admin page stand on. One file for each noun.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{delete, get, post, put},
};
use serde_json::{Value, json};

use super::problem::Result;
use crate::{
    domain::{PluginName, StoreId},
    host::Host,
    store::{Error, Key, Record, Scan, Store, decode},
};

mod activity;
mod adobe;
mod backup;
mod budgets;
mod connections;
mod contacts;
pub mod customers;
mod doctor;
mod effects;
mod events;
mod export;
mod history;
mod panel;
pub mod plugins;
mod privacy;
mod reconciliation;
mod replay;
pub mod stores;
mod tasks;
mod templates;

/// Rows of a listing unless more are asked for, and the most that can be.
const LISTED: usize = 50;
const LISTED_MAX: usize = 1_000;

/// Bytes of a request's body: room for a plugin file that is just too large, so that it is told as one.
pub const BODY_BYTES: usize = crate::catalog::package::MAX_FILE_BYTES + 1;

pub fn routes() -> Router<Arc<Host>> {
    Router::new()
        .route("/status", get(status))
        .route("/backup", post(backup::backup))
        .route("/plugins", get(plugins::list).post(plugins::install))
        .route("/stores", get(stores::list).post(stores::add))
        .route("/stores/{store}", get(stores::show).patch(stores::change).delete(stores::remove))
        .route("/stores/{store}/adobe", get(adobe::show).patch(adobe::set))
        .route("/stores/{store}/reconciliation", get(reconciliation::show).post(reconciliation::ask))
        .route("/stores/{store}/doctor", get(doctor::show))
        .route("/audit", get(privacy::trail))
        .route("/stores/{store}/export", get(export::export))
        .route("/stores/{store}/erasure", get(privacy::erasure).post(privacy::erase))
        .route("/stores/{store}/replay", post(replay::replay))
        .route("/stores/{store}/plugins/{plugin}/actions", post(plugins::act))
        .route("/stores/{store}/plugins/{plugin}/budgets", get(budgets::show).put(budgets::set))
        .route("/stores/{store}/plugins/{plugin}/templates", get(templates::list))
        .route(
            "/stores/{store}/plugins/{plugin}/templates/{template}/{locale}",
            get(templates::show).put(templates::save).delete(templates::reset),
        )
        .route("/stores/{store}/plugins/{plugin}/templates/{template}/{locale}/preview", get(templates::preview))
        .route("/stores/{store}/letterhead", get(templates::letterhead).put(templates::set_letterhead))
        .route("/stores/{store}/contacts/{contact}", get(contacts::show))
        .route("/stores/{store}/suppressions", get(contacts::suppressions))
        .route("/stores/{store}/suppressions/{contact}", delete(contacts::lift))
        .route("/stores/{store}/customers", get(customers::list))
        .route("/stores/{store}/customers/{customer}/data", get(privacy::data))
        .route("/stores/{store}/customers/{customer}/redaction", post(privacy::forget))
        .route("/stores/{store}/customers/{customer}/actions", post(customers::act))
        .route("/stores/{store}/customers/{customer}/actions/{plugin}/{action}", post(panel::act))
        .route("/stores/{store}/customers/{customer}/panel", get(panel::show))
        .route("/stores/{store}/customers/{customer}/panel.html", get(panel::page))
        .route("/magento/connections", post(connections::begin))
        .route("/mail/reports", post(contacts::report))
        .merge(of_one_store())
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES))
}

/// What the admin page takes of one store, which who works in that shop may see and do; the rest is for who runs the host.
/// Words of mails are: what is written into a template is run, and could use up what all stores share. So is whatever reads
/// a whole store.
pub fn of_one_store() -> Router<Arc<Host>> {
    Router::new()
        .route("/stores/{store}/activity", get(activity::show))
        .route("/stores/{store}/plugins", get(plugins::enabled))
        .route("/stores/{store}/plugins/{plugin}", put(plugins::enable).delete(plugins::disable))
        .route("/stores/{store}/plugins/{plugin}/resume", post(plugins::resume))
        .route("/stores/{store}/plugins/{plugin}/settings", get(plugins::settings).put(plugins::save_settings))
        .route("/stores/{store}/plugins/{plugin}/settings/{version}", get(plugins::settings_version))
        .route("/stores/{store}/plugins/{plugin}/settings/{version}/changes", get(plugins::settings_changes))
        .route("/stores/{store}/plugins/{plugin}/settings/{version}/revert", post(plugins::revert_settings))
        .route("/stores/{store}/events", get(events::list))
        .route("/stores/{store}/events/{*event}", get(events::show).post(events::replay))
        .route("/stores/{store}/customers/{customer}", get(customers::show))
        .route("/stores/{store}/history", get(history::show).post(history::ask).delete(history::stop))
        .route("/stores/{store}/tasks", get(tasks::list))
        .route("/stores/{store}/tasks/{plugin}/{*key}", post(tasks::answer))
        .route("/stores/{store}/effects", get(effects::list))
        .route("/stores/{store}/effects/{effect}", get(effects::show).post(effects::retry))
        .route("/stores/{store}/effects/{effect}/mail", get(effects::mail))
}

/// `GET /v1/status`
async fn status(State(host): State<Arc<Host>>) -> Result<Json<Value>> {
    let registry = host.catalog.registry();
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "stores": registry.stores().len(),
        "plugins": registry.installed().count(),
        "counters": &*host.counters,
    })))
}

/// Reads a record, if it is there.
fn read<T: Record>(host: &Host, key: &Key) -> Result<Option<T>, Error> {
    host.sled.get(key)?.map(|value| decode(&value.bytes)).transpose()
}

/// Reads the records of a range.
fn read_all<T: Record>(host: &Host, scan: &Scan) -> Result<Vec<T>, Error> {
    host.sled.scan(scan)?.iter().map(|(_, value)| decode(&value.bytes)).collect()
}

/// The store that a path names.
fn store_id(host: &Host, domain: &str) -> Result<StoreId> {
    Ok(host.catalog.store_named(domain)?.id())
}

fn plugin_name(name: &str) -> PluginName {
    PluginName::from(name)
}

fn limit(asked: Option<usize>) -> usize {
    asked.unwrap_or(LISTED).clamp(1, LISTED_MAX)
}
