//! `doctor`: what a store depends on outside of the host, and what helps where it is not well.

use clap::Args;
use serde_json::Value;

use super::{Listing, Result, client::Client, print, stores::path};

#[derive(Args)]
#[command(
    after_help = "Examines the token, the permissions, what the shop tells, the clock, the sender's domain (SPF, DKIM, DMARC), \
                        the way from the\nshop's pages, the last event of each topic, and mails that the platform may send as \
                        well. Fails if it finds a fault. Example:

  regulars doctor fern.myshopify.com"
)]
pub struct Doctor {
    /// The store's permanent domain.
    store: String,
    #[command(flatten)]
    listing: Listing,
}

pub async fn run(client: &Client, doctor: Doctor) -> Result {
    let report = client.get(&format!("{}/doctor", path(&doctor.store))).await?;
    match doctor.listing.json {
        true => print::json(&report),
        false => show(&report),
    }
    match report["counts"]["faults"].as_u64() {
        Some(0) | None => Ok(()),
        Some(faults) => Err(format!("faults were found: {faults}").into()),
    }
}

fn show(report: &Value) {
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let count = |verdict: &str| report["counts"][verdict].as_u64().unwrap_or(0);
    for finding in report["findings"].as_array().into_iter().flatten() {
        println!("{:<7}  {:<14}  {}", text(finding, "verdict"), text(finding, "subject"), text(finding, "seen"));
        if let Some(remedy) = finding["remedy"].as_str() {
            println!("{:25}-> {remedy}", "");
        }
    }
    println!(
        "{}: faults {}, warnings {}, unknown {}, well {}",
        text(report, "store"),
        count("faults"),
        count("warnings"),
        count("unknown"),
        count("well")
    );
}
