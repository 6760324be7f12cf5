//! `customer`: what is known of one, what was decided, and what they ask for.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    decided, print,
    privacy::{self, Data, Forget},
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Lists customers with the figures that plugins noted last.
    List {
        /// The store's permanent domain.
        store: String,
        /// How many at most (1 to 1,000).
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        listing: Listing,
    },
    /// Shows a customer: figures, orders, and every decision with its reason.
    Show {
        /// The store's permanent domain.
        store: String,
        /// The customer's id or e-mail address.
        customer: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Writes everything that is kept of a customer as one JSON file: for the customer, who has asked the shop for it.
    #[command(after_help = "Example:

  regulars customer data fern.myshopify.com ada@example.com --out ada.json")]
    Data(Data),
    /// Forgets a customer, as Shopify asks for by itself: who it was goes, sums stay.
    #[command(after_help = "Example:

  regulars customer forget shop.example.com ada@example.com --confirm ada@example.com

Plugins that are switched on hear of it; `regulars audit` says when all is done.")]
    Forget(Forget),
    /// Does for a customer what they would do in the shop, such as redeeming points, and says what was decided.
    #[command(after_help = "Example:

  regulars customer act fern.myshopify.com ada@example.com loyalty-points redeem --input '{\"reward\":\"five\"}' --key 1")]
    Act {
        /// The store's permanent domain.
        store: String,
        /// The customer's id or e-mail address.
        customer: String,
        /// The plugin that is asked.
        plugin: String,
        /// What is asked of it.
        action: String,
        /// The action's input, a JSON object.
        #[arg(long, default_value = "{}")]
        input: String,
        /// Names this action: sent twice under one key, it counts once.
        #[arg(long)]
        key: String,
    },
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::List { store, limit, listing } => {
            let customers = client.get(&format!("{}/customers?limit={limit}", path(&store))).await?;
            let columns = [("CUSTOMER", "/customer/id"), ("E-MAIL", "/customer/email"), ("FIGURES", "/figures")];
            print::list(listing, &customers, &columns);
        }
        Command::Show { store, customer, listing } => {
            let shown = client.get(&format!("{}/customers/{}", path(&store), segment(&customer))).await?;
            if listing.json { print::json(&shown) } else { show(listing, &shown) }
        }
        Command::Data(data) => privacy::data(client, data).await?,
        Command::Forget(forget) => privacy::forget(client, forget).await?,
        Command::Act { store, customer, plugin, action, input, key } => {
            let input: Value =
                serde_json::from_str(&input).map_err(|error| format!("`--input` is not JSON: {error}"))?;
            let body = json!({ "plugin": plugin, "action": action, "input": input, "idempotency_key": key });
            let query = format!("{}/customers/{}/actions", path(&store), segment(&customer));
            let answer = client.send(Method::POST, &query, &body).await?;
            decided::tell(client, &store, &answer).await?;
        }
    }
    Ok(())
}

fn show(listing: Listing, shown: &Value) {
    let customer = &shown["customer"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    println!("customer {} {}", text(&customer["id"]), text(&customer["email"]));
    for (plugin, figures) in shown["figures"].as_object().into_iter().flatten() {
        println!("{plugin}: {figures}");
    }
    println!();
    let orders = [("ORDER", "/name"), ("PLACED", "/placed_at"), ("STATUS", "/financial_status"), ("ID", "/id")];
    print::list(listing, &shown["orders"], &orders);
    println!();
    let events = [
        ("POSITION", "/position"),
        ("RECEIVED", "/received_at"),
        ("TOPIC", "/topic"),
        ("DECISION", "/deliveries/0/notes/0/reason"),
    ];
    print::list(listing, &shown["events"], &events);
}
