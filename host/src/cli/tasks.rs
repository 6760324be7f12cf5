//! `task`: what plugins ask the merchant to decide or to do.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    decided, print,
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Lists open tasks, those that are due first, with the answers there are.
    List {
        /// The store's permanent domain.
        store: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Answers a task, and says what the plugin makes of it.
    #[command(after_help = "Example:

  regulars task answer fern.myshopify.com referral-vouchers order/1042 approve --reason 'known customer'")]
    Answer {
        /// The store's permanent domain.
        store: String,
        /// The plugin that asks.
        plugin: String,
        /// The task's key, as it is listed.
        key: String,
        /// One of the answers that are listed.
        choice: String,
        /// Why, for the record.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::List { store, listing } => {
            let tasks = client.get(&format!("{}/tasks", path(&store))).await?;
            if listing.json { print::json(&tasks) } else { list(&tasks) }
        }
        Command::Answer { store, plugin, key, choice, reason } => {
            let address = format!("{}/tasks/{}/{}", path(&store), segment(&plugin), segment(&key));
            let body = json!({ "choice": choice, "reason": reason });
            let answer = client.send(Method::POST, &address, &body).await?;
            decided::tell(client, &store, &answer).await?;
        }
    }
    Ok(())
}

fn list(tasks: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = |value: &Value| -> Vec<(String, String)> {
        let pairs = value.as_array().into_iter().flatten();
        pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    };
    for task in tasks.as_array().into_iter().flatten() {
        let due = match (task["overdue"] == true, task["due"].as_u64().map(crate::domain::Timestamp)) {
            (true, Some(due)) => format!(", OVERDUE since {due}"),
            (_, Some(due)) => format!(", due {due}"),
            (_, None) => String::new(),
        };
        println!("{} {}: {}{due}", text(&task["plugin"]), text(&task["key"]), text(&task["title"]));
        for (name, value) in pairs(&task["details"]) {
            println!("  {name}: {value}");
        }
        for (name, label) in pairs(&task["choices"]) {
            println!("  answer {name}: {label}");
        }
    }
    if tasks.as_array().is_none_or(Vec::is_empty) {
        println!("(none)");
    }
}
