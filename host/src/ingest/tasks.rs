//! Answers to tasks: what a merchant decides becomes a merchant's action of the plugin that asked.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Accepted,
    actions::{self, Action, ActionRefused, By},
};
use crate::{
    catalog::StoreEntry,
    dispatch::{Pipeline, facts},
    domain::{EventId, PluginName, Timestamp},
    store::{self, TaskRecord, decode, keys},
};

/// Bytes of what the merchant adds.
const REASON_BYTES: usize = 2_000;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub plugin: PluginName,
    /// The task's key.
    pub task: String,
    /// The action's name, one of the task's choices.
    pub choice: String,
    pub reason: String,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerRefused {
    #[error("no task `{task}` of `{plugin}` is open; `regulars task list` names those that are")]
    NoTask { plugin: String, task: String },
    #[error("`{choice}` is no answer to this task; there are: {}", choices.join(", "))]
    NoChoice { choice: String, choices: Vec<String> },
    #[error("`reason` may have {REASON_BYTES} bytes at most")]
    Reason,
    #[error(transparent)]
    Action(#[from] ActionRefused),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Takes an answer in as an event, whose id it gives. The task is closed in that event's commit: until then a second
/// answer is the first one again.
pub async fn accept(
    pipeline: &Pipeline,
    entry: &StoreEntry,
    answer: Answer,
) -> Result<(EventId, Accepted), AnswerRefused> {
    let Answer { plugin, task: key, choice, reason } = answer;
    if reason.len() > REASON_BYTES {
        return Err(AnswerRefused::Reason);
    }
    let Some(row) = pipeline.store.get(&keys::task(entry.id(), &plugin, &key))? else {
        return Err(AnswerRefused::NoTask { plugin: plugin.to_string(), task: key });
    };
    let task: TaskRecord = decode(&row.bytes)?;
    if !task.choices.iter().any(|(name, _)| *name == choice) {
        let choices = task.choices.into_iter().map(|(name, _)| name).collect();
        return Err(AnswerRefused::NoChoice { choice, choices });
    }
    // The customer may have been forgotten since.
    let customer = task.customer.map(|id| id.to_string());
    let known = customer.map(|id| facts::customer_named(&*pipeline.store, entry.id(), &id)).transpose()?.flatten();
    let action = Action {
        plugin,
        by: By::Merchant(known.map(|customer| customer.id.to_string())),
        name: choice,
        key: idempotency_key(&key, task.opened_at),
        input: Map::from_iter([("task".into(), Value::String(key)), ("reason".into(), Value::String(reason))]),
    };
    Ok(match action.plugin.is_host() {
        true => actions::append(pipeline, entry, action).await?,
        false => actions::accept(pipeline, entry, action).await?,
    })
}

/// One for each time that a task is opened. A task's key may be longer than this may be, and stands in it as its digest.
fn idempotency_key(task: &str, opened_at: Timestamp) -> String {
    format!("task/{}/{}", HEXLOWER.encode(&Sha256::digest(task)[..16]), opened_at.0)
}
