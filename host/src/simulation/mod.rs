//! Exactly once, proved by simulation: the whole host on simulated time, disk and network, under faults drawn from a seed.
//!
//! What the platform and the shoppers send is dropped, delayed, repeated and reordered; webhooks of orders are lost for
//! good, and reconciliation makes up for them; the process dies around commits, appends and calls, and loses what is not
//! durable; peers refuse, throttle, fall silent, or do what is asked and lose the reply. When all has come to rest,
//! ledgers, facts, decisions and effects are those of the same history without a fault. The sandbox, the pipeline, the
//! outbox, reconciliation and the SMTP and GraphQL clients are the product's own.
//!
//! Everything runs on one thread in simulated time, and chance is drawn from the seed alone, so that a seed always runs
//! the same: `REGULARS_SEED=17` runs that one and prints what happens, `REGULARS_SEEDS=100000` runs that many.

use std::{collections::HashMap, fmt::Write as _, sync::Arc, thread, time::Duration};

mod admin_api;
mod disk;
mod faults;
mod fixture;
mod history;
mod oracle;
mod peers;
mod plugins;
mod process;
mod random;
mod records;
mod sender;
mod world;

use disk::Disk;
use faults::{Broken, Crashes, Faults};
use fixture::{Fixture, HISTORIES};
use oracle::Lines;
use peers::Performed;
use process::{Ended, Outside};
use random::Random;
use sender::Sender;
use world::World;

/// Seeds that run where nothing else is asked for: three minutes of one core, as an unoptimised run takes some 80 ms. Every
/// core takes its share.
const SEEDS: u64 = 2_400;

const REPLAY: &str = "cargo test -p regulars --lib simulation::every_seed -- --nocapture";

/// What a run has come to.
struct Run {
    outcome: Result<Lines, String>,
    trace: (u64, Vec<String>),
    boundaries: u64,
    crashes: u32,
    /// Webhooks that reconciliation has made up for.
    lost: usize,
}

fn run(fixture: &Fixture, history: u64, seed: u64, faults: Faults, keep_lines: bool) -> Run {
    let world = Arc::new(World::new(seed, faults, keep_lines));
    let history = Arc::clone(&fixture.histories[usize::try_from(history).unwrap()]);
    let sender = Arc::new(Sender::new(&world, Arc::clone(&history)));
    let disk = Arc::new(Disk::holding(&fixture.store));
    let outside = Outside { fixture, world, disk, performed: Arc::new(Performed::default()), history, sender };
    let Outside { world, disk, performed, history, sender, .. } = &outside;
    let ended = loop {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (ended, at) = runtime.block_on(async { (process::live(&outside).await, world.time()) });
        drop(runtime);
        world.end_process(at);
        sender.process_died();
        if ended != Ended::Died {
            break ended;
        }
    };
    let outcome = match ended {
        Ended::Stuck(left) => Err(format!("it does not come to rest: {left}")),
        _ => oracle::outcome(disk, performed, history),
    };
    Run {
        outcome,
        trace: world.trace(),
        boundaries: world.boundaries(),
        crashes: world.crashes(),
        lost: sender.lost().count(),
    }
}

/// The history, the chance and the faults of a seed.
fn of_seed(fixture: &Fixture, seed: u64, broken: Option<Broken>, keep_lines: bool) -> (u64, Run) {
    let mut random = Random::seeded(seed);
    let history = random.below(HISTORIES);
    let faults = Faults { broken, ..Faults::drawn(&mut random) };
    (history, run(fixture, history, random.next(), faults, keep_lines))
}

/// Clean passes by history.
#[derive(Default)]
struct Clean(HashMap<u64, Lines>);

impl Clean {
    fn of(&mut self, fixture: &Fixture, history: u64) -> &Lines {
        self.0.entry(history).or_insert_with(|| run(fixture, history, 0, Faults::none(), false).outcome.unwrap())
    }

