//! What became of something that was asked: waits for the decision and says it.

use std::time::Duration;

use serde_json::Value;

use super::{
    Result,
    client::{Client, segment},
    events,
    stores::path,
};

/// How often a decision is looked for, and how often at most: ten seconds in all.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOOKS: u32 = 200;

/// Says what was decided on an action that was just sent; `answer` is the API's to it. A refusal by the plugin is an
/// error.
pub async fn tell(client: &Client, store: &str, answer: &Value) -> Result {
    let id = answer["event"].as_str().unwrap_or_default();
    println!("{} {id}", answer["status"].as_str().unwrap_or_default());
    match wait(client, store, id).await {
        Some(event) => {
            events::show_deliveries(&event);
            refusal(&event).map_or(Ok(()), |reason| Err(reason.into()))
        }
        None if client.is_running() => {
            println!("not decided yet; `regulars event show` tells once it is");
            Ok(())
        }
        None => {
            println!("it is decided once the host runs");
            Ok(())
        }
    }
}

/// The event once it is decided; none if that takes too long, or if no host runs that would decide.
pub async fn wait(client: &Client, store: &str, id: &str) -> Option<Value> {
    let address = format!("{}/events/{}", path(store), segment(id));
    let looks = if client.is_running() { LOOKS } else { 1 };
    for look in 0..looks {
        if look > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if let Ok(event) = client.get(&address).await {
            return Some(event);
        }
    }
    None
}

/// What plugins have made of an event, in their words.
pub fn decision(event: &Value) -> String {
    let decisions: Vec<_> = event["deliveries"].as_array().into_iter().flatten().map(decision_of).collect();
    if decisions.is_empty() { "no plugin was told".into() } else { decisions.join("; ") }
}

fn decision_of(delivery: &Value) -> String {
    // "done", or the word as the only key of what is told about it.
    if let Some((word, told)) = delivery["outcome"].as_object().and_then(|outcome| outcome.iter().next()) {
        return format!("{word}: {}", told["reason"].as_str().unwrap_or_default());
    }
    let notes = delivery["notes"].as_array().into_iter().flatten();
    let reasons: Vec<_> = notes.filter_map(|note| note["reason"].as_str()).collect();
    if reasons.is_empty() { "handled without a note".into() } else { reasons.join("; ") }
}

/// Why nothing came of an event, if a plugin has refused it for good.
pub fn refusal(event: &Value) -> Option<String> {
    let mut deliveries = event["deliveries"].as_array()?.iter();
    deliveries.find_map(|delivery| delivery["outcome"]["dead"]["reason"].as_str().map(ToOwned::to_owned))
}
