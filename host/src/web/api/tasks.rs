//! `/v1/stores/{store}/tasks`: what plugins ask the merchant to decide or to do.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{super::problem::Result, LISTED_MAX, customers::taken_in, plugin_name};
use crate::{
    domain::{CustomerId, OrderId, PluginName, Timestamp},
    host::Host,
    ingest::tasks::{self, Answer},
    store::{Scan, Store, TaskRecord, decode, keys},
};

/// An open task.
#[derive(Serialize)]
pub struct TaskView {
    plugin: PluginName,
    key: String,
    title: String,
    /// What to know, as name and value.
    details: Vec<(String, String)>,
    customer: Option<CustomerId>,
    order: Option<OrderId>,
    /// Answers to choose from, as name and label.
    choices: Vec<(String, String)>,
    due: Option<Timestamp>,
    opened_at: Timestamp,
    /// It was due before now.
    overdue: bool,
}

/// Open tasks: those that are due first, then those that have waited longest.
pub async fn list(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Json<Vec<TaskView>>> {
    // People's requests come also after the app was removed.
    let (store, now) = (host.catalog.store_known(&store)?.id(), host.clock.now());
    let rows = host.sled.scan(&Scan::of(keys::tasks(store), LISTED_MAX))?;
    let mut tasks = Vec::with_capacity(rows.len());
    for (key, value) in rows {
        let Some((plugin, key)) = keys::task_of(&key) else { continue };
        let TaskRecord { title, details, customer, order, choices, due, opened_at } = decode(&value.bytes)?;
        let overdue = due.is_some_and(|due| due < now);
        tasks.push(TaskView { plugin, key, title, details, customer, order, choices, due, opened_at, overdue });
    }
    tasks.sort_by_key(|task| (task.due.is_none(), task.due, task.opened_at));
    Ok(Json(tasks))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// The name of one of the task's choices.
    choice: String,
    #[serde(default)]
    reason: String,
}

/// Takes an answer in as an event. The answer means that it is durable; the task is closed once it is applied.
pub async fn answer(
    State(host): State<Arc<Host>>,
    Path((store, plugin, key)): Path<(String, String, String)>,
    Json(body): Json<AnswerBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let entry = host.catalog.store_known(&store)?;
    let answer = Answer { plugin: plugin_name(&plugin), task: key, choice: body.choice, reason: body.reason };
    let (id, accepted) = tasks::accept(&host.pipeline, &entry, answer).await?;
    Ok(taken_in(&id, accepted))
}
