//! The log over its files: torn tails, damage, faults, compression, retention.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    super::{
        Durability, Error, Position,
        durability::{Fault, Faults},
    },
    Applied, Log, Options, Upkeep,
    segment::plain_path,
};
use crate::{clock, domain::Timestamp};

const DAY: Duration = Duration::from_hours(24);

fn clock() -> clock::Manual {
    clock::Manual::at(Timestamp(1_760_000_000_000))
}

fn open_with(dir: &Path, options: Options) -> Result<Log, Error> {
    Log::open(dir, Arc::new(clock()), options)
}

fn open(dir: &Path) -> Result<Log, Error> {
    open_with(dir, Options::inbox())
}

fn payload(position: u64) -> Vec<u8> {
    let words = format!("record {position} ").repeat(position as usize % 13 + 1);
    words.into_bytes()
}

/// Appends records one at a time, so that each is a write of its own.
fn append(log: &Log, positions: std::ops::RangeInclusive<u64>) {
    for position in positions {
        assert_eq!(log.append(&payload(position)).wait().unwrap(), Position(position));
    }
}

fn assert_holds(log: &Log, positions: std::ops::RangeInclusive<u64>) {
    let expected: Vec<_> = positions.map(|position| (Position(position), payload(position).into())).collect();
    assert_eq!(log.read(Position(1), usize::MAX, usize::MAX).unwrap(), expected);
    for (position, record) in &expected {
        assert_eq!(log.get(*position).unwrap().as_ref(), Some(record));
    }
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

#[test]
fn a_log_goes_on_where_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let log = open(dir.path()).unwrap();
        assert_eq!(*log.durable().borrow(), Position(round * 20));
        append(&log, round * 20 + 1..=round * 20 + 20);
        assert_holds(&log, 1..=round * 20 + 20);
    }
}

#[test]
fn the_last_write_torn_at_any_byte_is_cut_off_and_the_rest_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    append(&log, 1..=3);
    let path = plain_path(dir.path(), 1);
    let whole = fs::metadata(&path).unwrap().len();
    append(&log, 4..=4);
    drop(log);
    let bytes = fs::read(&path).unwrap();
    for length in whole as usize..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let log = open(dir.path()).unwrap();
        assert_holds(&log, 1..=3);
        assert_eq!(fs::metadata(&path).unwrap().len(), whole, "torn at {length}");
        append(&log, 4..=5);
        assert_holds(&log, 1..=5);
    }
}

#[test]
fn blocks_of_the_last_write_that_came_out_of_order_are_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    append(&log, 1..=2);
    let path = plain_path(dir.path(), 1);
    let durable = fs::metadata(&path).unwrap().len() as usize;
    drop(log);

    // Several frames of one write, as the committer would have written them, the first of them lost.
    let frames = one_write(&path, 3, 5);
    let mut torn = frames[0].clone();
    torn.fill(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(torn);
    bytes.extend(frames[1..].concat());
    fs::write(&path, &bytes).unwrap();

    let log = open(dir.path()).unwrap();
    assert_holds(&log, 1..=2);
    assert_eq!(fs::metadata(&path).unwrap().len() as usize, durable);
}

/// The frames of `count` records that are written together behind those in the file at `path`.
fn one_write(path: &Path, first: u64, count: u32) -> Vec<Vec<u8>> {
    let salt = super::segment::read_salt(&fs::File::open(path).unwrap(), path, 1).unwrap();
    (0..count)
        .map(|ordinal| {
            let position = first + u64::from(ordinal);
            let payload = payload(position);
            let header = super::frame::Header {
                length: payload.len() as u32,
                payload_crc: crc32fast::hash(&payload),
                position,
                appended_at: Timestamp(1),
                ordinal,
            };
            [&header.encode(salt)[..], &payload].concat()
        })
        .collect()
}

#[test]
fn a_whole_write_that_nobody_was_answered_for_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()).unwrap(), 1..=2);
    let path = plain_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(one_write(&path, 3, 4).concat());
    fs::write(&path, &bytes).unwrap();
    let log = open(dir.path()).unwrap();
    assert_holds(&log, 1..=6);
    append(&log, 7..=7);
}

