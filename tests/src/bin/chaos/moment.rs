//! When the host is killed: at any time, and on purpose while it does what is done seldom.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use regulars_tests::random::Random;
use tokio::time::Instant;

/// How often the logs' folders are looked at.
const LOOK_AGAIN: Duration = Duration::from_micros(300);

/// What is waited for has to happen within this time; else the host is killed all the same.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This long after the process has begun.
    StartUp(Duration),
    /// This long after it is ready and under load.
    Load(Duration),
    /// This long after a log begins a segment.
    NewSegment(Duration),
    /// This long after a log begins to compress a segment. The inbox does that after a checkpoint.
    Compression(Duration),
}

impl Moment {
    /// Half of all kills come at any time under load; `to_ready` is how long the last start took.
    pub fn random(random: &mut Random, to_ready: Duration) -> Self {
        let micros = |random: &mut Random, below: u64| Duration::from_micros(random.below(below));
        match random.below(100) {
            0..25 => Self::StartUp(micros(random, (to_ready.as_micros() as u64).max(1) * 11 / 10)),
            25..75 => Self::Load(micros(random, 1_500_000)),
            75..87 => Self::NewSegment(micros(random, 3_000)),
            _ => Self::Compression(micros(random, 10_000)),
        }
    }

    /// The name under which kills are counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::StartUp(_) => "during start-up",
            Self::Load(_) => "under load",
            Self::NewSegment(_) => "while a segment is begun",
            Self::Compression(_) => "while a segment is compressed",
        }
    }

    /// Waits for the moment. The process that is watched has to be ready, but for [`Moment::StartUp`].
    pub async fn come(self, data: &Path) {
        let logs = [data.join("inbox"), data.join("mails")];
        match self {
            Self::StartUp(after) | Self::Load(after) => tokio::time::sleep(after).await,
            Self::NewSegment(after) => {
                until_new(&logs, |name| name.ends_with(".log") || name.ends_with(".tmp")).await;
                tokio::time::sleep(after).await;
            }
            Self::Compression(after) => {
                until_new(&logs, |name| name.contains(".zst")).await;
                tokio::time::sleep(after).await;
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::StartUp(after) | Self::Load(after) | Self::NewSegment(after) | Self::Compression(after)) = self;
        write!(f, "{}, after {:.1} ms", self.name(), after.as_secs_f64() * 1000.0)
    }
}

/// Waits until one of the folders holds such a file that was not there at first.
async fn until_new(folders: &[PathBuf], fits: impl Fn(&str) -> bool) {
    let names = || -> BTreeSet<PathBuf> {
        let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.to_str().is_some_and(&fits)).collect()
    };
    let (before, begun) = (names(), Instant::now());
    while names().is_subset(&before) && begun.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
