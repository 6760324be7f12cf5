//! Backup of a running host into a fresh data directory, and compaction of a store at rest.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{DataDir, Durability, Error, Journal, Log, SledStore, data_dir, sled};

/// How far a backup or a compaction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows of the store.
    pub rows: u64,
    /// Segments of the logs, and plugin files.
    pub files: u64,
    pub bytes: u64,
}

/// What a backup is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub data_dir: &'a DataDir,
    pub store: &'a SledStore,
    pub inbox: &'a Journal,
    pub mails: &'a Log,
}

/// Makes a complete data directory at `target`, where nothing may stand yet, while the host runs.
///
/// The store comes first, as it is between two commits, which wait meanwhile; events are accepted all the time. What the
/// store refers to is copied after it and so is at least as new: events that the copy of the store has not seen are
/// applied when the copy is started. Compiled plugins are not copied. The directory takes its name when it is complete
/// and durable; one that was cut short keeps the ending `.incomplete`.
pub fn backup(sources: Sources<'_>, target: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Progress, Error> {
    let durability = Durability::default();
    if target.exists() {
        return Err(Error::Exists { path: target.display().to_string() });
    }
    let mut incomplete = target.as_os_str().to_owned();
    incomplete.push(".incomplete");
    let incomplete = PathBuf::from(incomplete);
    if incomplete.exists() {
        fs::remove_dir_all(&incomplete).map_err(Error::io(format!("remove {}", incomplete.display())))?;
    }
    let mut done = Progress::default();
    let copy = DataDir::open(&incomplete)?;
    sources.store.between_commits(|tree| {
        sled::copy_rows(tree, &copy.store(), &durability, &mut |rows, bytes| {
            done.rows += rows;
            done.bytes += bytes;
            progress(done);
        })
    })??;
    let mut copied = |bytes| {
        done.files += 1;
        done.bytes += bytes;
        progress(done);
    };
    sources.inbox.log().copy_to(&copy.inbox(), &mut copied)?;
    sources.mails.copy_to(&copy.mails(), &mut copied)?;
    copy_files(&sources.data_dir.plugins(), &copy.plugins(), &durability, &mut copied)?;
    let keys = |of: &DataDir| [of.mail_key_file(), of.seal_key_file()];
    for (key, target) in keys(sources.data_dir).iter().zip(keys(&copy)).filter(|(key, _)| key.exists()) {
        copied(copy_file(key, &target, &durability)?);
    }
    drop(copy);
    let finish = || {
        durability.sync_dir(&incomplete)?;
        fs::rename(&incomplete, target)?;
        match target.parent() {
            Some(parent) if parent != Path::new("") => durability.sync_dir(parent),
            _ => durability.sync_dir(Path::new(".")),
        }
    };
    finish().map_err(Error::io(format!("complete {}", target.display())))?;
    Ok(done)
}

/// Copies a directory's files, those of its subdirectories too.
fn copy_files(from: &Path, to: &Path, durability: &Durability, copied: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let failed = || Error::io(format!("copy {}", from.display()));
    for entry in fs::read_dir(from).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(failed())?.is_dir() {
            fs::create_dir(&target).map_err(failed())?;
            copy_files(&entry.path(), &target, durability, copied)?;
        } else {
            copied(copy_file(&entry.path(), &target, durability)?);
        }
    }
    durability.sync_dir(to).map_err(failed())
}

/// Copies a file with its permissions; the bytes that it has.
fn copy_file(from: &Path, to: &Path, durability: &Durability) -> Result<u64, Error> {
    let copy = || {
        let bytes = fs::copy(from, to)?;
        durability.sync_data(&File::open(to)?)?;
        Ok(bytes)
    };
    copy().map_err(Error::io(format!("copy {}", from.display())))
}

/// What a compaction has won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub rows: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// Rewrites the store of a data directory that no host is using.
///
/// 1. `store.next` is written and made durable. A stop before its end: it is deleted at the next opening.
/// 2. `store` is renamed to `store.previous`. A stop after it: `store.next`, which is complete, takes its place.
/// 3. `store.next` is renamed to `store`. A stop after it: `store.previous` is deleted.
/// 4. `store.previous` is deleted.
///
/// The repairs are [`DataDir::open`]'s.
pub fn compact(
    data_dir: &DataDir,
    options: sled::Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Compacted, Error> {
    let durability = options.durability.clone();
    let (store, next, previous) = (data_dir.store(), data_dir.next_store(), data_dir.previous_store());
    let bytes_before = bytes_in(&store)?;
    if next.exists() {
        fs::remove_dir_all(&next).map_err(Error::io(format!("remove {}", next.display())))?;
    }
    data_dir::make_dir(&next)?;
    let opened = SledStore::open(&store, options)?;
    let mut done = Progress::default();
    opened.between_commits(|tree| {
        sled::copy_rows(tree, &next, &durability, &mut |rows, bytes| {
            done.rows += rows;
            done.bytes += bytes;
            progress(done);
        })
    })??;
    drop(opened);
    let swap = || {
        fs::rename(&store, &previous)?;
        durability.sync_dir(data_dir.path())?;
        fs::rename(&next, &store)?;
        durability.sync_dir(data_dir.path())?;
        fs::remove_dir_all(&previous)
    };
    swap().map_err(Error::io(format!("put the compacted store in place of {}", store.display())))?;
    Ok(Compacted { rows: done.rows, bytes_before, bytes_after: bytes_in(&store)? })
}

fn bytes_in(dir: &Path) -> Result<u64, Error> {
    let failed = || Error::io(format!("measure {}", dir.display()));
    let mut bytes = 0;
    for entry in fs::read_dir(dir).map_err(failed())? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(failed())?.len();
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
