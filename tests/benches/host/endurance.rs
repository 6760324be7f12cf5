//! Part `endurance`: a million events through the whole pipeline, and what they leave on disk and in memory.
//!
//! Live data is what has to be kept: the bytes of every key and value in the store, and the inbox within its retention
//! as it is once compressed. Read from a stopped host, after the first tenth and at the end.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use regulars::{
    clock,
    store::{Journal, journal},
};

use crate::{
    Run,
    chart::{Chart, Line, Panel, Scale},
    figures::{Figure, grouped},
    load::{self, Until},
    machine,
    report::{Row, Target},
    seed,
    service::{self, PLUGIN, Service},
    workload::{MADE_UP, Workload},
};

const PART: &str = "endurance";

/// The setting that bounds memory, as small as it is chosen on a small machine.
const CONFIG: &str = "[store]\ncache_mib = 256";

/// What a host may hold with that: its store 2.5 times the cache, and as much again as bodies in flight, ids that are
/// remembered and compiled plugins need.
const MEMORY_CEILING: f64 = 1e9;

/// Disk to live data.
const DISK_CEILING: f64 = 3.0;

/// Customers who buy it all.
const CUSTOMERS: u64 = 100_000;

/// How long the inbox is given to compress what is applied.
const SETTLE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Course {
    /// Events and bytes.
    disk: Vec<(f64, f64)>,
    resident: Vec<(f64, f64)>,
    live: Vec<(f64, f64)>,
}

pub fn run(run: &mut Run, workload: &Workload) -> io::Result<()> {
    let total = run.choose(40_000, 1_000_000);
    let chunk = MADE_UP.min(total / 10);
    let data = tempfile::tempdir_in(&run.folder)?;
    let mut course = Course::default();
    let mut service = Some(Service::fresh_with(CONFIG, data.path(), workload)?);
    if let Some(service) = &service {
        service.enable(PLUGIN, &service::plugin_file()?)?;
    }
    let (mut sent, mut since_start, mut busy) = (0, 0, Duration::ZERO);
    for number in 1.. {
        let load = workload.copy(number, chunk, CUSTOMERS);
        let Some(host) = &service else { break };
        let began = Instant::now();
        let answers = load::send(host.address()?, &load.requests, run.connections, Until::Once)?;
        sent += answers.latencies.len();
        since_start += answers.latencies.len() as u64;
        for (failure, count) in &answers.failed {
            run.report.failures.push(format!("{PART}: {failure}, {count} times"));
        }
        host.wait_applied(since_start)?;
        busy += began.elapsed();
        course.resident.push((sent as f64, machine::resident_bytes(host.host.pid())? as f64));
        course.disk.push((sent as f64, machine::bytes_on_disk(data.path())? as f64));
        if number % 10 == 0 {
            run.say(format!("{PART}: {} of {} events", grouped(sent as u64), grouped(total as u64)));
        }
        let is_tenth = course.live.is_empty() && sent >= total / 10;
        if is_tenth || sent >= total {
            std::thread::sleep(SETTLE);
            course.disk.push((sent as f64, machine::bytes_on_disk(data.path())? as f64));
            run.report.failures.extend(host.failures()?.into_iter().map(|failure| format!("{PART}: {failure}")));
            stop(service.take())?;
            course.live.push((sent as f64, live_bytes(data.path())?));
            if sent < total {
                (service, since_start) = (Some(Service::start_with(CONFIG, data.path(), workload)?), 0);
            }
        }
    }
    report(run, &course, sent as f64 / busy.as_secs_f64());
    let file = run.charts.join("endurance.svg");
    course.draw().save(&file)?;
    run.say(format!("{PART}: drawn into {}", file.display()));
    Ok(())
}

fn stop(service: Option<Service>) -> io::Result<()> {
    match service.map(|mut service| service.host.terminate()) {
        Some(false) => Err(io::Error::other("the host did not end well")),
        _ => Ok(()),
    }
}

fn live_bytes(data: &Path) -> io::Result<f64> {
    let inbox = data.join("inbox");
    let journal =
        Journal::open(&inbox, Arc::new(clock::System), journal::Options::inbox()).map_err(io::Error::other)?;
    journal.maintain_now().map_err(io::Error::other)?;
    drop(journal);
    Ok((seed::live_bytes(&data.join("store"))? + machine::bytes_on_disk(&inbox)?) as f64)
}

fn report(run: &mut Run, course: &Course, rate: f64) {
    let (Some(&(events, live)), Some(&(_, disk))) = (course.live.last(), course.disk.last()) else { return };
    let most = course.resident.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let what = format!("complete events, {} in all", grouped(events as u64));
    run.report.row(Row::new(PART, what, Figure::PerSecond(rate)));
    run.report.row(
        Row::new(PART, "disk at the end", Figure::Bytes(disk))
            .ratio(disk / live, "live data: keys, values, compressed inbox")
            .target(Target::AtMost(DISK_CEILING)),
    );
    run.report.row(Row::new(PART, "  live data", Figure::Bytes(live)));
    run.report.row(
        Row::new(PART, "resident memory, the most", Figure::Bytes(most))
            .ratio(most / MEMORY_CEILING, "the ceiling of 1 GB")
            .target(Target::AtMost(1.0)),
    );
}

impl Course {
    fn draw(&self) -> Chart {
        let scaled = |points: &[(f64, f64)], by: f64| points.iter().map(|(x, y)| (*x, *y * by)).collect::<Vec<_>>();
        let from_zero = |points| [vec![(0.0, 0.0)], points].concat();
        let end = self.disk.last().map_or(0.0, |(x, _)| *x);
        let panel =
            |title: &str, lines| Panel { title: title.into(), x: "events", unit: "MB", scale: Scale::Linear, lines };
        Chart {
            title: "One host, event after event".into(),
            panels: vec![
                panel(
                    "Disk",
                    vec![
                        Line::through("on disk", scaled(&self.disk, 1e-6)),
                        Line::through("live data", from_zero(scaled(&self.live, 1e-6))),
                        Line::bound("3 x live data", from_zero(scaled(&self.live, DISK_CEILING * 1e-6))),
                    ],
                ),
                panel(
                    "Resident memory",
                    vec![
                        Line::through("the host's", scaled(&self.resident, 1e-6)),
                        Line::bound("ceiling", vec![(0.0, MEMORY_CEILING * 1e-6), (end, MEMORY_CEILING * 1e-6)]),
                    ],
                ),
            ],
        }
    }
}
