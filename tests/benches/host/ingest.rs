//! Part `ingest`: webhooks acknowledged as durable, and the ceilings beside them.

use std::{io, time::Duration};

use crate::{
    Run, alone,
    figures::{Figure, median, median_time, quantile},
    load::{self, Answers, Until},
    machine,
    report::{Row, Target},
    service::{self, PLUGIN, Service},
    stand_in::{self, Behind},
    workload::Workload,
};

const PART: &str = "ingest";

/// What other parts compare with.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub durable_rate: f64,
}

#[derive(Default)]
struct Rounds {
    disk: Vec<Duration>,
    durable: Vec<Answers>,
    idle: Vec<Answers>,
    accepted: Vec<Answers>,
    journal: Vec<f64>,
    resident: Vec<f64>,
}

pub fn run(run: &mut Run, workload: &Workload) -> io::Result<Measured> {
    let length = run.choose(Duration::from_secs(2), Duration::from_secs(6));
    let rounds = run.choose(2, 3);
    let until = Until::After(length);
    let plugin = service::plugin_file()?;
    let mut all = Rounds::default();
    for round in 1..=rounds {
        run.say(format!("{PART}: round {round} of {rounds}"));
        all.disk.extend(machine::sync_times(&run.folder)?);
        {
            let data = tempfile::tempdir_in(&run.folder)?;
            let service = Service::fresh(data.path(), workload)?;
            service.enable(PLUGIN, &plugin)?;
            all.durable.push(load::send(service.address()?, &workload.requests, run.connections, until)?);
            all.resident.push(machine::resident_bytes(service.host.pid())? as f64);
        }
        for (behind, answers) in [(Behind::Journal, &mut all.idle), (Behind::Nothing, &mut all.accepted)] {
            let data = tempfile::tempdir_in(&run.folder)?;
            let host = stand_in::start(behind, data.path(), workload).map_err(io::Error::other)?;
            let address = service::address_of(host.webhooks_url())?;
            answers.push(load::send(address, &workload.requests, run.connections, until)?);
        }
        let events = run.choose(30_000, 150_000);
        all.journal.push(alone::journal(&run.folder, workload.body_bytes, events)?);
        all.disk.extend(machine::sync_times(&run.folder)?);
    }
    all.report(run);
    Ok(Measured { durable_rate: median(all.durable.iter().map(Answers::rate)) })
}

impl Rounds {
    fn report(&self, run: &mut Run) {
        let disk = median_time(&self.disk);
        let row = |what: &str, figure| Row::new(PART, what, figure);
        let rates = |of: &[Answers]| median(of.iter().map(Answers::rate));
        let ratio = |of: &[Answers], to: &[Answers]| median(of.iter().zip(to).map(|(of, to)| of.rate() / to.rate()));
        let without = "the same route without persistence";

        let durable = row("durable, while events are applied", Figure::PerSecond(rates(&self.durable)));
        run.report.row(durable.ratio(ratio(&self.durable, &self.accepted), without).target(Target::AtLeast(0.75)));
        for (name, share) in [("median", 0.5), ("99 of 100 below", 0.99), ("999 of 1,000 below", 0.999)] {
            let latency = median(self.durable.iter().map(|answers| quantile(&answers.latencies, share)));
            let row = row(&format!("  latency: {name}"), Figure::Seconds(latency))
                .ratio(latency / disk, "the disk's own fdatasync");
            run.report.row(if share == 0.99 { row.target(Target::AtMost(40.0)) } else { row });
        }
        run.report.row(row("  resident memory then", Figure::Bytes(median(self.resident.iter().copied()))));
        let idle = row("the same route and journal, nothing applied", Figure::PerSecond(rates(&self.idle)));
        run.report.row(idle.ratio(ratio(&self.idle, &self.accepted), without));
        run.report.row(row(without, Figure::PerSecond(rates(&self.accepted))));
        run.report.row(row("journal alone, no HTTP", Figure::PerSecond(median(self.journal.iter().copied()))));
        run.report.row(row("the disk: fdatasync of 4 kB appended, median", Figure::Seconds(disk)));
        let answers = [("durable", &self.durable), ("journal", &self.idle), ("nothing", &self.accepted)];
        for (name, answers) in answers.iter().flat_map(|(name, all)| all.iter().map(move |it| (name, it))) {
            for (failure, count) in &answers.failed {
                run.report.failures.push(format!("{PART}, {name}: {failure}, {count} times"));
            }
        }
    }
}
