//! Decisions: the recorded why of a delivery, or why nothing was decided.

use serde::{Deserialize, Serialize};

use super::{ComponentHash, EffectId, PluginName, Timestamp};

/// One event handed to one plugin: the unit of work, of retry and of failure, with its latest attempt's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub plugin: PluginName,
    pub component: ComponentHash,
    /// The version of the settings that the plugin read.
    pub settings_version: u32,
    /// 1 for the first attempt.
    pub attempt: u32,
    pub at: Timestamp,
    /// Fuel that the call used.
    pub fuel: u64,
    pub outcome: Outcome,
    pub notes: Vec<Note>,
    /// State keys that the plugin read, in order of first reading.
    pub reads: Vec<String>,
    pub effects: Vec<EffectId>,
}

/// How a delivery's latest attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Handled; its state, timers and effects are committed.
    Done,
    /// Failed and due to run again; nothing was kept.
    Retrying { due: Timestamp, reason: String },
    /// Failed for good; nothing was kept. A dead letter until someone replays it.
    Dead { reason: String },
    /// Not run: the plugin is paused. It runs in its turn when the plugin is resumed.
    Waiting { reason: String },
}

/// Why a plugin did what it did, or did nothing: shown to the merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub reason: String,
    pub fields: Vec<(String, String)>,
}
