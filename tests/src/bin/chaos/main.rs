//! `make chaos`: the real host under load, killed again and again with SIGKILL, then compared with the sent record.

mod inbox;
mod moment;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use regulars_tests::{
    audit::{Holdings, Totals},
    host::Host,
    population::{Population, Shop, Size},
    random::Random,
    shopify_admin::{self, Options, SchemaSource, ShopifyAdmin},
    smtp_sink::{self, SmtpSink},
    storm::{PLUGIN, Record, Storm},
};

use self::moment::Moment;

/// How long the season's rest, and all that follows from it, may take once the last kill is over.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// The pause between two comparisons.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Differences that are listed; the rest is counted.
const LISTED: usize = 50;

/// Kills the host at random moments under load, and checks that nothing acknowledged is lost or counted twice.
///
/// The real binary runs among a simulated storefront and mail server, on loopback. A season of a shop's webhooks and
/// requests for rewards is posted to it. It is killed with SIGKILL: at any time under load, during start-up, and while
/// a log begins or compresses a segment. What was not acknowledged is posted again, as platforms do, and some of what
/// was: repeats, which may not count. In the end everything has been acknowledged, and the host is compared with the
/// sent record and with a model that knows what each customer is owed.
#[derive(Parser)]
#[command(
    name = "chaos",
    after_help = "\
Examples:
  make chaos                              50 kills, another seed each time
  make chaos CHAOS=\"--seed 7\"             the same season and the same kinds and times of kills as seed 7 had
  make chaos CHAOS=\"--kills 500 --customers 3000 --rate 400\"

The exit status is 0 if nothing differs. Else the differences are listed, the data directory is kept, and its path is
printed. A seed repeats what is sent and when it is killed; what the machine does meanwhile is not repeatable."
)]
struct Arguments {
    /// How often the host is killed.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Decides what is sent and when the host is killed [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Posts a second.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Shoppers, each with about seven webhooks. More than fit into the kills are sent after the last one.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
}

/// Why nothing can be said; its text is what the user reads.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T = (), E = Error> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The host and those around it.
struct World {
    population: Population,
    shopify: ShopifyAdmin,
    mails: SmtpSink,
    host: Host,
}

/// What the kills came to.
#[derive(Default)]
struct Kills {
    by_name: BTreeMap<&'static str, u32>,
    /// How long each start took that was not cut short.
    starts: Vec<Duration>,
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let begun = Instant::now();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    println!("seed {seed}: repeat with make chaos CHAOS=\"--seed {seed}\" and the same other options");
    let plugin = plugin_file()?;
    let size = Size { customers: arguments.customers, ..Size::default() };
    let population = Population::sized(seed, Shop::named("chaos"), size);
    let shopify = ShopifyAdmin::start(&SchemaSource::best(), Options::default())?;
    let mails = SmtpSink::start()?;
    let data = tempfile::Builder::new().prefix("regulars-chaos-").tempdir()?;
    // The smallest segments, so that they are begun and compressed all the time.
    let host = Host::builder()
        .smtp(mails.address())
        .data(data.path().join("data"))
        .config("[inbox]\nsegment_mib = 1\n[store]\ncache_mib = 32\n")
        .try_start()?;
    let mut world = World { population, shopify, mails, host };
    set_up(&world, &plugin)?;

    let storm = Storm::of(&world.population, seed, arguments.rate);
    let mut kills = Kills::default();
    let killed = kill_and_restart(&mut world, &storm, arguments.kills, seed, &mut kills).await;
    let compared = match killed {
        Ok(()) => compare(&mut world, &storm).await,
        Err(error) => Err(error),
    };
    let record = storm.record();
    drop(storm);
    match compared {
        Ok(totals) => {
            summarise(&record, &kills, totals, begun.elapsed());
            Ok(true)
        }
        Err(error) => {
            eprintln!("\n{error}\n\nseed {seed}; the data directory is kept in {}", data.keep().display());
            let log = world.host.log();
            let last: Vec<_> = log.lines().rev().take(LISTED).collect();
            eprintln!("---- the end of the host's log ----");
            last.iter().rev().for_each(|line| eprintln!("{line}"));
            Ok(false)
        }
    }
}

/// Another one each time: from the source that seeds the standard library's hash maps.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // Short enough to be typed.
    RandomState::new().build_hasher().finish() % 1_000_000
}