#[test]
fn a_flipped_bit_before_the_last_write_is_damage_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain_path(dir.path(), 1);
    let log = open(dir.path()).unwrap();
    append(&log, 1..=6);
    let before_last = fs::metadata(&path).unwrap().len() as usize;
    append(&log, 7..=7);
    drop(log);
    let good = fs::read(&path).unwrap();
    for at in (0..before_last).filter(|at| !(28..32).contains(at)) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::TooNew { .. }), "byte {at}: {error}");
    }
    fs::write(&path, &good).unwrap();
    assert_holds(&open(dir.path()).unwrap(), 1..=7);
}

fn small_segments() -> Options {
    Options { segment_bytes: 400, ..Options::inbox() }
}

#[test]
fn damage_in_an_earlier_segment_or_a_missing_one_is_loud() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_with(dir.path(), small_segments()).unwrap(), 1..=30);
    let segments = files(dir.path(), "log");
    assert!(segments.len() >= 4, "{segments:?}");
    let good = fs::read(&segments[1]).unwrap();
    // Even its very last frame: the segment after it was begun when that was durable.
    for bad in [&good[..good.len() - 1], &[&good[..], b"x"].concat()] {
        fs::write(&segments[1], bad).unwrap();
        assert!(matches!(open(dir.path()), Err(Error::Damaged { .. })));
    }
    fs::remove_file(&segments[1]).unwrap();
    assert!(matches!(open(dir.path()), Err(Error::Damaged { detail, .. }) if detail.contains("missing")));
    fs::write(&segments[1], &good).unwrap();
    assert_holds(&open(dir.path()).unwrap(), 1..=30);
}

#[test]
fn damage_that_appears_while_the_log_is_open_is_an_error_of_the_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    append(&log, 1..=3);
    let path = plain_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(log.get(Position(2)).is_ok());
    assert!(matches!(log.get(Position(3)), Err(Error::Damaged { .. })));
    assert!(matches!(log.read(Position(1), 9, 9_999), Err(Error::Damaged { .. })));
}

#[test]
fn a_faulty_disk_acknowledges_nothing_and_the_log_recovers_with_it() {
    for fault in [Fault::Write, Fault::Sync] {
        let dir = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let options = Options { durability: Durability::with_faults(Arc::clone(&faults)), ..Options::inbox() };
        let log = open_with(dir.path(), options.clone()).unwrap();
        // In turn: a fault in a segment that holds nothing yet, and in one that does.
        for first in [1, 4] {
            faults.set(Some(fault));
            for _ in 0..3 {
                assert!(matches!(log.append(b"refused").wait(), Err(Error::Io { .. })));
            }
            assert_eq!(*log.durable().borrow(), Position(first - 1));
            assert!(log.standing().trouble().is_some());
            faults.set(None);
            append(&log, first..=first + 2);
            assert_eq!(log.standing().trouble(), None);
            assert_holds(&log, 1..=first + 2);
        }
        drop(log);
        let log = open_with(dir.path(), options).unwrap();
        assert_holds(&log, 1..=6);
        append(&log, 7..=7);
    }
}

#[test]
fn a_log_that_nobody_writes_to_finds_out_that_its_disk_works_again() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let options = Options { durability: Durability::with_faults(Arc::clone(&faults)), ..Options::inbox() };
    let log = open_with(dir.path(), options).unwrap();
    faults.set(Some(Fault::Sync));
    assert!(log.append(b"refused").wait().is_err());
    faults.set(None);
    while log.standing().trouble().is_some() {
        std::thread::yield_now();
    }
    append(&log, 1..=3);
    assert_holds(&log, 1..=3);
}