    /// What is wrong with an outcome of a history; nothing if it is as it should be.
    fn wrong_with(&mut self, fixture: &Fixture, history: u64, run: &Run) -> Option<String> {
        let found = match &run.outcome {
            Ok(found) => found,
            Err(reason) => return Some(reason.clone()),
        };
        let difference = oracle::difference(self.of(fixture, history), found);
        if difference.is_empty() { None } else { Some(difference.join("\n")) }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

#[test]
fn every_seed_ends_as_its_history_does_without_a_fault() {
    let asked = number("REGULARS_SEED");
    let seeds = match asked {
        Some(seed) => seed..seed + 1,
        None => 0..number("REGULARS_SEEDS").unwrap_or(SEEDS),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let shares: Vec<_> = thread::scope(|scope| {
        let seeds = &seeds;
        let share = |first: usize| move || run_seeds(seeds.clone().skip(first).step_by(cores), asked.is_some());
        let shares: Vec<_> = (0..cores).map(|first| scope.spawn(share(first))).collect();
        shares.into_iter().map(|share| share.join().expect("a share of the seeds ends")).collect()
    });
    let (mut failures, mut crashes, mut lost) = (String::new(), 0, 0);
    for share in shares {
        failures += &share.failures;
        crashes += share.crashes;
        lost += share.lost;
    }
    println!("{} seeds, {crashes} crashes, {lost} webhooks lost for good", seeds.end - seeds.start);
    assert!(failures.is_empty(), "{failures}");
    assert!(asked.is_some() || crashes > 0 && lost > 0, "no process died or no webhook was lost: nothing was tried");
}

/// What has come of some seeds.
#[derive(Default)]
struct Share {
    /// What is wrong after each of them.
    failures: String,
    crashes: u32,
    lost: usize,
}

fn run_seeds(seeds: impl Iterator<Item = u64>, print: bool) -> Share {
    let fixture = Fixture::new();
    let mut clean = Clean::default();
    let mut share = Share::default();
    for seed in seeds {
        let (history, run) = of_seed(&fixture, seed, None, print);
        share.crashes += run.crashes;
        share.lost += run.lost;
        run.trace.1.iter().for_each(|line| println!("{line}"));
        if let Some(wrong) = clean.wrong_with(&fixture, history, &run) {
            let _ = writeln!(share.failures, "seed {seed} (REGULARS_SEED={seed} {REPLAY}):\n{wrong}");
        }
    }
    share
}

#[test]
fn a_crash_at_any_boundary_of_a_history_changes_nothing() {
    let fixture = Fixture::new();
    let mut clean = Clean::default();
    let history = 1;
    // Some webhooks are lost for good before anything else happens: it may die in the middle of making up for them.
    let faults = Faults { never_sent: 40, until: Duration::from_millis(1), ..Faults::none() };
    let boundaries = run(&fixture, history, 0, faults.clone(), false).boundaries;
    assert!(boundaries > 50, "a history has {boundaries} boundaries");
    for boundary in 1..=boundaries {
        let faults = Faults { crashes: Crashes::At(boundary), ..faults.clone() };
        let run = run(&fixture, history, 0, faults, false);
        assert_eq!(run.crashes, 1, "boundary {boundary}");
        let wrong = clean.wrong_with(&fixture, history, &run);
        assert_eq!(wrong, None, "after a crash at boundary {boundary}");
    }
}

#[test]
fn a_seed_runs_the_same_every_time() {
    let fixture = Fixture::new();
    let mut traces = Vec::new();
    for seed in 0..8 {
        let [one, other] = [(); 2].map(|()| of_seed(&fixture, seed, None, true).1.trace);
        assert_eq!(one, other, "seed {seed}");
        traces.push(one.0);
    }
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 8, "other seeds run otherwise");
}

#[test]
fn what_is_broken_on_purpose_is_caught() {
    const SEEDS: u64 = 60;
    let fixture = Fixture::new();
    let mut clean = Clean::default();
    for broken in Broken::ALL {
        let caught = (0..SEEDS).find_map(|seed| {
            let (history, run) = of_seed(&fixture, seed, Some(broken), false);
            Some((seed, clean.wrong_with(&fixture, history, &run)?))
        });
        let (seed, wrong) = caught.unwrap_or_else(|| panic!("{broken:?} went unnoticed in {SEEDS} seeds"));
        println!("{broken:?} is caught by seed {seed}: {}", wrong.lines().next().unwrap_or_default());
    }
}
