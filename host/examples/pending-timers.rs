//! What pending timers cost: disk, and memory of a host that runs with them.
//!
//! `cargo run --release -p regulars --example pending-timers -- 1000000` sets so many timers of one plugin in a fresh data
//! directory, each with a key of 20 bytes and a payload of 32, lets a host work on it for a while, and prints what it takes
//! beside the same host without timers. Each part is a process of its own, so that none's memory is counted as another's.

use std::{error::Error, fs, path::Path, process::Command, sync::Arc, time::Duration};

use regulars::{
    catalog::NewStore,
    clock::{Clock, System},
    config::Config,
    domain::{Platform, PluginName},
    host::Host,
    store::{Commit, Store, TimerRecord, encode, keys},
};

/// Timers in one commit, and commits on their way at once.
const IN_COMMIT: u64 = 500;
const COMMITS: usize = 16;

/// How long a host works before its memory is looked at: some fifty rounds of the schedule.
const SETTLE: Duration = Duration::from_secs(10);

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", folder, count] => in_runtime(fill(folder, count.parse()?)),
        ["work", folder] => in_runtime(work(folder)),
        [] => compare(1_000_000),
        [count] => compare(count.parse()?),
        _ => Err("give the number of timers, or nothing for a million".into()),
    }
}

fn in_runtime(part: impl Future<Output = Result>) -> Result {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(part)
}

fn compare(count: u64) -> Result {
    println!("{:>10}  {:>8}  {:>7}  {:>12}", "timers", "disk MiB", "opens s", "resident MiB");
    for timers in [0, count] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().to_str().ok_or("the temporary folder's name is not UTF-8")?;
        run(&["fill", path, &timers.to_string()])?;
        let told = run(&["work", path])?;
        let (opens, resident) = told.trim().split_once(' ').ok_or("the working host told nothing")?;
        println!("{timers:>10}  {:>8}  {opens:>7}  {resident:>12}", bytes_in(folder.path())? >> 20);
    }
    Ok(())
}

/// Runs a part of this program and returns what it prints.
fn run(arguments: &[&str]) -> Result<String> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

fn open(folder: &str) -> Result<Host> {
    let config = Config { data_dir: Path::new(folder).join("data"), ..Config::load(None)? };
    Ok(Host::open(config, Arc::new(System))?)
}

/// Adds a store and sets timers in it, the first due in an hour and one more each second.
async fn fill(folder: &str, count: u64) -> Result {
    let host = open(folder)?;
    let new = NewStore {
        platform: Platform::Shopify,
        domain: "fern.myshopify.com".into(),
        name: "Fern & Fable".into(),
        url: "https://fern.example".into(),
        currency: "EUR".parse()?,
        time_zone: "UTC".into(),
        locale: "en".into(),
        secrets: vec!["secret".into()],
        access: None,
        api_url: None,
    };
    let store = host.catalog.add_store(new).await?.id();
    let plugin = PluginName::from("reminders");
    let begin = System.now() + Duration::from_secs(3_600);
    let mut on_the_way = Vec::new();
    for first in (0..count).step_by(usize::try_from(IN_COMMIT)?) {
        let mut commit = Commit::default();
        for number in first..(first + IN_COMMIT).min(count) {
            // As plugins name them: by customer, in no order of time.
            let key = format!("remind/{:013}", number.wrapping_mul(7_919_317) % 9_999_999_999_971);
            let due = begin + Duration::from_secs(number);
            commit.put(keys::timer(store, &plugin, &key), encode(&TimerRecord { due, payload: vec![7; 32] }));
            commit.put(keys::Due::Timer { store, plugin: plugin.clone(), key }.key(due), Vec::new());
        }
        on_the_way.push(host.sled.commit(commit));
        if on_the_way.len() == COMMITS {
            for answer in on_the_way.drain(..) {
                answer.await?;
            }
        }
    }
    for answer in on_the_way {
        answer.await?;
    }
    Ok(())
}

/// Opens a host, lets it work, and prints the seconds that opening took and the MiB that are resident.
async fn work(folder: &str) -> Result {
    let before = System.now();
    let host = open(folder)?;
    let opened = System.now().since(before);
    let workers = host.start()?;
    tokio::time::sleep(SETTLE).await;
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the system tells no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    println!("{:.1} {}", opened.as_secs_f64(), kib >> 10);
    workers.stop().await;
    Ok(())
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_in(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
