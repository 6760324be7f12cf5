//! `replay`: everything of a store that has failed, or a part of it, again.

use std::collections::BTreeMap;

use axum::http::Method;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Result, client::Client, print, stores::path};

#[derive(Args)]
#[command(after_help = "Examples:

  regulars replay fern.myshopify.com --dry-run
  regulars replay fern.myshopify.com --plugin loyalty-points --since 2026-10-01T00:00:00Z
  regulars replay fern.myshopify.com --only effects")]
pub struct Replay {
    /// The store's permanent domain.
    store: String,
    /// Only one of the two.
    #[arg(long)]
    only: Option<What>,
    /// Only deliveries of events from this position on.
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Only deliveries of events up to this position.
    #[arg(long, value_name = "POSITION")]
    to: Option<u64>,
    /// Only what was received, or queued, at this instant or later, such as `2026-10-01T00:00:00Z`.
    #[arg(long, value_name = "TIME")]
    since: Option<jiff::Timestamp>,
    /// Only what was received, or queued, before this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<jiff::Timestamp>,
    /// Only deliveries of events of this topic, such as `order.paid`.
    #[arg(long)]
    topic: Option<String>,
    /// Only deliveries to this plugin, and its effects.
    #[arg(long)]
    plugin: Option<String>,
    /// Also deliveries that are to be tried again by themselves.
    #[arg(long)]
    retrying: bool,
    /// Changes nothing, and says what would be replayed.
    #[arg(long)]
    dry_run: bool,
    /// The summary as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Deliveries,
    Effects,
}

/// Counts by what was counted and, within, by plugin, kind or reason.
#[derive(Default)]
struct Summary(BTreeMap<&'static str, BTreeMap<String, u64>>);

impl Summary {
    fn add(&mut self, page: &Value) {
        for part in ["deliveries", "effects", "skipped"] {
            for (name, count) in page[part].as_object().into_iter().flatten() {
                *self.0.entry(part).or_default().entry(name.clone()).or_default() += count.as_u64().unwrap_or_default();
            }
        }
        if let Some(count @ 1..) = page["read_again"].as_u64() {
            *self.0.entry("read again").or_default().entry("events".into()).or_default() += count;
        }
    }

    fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }
}

pub async fn run(client: &Client, replay: Replay) -> Result {
    let of_events = replay.from.is_some() || replay.to.is_some() || replay.topic.is_some() || replay.retrying;
    let mut summary = Summary::default();
    for (what, word) in [(What::Deliveries, "deliveries"), (What::Effects, "effects")] {
        let chosen = match replay.only {
            Some(only) => only == what,
            // What only events have leaves effects out.
            None => what == What::Deliveries || !of_events,
        };
        if chosen {
            all_pages(client, &replay, word, &mut summary).await?;
        }
    }
    if replay.json {
        print::json(&json!({ "dry_run": replay.dry_run, "summary": summary.0 }));
        return Ok(());
    }
    if summary.0.is_empty() {
        println!("nothing to replay");
    }
    for (part, counts) in &summary.0 {
        for (name, count) in counts {
            println!("{part}: {count} {name}");
        }
    }
    if replay.dry_run {
        println!("(a dry run: nothing was changed)");
    }
    Ok(())
}

/// Asks for one page after the other and says on the standard error how far it is.
async fn all_pages(client: &Client, replay: &Replay, word: &str, summary: &mut Summary) -> Result {
    let instant = |time: &Option<jiff::Timestamp>| time.map(|time| time.as_millisecond());
    let mut body = json!({
        "what": word,
        "from": replay.from,
        "to": replay.to,
        "since": instant(&replay.since),
        "until": instant(&replay.until),
        "topic": replay.topic,
        "plugin": replay.plugin,
        "retrying": replay.retrying,
        "dry_run": replay.dry_run,
    });
    let address = format!("{}/replay", path(&replay.store));
    loop {
        let page = client.send(Method::POST, &address, &body).await?;
        summary.add(&page);
        if page["next"].is_null() {
            return Ok(());
        }
        eprintln!("{} so far, {word} up to {}", summary.total(), page["next"].as_str().unwrap_or_default());
        body["after"] = page["next"].clone();
    }
}
