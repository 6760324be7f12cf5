//! The table: plain rounded figures with their units, medians of the rounds, ratios within a round.

use std::{collections::BTreeMap, time::Duration};

use super::round::{PLUGIN, Round};

/// The fuel that a delivery is given unless it is set otherwise.
const FUEL_LIMIT: u64 = 11_000_000;

pub struct Table<'a> {
    pub machine: String,
    /// The disk's own times for making 4 kB durable, before each round.
    pub disk_syncs: &'a [Duration],
    pub plugin_bytes: u64,
    /// Webhooks of a round, and what their bodies have on average.
    pub events: usize,
    pub body_bytes: usize,
    pub connections: usize,
    pub with: &'a [Round],
    pub without: &'a [Round],
}

impl Table<'_> {
    pub fn print(&self) {
        let Self { machine, disk_syncs, plugin_bytes, events, body_bytes, connections, with, without } = self;
        let disk_sync = median(disk_syncs.iter().map(Duration::as_secs_f64));
        println!("machine   {machine}");
        println!("disk      {} for fdatasync of 4 kB appended (median)", time(disk_sync));
        println!(
            "load      {} webhooks of {} on average, {connections} connections",
            grouped(*events as u64),
            bytes(*body_bytes as f64)
        );
        println!("rounds    {}, their medians are given; a host of its own for each", with.len());
        println!("plugin    {PLUGIN}, {} bytes", grouped(*plugin_bytes));
        println!("\nfuel of a delivery, limit {}", grouped(FUEL_LIMIT));
        self.print_fuel();

        println!("\n{:<44}{PLUGIN:>16}{:>16}{:>10}", "", "no plugin", "ratio");
        let both = |name: &str, unit: fn(f64) -> String, figure: &dyn Fn(&Round) -> f64| {
            let figures = |rounds: &[Round]| median(rounds.iter().map(figure));
            let ratio = median(with.iter().zip(*without).map(|(with, without)| figure(with) / figure(without)));
            let ratio = if ratio.is_finite() { format!("{ratio:.2}") } else { "-".into() };
            println!("{name:<44}{:>16}{:>16}{ratio:>10}", unit(figures(with)), unit(figures(without)));
        };
        let per_event = |bytes: u64| bytes as f64 / *events as f64;
        both("webhooks acknowledged as durable", rate, &|round| round.accepted.rate());
        both("  latency, median", time, &|round| quantile(&round.accepted.latencies, 0.50));
        both("  latency, 99 of 100 are below", time, &|round| quantile(&round.accepted.latencies, 0.99));
        both("  of these, times the disk's own", times, &|round| quantile(&round.accepted.latencies, 0.99) / disk_sync);
        both("repeats acknowledged, nothing kept", rate, &|round| round.repeated.rate());
        both("  durable to repeats", times, &|round| round.accepted.rate() / round.repeated.rate());
        both("complete: sent, decided, committed", rate, &|round| *events as f64 / round.applied_in.as_secs_f64());
        both("  processor time of the host for an event", time, &|round| {
            round.processor_time.as_secs_f64() / *events as f64
        });
        both("  commits run again", count, &|round| round.conflicts as f64);
        both("resident memory at the end", bytes, &|round| round.resident_bytes as f64);
        both("disk at the end, for an event", bytes, &|round| per_event(round.inbox_bytes + round.store_bytes));
        both("  inbox (raw bodies, in part compressed)", bytes, &|round| per_event(round.inbox_bytes));
        both("  store (facts, state, decisions)", bytes, &|round| per_event(round.store_bytes));
        self.print_failures();
    }

    fn print_fuel(&self) {
        println!("{:<24}{:>12}{:>12}{:>12}{:>12}{:>16}", "", "deliveries", "least", "median", "most", "of the limit");
        let Some(round) = self.with.first() else { return };
        for (topic, used) in &round.fuel {
            let (Some(least), Some(most)) = (used.first(), used.last()) else { continue };
            println!(
                "{topic:<24}{:>12}{:>12}{:>12}{:>12}{:>14.1} %",
                grouped(used.len() as u64),
                grouped(*least),
                grouped(used[used.len() / 2]),
                grouped(*most),
                *most as f64 * 100.0 / FUEL_LIMIT as f64,
            );
        }
    }

    fn print_failures(&self) {
        let mut failures = BTreeMap::<_, u64>::new();
        for (failure, count) in self.with.iter().chain(self.without).flat_map(|round| &round.failures) {
            *failures.entry(failure).or_default() += count;
        }
        println!();
        match failures.is_empty() {
            true => println!("failures  none"),
            false => failures.iter().for_each(|(failure, count)| println!("FAILURES  {failure}: {}", grouped(*count))),
        }
    }
}

/// The middle one, by size.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The seconds that this share of sorted times is not above.
fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(f64::NAN, Duration::as_secs_f64)
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Two or three digits that mean something.
fn rounded(value: f64) -> String {
    match value {
        value if value >= 1000.0 => grouped(((value / 10.0).round() * 10.0) as u64),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn rate(per_second: f64) -> String {
    format!("{} /s", rounded(per_second))
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{} s", rounded(seconds)),
        seconds if seconds >= 1e-3 => format!("{} ms", rounded(seconds * 1e3)),
        seconds => format!("{} us", rounded(seconds * 1e6)),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e6 => format!("{} MB", rounded(bytes / 1e6)),
        bytes if bytes >= 1e3 => format!("{} kB", rounded(bytes / 1e3)),
        bytes => format!("{bytes:.0} B"),
    }
}

fn count(count: f64) -> String {
    grouped(count as u64)
}

fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0} x") } else { format!("{ratio:.2} x") }
}
