//! The command line.
//!
//! Every command but `serve`, `compact` and `plugin build|check` is a request to the JSON API: of the host that is running
//! on the data directory, or of one opened for the moment if none is.
//! Commands are worded here; errors are worded where they arise and printed in `main`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{self, Config},
    host, store,
};

mod budgets;
mod client;
mod contacts;
mod customers;
mod decided;
mod doctor;
mod effects;
mod events;
mod history;
mod import;
mod maintenance;
mod panel;
mod plugins;
mod print;
mod privacy;
mod replay;
mod serve;
mod stores;
mod tasks;
mod templates;

/// Runs sandboxed retention plugins for web shops: webhooks come in, plugins decide, mails and vouchers go out.
#[derive(Parser)]
#[command(name = "regulars", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "A first store, from nothing:

  regulars serve --config regulars.toml &
  regulars store add fern.myshopify.com --currency EUR --secret-file secret.txt --token-file token.txt
  regulars plugin install target/plugins/loyalty-points.wasm
  regulars plugin enable fern.myshopify.com loyalty-points --grant-all
  regulars event list fern.myshopify.com")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
struct Common {
    /// The configuration file; every key and its default: `regulars config`.
    #[arg(long, global = true, env = "REGULARS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept; overrides `data_dir` of the configuration.
    #[arg(long, global = true, env = "REGULARS_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Common {
    fn load(&self) -> Result<Config, config::Error> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.data_dir.clone_from(data);
        }
        Ok(config)
    }
}

#[derive(Subcommand)]
enum Command {
    /// Takes webhooks in and works, until it is told to stop (Ctrl-C or SIGTERM).
    Serve,
    /// Prints the default configuration with the reason of every key.
    Config,
    /// Stores: the shops that are served.
    #[command(subcommand)]
    Store(stores::Command),
    /// Plugins: build, check, install, switch on, set, bound, act, resume.
    #[command(subcommand, alias = "plugins")]
    Plugin(plugins::Command),
    /// Events: what came in, what was decided, and again if it failed.
    #[command(subcommand)]
    Event(events::Command),
    /// Customers: what is known of one, and what was decided.
    #[command(subcommand)]
    Customer(customers::Command),
    /// Shows what plugins show to a customer.
    Panel(panel::Panel),
    /// Tasks: what plugins ask the merchant to decide or to do.
    #[command(subcommand)]
    Task(tasks::Command),
    /// Mails: who is not written to, what came back, and what stands in each of them.
    #[command(subcommand)]
    Mail(contacts::Command),
    /// Effects: mails, codes and tags on their way out.
    #[command(subcommand)]
    Effect(effects::Command),
    /// Runs everything of a store again that has failed for good, or a part of it; what is done counts once.
    Replay(replay::Replay),
    /// Examines what a store depends on outside of the host; each finding says what helps.
    Doctor(doctor::Doctor),
    /// Lists what was done with people's data and with stores': requests, redactions, files read, erasures.
    Audit(privacy::Audit),
    /// Writes everything of a store, one JSON document a line.
    Export(maintenance::Export),
    /// Copies the data directory, complete and consistent, while the host runs.
    Backup(maintenance::Backup),
    /// Rewrites the store without its garbage; the host has to be stopped.
    Compact,
    /// Counters of the running host.
    Status(Listing),
}

/// How a listing is printed.
#[derive(Args, Clone, Copy)]
struct Listing {
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// How long a command waits for one that has the data directory for a moment, or for a host that is starting.
const OPEN_TRIES: u32 = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(100);

fn is_locked(error: &host::Error) -> bool {
    matches!(error, host::Error::Store(store::Error::Locked { .. }))
}

/// Why a command failed; its text is what the user reads.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result {
    let Cli { common, command } = cli;
    match command {
        Command::Config => {
            print!("{}", config::DEFAULTS);
            Ok(())
        }
        Command::Serve => serve::run(common.load()?),
        Command::Compact => maintenance::compact(common.load()?),
        Command::Plugin(plugins::Command::Build(build)) => plugins::build(&build),
        Command::Plugin(plugins::Command::Check(check)) => plugins::check(&check),
        command => in_runtime(ask(common, command)),
    }
}

fn in_runtime(work: impl Future<Output = Result>) -> Result {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

async fn ask(common: Common, command: Command) -> Result {
    let client = client::Client::connect(common.load()?).await?;
    match command {
        Command::Store(command) => stores::run(&client, command).await,
        Command::Plugin(command) => plugins::run(&client, command).await,
        Command::Event(command) => events::run(&client, command).await,
        Command::Customer(command) => customers::run(&client, command).await,
        Command::Panel(panel) => panel::run(&client, panel).await,
        Command::Task(command) => tasks::run(&client, command).await,
        Command::Mail(command) => contacts::run(&client, command).await,
        Command::Effect(command) => effects::run(&client, command).await,
        Command::Replay(replay) => replay::run(&client, replay).await,
        Command::Doctor(doctor) => doctor::run(&client, doctor).await,
        Command::Audit(audit) => privacy::audit(&client, audit).await,
        Command::Export(export) => maintenance::export(&client, export).await,
        Command::Backup(backup) => maintenance::backup(&client, backup).await,
        Command::Status(listing) => maintenance::status(&client, listing).await,
        Command::Serve | Command::Config | Command::Compact => Err("this command asks nobody".into()),
    }
}

/// Reads a secret: from its file (`-` is standard input), without the line's end.
fn read_secret(file: &Path) -> Result<String> {
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_is_well_formed() {
        Cli::command().debug_assert();
    }
}
