//! What an effect was queued for, where its failure is made up for.

use regulars_sdk::{Context, EffectId, Result, key};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// The code that an advocate's friends type. The effect stands here as the host wrote it.
    FriendCode { advocate: String, effect: EffectId },
    /// The reward for an order.
    Reward { order: String },
}

pub fn get(cx: &mut Context, effect: &str) -> Result<Option<Use>> {
    Ok(cx.state().get(&effect_key(effect))?)
}

pub fn set(cx: &mut Context, effect: &EffectId, used_for: &Use) -> Result {
    Ok(cx.state().set(&effect_key(effect.as_str()), used_for)?)
}

pub fn effect_key(effect: &str) -> String {
    key(&["effect", effect])
}
