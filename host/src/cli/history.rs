//! `store history`: what a store was before it was added, and whether all of it is known.

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::{Result, client::Client, stores::path};

/// How often progress is asked for.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

#[derive(Args)]
pub struct Ask {
    /// The store's permanent domain.
    store: String,
    /// Reads it from its beginning, and waits until it is read. What is known counts once.
    #[arg(long)]
    again: bool,
    /// Compares the platform's counts with what is known, and waits for the answer.
    #[arg(long, conflicts_with = "again")]
    count: bool,
    /// Stops the reading; what has been learnt stays.
    #[arg(long, conflicts_with_all = ["again", "count"])]
    stop: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(client: &Client, ask: Ask) -> Result {
    let address = format!("{}/history", path(&ask.store));
    let begins = ask.again || ask.count;
    if begins {
        client.send(Method::POST, &address, &json!({ "count": ask.count })).await?;
    }
    if ask.stop {
        client.send(Method::DELETE, &address, &Value::Null).await?;
    }
    let state = match begins || ask.stop {
        true => wait(client, &address, ask.count).await?,
        false => client.get(&address).await?,
    };
    match ask.json {
        true => println!("{state:#}"),
        false => print(&ask.store, &state),
    }
    let error = if ask.count { &state["counts"]["error"] } else { &state["error"] };
    match error.as_str().filter(|_| begins) {
        Some(error) => Err(format!("it ended early: {error}").into()),
        None => Ok(()),
    }
}

/// Waits until nothing is under way, and says on standard error how far it is.
async fn wait(client: &Client, address: &str, is_count: bool) -> Result<Value> {
    let mut told = 0;
    loop {
        let state = client.get(address).await?;
        let is_under_way = match is_count {
            true => state["counting"] == true,
            false => matches!(state["status"].as_str(), Some("waiting" | "reading")),
        };
        if !is_under_way {
            return Ok(state);
        }
        let found: u64 = ["customers", "orders"].iter().filter_map(|part| state[*part]["found"].as_u64()).sum();
        if found != told {
            told = found;
            eprintln!("{} customers, {} orders", state["customers"]["found"], state["orders"]["found"]);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn time(at: &Value) -> String {
    let at = at.as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

fn print(store: &str, state: &Value) {
    println!("{store}: the history is {}", state["status"].as_str().unwrap_or_default());
    if !state["started_at"].is_null() {
        for part in ["customers", "orders", "refunds"] {
            println!("{part:<11} {}, of which {} were known", state[part]["found"], state[part]["known"]);
        }
        println!("since       {}", time(&state["since"]));
        println!("unreadable  {}", state["unreadable"]);
    }
    let counts = &state["counts"];
    if !counts.is_null() {
        let of = |what: &str| format!("{} {what}, {} known here", counts[what]["platform"], counts[what]["known"]);
        println!("counted     {}: {}; {}", time(&counts["counted_at"]), of("orders"), of("customers"));
    }
    for note in state["notes"].as_array().into_iter().flatten() {
        let part = |name: &str| note[name].as_str().unwrap_or_default().to_owned();
        println!("{}\n  {}", part("what"), part("remedy"));
    }
}
