//! How bytes reach the disk: the few calls on which every promise of durability rests, in one place.

use std::{
    fs::File,
    io::{self, IoSlice, Write as _},
    path::Path,
};

/// The calls that make writes durable. The default does what it says; the other ways exist for tests that show that a
/// loss or a fault would be noticed.
#[derive(Clone, Debug, Default)]
pub struct Durability(Mode);

#[derive(Clone, Debug, Default)]
enum Mode {
    #[default]
    Synced,
    Unsynced,
    #[cfg(test)]
    Faulty(std::sync::Arc<Faults>),
}

impl Durability {
    /// Acknowledges what the next power cut takes away: the control of the power-cut test, which must see it lost.
    /// No setting leads here.
    #[doc(hidden)]
    pub fn lost_at_the_next_power_cut() -> Self {
        Self(Mode::Unsynced)
    }

    #[cfg(test)]
    pub(super) fn with_faults(faults: std::sync::Arc<Faults>) -> Self {
        Self(Mode::Faulty(faults))
    }

    /// Whether an engine's own syncs in the background are wanted.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(self.0, Mode::Unsynced)
    }

    /// Writes all of `slices` at the file's cursor.
    pub(super) fn write_all(&self, mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        #[cfg(test)]
        if let Mode::Faulty(faults) = &self.0 {
            faults.write(file, slices)?;
        }
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut slices, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes the file's bytes and length durable.
    pub(super) fn sync_data(&self, file: &File) -> io::Result<()> {
        match &self.0 {
            Mode::Synced => sync(file),
            Mode::Unsynced => Ok(()),
            #[cfg(test)]
            Mode::Faulty(faults) => faults.sync().and_then(|()| sync(file)),
        }
    }

    /// Makes the file's bytes durable, then has the kernel forget them, so that what is read next is what the disk holds:
    /// after a failed sync the kernel takes pages for clean that never got there, and a new sync finds nothing to do.
    pub(super) fn read_from_disk(&self, file: &File) -> io::Result<()> {
        self.sync_data(file)?;
        match self.is_wanted() {
            true => Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?),
            false => Ok(()),
        }
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.sync_data(&File::open(dir)?)
    }
}

/// Syncs a file, and sees to it that its file system was still sound afterwards.
///
/// ext4 answers that a sync is done when its journal is given up meanwhile, and the file's new length is then lost: of 60
/// file systems that were made to give up under writes, 6 had lost what was synced last. A journal that has been given up
/// refuses the next change before it looks at it, so one is asked for that changes nothing: taking away an attribute that
/// is not there. It takes a microsecond; other file systems and systems without such attributes have nothing to refuse.
fn sync(file: &File) -> io::Result<()> {
    use rustix::io::Errno;
    file.sync_data()?;
    match rustix::fs::fremovexattr(file, ABSENT_ATTRIBUTE) {
        Err(error @ (Errno::ROFS | Errno::IO | Errno::SHUTDOWN)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// An attribute that no file has.
const ABSENT_ATTRIBUTE: &str = "user.regulars.absent";

/// The bytes that are free for this process on the file system of `path`.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let figures = rustix::fs::statvfs(path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// What a test makes fail.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Write,
    Sync,
}

/// The fault that is on at the moment, if any.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Faults(std::sync::Mutex<Option<Fault>>);

#[cfg(test)]
impl Faults {
    pub fn set(&self, fault: Option<Fault>) {
        *super::lock(&self.0) = fault;
    }

    fn has(&self, fault: Fault) -> bool {
        *super::lock(&self.0) == Some(fault)
    }

    fn write(&self, mut file: &File, slices: &[IoSlice<'_>]) -> io::Result<()> {
        if !self.has(Fault::Write) {
            return Ok(());
        }
        // As when the disk fills up: some of it is written before the error.
        if let Some(slice) = slices.first() {
            file.write_all(&slice[..slice.len() / 2])?;
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    fn sync(&self) -> io::Result<()> {
        match self.has(Fault::Sync) {
            true => Err(io::Error::other("a fault that the test asked for")),
            false => Ok(()),
        }
    }
}
