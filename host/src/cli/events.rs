//! `event`: what came in and what was decided.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Lists events, newest first.
    List {
        /// The store's permanent domain.
        store: String,
        /// How many at most (1 to 1,000).
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only events before this position.
        #[arg(long, value_name = "POSITION")]
        before: Option<u64>,
        /// Only those with a delivery that has failed, or that could not be read.
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Shows one event: its deliveries with the reasons, and its body.
    Show {
        /// The store's permanent domain.
        store: String,
        /// The event's id or position.
        event: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Runs the failed deliveries of an event again; reads it again if it could not be read.
    Replay {
        /// The store's permanent domain.
        store: String,
        /// The event's id or position.
        event: String,
        /// Only this plugin's delivery.
        #[arg(long)]
        plugin: Option<String>,
    },
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::List { store, limit, before, failed, listing } => {
            let before = before.map(|position| format!("&before={position}")).unwrap_or_default();
            let query = format!("{}/events?limit={limit}&failed={failed}{before}", path(&store));
            let columns = [
                ("POSITION", "/position"),
                ("RECEIVED", "/received_at"),
                ("TOPIC", "/topic"),
                ("CUSTOMER", "/customer"),
                ("DECISION", "/deliveries/0/notes/0/reason"),
                ("ID", "/id"),
            ];
            print::list(listing, &client.get(&query).await?, &columns);
        }
        Command::Show { store, event, listing } => {
            let event = client.get(&format!("{}/events/{}", path(&store), segment(&event))).await?;
            if listing.json { print::json(&event) } else { show(&event) }
        }
        Command::Replay { store, event, plugin } => {
            let body = plugin.map_or_else(|| json!({}), |plugin| json!({ "plugin": plugin }));
            let query = format!("{}/events/{}", path(&store), segment(&event));
            let answer = client.send(Method::POST, &query, &body).await?;
            match answer["due"].as_array() {
                Some(plugins) => println!("due now: {}", Value::Array(plugins.clone())),
                None => println!("read again and applied"),
            }
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    }
}

/// The event in sentences.
fn show(event: &Value) {
    println!("{} at position {}: {}", text(&event["id"]), event["position"], text(&event["topic"]));
    println!("customer {}, order {}", text(&event["customer"]), text(&event["order"]));
    if let Some(reason) = event["unreadable"].as_str() {
        println!("could not be read: {reason}");
    }
    show_deliveries(event);
    if !event["payload"].is_null() {
        println!("\n{:#}", event["payload"]);
    }
}

/// What each plugin decided on the event.
pub fn show_deliveries(event: &Value) {
    for delivery in event["deliveries"].as_array().into_iter().flatten() {
        // "done", or the word as the only key of what is told about it.
        let outcome = &delivery["outcome"];
        let (word, told) = match outcome.as_object().and_then(|object| object.iter().next()) {
            Some((word, told)) => (word.clone(), told.clone()),
            None => (text(outcome), Value::Null),
        };
        println!(
            "\n{}: {word} at attempt {}, {} fuel, settings version {}",
            text(&delivery["plugin"]),
            delivery["attempt"],
            delivery["fuel"],
            delivery["settings_version"]
        );
        if let Some(reason) = told["reason"].as_str() {
            println!("  because {reason}");
        }
        for note in delivery["notes"].as_array().into_iter().flatten() {
            let fields: Vec<_> = note["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|field| format!("{} {}", text(&field[0]), text(&field[1])))
                .collect();
            println!("  {} ({})", text(&note["reason"]), fields.join(", "));
        }
        for (name, key) in [("read", "reads"), ("queued", "effects")] {
            for item in delivery[key].as_array().into_iter().flatten() {
                println!("  {name} {}", text(item));
            }
        }
    }
}