/// Kills the running host, and starts it again, so many times; in the end it runs.
async fn kill_and_restart(world: &mut World, storm: &Storm, times: u32, seed: u64, kills: &mut Kills) -> Result {
    let mut random = Random::new(seed, 12);
    let mut is_running = true;
    storm.aim(world.host.webhooks_url(), world.host.admin_url())?;
    for number in 1..=times {
        let to_ready = kills.starts.last().copied().unwrap_or(Duration::from_secs(1));
        let moment = Moment::random(&mut random, to_ready);
        // Another side that fails now and then: its repeats may not count either.
        match random.below(4) {
            0 => world.mails.set_fault(smtp_sink::Fault::DropAfterAccepting, 1),
            1 => world.shopify.set_fault(shopify_admin::Fault::DropAfterExecuting, 1),
            _ => {}
        }
        if let Moment::StartUp(after) = moment {
            world.host.restart_and_kill_9(after)?;
        } else {
            if !is_running {
                start(world, storm, kills)?;
            }
            moment.come(world.host.data_dir()).await;
            if let Some(status) = world.host.ended() {
                return Err(format!("the host ended by itself ({status}) before kill {number}").into());
            }
            world.host.kill_9();
        }
        is_running = false;
        *kills.by_name.entry(moment.name()).or_default() += 1;
        let (acknowledged, all) = storm.progress();
        println!("kill {number:>3} of {times}  {acknowledged:>6} of {all} acknowledged  {moment}");
    }
    match is_running {
        true => Ok(()),
        false => start(world, storm, kills),
    }
}

fn start(world: &mut World, storm: &Storm, kills: &mut Kills) -> Result {
    let begun = Instant::now();
    world.host.try_restart().map_err(|error| format!("after a kill the host does not start: {error}"))?;
    kills.starts.push(begun.elapsed());
    Ok(storm.aim(world.host.webhooks_url(), world.host.admin_url())?)
}

/// Sends the rest, waits for all that follows, and looks for differences: an error that lists them, if there are any.
async fn compare(world: &mut World, storm: &Storm) -> Result<Totals> {
    println!("the last kill is over; sending the rest of the season");
    storm.all_acknowledged(SETTLED_WITHIN).await.map_err(|_| {
        let (acknowledged, all) = storm.progress();
        format!("only {acknowledged} of {all} events were acknowledged within {SETTLED_WITHIN:?}")
    })?;
    storm.hold().await;
    let record = storm.record();
    println!("all {} events are acknowledged; waiting for all that follows", record.acknowledged.len());
    let World { population, shopify, mails, host } = world;
    let settling = Instant::now();
    let holdings = loop {
        let holdings = Holdings::ask(host.admin_url(), &population.shop().domain).await?;
        let mut differences = holdings.lost(&record);
        differences.extend(holdings.miscounted(population, shopify, mails));
        if differences.is_empty() {
            break holdings;
        }
        if settling.elapsed() > SETTLED_WITHIN {
            return Err(listed(&differences).into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    if !host.terminate() {
        return Err("the host did not end well when it was asked to".into());
    }
    let mut differences = record.wrong_answers.clone();
    differences.extend(inbox::differences(host.data_dir(), &record)?);
    match differences.is_empty() {
        true => Ok(holdings.totals()),
        false => Err(listed(&differences).into()),
    }
}

fn listed(differences: &[String]) -> String {
    let mut text = format!("{} differences:\n", differences.len());
    differences.iter().take(LISTED).for_each(|difference| text += &format!("  {difference}\n"));
    text
}

fn summarise(record: &Record, kills: &Kills, totals: Totals, took: Duration) {
    let mut starts = kills.starts.clone();
    starts.sort();
    let row = |name: &str, value: String| println!("  {name:<34} {value:>9}");
    println!();
    for (name, count) in &kills.by_name {
        row(&format!("killed {name}"), count.to_string());
    }
    row("events acknowledged", record.acknowledged.len().to_string());
    row("posts", record.posts.to_string());
    row("  of what was acknowledged before", record.repeats.to_string());
    row("  that nobody answered", record.unanswered.to_string());
    row("  answered 503", record.refused.to_string());
    if let (Some(median), Some(longest)) = (starts.get(starts.len() / 2), starts.last()) {
        row("start-up, median", format!("{} ms", median.as_millis()));
        row("start-up, longest", format!("{} ms", longest.as_millis()));
    }
    row("seconds in all", took.as_secs().to_string());
    println!("\nNothing acknowledged is lost, nothing is counted twice: {totals}.");
}

/// The plugin file that `regulars plugin build` has written for this binary's target folder.
fn plugin_file() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let file = own.ancestors().skip(2).take(2).map(|folder| folder.join(format!("plugins/{PLUGIN}.wasm")));
    let found = file.clone().find(|file| file.is_file());
    found.ok_or_else(|| "no plugin is built: run `make chaos`, which builds what is needed".into())
}

/// Adds the store and switches the plugin on.
fn set_up(world: &World, plugin: &Path) -> Result {
    let shop = world.population.shop();
    let (api, token) = (world.shopify.base_url(), Options::default().access_token);
    let add = ["store", "add", &shop.domain, "--currency", shop.currency, "--secret", shop.secret.reveal()];
    for command in [
        &[&add[..], &["--token", &token, "--api-url", &api]].concat()[..],
        &["plugin", "install", &plugin.to_string_lossy()],
        &["plugin", "enable", &shop.domain, PLUGIN, "--grant-all"],
    ] {
        let output = world.host.cli(command);
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`regulars {} {}`: {}", command[0], command[1], told.trim_end()).into());
        }
    }
    Ok(())
}
