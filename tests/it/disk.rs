//! File systems of their own, on loop devices: to be filled up, cut off and gone read-only without harm to the machine.

use std::{
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use regulars_tests::random::Random;

/// Sparse: an image takes what is written to it.
pub const IMAGE_BYTES: u64 = 512 << 20;

/// A mounted image, unmounted when it goes out of scope.
pub struct Mount {
    pub path: PathBuf,
}

impl Mount {
    pub fn new(image: &Path, path: &Path) -> Result<Self, String> {
        fs::create_dir_all(path).map_err(|error| error.to_string())?;
        run(Command::new("mount").args(["-o", "loop,noatime"]).arg(image).arg(path))?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily if something still holds it, so that no mount outlives the test.
        if run(Command::new("umount").arg(&self.path)).is_err() {
            let _ = run(Command::new("umount").arg("--lazy").arg(&self.path));
        }
    }
}

pub fn make_file_system(image: &Path, bytes: u64) -> Result<(), String> {
    let file = File::create(image).map_err(|error| error.to_string())?;
    file.set_len(bytes).map_err(|error| error.to_string())?;
    // Nothing is kept for root, who runs this.
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(image))
}

/// Copies the image as it stands at one instant: the kernel may still be writing, so until a copy equals its original.
pub fn copy_at_rest(image: &Path, copy: &Path) {
    loop {
        run(Command::new("cp").arg("--sparse=always").arg(image).arg(copy)).unwrap();
        if run(Command::new("cmp").arg("--silent").arg(image).arg(copy)).is_ok() {
            return;
        }
    }
}

/// Stops a process and waits until none of its threads runs any more.
pub fn freeze(process: u32) {
    run(Command::new("sh").args(["-c", "kill -STOP \"$0\"", &process.to_string()])).unwrap();
    let is_stopped = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
    };
    while !fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten().all(is_stopped) {
        std::thread::yield_now();
    }
}

pub fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

/// A seed that is printed, or taken from the environment variable `name`. `None`, with the reason on the terminal, where
/// this machine cannot mount file systems of its own: that takes root, loop devices, `mkfs.ext4` and `mount`.
pub fn seed_if_disks_can_be_made(test: &str, name: &str) -> Option<u64> {
    let scratch = tempfile::tempdir().unwrap();
    let image = scratch.path().join("probe.img");
    let can_run = match fs::metadata("/proc/self").map(|this| this.uid()) {
        Ok(0) => make_file_system(&image, IMAGE_BYTES)
            .and_then(|()| Mount::new(&image, &scratch.path().join("probe")).map(drop)),
        Ok(user) => Err(format!("it takes root, and this is user {user}")),
        Err(error) => Err(format!("/proc: {error}")),
    };
    if let Err(reason) = can_run {
        eprintln!("DID NOT RUN: {test}: {reason}");
        return None;
    }
    Some(seed(name))
}

/// A seed that is printed, or taken from the environment variable `name`.
pub fn seed(name: &str) -> u64 {
    let seed = match std::env::var(name) {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish() % 1_000_000,
    };
    println!("{name}={seed}");
    seed
}

/// Numbers from [`seed_if_disks_can_be_made`].
pub fn numbers_if_disks_can_be_made(test: &str, name: &str) -> Option<Random> {
    seed_if_disks_can_be_made(test, name).map(|seed| Random::new(seed, 0))
}
