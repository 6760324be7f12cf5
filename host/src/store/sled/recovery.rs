//! What follows a commit that failed: the database is closed, and opened anew from what the disk holds.
//!
//! After a failed write or sync nobody can say what is durable, and sled itself takes nothing more. Every commit whose
//! fate is not known has been refused; whoever asked for it tries again, and finds it made or makes it. Where the kernel
//! dropped what it could not write, `opening` sees to it that sled reads what is on the disk and not what was to be.
//!
//! A full disk, or one that answers again after a while, is waited for as long as it takes. A database that cannot be
//! closed, or does not open for another reason than the disk's, is the end: the process has to be started again.

use std::{
    fs::{File, TryLockError},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::{
    Fault, Shared,
    committer::{Committer, Failure},
    opening,
};
use crate::store::Error;

/// The pause before the database is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Readers, and sled's own threads, let go of a database that has failed within this time.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);

/// So often the database is tried while its file is still locked by what is left of the one that failed.
const HELD_TRIES: u32 = 30;

/// The pause between two looks whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Runs the committer, and another one after each failure, until the store is closed.
pub(super) fn run(shared: &Arc<Shared>, mut committer: Committer) {
    let _closes = shared.queue.close_on_exit();
    while let Some(Failure { error, sequence }) = committer.run() {
        tracing::error!(dir = %shared.dir.display(), %error, "the store takes nothing until it is open again: {error}");
        shared.set_fault(Some(Fault { reason: error.to_string(), is_final: false }));
        // Nobody waits for an answer that may take hours.
        drop(shared.queue.take());
        match close(shared).and_then(|()| reopen(shared, sequence)) {
            Ok(Some(reopened)) => committer = reopened,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(dir = %shared.dir.display(), %error, "the store has to be started anew: {error}");
                shared.set_fault(Some(Fault { reason: error.to_string(), is_final: true }));
                return;
            }
        }
        shared.set_fault(None);
        tracing::info!(dir = %shared.dir.display(), "the store is open again");
    }
}

/// Takes the database from its readers and closes it.
fn close(shared: &Shared) -> Result<(), Error> {
    let Some(mut tree) = shared.open.swap(None) else { return Ok(()) };
    let (closed, is_closed) = mpsc::channel();
    // On a thread of its own, as sled waits for its threads without an end if one of them has panicked.
    let close = move || {
        loop {
            match Arc::try_unwrap(tree) {
                // A last sync that fails is a panic.
                Ok(last) => break drop(catch_unwind(AssertUnwindSafe(|| drop(last)))),
                Err(held) => tree = held,
            }
            thread::sleep(LOOK_AGAIN);
        }
        // Nobody waits any more if this took too long.
        let _ = closed.send(());
    };
    thread::Builder::new()
        .name("regulars-close".into())
        .spawn(close)
        .map_err(Error::io("start the thread that closes the store"))?;
    is_closed
        .recv_timeout(CLOSED_WITHIN)
        .map_err(|_| Error::Stopped("the database that failed could not be closed".into()))
}

/// Opens the database as soon as the disk allows; `None` if the store is closed before that.
fn reopen(shared: &Shared, sequence: u64) -> Result<Option<Committer>, Error> {
    let mut held = 0;
    while !shared.queue.is_closed_within(PAUSE) {
        if is_locked(&shared.dir) {
            held += 1;
            if held > HELD_TRIES {
                return Err(Error::Stopped("the database that failed is still in use".into()));
            }
            continue;
        }
        let opened = opening::open(&shared.dir, shared.options.cache_capacity, &shared.options.durability);
        match opened.and_then(|(tree, file)| shared.begin(tree, file, Some(sequence))) {
            Ok(committer) => return Ok(Some(committer)),
            Err(error @ Error::Io { .. }) => {
                let fault = Fault { reason: error.to_string(), is_final: false };
                if shared.set_fault(Some(fault)) {
                    tracing::error!(dir = %shared.dir.display(), %error, "the store cannot be opened again yet: {error}");
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether somebody holds sled's own lock.
fn is_locked(dir: &Path) -> bool {
    let file = File::open(dir.join("db"));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}
