//! Nothing that was acknowledged is lost when the power goes.
//!
//! A writer runs on a file system of its own, on a loop device. At a random moment it is stopped, the image behind the
//! device is copied, which is what the disk would have held, and the copy is mounted and opened. What the kernel had not
//! yet written is not in the copy, as after a power cut and unlike after a `kill -9`. The control does the same with the
//! syncs left out and must lose something: else the test would prove nothing.
//!
//! First inbox and store alone, under a writer of their own that finds out what each of them loses; then the whole host
//! under load (`host`). It takes root, loop devices, `mkfs.ext4` and `mount`. Where one is missing it says so and does
//! nothing.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use regulars::{
    clock,
    store::{DataDir, Error, Inbox, Journal, Position, SledStore, Store, journal, sled},
};

use crate::disk::{self, Mount};

mod content;
mod host;

/// The environment variable that repeats a run.
const SEED: &str = "POWER_CUT_SEED";

const CUTS: usize = 10;

#[test]
fn whatever_was_acknowledged_survives_power_cuts() {
    let Some(mut numbers) = disk::numbers_if_disks_can_be_made("whatever_was_acknowledged_survives_power_cuts", SEED)
    else {
        return;
    };
    // One disk for all: each life goes on with what the cut before has left.
    let mut disk = Disk::new();
    for cut in 1..=CUTS {
        let lost = disk.cut_power(numbers.below(400) + 1, &[]);
        println!("cut {cut}: {}", disk.acknowledged);
        assert_eq!(lost, [] as [String; 0], "cut {cut}");
    }
}

#[test]
fn the_power_cut_test_notices_when_syncs_are_left_out() {
    let test = "the_power_cut_test_notices_when_syncs_are_left_out";
    let Some(mut numbers) = disk::numbers_if_disks_can_be_made(test, SEED) else { return };
    let (mut inbox_lost, mut store_lost) = (false, false);
    for cut in 1..=CUTS {
        let lost = Disk::new().cut_power(numbers.below(400) + 1, &["without-sync"]);
        println!("cut {cut}: {} lost, first {:?}", lost.len(), lost.first());
        inbox_lost |= lost.iter().any(|what| what.starts_with("inbox"));
        store_lost |= lost.iter().any(|what| what.starts_with("store"));
        if inbox_lost && store_lost {
            return;
        }
    }
    panic!("without a sync, the inbox lost something: {inbox_lost}; the store: {store_lost}");
}

/// A disk, and what has been acknowledged as being on it.
struct Disk {
    scratch: tempfile::TempDir,
    image: PathBuf,
    acknowledged: Acknowledged,
}

/// Acknowledgements that writers printed.
#[derive(Default)]
struct Acknowledged {
    /// Thread and number by position.
    events: BTreeMap<u64, (u64, u64)>,
    /// The highest number by thread.
    commits: BTreeMap<u64, u64>,
}

impl Disk {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let image = scratch.path().join("disk.img");
        disk::make_file_system(&image, disk::IMAGE_BYTES).unwrap();
        Self { scratch, image, acknowledged: Acknowledged::default() }
    }

    /// Lets a writer run until it has been given so many acknowledgements, cuts the power, and answers what is missing
    /// of all that has ever been acknowledged.
    fn cut_power(&mut self, after: u64, arguments: &[&str]) -> Vec<String> {
        let copy = self.scratch.path().join("disk-after-the-cut.img");
        let mounted = Mount::new(&self.image, &self.scratch.path().join("before")).unwrap();
        let mut writer = Writer::start(&mounted.path.join("data"), arguments);
        let mut lines = BufReader::new(writer.stdout.take().unwrap());
        for _ in 0..after {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the writer ended by itself");
            self.acknowledged.note(line.trim_end());
        }
        disk::freeze(writer.process.id());
        disk::copy_at_rest(&self.image, &copy);
        drop(writer);
        // What it had printed before it was stopped had been acknowledged too.
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        rest.lines().for_each(|line| self.acknowledged.note(line));
        drop(mounted);

        fs::rename(&copy, &self.image).unwrap();
        let after_the_cut = Mount::new(&self.image, &self.scratch.path().join("after")).unwrap();
        self.acknowledged.missing_in(&after_the_cut.path.join("data"))
    }
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commits: u64 = self.commits.values().map(|newest| newest + 1).sum();
        write!(f, "{} events and {commits} commits acknowledged", self.events.len())
    }
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let numbers: Vec<u64> = line.split(' ').skip(1).map(|word| word.parse().unwrap()).collect();
        match (line.split(' ').next(), &numbers[..]) {
            (Some("event"), &[thread, number, position]) => {
                assert_eq!(self.events.insert(position, (thread, number)), None, "a position was given twice");
            }
            (Some("commit"), &[thread, number]) => drop(self.commits.insert(thread, number)),
            _ => panic!("the writer printed {line:?}"),
        }
    }

    fn missing_in(&self, data: &Path) -> Vec<String> {
        let data_dir = match DataDir::open(data) {
            Ok(data_dir) => data_dir,
            Err(error) => return vec![format!("inbox and store: {error}"), format!("store and inbox: {error}")],
        };
        let mut lost = Vec::new();
        self.check_inbox(&data_dir, &mut lost).unwrap_or_else(|error| lost.push(format!("inbox: {error}")));
        self.check_store(&data_dir, &mut lost).unwrap_or_else(|error| lost.push(format!("store: {error}")));
        lost
    }

    fn check_inbox(&self, data_dir: &DataDir, lost: &mut Vec<String>) -> Result<(), Error> {
        let inbox = Journal::open(&data_dir.inbox(), Arc::new(clock::System), journal::Options::inbox())?;
        for (&position, &(thread, number)) in &self.events {
            if inbox.get(Position(position))?.as_ref() != Some(&content::event(thread, number)) {
                lost.push(format!("inbox: event {number} of thread {thread} at {position}"));
            }
        }
        let read = inbox.read(Position(1), usize::MAX, usize::MAX)?;
        if !read.iter().map(|(position, _)| position.0).eq(1..=read.len() as u64) {
            lost.push("inbox: positions are missing".into());
        }
        Ok(())
    }

    fn check_store(&self, data_dir: &DataDir, lost: &mut Vec<String>) -> Result<(), Error> {
        let store = SledStore::open(&data_dir.store(), sled::Options::default())?;
        for (&thread, &acknowledged) in &self.commits {
            let newest = store.get(&content::newest_key(thread))?;
            let newest = newest.and_then(|value| value.bytes.try_into().ok()).map(u64::from_be_bytes);
            let Some(newest) = newest.filter(|newest| *newest >= acknowledged) else {
                lost.push(format!("store: commit {acknowledged} of thread {thread}, found {newest:?}"));
                continue;
            };
            // Each commit is there whole: what it put, and what it deleted gone.
            for number in 0..=newest {
                let value = store.get(&content::key(thread, number))?.map(|value| value.bytes);
                let expected = (number + content::KEPT > newest).then(|| content::value(thread, number));
                if value != expected {
                    lost.push(format!("store: the value of commit {number} of thread {thread}"));
                }
            }
        }
        Ok(())
    }
}

/// The writer's process, killed when it goes out of scope.
struct Writer {
    process: Child,
    stdout: Option<ChildStdout>,
}

impl Writer {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_power-cut-writer"))
            .arg(dir)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take();
        Self { process, stdout }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
