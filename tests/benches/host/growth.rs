//! Part `growth`: the same load on hosts that know 10,000, 100,000 and 1,000,000 customers.

use std::{io, time::Instant};

use crate::{
    Run,
    chart::{Chart, Line, Panel, Scale},
    figures::{Figure, grouped},
    load::{self, Until},
    machine,
    report::{Row, Target},
    seed,
    service::{self, PLUGIN, Service},
    workload::Workload,
};

const PART: &str = "growth";

struct Measured {
    customers: u64,
    acknowledged: f64,
    complete: f64,
    opened_in: f64,
    resident: f64,
    disk: f64,
}

pub fn run(run: &mut Run, workload: &Workload) -> io::Result<()> {
    let sizes = run.choose([1_000, 10_000, 100_000], [10_000, 100_000, 1_000_000]);
    let mut all: Vec<Measured> = Vec::new();
    for customers in sizes {
        let measured = measure(run, workload, customers)?;
        let row = |what: &str, figure| Row::new(PART, format!("{} customers: {what}", grouped(customers)), figure);
        let smallest = all.first().unwrap_or(&measured);
        let to = format!("{} customers", grouped(smallest.customers));
        let mut complete = row("complete events", Figure::PerSecond(measured.complete));
        let mut acknowledged = row("acknowledged", Figure::PerSecond(measured.acknowledged));
        if !all.is_empty() {
            complete = complete.ratio(measured.complete / smallest.complete, to.clone());
            acknowledged = acknowledged.ratio(measured.acknowledged / smallest.acknowledged, to);
        }
        if customers == sizes[2] && !run.quick {
            complete = complete.target(Target::AtLeast(0.8));
            acknowledged = acknowledged.target(Target::AtLeast(0.8));
        }
        run.report.row(complete);
        run.report.row(acknowledged);
        run.report.row(row("ready after", Figure::Seconds(measured.opened_in)));
        run.report.row(row("resident memory after the load", Figure::Bytes(measured.resident)));
        run.report.row(row("disk after the load", Figure::Bytes(measured.disk)));
        all.push(measured);
    }
    let file = run.charts.join("growth.svg");
    draw(&all).save(&file)?;
    run.say(format!("{PART}: drawn into {}", file.display()));
    Ok(())
}

fn measure(run: &mut Run, workload: &Workload, customers: u64) -> io::Result<Measured> {
    run.say(format!("{PART}: {} customers are put into a store", grouped(customers)));
    let data = tempfile::tempdir_in(&run.folder)?;
    let mut service = Service::fresh(data.path(), workload)?;
    service.enable(PLUGIN, &service::plugin_file()?)?;
    if !service.host.terminate() {
        return Err(io::Error::other("the host did not end well"));
    }
    drop(service);
    seed::customers(&data.path().join("store"), customers)?;
    let events = run.choose(4_000, 40_000).min(workload.webhooks.len());
    let load = workload.copy(1, events, customers);

    let began = Instant::now();
    let service = Service::start(data.path(), workload)?;
    let opened_in = began.elapsed().as_secs_f64();
    run.say(format!("{PART}: {} orders of {} customers", grouped(events as u64), grouped(customers)));
    let began = Instant::now();
    let answers = load::send(service.address()?, &load.requests, run.connections, Until::Once)?;
    service.wait_applied(answers.latencies.len() as u64)?;
    let complete = events as f64 / began.elapsed().as_secs_f64();
    let failures = answers.failed.iter().map(|(failure, count)| format!("{PART}: {failure}, {count} times"));
    run.report.failures.extend(failures);
    run.report.failures.extend(service.failures()?.into_iter().map(|failure| format!("{PART}: {failure}")));
    Ok(Measured {
        customers,
        acknowledged: answers.rate(),
        complete,
        opened_in,
        resident: machine::resident_bytes(service.host.pid())? as f64,
        disk: machine::bytes_on_disk(data.path())? as f64,
    })
}

fn draw(all: &[Measured]) -> Chart {
    let line = |name: &str, figure: fn(&Measured) -> f64| {
        let points = all.iter().map(|measured| (measured.customers as f64, figure(measured)));
        Line::through(name, points.collect())
    };
    let panel =
        |title: &str, unit, lines| Panel { title: title.into(), x: "customers", unit, scale: Scale::Powers, lines };
    Chart {
        title: "One host, more and more customers".into(),
        panels: vec![
            panel(
                "Orders",
                "per second",
                vec![line("acknowledged", |it| it.acknowledged), line("complete", |it| it.complete)],
            ),
            panel("Time until ready", "seconds", vec![line("after a restart", |it| it.opened_in)]),
            panel(
                "Memory and disk",
                "MB",
                vec![line("resident memory", |it| it.resident / 1e6), line("disk", |it| it.disk / 1e6)],
            ),
        ],
    }
}
