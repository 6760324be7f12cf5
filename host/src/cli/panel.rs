//! `panel`: what plugins show to a customer.

use clap::Args;
use serde_json::Value;

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Args)]
pub struct Panel {
    /// The store's permanent domain.
    store: String,
    /// The customer's id or e-mail address.
    customer: String,
    /// The language to show it in, such as `de`; else the customer's.
    #[arg(long)]
    locale: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

pub async fn run(client: &Client, panel: Panel) -> Result {
    let locale = panel.locale.map(|locale| format!("?locale={}", segment(&locale))).unwrap_or_default();
    let address = format!("{}/customers/{}/panel{locale}", path(&panel.store), segment(&panel.customer));
    let parts = client.get(&address).await?;
    if panel.listing.json {
        print::json(&parts);
        return Ok(());
    }
    for part in parts.as_array().into_iter().flatten() {
        println!("== {}", text(&part["title"]));
        if let Some(error) = part["error"].as_str() {
            println!("(cannot be shown: {error})");
        }
        part["blocks"].as_array().into_iter().flatten().for_each(show);
        println!();
    }
    if parts.as_array().is_none_or(Vec::is_empty) {
        println!("(no plugin shows anything)");
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// One block, as much of it as lines of text can show.
fn show(block: &Value) {
    let progress = match &block["progress"] {
        Value::Null => String::new(),
        progress => format!("{} of {}", progress["done"], progress["of"]),
    };
    let parts = [text(&block["title"]), text(&block["value"]), &progress, text(&block["text"])];
    let line = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    if !line.is_empty() {
        println!("{line}{}", button(block));
    }
    for row in block["rows"].as_array().into_iter().flatten() {
        let parts = [text(&row["title"]), text(&row["value"]), text(&row["detail"])];
        let line = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
        println!("  - {line}{}", button(row));
    }
    for field in block["fields"].as_array().into_iter().flatten() {
        println!("  {} ({}): {}", text(&field["label"]), text(&field["name"]), text(&field["value"]));
    }
}

fn button(of: &Value) -> String {
    match of["button"]["label"].as_str() {
        Some(label) => format!(" [{label}: {}]", text(&of["button"]["action"])),
        None => String::new(),
    }
}
