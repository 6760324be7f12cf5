//! Part `peers`: the same webhooks into what a developer would write instead. `tests/peers/` has their sources.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    Run,
    figures::{Figure, quantile},
    ingest, load,
    load::{Answers, Until},
    report::{Row, Target},
    service, target,
    workload::Workload,
};

const PART: &str = "peers";

/// A folder of `tests/peers`, and what it is.
const PEERS: [(&str, &str, Option<Target>); 2] = [
    ("node-express", "Node, Express, better-sqlite3 WAL FULL", Some(Target::AtLeast(18.0))),
    ("node-shopify", "Node, Shopify's library, better-sqlite3 WAL FULL", None),
];

/// The number of the copy that a peer is warmed up with: one that is in no workload.
const WARM_UP: u64 = 1_000;

/// Processes that share the port: the faster number counts.
const PROCESSES: [u32; 2] = [1, 2];

pub fn run(run: &mut Run, workload: &Workload, ours: Option<ingest::Measured>) -> io::Result<()> {
    for (name, what, target) in PEERS {
        let Some(folder) = installed(name) else {
            run.say(format!("{PART}: {name} is not installed; `make bench` installs it where there is npm"));
            continue;
        };
        let mut best: Option<(u32, Answers)> = None;
        for processes in PROCESSES {
            run.say(format!("{PART}: {name}, {processes} processes"));
            let answers = measure(run, workload, &folder, processes)?;
            for (failure, count) in &answers.failed {
                run.report.failures.push(format!("{PART}, {name}: {failure}, {count} times"));
            }
            if best.as_ref().is_none_or(|(_, best)| answers.rate() > best.rate()) {
                best = Some((processes, answers));
            }
        }
        let Some((processes, answers)) = best else { continue };
        let plural = if processes == 1 { "process" } else { "processes" };
        let row = Row::new(PART, format!("{what}, {processes} {plural}"), Figure::PerSecond(answers.rate()));
        run.report.row(match (ours, target) {
            (Some(ours), target) => {
                let row = row.ratio(ours.durable_rate / answers.rate(), "Regulars to this");
                if let Some(target) = target { row.target(target) } else { row }
            }
            (None, _) => row,
        });
        let latency = Figure::Seconds(quantile(&answers.latencies, 0.99));
        run.report.row(Row::new(PART, "  latency: 99 of 100 below", latency));
    }
    Ok(())
}

/// Where `make bench` has installed the peer.
fn installed(name: &str) -> Option<PathBuf> {
    let folder = target().join("peers").join(name);
    folder.join("node_modules").is_dir().then_some(folder)
}

fn measure(run: &Run, workload: &Workload, folder: &Path, processes: u32) -> io::Result<Answers> {
    let data = tempfile::tempdir_in(&run.folder)?;
    let peer = Peer::start(folder, data.path(), workload, processes)?;
    let warm_up = Until::After(Duration::from_secs(1));
    let address = service::address_of(&peer.url)?;
    let warm = workload.copy(WARM_UP, run.choose(500, 2_000), 1_000);
    load::send(address, &warm.requests, run.connections, warm_up)?;
    let length = run.choose(Duration::from_secs(2), Duration::from_secs(6));
    load::send(address, &workload.requests, run.connections, Until::After(length))
}

/// A running peer; dropping it ends it.
struct Peer {
    process: Child,
    url: String,
}

impl Peer {
    fn start(folder: &Path, data: &Path, workload: &Workload, processes: u32) -> io::Result<Self> {
        let log = fs::File::create(data.join("peer.log"))?;
        let mut process = Command::new("node")
            .arg(folder.join("server.js"))
            .env("NODE_ENV", "production")
            .env("DATABASE", data.join("inbox.sqlite"))
            .env("SHOP", &workload.shop)
            .env("SECRET", workload.secret.reveal())
            .env("PROCESSES", processes.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdout = process.stdout.take().map(BufReader::new);
        let mut peer = Self { process, url: String::new() };
        let ready = stdout.into_iter().flat_map(BufReader::lines).map_while(Result::ok);
        let url = ready.into_iter().find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
        let log = || io::Error::other(fs::read_to_string(data.join("peer.log")).unwrap_or_default());
        peer.url = url.ok_or_else(log)?;
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its workers end when their primary has gone. Both calls fail only for a process that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
