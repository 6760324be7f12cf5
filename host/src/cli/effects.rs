//! `effect`: the outbox.

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Lists effects, newest first.
    List {
        /// The store's permanent domain.
        store: String,
        /// How many at most (1 to 1,000).
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Only those that are `pending`, `done`, `dead` or `dropped`.
        #[arg(long)]
        status: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Shows one effect.
    Show {
        /// The store's permanent domain.
        store: String,
        /// The effect's id.
        effect: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Tries an effect again that has failed.
    Retry {
        /// The store's permanent domain.
        store: String,
        /// The effect's id.
        effect: String,
    },
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::List { store, limit, status, listing } => {
            let status = status.map(|status| format!("&status={}", segment(&status))).unwrap_or_default();
            let effects = client.get(&format!("{}/effects?limit={limit}{status}", path(&store))).await?;
            let columns = [
                ("ID", "/id"),
                ("KIND", "/kind"),
                ("STATUS", "/status"),
                ("CUSTOMER", "/customer"),
                ("QUEUED", "/queued_at"),
                ("TRIES", "/attempts"),
                ("TOLD", "/told"),
            ];
            print::list(listing, &effects, &columns);
        }
        // An effect is a document of nested content: JSON is its plainest form for people as well.
        Command::Show { store, effect, listing: _ } => {
            print::json(&client.get(&format!("{}/effects/{}", path(&store), segment(&effect))).await?);
        }
        Command::Retry { store, effect } => {
            let query = format!("{}/effects/{}", path(&store), segment(&effect));
            client.send(Method::POST, &query, &Value::Null).await?;
            println!("due now: {effect}");
        }
    }
    Ok(())
}
