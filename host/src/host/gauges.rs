//! What `/metrics` shows: what was counted, and what can be seen of the host at the moment it is asked.

use std::{fmt, fs, path::Path, sync::Arc};

use super::{Host, Unready};
use crate::{
    domain::Timestamp,
    store::{Error, due, keys::DueQueue},
    telemetry::{Exposed, Exposition},
};

/// Due things that are counted at most, so that asking costs the same however long a queue is.
const COUNTED: usize = 1_000;

const SECONDS: f64 = 1_000.0;

impl Exposed for Arc<Host> {
    /// Reads files and the store: not for a thread that has other things to do.
    fn expose(&self, to: &mut Exposition<'_>) -> fmt::Result {
        to.gauges(
            "regulars_build_info",
            "1, with the version that runs",
            [(&[("version", env!("CARGO_PKG_VERSION"))][..], 1.0)],
        )?;
        self.counters.expose(to)?;
        self.expose_readiness(to)?;
        self.expose_queues(to)?;
        self.expose_writes(to)?;
        self.expose_resources(to)
    }
}

impl Host {
    fn expose_readiness(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let unready = self.unready();
        let is = |wanted: fn(&Unready) -> bool| f64::from(u8::from(unready.iter().any(wanted)));
        to.gauges(
            "regulars_unready",
            "1 for each reason for which /readyz says that the host is not ready",
            [
                (&[("reason", "inbox")][..], is(|reason| matches!(reason, Unready::Inbox))),
                (&[("reason", "store")][..], is(|reason| matches!(reason, Unready::Store))),
                (&[("reason", "behind")][..], is(|reason| matches!(reason, Unready::Behind { .. }))),
            ],
        )
    }

    fn expose_queues(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let now = self.clock.now();
        let age = |since: Option<Timestamp>| since.map_or(0.0, |at| now.since(at).as_millis() as f64 / SECONDS);
        // A queue that cannot be read is shown as none: `regulars_unready` tells of the store.
        let of = |queue| self.due(queue, now).unwrap_or_default();
        let (deliveries, effects, timers) = (of(DueQueue::Deliveries), of(DueQueue::Effects), of(DueQueue::Timers));
        let oldest = self.oldest_unapplied().unwrap_or_default();
        to.gauges(
            "regulars_queue_age_seconds",
            "Seconds for which the first of a queue has been due: events since acceptance, the others since their time",
            [
                (&[("queue", "events")][..], age(oldest)),
                (&[("queue", "deliveries")][..], age(deliveries.0)),
                (&[("queue", "effects")][..], age(effects.0)),
                (&[("queue", "timers")][..], age(timers.0)),
            ],
        )?;
        to.gauges(
            "regulars_queue_length",
            "How many wait: events to be applied; deliveries to be run again, effects and timers that are due now, \
             counted up to 1000; appends and commits on their way to the disk",
            [
                (&[("queue", "events")][..], self.unapplied() as f64),
                (&[("queue", "deliveries")][..], deliveries.1 as f64),
                (&[("queue", "effects")][..], effects.1 as f64),
                (&[("queue", "timers")][..], timers.1 as f64),
                (&[("queue", "inbox_appends")][..], self.journal.log().waiting() as f64),
                (&[("queue", "mail_appends")][..], self.mails.waiting() as f64),
                (&[("queue", "commits")][..], self.sled.waiting() as f64),
            ],
        )
    }

    /// When the first of a queue was due, and how many are due by now.
    fn due(&self, queue: DueQueue, now: Timestamp) -> Result<(Option<Timestamp>, usize), Error> {
        due::overdue(&*self.sled, queue, now, COUNTED)
    }

    fn expose_writes(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let writers = [
            ([("file", "inbox")], self.journal.log().writes()),
            ([("file", "mails")], self.mails.writes()),
            ([("file", "store")], self.sled.writes()),
        ];
        let each = |of: fn(&crate::telemetry::Writes) -> &crate::telemetry::Histogram| {
            writers.iter().map(move |(labels, writes)| (&labels[..], of(writes)))
        };
        to.histograms("regulars_write_batch_size", "Records or commits made durable at once", each(|it| &it.batch))?;
        to.histograms(
            "regulars_write_duration_seconds",
            "Seconds from taking a batch to its being durable",
            each(|it| &it.commit),
        )?;
        to.histograms("regulars_write_sync_duration_seconds", "Seconds of one fdatasync", each(|it| &it.sync))
    }

    fn expose_resources(&self, to: &mut Exposition<'_>) -> fmt::Result {
        let dirs = [
            ([("part", "inbox")], self.data_dir.inbox()),
            ([("part", "mails")], self.data_dir.mails()),
            ([("part", "store")], self.data_dir.store()),
            ([("part", "plugins")], self.data_dir.plugins()),
            ([("part", "artefacts")], self.data_dir.artefacts()),
        ];
        to.gauges(
            "regulars_disk_bytes",
            "Bytes of the files in a part of the data directory",
            dirs.iter().map(|(labels, dir)| (&labels[..], bytes_in(dir) as f64)),
        )?;
        to.gauges(
            "regulars_sandbox_instances",
            "Plugins that run at this moment",
            [(&[][..], self.pipeline.engine.live_instances() as f64)],
        )?;
        let (orders, customers) = self.missing();
        to.gauges(
            "regulars_history_missing",
            "What platforms counted last and is not known here, of all stores together",
            [(&[("of", "orders")][..], orders as f64), (&[("of", "customers")][..], customers as f64)],
        )?;
        let registry = self.catalog.registry();
        to.gauges("regulars_stores", "Stores that are known", [(&[][..], registry.stores().len() as f64)])?;
        to.gauges("regulars_plugins", "Plugins that are installed", [(&[][..], registry.installed().count() as f64)])?;
        to.gauges(
            "process_resident_memory_bytes",
            "Bytes of memory that are resident",
            [(&[][..], resident_bytes() as f64)],
        )
    }
}

impl Host {
    /// Orders and customers that are missing, by the last count of each store.
    fn missing(&self) -> (u64, u64) {
        let registry = self.catalog.registry();
        let states = registry.stores().into_iter().filter_map(|entry| self.history.state(entry.id()).ok()?.counts);
        states.map(|counts| counts.missing()).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// The bytes of all files below; a file that goes meanwhile counts for nothing.
fn bytes_in(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What Linux says of this process; 0 where there is no Linux.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.unwrap_or(0_u64) * 1_024
}
