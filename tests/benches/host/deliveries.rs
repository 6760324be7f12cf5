//! Part `deliveries`: complete events, from the first byte sent to the last commit, with 1, 4 and 16 plugins.
//!
//! Complete means: the order in the facts, every plugin's state and decision written, the webhook's id kept against
//! repeats, all of it durable.

use std::{io, path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use regulars::{
    clock,
    domain::{Event, Origin, Platform, StoreId, Timestamp},
    store::{Inbox, Journal, journal},
};

use regulars_tests::population::Webhook;

use crate::{
    Run, alone,
    figures::{Figure, median},
    load::{self, Until},
    machine, plugin_copy,
    report::{Row, Target},
    service::{self, PLUGIN, Service},
    workload::Workload,
};

const PART: &str = "deliveries";

/// The body's size for the reference: what it was for the engines that the store was chosen from.
const REFERENCE_BODY: usize = 4 << 10;

/// Plugins, and events sent to a host that runs so many.
const SIZES: [(usize, usize); 4] = [(0, 40_000), (1, 40_000), (4, 20_000), (16, 8_000)];

/// A full run's rounds of one plugin and its reference.
const ROUNDS: usize = 3;

#[derive(Clone, Copy)]
struct Complete {
    rate: f64,
    /// The host's processor time for an event.
    processor: f64,
    conflicts: u64,
}

pub fn run(run: &mut Run, workload: &Workload) -> io::Result<()> {
    let mut reference = Vec::new();
    for (plugins, events) in SIZES {
        let events = run.choose(events / 5, events).min(workload.requests.len());
        let rounds = if plugins == 1 { run.choose(1, ROUNDS) } else { 1 };
        let mut rates = Vec::new();
        let mut last = None;
        for _ in 0..rounds {
            run.say(format!("{PART}: {events} events, {plugins} plugins"));
            let complete = sent(run, workload, plugins, events)?;
            rates.push(complete.rate);
            last = Some(complete);
            if plugins == 1 {
                let alone = alone::journal_and_store(&run.folder, REFERENCE_BODY, run.choose(20_000, 100_000))?;
                reference.push(alone);
            }
        }
        let Some(last) = last else { continue };
        let what = match plugins {
            0 => "complete events, no plugin".to_owned(),
            1 => "complete events, 1 plugin, sent by HTTP".into(),
            more => format!("complete events, {more} plugins"),
        };
        let row = Row::new(PART, what, Figure::PerSecond(median(rates.iter().copied())));
        run.report.row(match plugins {
            1 => {
                let ratio = median(rates.iter().zip(&reference).map(|(rate, alone)| rate / alone));
                row.ratio(ratio, "journal and store alone").target(Target::AtLeast(0.7))
            }
            _ => row,
        });
        if plugins > 1 {
            let deliveries = Figure::PerSecond(last.rate * plugins as f64);
            run.report.row(Row::new(PART, "  deliveries then", deliveries));
        }
        run.report.row(Row::new(PART, "  the host's processor time for an event", Figure::Seconds(last.processor)));
        if last.conflicts > 0 {
            run.report.row(Row::new(PART, "  commits run again", Figure::Count(last.conflicts as f64)));
        }
    }
    let waiting = waiting(run, workload)?;
    let alone = median(reference.iter().copied());
    let row = Row::new(PART, "complete events, 1 plugin, from a full inbox", Figure::PerSecond(waiting));
    run.report.row(row.ratio(waiting / alone, "journal and store alone"));
    run.report.row(Row::new(PART, "journal and store alone, 4 kB bodies", Figure::PerSecond(alone)));
    Ok(())
}

/// Sends events by HTTP and waits until all are applied.
fn sent(run: &mut Run, workload: &Workload, plugins: usize, events: usize) -> io::Result<Complete> {
    let data = tempfile::tempdir_in(&run.folder)?;
    let service = host_with(run, workload, data.path(), plugins)?;
    let requests: Arc<[_]> = workload.requests[..events].into();
    let before = machine::processor_time(service.host.pid())?;
    let began = Instant::now();
    let answers = load::send(service.address()?, &requests, run.connections, Until::Once)?;
    service.wait_applied(answers.latencies.len() as u64)?;
    let took = began.elapsed();
    let processor = machine::processor_time(service.host.pid())? - before;
    let failures = answers.failed.iter().map(|(failure, count)| format!("{failure}, {count} times"));
    check(run, &service, plugins, failures.collect())?;
    Ok(Complete {
        rate: events as f64 / took.as_secs_f64(),
        processor: processor.as_secs_f64() / events as f64,
        conflicts: service.counter("conflicts")?,
    })
}

/// The rate at which one plugin's host applies what waits in its inbox.
fn waiting(run: &mut Run, workload: &Workload) -> io::Result<f64> {
    let events = run.choose(8_000, 40_000).min(workload.requests.len());
    run.say(format!("{PART}: {events} events that wait in the inbox"));
    let data = tempfile::tempdir_in(&run.folder)?;
    if !host_with(run, workload, data.path(), 1)?.host.terminate() {
        return Err(io::Error::other("the host did not end well"));
    }
    fill_inbox(&data.path().join("inbox"), workload, events)?;
    let service = Service::start(data.path(), workload)?;
    // What was applied while the host got ready does not count.
    let (began, ahead) = (Instant::now(), service.counter("events_applied")?);
    service.wait_applied(events as u64)?;
    let rate = (events as u64 - ahead) as f64 / began.elapsed().as_secs_f64();
    check(run, &service, 1, Vec::new())?;
    Ok(rate)
}

/// Appends events as the webhook route does.
fn fill_inbox(folder: &Path, workload: &Workload, events: usize) -> io::Result<()> {
    /// Appended before any answer is waited for: no more than the journal takes at once.
    const AT_ONCE: usize = 1_000;
    let journal =
        Journal::open(folder, Arc::new(clock::System), journal::Options::inbox()).map_err(io::Error::other)?;
    for webhooks in workload.webhooks[..events].chunks(AT_ONCE) {
        let submitted: Vec<_> = webhooks.iter().map(|webhook| journal.append(&event_of(webhook))).collect();
        for appended in submitted {
            appended.wait().map_err(io::Error::other)?;
        }
    }
    Ok(())
}

fn event_of(webhook: &Webhook) -> Event {
    let received_at = Timestamp(1_791_000_000_000);
    Event {
        id: format!("webhook/{}", webhook.id()).into(),
        store: StoreId(1),
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: webhook.topic.into(),
            api_version: "2026-04".into(),
        },
        occurred_at: received_at,
        received_at,
        body: Bytes::clone(&webhook.body),
    }
}

/// A host with so many copies of the plugin.
fn host_with(run: &Run, workload: &Workload, data: &Path, plugins: usize) -> io::Result<Service> {
    let service = Service::fresh(data, workload)?;
    let original = service::plugin_file()?;
    let folder = tempfile::tempdir_in(&run.folder)?;
    for number in 1..=plugins {
        let name = format!("{PLUGIN}-{number}");
        service.enable(&name, &plugin_copy::write(&original, &name, folder.path())?)?;
    }
    Ok(service)
}

/// Notes what went wrong.
fn check(run: &mut Run, service: &Service, plugins: usize, mut failures: Vec<String>) -> io::Result<()> {
    failures.extend(service.failures()?);
    let (applied, done) = (service.counter("events_applied")?, service.counter("deliveries_done")?);
    // Each plugin alone is told of its settings.
    let plugin_count = plugins as u64;
    if done != applied.saturating_sub(plugin_count) * plugin_count + plugin_count {
        failures.push(format!("{done} deliveries of {applied} events for {plugins} plugins"));
    }
    run.report.failures.extend(failures.into_iter().map(|failure| format!("{PART}, {plugins} plugins: {failure}")));
    Ok(())
}
