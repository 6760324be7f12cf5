//! `make bench`: what one host does on this machine, as one table.
//!
//! The real binary with the settings it ships with, on loopback, sharing the machine with the load. Rates vary from run
//! to run and from machine to machine: what compares is a ratio within one run. No time is asserted; an answer that is
//! not 200 or a delivery that fails ends the run with an error.

mod alone;
mod chart;
mod deliveries;
mod endurance;
mod figures;
mod growth;
mod ingest;
mod load;
mod machine;
mod peers;
mod plugin_copy;
mod report;
mod sandbox;
mod seed;
mod service;
mod stand_in;
mod workload;

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Parser, ValueEnum};

use self::{report::Report, workload::Workload};

/// What one host does on this machine, beside what bounds it and beside what else one could have built.
///
/// Prints one table, and writes it as report.md and report.json. Everything runs on loopback and shares this machine's
/// cores; data is written to a real disk. Read the ratios: rates follow the disk, which may change from hour to hour.
#[derive(Parser)]
#[command(after_help = "\
Examples:
  make bench                                            everything, about a quarter of an hour
  make bench BENCH=\"--only ingest,deliveries\"           two parts
  cargo bench -p regulars-tests -- --quick              everything but the long parts' length, about three minutes

A ratio needs its reference in the same run: `--only peers` without `ingest` states rates alone.")]
struct Args {
    /// The parts to run, with commas between them; all if none is named.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<Part>,
    /// Shorter rounds and fewer of them: whether it works, and a first idea.
    #[arg(long)]
    quick: bool,
    /// Connections that webhooks come over.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    connections: u16,
    /// The folder in whose file system data is kept: on the disk that is to be measured.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// Where the report is written [default: bench/ in cargo's target folder].
    #[arg(long)]
    report: Option<PathBuf>,
    /// Where the charts are drawn [default: beside the report].
    #[arg(long)]
    charts: Option<PathBuf>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Webhooks acknowledged as durable and their latency, the same without persistence, the journal and the disk alone.
    Ingest,
    /// What a developer would write instead: Node with Express, and with Shopify's own library.
    Peers,
    /// Complete events per second with 0, 1, 4 and 16 plugins, beside journal and store alone.
    Deliveries,
    /// One plugin call, beside bare wasmtime, native code and Extism; how soon a runaway plugin is stopped.
    Sandbox,
    /// Rates, start-up, memory and disk with 10,000, 100,000 and 1,000,000 customers; draws a chart.
    Growth,
    /// Disk and memory while a million events go through; draws a chart.
    Endurance,
}

/// What all parts share.
pub struct Run {
    quick: bool,
    pub connections: usize,
    pub folder: PathBuf,
    /// Where charts are drawn.
    pub charts: PathBuf,
    pub report: Report,
    began: Instant,
}

impl Run {
    /// One of two sizes.
    pub fn choose<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Tells whoever waits what is being done.
    pub fn say(&self, what: impl Display) {
        eprintln!("[{:>4} s] {what}", self.began.elapsed().as_secs());
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    stand_in::serve_if_asked()?;
    let args = Args::parse();
    let folder = args.report.unwrap_or_else(|| target().join("bench"));
    let mut run = Run {
        quick: args.quick,
        connections: usize::from(args.connections),
        folder: args.folder,
        charts: args.charts.unwrap_or_else(|| folder.clone()),
        report: Report::default(),
        began: Instant::now(),
    };
    measure(&mut run, &args.only)?;
    run.report.save(&folder)?;
    println!("{}\nwritten to {}", run.report.text(), folder.join("report.md").display());
    Ok(if run.report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(run: &mut Run, only: &[Part]) -> io::Result<()> {
    let wanted = |part| only.is_empty() || only.contains(&part);
    run.report.condition("machine", machine::describe(&run.folder));
    if wanted(Part::Sandbox) {
        sandbox::run(run)?;
    }
    if only != [Part::Sandbox] {
        with_orders(run, wanted)?;
    }
    let length = if run.quick { "quick" } else { "full" };
    run.report.condition("run", format!("{length}, {} s", run.began.elapsed().as_secs()));
    Ok(())
}

/// The parts that send orders.
fn with_orders(run: &mut Run, wanted: impl Fn(Part) -> bool) -> io::Result<()> {
    run.say("making up the shoppers and their orders");
    let workload = Workload::paid_orders(run.choose(8_000, 40_000));
    let load = format!("{} connections, paid orders of {} bytes on average", run.connections, workload.body_bytes);
    run.report.condition("load", load);
    let ingested = wanted(Part::Ingest).then(|| ingest::run(run, &workload)).transpose()?;
    if wanted(Part::Peers) {
        peers::run(run, &workload, ingested)?;
    }
    if wanted(Part::Deliveries) {
        deliveries::run(run, &workload)?;
    }
    if wanted(Part::Growth) {
        growth::run(run, &workload)?;
    }
    if wanted(Part::Endurance) {
        endurance::run(run, &workload)?;
    }
    Ok(())
}

/// Cargo's target folder.
pub fn target() -> &'static Path {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary)
}