#[test]
fn what_is_free_on_a_disk_that_is_nearly_full_is_kept_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_with(dir.path(), Options { reserve_bytes: u64::MAX, ..Options::inbox() }).unwrap();
    assert!(matches!(log.append(b"refused").wait(), Err(Error::NoRoom { .. })));
    assert!(
        log.standing().trouble().is_some_and(|reason| reason.contains("MiB are free")),
        "{:?}",
        log.standing().trouble()
    );
    drop(log);
    append(&open(dir.path()).unwrap(), 1..=1);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { queue_entries: 4, ..Options::inbox() };
    let log = open_with(dir.path(), options).unwrap();
    // The committer cannot publish while a reader holds the segments, so that what comes after waits in the queue.
    let held = log.shared.segments();
    let submitted: Vec<_> = (0..20).map(|_| log.append(b"x")).collect();
    drop(held);
    let outcomes: Vec<_> = submitted.into_iter().map(super::super::Submitted::wait).collect();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Full))).count();
    let accepted: Vec<_> = outcomes.iter().flatten().map(|position| position.0).collect();
    assert!(refused > 0 && accepted.len() >= 4, "{outcomes:?}");
    assert_eq!(accepted, (1..=accepted.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_record_too_large_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let too_large = vec![0; super::frame::MAX_PAYLOAD + 1];
    assert!(matches!(log.append(&too_large).wait(), Err(Error::TooLarge { .. })));
    append(&log, 1..=1);
}

#[test]
fn what_waits_when_the_log_is_closed_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let submitted: Vec<_> = (1..=50).map(|position| log.append(&payload(position))).collect();
    drop(log);
    assert!(submitted.into_iter().all(|answer| answer.wait().is_ok()));
    assert_holds(&open(dir.path()).unwrap(), 1..=50);
}

#[test]
fn applied_segments_are_compressed_and_read_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 40_000, ..Options::inbox() };
    let log = open_with(dir.path(), options.clone()).unwrap();
    append(&log, 1..=1_500);
    let plain = files(dir.path(), "log").len();
    assert!(plain > 3);
    assert_eq!(log.maintain_now().unwrap(), Upkeep::default());

    log.applied_before(Position(1_000));
    log.maintain_now().unwrap();
    let half = files(dir.path(), "zst").len();
    assert!(half > 0 && files(dir.path(), "log").len() == plain - half);
    assert_holds(&log, 1..=1_500);

    log.applied_before(Position(1_501));
    log.maintain_now().unwrap();
    // The segment that is being written stays as it is.
    assert_eq!(files(dir.path(), "log").len(), 1);
    assert_holds(&log, 1..=1_500);
    append(&log, 1_501..=1_510);
    drop(log);
    let log = open_with(dir.path(), options).unwrap();
    assert_holds(&log, 1..=1_510);
    for from in [1, 399, 777, 1_505] {
        let some = log.read(Position(from), 3, usize::MAX).unwrap();
        let expected: Vec<_> =
            (from..from + 3).map(|position| (Position(position), payload(position).into())).collect();
        assert_eq!(some, expected);
    }
}

#[test]
fn large_records_are_compressed_in_blocks_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_with(dir.path(), Options { segment_bytes: 3 << 20, ..Options::mails() }).unwrap();
    let record = |position: u64| vec![position as u8; if position.is_multiple_of(3) { 700_000 } else { 150_000 }];
    for position in 1..=12 {
        log.append(&record(position)).wait().unwrap();
    }
    log.maintain_now().unwrap();
    assert!(!files(dir.path(), "zst").is_empty());
    for position in 1..=12 {
        assert_eq!(log.get(Position(position)).unwrap().unwrap(), record(position));
    }
    assert_eq!(log.read(Position(1), 99, usize::MAX).unwrap().len(), 12);
}

#[test]
fn a_crash_between_compressing_and_deleting_leaves_the_log_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_with(dir.path(), small_segments()).unwrap();
    append(&log, 1..=30);
    let segments = files(dir.path(), "log");
    let plain = fs::read(&segments[0]).unwrap();
    log.applied_before(Position(31));
    log.maintain_now().unwrap();
    drop(log);
    fs::write(&segments[0], plain).unwrap();
    fs::write(segments[1].with_extension("zst.tmp"), b"half of it").unwrap();
    assert_holds(&open_with(dir.path(), small_segments()).unwrap(), 1..=30);
    assert!(!segments[0].exists() && files(dir.path(), "tmp").is_empty());
}

#[test]
fn a_damaged_compressed_segment_is_loud() {
    let dir = tempfile::tempdir().unwrap();
    append(&open_with(dir.path(), Options { applied: Applied::AtOnce, ..small_segments() }).unwrap(), 1..=30);
    open_with(dir.path(), Options { applied: Applied::AtOnce, ..small_segments() }).unwrap().maintain_now().unwrap();
    let path = files(dir.path(), "zst").remove(0);
    let good = fs::read(&path).unwrap();
    let mut unnoticed = Vec::new();
    for at in (0..good.len()).filter(|at| !(28..32).contains(at)) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&path, &bad).unwrap();
        let read = open_with(dir.path(), small_segments()).and_then(|log| log.read(Position(1), 99, usize::MAX));
        match read {
            Err(Error::Damaged { .. } | Error::TooNew { .. }) => {}
            other => unnoticed.push((at, other.is_ok())),
        }
    }
    assert_eq!(unnoticed, [], "bytes whose damage went unnoticed");
}

