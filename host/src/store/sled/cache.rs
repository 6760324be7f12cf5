//! How much memory the page cache gets where nobody has said so.

use std::fs;

/// The share of the machine's memory: sled's resident memory comes to about 2.5 times its cache, and the machine has other
/// things to do.
const SHARE: u64 = 16;

/// What even a small machine gives, and what a machine that does not tell its memory gets.
const LEAST: u64 = 256 << 20;

/// Bytes of page cache: as configured in MiB, or for 0 a sixteenth of the machine's memory or of the process's limit.
pub fn capacity(configured_mib: u64) -> u64 {
    match configured_mib {
        0 => memory().map_or(LEAST, |memory| (memory / SHARE).max(LEAST)),
        mib => mib << 20,
    }
}

/// Memory that this process may use, in bytes: the machine's, or less where a control group limits it.
fn memory() -> Option<u64> {
    let machine = total(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|limit| limit.trim().parse().ok());
    Some(limit.map_or(machine, |limit: u64| limit.min(machine)))
}

/// The total of a `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_counts_and_zero_is_a_share_of_the_memory() {
        assert_eq!(capacity(32), 32 << 20);
        assert!(capacity(0) >= LEAST);
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       24684180 kB\nBuffers: 7 kB\n"), Some(24_684_180 << 10));
        assert_eq!((total(""), total("MemTotal: much")), (None, None));
    }
}
