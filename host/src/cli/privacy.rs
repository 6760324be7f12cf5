//! `audit`, `customer data`, `store erase`: what was done with people's data, all that is kept of somebody, the end of a
//! store.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Args)]
pub struct Audit {
    /// Entries about this store alone, also one that has been erased.
    #[arg(long)]
    store: Option<String>,
    /// How many at most (1 to 1,000).
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Args)]
pub struct Data {
    /// The store's permanent domain.
    store: String,
    /// The customer's id or e-mail address.
    customer: String,
    /// An order that the request names besides; may be given several times.
    #[arg(long = "order", value_name = "ORDER")]
    orders: Vec<String>,
    /// The file to write; standard output if there is none. A file that is there already stays.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct Forget {
    /// The store's permanent domain.
    store: String,
    /// The customer's id or e-mail address.
    customer: String,
    /// The customer once more, as written before.
    #[arg(long, value_name = "CUSTOMER")]
    confirm: String,
}

#[derive(Args)]
pub struct Erase {
    /// The store's permanent domain.
    store: String,
    /// Says what would be deleted, and deletes nothing.
    #[arg(long, conflicts_with = "confirm")]
    dry_run: bool,
    /// The store's permanent domain once more.
    #[arg(long, value_name = "STORE", required_unless_present = "dry_run")]
    confirm: Option<String>,
}

pub async fn audit(client: &Client, audit: Audit) -> Result {
    let store = audit.store.map(|store| format!("&store={}", segment(&store))).unwrap_or_default();
    let trail = client.get(&format!("/audit?limit={}{store}", audit.limit)).await?;
    let columns = [
        ("AT", "/at"),
        ("WHAT", "/act"),
        ("BY", "/by"),
        ("STORE", "/domain"),
        ("CUSTOMER", "/customer"),
        ("EVENT", "/event"),
    ];
    print::list(audit.listing, &trail, &columns);
    Ok(())
}

pub async fn data(client: &Client, data: Data) -> Result {
    let address = format!("{}/customers/{}/data", path(&data.store), segment(&data.customer));
    let orders = data.orders.iter().map(|order| segment(order)).collect::<Vec<_>>().join(",");
    let file = client.get(&format!("{address}?orders={orders}")).await?;
    let text = format!("{file:#}\n");
    match data.out {
        Some(out) => {
            let cannot = |error| format!("{}: {error}", out.display());
            // It is one person's, and nobody else's to read.
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&out);
            made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot)?;
            eprintln!("{} rows", rows(&file));
        }
        None => print!("{text}"),
    }
    Ok(())
}

fn rows(file: &Value) -> usize {
    file["data"]
        .as_object()
        .into_iter()
        .flat_map(|sections| sections.values())
        .filter_map(Value::as_array)
        .map(Vec::len)
        .sum()
}

pub async fn forget(client: &Client, forget: Forget) -> Result {
    let address = format!("{}/customers/{}/redaction", path(&forget.store), segment(&forget.customer));
    client.send(Method::POST, &address, &json!({ "confirm": forget.confirm })).await?;
    println!("{} is being forgotten; `regulars audit --store {}` says when all is done", forget.customer, forget.store);
    Ok(())
}

pub async fn erase(client: &Client, erase: Erase) -> Result {
    let address = format!("{}/erasure", path(&erase.store));
    let Some(confirm) = erase.confirm else {
        let would = client.get(&address).await?;
        println!("{} rows of {} would be deleted for good; nothing was", would["rows"], erase.store);
        println!("raw notices and copies of mails would expire within {} days", would["copies_days"]);
        return Ok(());
    };
    client.send(Method::POST, &address, &json!({ "confirm": confirm })).await?;
    println!(
        "erased {}; its rows are deleted while the host runs, and `regulars audit` says when none is left",
        erase.store
    );
    Ok(())
}