#[test]
fn segments_go_when_their_retention_ends_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = Options { retention: 30 * DAY, ..small_segments() };
    let log = Log::open(dir.path(), Arc::new(clock.clone()), options.clone()).unwrap();
    append(&log, 1..=15);
    clock.advance(10 * DAY);
    append(&log, 16..=30);
    log.applied_before(Position(12));
    log.maintain_now().unwrap();

    clock.advance(20 * DAY - Duration::from_millis(1));
    assert_eq!(log.maintain_now().unwrap(), Upkeep::default());
    assert_holds(&log, 1..=30);
    clock.advance(Duration::from_millis(1));
    assert!(log.maintain_now().unwrap().deleted > 0);
    let oldest = log.read(Position(1), 1, 0).unwrap()[0].0;
    // What has not been applied stays, however old it is.
    assert!(Position(1) < oldest && oldest <= Position(12), "{oldest}");
    assert_eq!(log.get(Position(1)).unwrap(), None);
    clock.advance(900 * DAY);
    log.maintain_now().unwrap();
    assert_eq!(log.get(Position(12)).unwrap().unwrap(), payload(12));

    log.applied_before(Position(31));
    // The segment being written is ended by the committer, some time after upkeep has asked for it.
    while log.get(Position(30)).unwrap().is_some() {
        log.maintain_now().unwrap();
    }
    assert_eq!((files(dir.path(), "log").len(), files(dir.path(), "zst").len()), (1, 0));
    drop(log);
    // Positions are never used twice, even when all that is left is the segment being written.
    let log = Log::open(dir.path(), Arc::new(clock), options).unwrap();
    assert_eq!(*log.durable().borrow(), Position(30));
    append(&log, 31..=31);
}

#[test]
fn a_log_so_quiet_that_no_segment_ever_fills_forgets_in_time_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = Options { retention: 30 * DAY, segment_bytes: 64 << 20, ..small_segments() };
    let log = Log::open(dir.path(), Arc::new(clock.clone()), options).unwrap();
    for number in 1..=35 {
        append(&log, number..=number);
        log.applied_before(Position(number + 1));
        clock.advance(DAY);
    }
    while log.get(Position(6)).unwrap().is_some() {
        log.maintain_now().unwrap();
    }
    assert_eq!(log.get(Position(7)).unwrap().unwrap(), payload(7), "kept for its whole retention");
}

#[test]
fn upkeep_runs_by_itself_when_progress_is_stated() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_with(dir.path(), small_segments()).unwrap();
    append(&log, 1..=30);
    log.applied_before(Position(31));
    while files(dir.path(), "log").len() > 1 {
        std::thread::yield_now();
    }
    assert_holds(&log, 1..=30);
}

#[test]
fn a_copy_of_a_log_in_use_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let log = open_with(dir.path(), small_segments()).unwrap();
    append(&log, 1..=25);
    log.applied_before(Position(15));
    log.maintain_now().unwrap();
    append(&log, 26..=30);
    let target = dir.path().join("copy");
    let mut bytes = 0;
    log.copy_to(&target, &mut |copied| bytes += copied).unwrap();
    append(&log, 31..=33);
    let copy = open_with(&target, small_segments()).unwrap();
    assert_holds(&copy, 1..=30);
    assert!(bytes > 0);
}

/// Ten records in two files of version 1, one plain and one compressed. The files are never rewritten.
#[test]
fn segments_of_version_1_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let golden: [(&str, &[u8]); 2] = [
        ("00000000000000000001.zst", include_bytes!("../golden/journal-v1.zst")),
        ("00000000000000000006.log", include_bytes!("../golden/journal-v1.log")),
    ];
    for (name, bytes) in golden {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let log = open(dir.path()).unwrap();
    assert_holds(&log, 1..=10);
    append(&log, 11..=11);
}
