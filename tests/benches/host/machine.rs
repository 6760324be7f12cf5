//! What the machine says: of itself, of its disk, of a process.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, Instant},
};

/// Cores, kernel, and the file system that `folder` is in.
pub fn describe(folder: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, Linux {}, {}", kernel.trim(), file_system(folder))
}

/// The type of the file system that is mounted nearest above `folder`.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    mounts.max_by_key(|(length, _)| *length).map_or_else(|| "unknown file system".into(), |(_, kind)| kind.into())
}

/// How long the disk takes to make an appended page durable, again and again.
pub fn sync_times(folder: &Path) -> io::Result<Vec<Duration>> {
    const SAMPLES: usize = 200;
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [7; 4096];
    let mut took = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let began = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    Ok(took)
}

/// Bytes of memory that a process holds.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map(|kib: u64| kib << 10).ok_or_else(|| io::Error::other("the kernel does not say"))
}

/// The time that a process's threads have run for. Unlike elapsed time, it hardly depends on what else runs.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that ends meanwhile has run for too short a time to matter.
        let Ok(line) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        total += line.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(total))
}

/// Bytes that the files of a folder take on the disk.
pub fn bytes_on_disk(folder: &Path) -> io::Result<u64> {
    /// The unit of `st_blocks`, whatever the file system's own blocks are.
    const BLOCK: u64 = 512;
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => total += bytes_on_disk(&entry.path())?,
            false => total += entry.metadata()?.blocks() * BLOCK,
        }
    }
    Ok(total)
}
