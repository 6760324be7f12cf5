//! `make demo`: the real host among simulated peers, and a shop's season that passes in about a minute.
//!
//! Nothing leaves this machine: the storefront's API and the mail server are simulated on loopback.

mod screen;
mod season;
mod watchdog;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use regulars_tests::{
    host::Host,
    population::{Population, Shop, Size, model::Customer, oracle},
    shopify_admin::{Options, SchemaSource, ShopifyAdmin},
    smtp_sink::SmtpSink,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use self::{screen::Screen, season::Season, watchdog::Watchdog};

const PLUGIN: &str = "loyalty-points";

/// The address of the admin page that people come back to, unless it is taken.
const ADMIN: &str = "127.0.0.1:7401";

const SIZE: Size = Size { customers: 120, days: 90 };

/// How long the host may take to end before it is killed.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// Plays a shop's season in about a minute: orders, refunds, rewards. The admin page shows it live.
///
/// Everything is on this machine: the storefront and the mail server are simulated.
#[derive(Parser)]
#[command(name = "demo", after_help = "`make demo` builds what is needed and runs this.")]
struct Arguments {
    /// Ends after so many seconds and checks points, mails and codes; else it runs until Ctrl-C.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Webhooks a second.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rate: u32,
    /// Another seed is another season.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Why the demo cannot go on; its text is what the user reads.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result {
    let screen = Screen::new();
    let end = watch_for_the_end()?;
    let plugin = plugin_file()?;
    let population = Population::sized(arguments.seed, Shop::named("fern-and-fable"), SIZE);
    let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options::default())?;
    let mails = SmtpSink::start()?;
    let unlucky = second_to_join(&population);
    mails.reject_recipient(&unlucky.email);
    let host = start_host(&mails)?;
    let watchdog = Watchdog::of(host.pid())?;
    screen.say("the host runs among a simulated Shopify and mail server");
    set_up(&host, &shopify, &population, &plugin)?;
    screen.say(format!("store {} added, {PLUGIN} installed and switched on", population.shop().domain));
    screen.print(format!(
        "\n  Watch it live   {}/\n  Ask it          {}\n",
        host.admin_url(),
        question(&host, &population)?
    ));

    let season = Season::among(&screen, &population, unlucky, &host, &shopify, &mails)?;
    let seconds = arguments.seconds.map(Duration::from_secs);
    let outcome = tokio::select! {
        () = ended(&end) => {
            screen.say("stopping");
            Ok(())
        }
        outcome = season.play(arguments.rate, seconds) => outcome,
    };
    let host_log = outcome.is_err().then(|| host.log());
    if outcome.is_ok() && seconds.is_none() && !*end.borrow() {
        screen.print("\n  The season is over; the host keeps running. Ctrl-C ends it.");
        ended(&end).await;
    }
    stop(host, watchdog).await;
    if let Some(log) = host_log {
        eprintln!("---- the host's log ----\n{log}---- end of the log ----");
    }
    outcome
}

/// True once somebody wants the demo to end, or nobody is left who could.
fn watch_for_the_end() -> Result<watch::Receiver<bool>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    let parent = std::os::unix::process::parent_id();
    let orphaned = async move {
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            () = orphaned => {}
        }
        let _ = tell.send(true);
    });
    Ok(told)
}

async fn ended(end: &watch::Receiver<bool>) {
    // The sender goes only after it has told.
    let _ = end.clone().wait_for(|ended| *ended).await;
}

/// The plugin file that `regulars plugin build` has written for this binary's target folder.
fn plugin_file() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).take(3).map(PathBuf::from);
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let places: Vec<_> =
        beside.chain(named).map(|folder| folder.join("plugins").join(PLUGIN).with_extension("wasm")).collect();
    places.iter().find(|file| file.is_file()).cloned().ok_or_else(|| {
        let looked = places.get(1).unwrap_or(&places[0]).display();
        format!("no plugin file {looked}: run `make demo`, or `regulars plugin build plugins/{PLUGIN}` first").into()
    })
}

/// The shopper whose mailbox takes no mail, so that there is something that needs attention.
fn second_to_join(population: &Population) -> &Customer {
    let mut customers: Vec<_> = population.customers().iter().collect();
    customers.sort_by_key(|customer| customer.joined);
    customers[1]
}

fn start_host(mails: &SmtpSink) -> Result<Host> {
    let free = std::net::TcpListener::bind(ADMIN).is_ok();
    let admin = if free { ADMIN } else { "127.0.0.1:0" };
    let host = Host::builder()
        .smtp(mails.address())
        .env("REGULARS__ADMIN__LISTEN", admin)
        .env("REGULARS__MAIL__FROM", "Fern & Fable <hello@fern-and-fable.example>")
        .try_start()?;
    Ok(host)
}

/// Adds the store and switches the plugin on, as a person does: by the command line.
fn set_up(host: &Host, shopify: &ShopifyAdmin, population: &Population, plugin: &Path) -> Result {
    let shop = population.shop();
    let (api, token) = (shopify.base_url(), Options::default().access_token);
    let shown =
        ["--name", "Fern & Fable", "--url", "https://fern-and-fable.example", "--time-zone", "Europe/Amsterdam"];
    let add = ["store", "add", &shop.domain, "--currency", shop.currency, "--secret", shop.secret.reveal()];
    command(host, &[&add[..], &shown, &["--token", &token, "--api-url", &api]].concat())?;
    command(host, &["plugin", "install", &plugin.to_string_lossy()])?;
    let settings = host.data_dir().join("settings.json");
    std::fs::write(&settings, oracle::SETTINGS)?;
    command(host, &["plugin", "enable", &shop.domain, PLUGIN, "--grant-all", "--settings", &settings.to_string_lossy()])
}

fn command(host: &Host, arguments: &[&str]) -> Result {
    let output = host.cli(arguments);
    match output.status.success() {
        true => Ok(()),
        false => {
            let told = String::from_utf8_lossy(&output.stderr);
            Err(format!("`regulars {} {}`: {}", arguments[0], arguments[1], told.trim_end()).into())
        }
    }
}

/// A command that people can paste.
fn question(host: &Host, population: &Population) -> Result<String> {
    let binary = std::env::current_exe()?.with_file_name("regulars");
    let here = std::env::current_dir()?;
    let binary = binary.strip_prefix(&here).unwrap_or(&binary);
    let (config, domain) = (host.config_file().display(), &population.shop().domain);
    Ok(format!("{} --config {config} customer list {domain}", binary.display()))
}

/// Ends the host; a browser that holds a connection open does not hold it up for ever.
async fn stop(mut host: Host, watchdog: Watchdog) {
    let ending = tokio::task::spawn_blocking(move || host.terminate());
    if tokio::time::timeout(ENDED_WITHIN, ending).await.is_err() {
        watchdog.bite();
    }
}
