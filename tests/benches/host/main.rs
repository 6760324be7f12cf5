//! `make bench`: what one host does on this machine, as one table.
//!
//! The real binary with the settings it ships with, on loopback, sharing the machine with the load. Rates vary from run
//! to run and from machine to machine: what compares is a ratio within one run. No time is asserted; an answer that is
//! not 200 or a delivery that fails ends the run with an error.
//!
//! ```text
//! cargo bench -p regulars-tests -- --events 100000 --rounds 1
//! ```

mod load;
mod machine;
mod round;
mod table;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use regulars_tests::population::{Population, Shop, Size};

use self::round::{PLUGIN, Plan};

/// Webhooks that a customer's season amounts to, rounded down, so that there are always enough.
const WEBHOOKS_PER_CUSTOMER: usize = 6;

/// What one host does on this machine.
#[derive(Parser)]
struct Args {
    /// Webhooks of a round.
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Rounds; their medians are printed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections that webhooks come over.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// One round of 2,000 webhooks: whether it works.
    #[arg(long, conflicts_with_all = ["events", "rounds"])]
    quick: bool,
    /// The folder in whose file system data is kept.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let args = Args::parse();
    let (events, rounds) = if args.quick { (2_000, 1) } else { (args.events, args.rounds.max(1)) };
    let plugin = plugin_file()?;
    let population = season(events);
    let webhooks: Vec<_> = population.webhooks().take(events).collect();
    let plan = Plan {
        shop: population.shop().domain.clone(),
        secret: population.shop().secret.reveal().into(),
        requests: webhooks.iter().map(|scheduled| load::request(&scheduled.webhook)).collect(),
        connections: args.connections.max(1),
        folder: args.folder,
    };
    let body_bytes = webhooks.iter().map(|scheduled| scheduled.webhook.body.len()).sum::<usize>();
    let (mut with, mut without, mut disk_syncs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        disk_syncs.extend(machine::sync_times(&plan.folder)?);
        with.push(round::run(&plan, Some(&plugin)).await?);
        without.push(round::run(&plan, None).await?);
    }
    table::Table {
        machine: machine::describe(&plan.folder),
        disk_syncs: &disk_syncs,
        plugin_bytes: plugin.metadata()?.len(),
        events: webhooks.len(),
        body_bytes: body_bytes / webhooks.len().max(1),
        connections: plan.connections,
        with: &with,
        without: &without,
    }
    .print();
    let failed = with.iter().chain(&without).any(|round| !round.failures.is_empty());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn season(events: usize) -> Population {
    let customers = u32::try_from(events / WEBHOOKS_PER_CUSTOMER + 10).unwrap_or(u32::MAX);
    Population::sized(7, Shop::named("bench"), Size { customers, days: 90 })
}

/// The plugin file that `make` has built.
fn plugin_file() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let own = std::env::current_exe()?;
    let file = Path::new("plugins").join(PLUGIN).with_extension("wasm");
    let found = own.ancestors().map(|folder| folder.join(&file)).find(|file| file.is_file());
    found.ok_or_else(|| {
        format!("no plugin is built: run `make bench`, or `regulars plugin build plugins/{PLUGIN}`").into()
    })
}
