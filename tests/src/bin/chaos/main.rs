//! `make chaos`: the real host under load, killed again and again with SIGKILL, then compared with the sent record.

mod inbox;
mod moment;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use regulars_tests::{
    audit::Totals,
    population::{Population, Shop, Size},
    random::Random,
    shopify_admin, smtp_sink,
    storm::{Record, Storm},
    world::{Error, World, listed},
};

use self::moment::Moment;

/// How long the season's rest, and all that follows from it, may take once the last kill is over.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// Lines of the host's log that are shown when something differs.
const LOG_LINES: usize = 50;

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
    let size = Size { customers: arguments.customers, ..Size::default() };
    let population = Population::sized(seed, Shop::named("chaos"), size);
    let data = tempfile::Builder::new().prefix("regulars-chaos-").tempdir()?;
    let mut world = World::begin(population, &data.path().join("data"))?;

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
            let last: Vec<_> = log.lines().rev().take(LOG_LINES).collect();
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
    world.expose_to(storm)?;
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
    world.expose_to(storm)
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
    let totals = world.is_as_after_one_clean_pass(&record, SETTLED_WITHIN).await?;
    if !world.host.terminate() {
        return Err("the host did not end well when it was asked to".into());
    }
    let differences = inbox::differences(world.host.data_dir(), &record)?;
    match differences.is_empty() {
        true => Ok(totals),
        false => Err(listed(&differences).into()),
    }
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
