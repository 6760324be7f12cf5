//! Opening a sled database so that a power cut finds it whole, and copying one.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use super::{super::Durability, Error, sled_error};

/// The largest that sled takes. With it, a page of sixteen values of 64 KiB stays in the log.
const SEGMENT_BYTES: usize = 16 << 20;

/// How often sled's own thread writes out, reclaims and syncs; the committer does not wait for it.
const FLUSH_EVERY_MS: u64 = 200;

/// Opens or creates the database in `dir`. The second part is a descriptor of its log for syncing.
pub(super) fn open(dir: &Path, cache_capacity: u64, durability: &Durability) -> Result<(::sled::Db, File), Error> {
    let failed = |error: io::Error| Error::io(format!("open the store in {}", dir.display()))(error);
    let is_new = !dir.join("db").exists();
    if dir.is_dir() {
        remove_unfinished_snapshots(dir).map_err(failed)?;
        refuse_blobs(dir)?;
    }
    let db = dir.join("db");
    if db.exists() {
        File::open(&db).and_then(|file| durability.read_from_disk(&file)).map_err(failed)?;
    }
    let config = ::sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(durability.is_wanted().then_some(FLUSH_EVERY_MS))
        .cache_capacity(cache_capacity)
        .mode(::sled::Mode::HighThroughput);
    // Where sled meets bytes that it cannot have written, it panics as often as it answers an error.
    let tree = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing more");
            Error::Damaged { what: format!("the store in {}", dir.display()), detail: format!("sled gave up: {said}") }
        })?
        .map_err(|error| match sled_error(error) {
            Error::Damaged { detail, .. } => Error::Damaged { what: format!("the store in {}", dir.display()), detail },
            error => error,
        })?;
    sync_files(dir, is_new, durability).map_err(failed)?;
    let file = File::options().read(true).write(true).open(dir.join("db")).map_err(failed)?;
    read_ahead(&file, cache_capacity);
    Ok((tree, file))
}

/// Has the kernel read the log into its memory, as far as the cache and as much again: a page that is looked for one by one
/// costs a wait for the disk. It is a hint, and may fail.
fn read_ahead(file: &File, cache_capacity: u64) {
    let bytes = std::num::NonZeroU64::new(cache_capacity.saturating_mul(2));
    let _ = rustix::fs::fadvise(file, 0, bytes, rustix::fs::Advice::WillNeed);
}

/// Makes durable what sled has created or written while it opened.
fn sync_files(dir: &Path, is_new: bool, durability: &Durability) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        durability.sync_data(&File::open(entry?.path())?)?;
    }
    durability.sync_dir(dir)?;
    match dir.parent() {
        Some(parent) if is_new && parent != Path::new("") => durability.sync_dir(parent),
        _ => Ok(()),
    }
}

/// A snapshot that sled was writing when the machine stopped: sled would take it for its newest and give up. The one
/// before it is still there.
fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            match fs::remove_file(path) {
                // Finished and renamed meanwhile, by threads that sled leaves behind when it is closed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}

/// Values in sled's `blobs/` have never been synced. None of ours is large enough to get there.
fn refuse_blobs(dir: &Path) -> Result<(), Error> {
    let blobs = dir.join("blobs");
    let first = match fs::read_dir(&blobs) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(Error::io(format!("list {}", blobs.display()))(error)),
    };
    match first {
        false => Ok(()),
        true => Err(Error::Damaged {
            what: format!("the store in {}", dir.display()),
            detail: "blobs/ holds values that no power cut would have spared; restore a backup".into(),
        }),
    }
}

/// How many rows are written at a time.
const ROWS_PER_BATCH: usize = 1024;
const BYTES_PER_BATCH: usize = 4 << 20;

/// Copies every row, in the order of keys, into a fresh database in `target`, and makes it durable. Calls `copied` with
/// the rows and bytes of each step.
pub(in crate::store) fn copy_rows(
    tree: &::sled::Tree,
    target: &Path,
    durability: &Durability,
    copied: &mut dyn FnMut(u64, u64),
) -> Result<(), Error> {
    if target.join("db").exists() {
        return Err(Error::Exists { path: target.display().to_string() });
    }
    // Everything is written once and read never, so that a small cache will do.
    let (copy, file) = open(target, 16 << 20, durability)?;
    let mut batch = ::sled::Batch::default();
    let (mut rows, mut bytes) = (0, 0);
    let mut write = |batch: &mut ::sled::Batch, rows: &mut usize, bytes: &mut usize| {
        copy.apply_batch(std::mem::take(batch)).map_err(sled_error)?;
        copied(std::mem::take(rows) as u64, std::mem::take(bytes) as u64);
        Ok(())
    };
    for row in tree {
        let (key, value) = row.map_err(sled_error)?;
        rows += 1;
        bytes += key.len() + value.len();
        batch.insert(key, value);
        if rows >= ROWS_PER_BATCH || bytes >= BYTES_PER_BATCH {
            write(&mut batch, &mut rows, &mut bytes)?;
        }
    }
    if rows > 0 {
        write(&mut batch, &mut rows, &mut bytes)?;
    }
    copy.flush().map_err(sled_error)?;
    durability.sync_data(&file).map_err(Error::io(format!("sync {}", target.display())))?;
    drop(copy);
    // Closing wrote a last time.
    sync_files(target, true, durability).map_err(Error::io(format!("sync {}", target.display())))
}
