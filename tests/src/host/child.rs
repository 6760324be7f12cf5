//! The child process: its start, its end, what it says.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    time::Duration,
};

use super::BINARY_ENV;

/// A debug build on a busy machine compiles plugins for seconds; a host that is not ready by then never will be.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Where the host listens, as it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listeners {
    pub(super) webhooks: String,
    pub(super) admin: String,
}

/// Why the host is not running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "no binary `regulars` above {}: build it first (`cargo build -p regulars`, with the same profile and target folder), or set {BINARY_ENV} to its path",
        beside.display()
    )]
    NoBinary { beside: PathBuf },
    #[error("the host ended before it was ready ({status}); its log:\n{log}")]
    Ended { status: ExitStatus, log: String },
    #[error("the host was not ready within {READY_WITHIN:?}; its log:\n{log}")]
    NotReady { log: String },
    #[error("the host was ready, but named no listener `{missing}`; its log:\n{log}")]
    NoListener { missing: &'static str, log: String },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Listeners {
    /// One that was not named.
    fn missing(&self) -> Option<&'static str> {
        let named = [("webhooks", &self.webhooks), ("admin", &self.admin)];
        named.into_iter().find(|(_, url)| url.is_empty()).map(|(name, _)| name)
    }
}

pub(super) struct Child {
    process: std::process::Child,
    log: PathBuf,
    pub(super) listeners: Listeners,
}

impl Child {
    /// Starts the process and waits until it prints `ready`. Both its outputs are appended to `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self, StartError> {
        let log_file = open_log(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file.try_clone()?);
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().expect("the output is piped");
        let (said, says) = mpsc::channel();
        // The output is read to its end, lest the host stops at a full pipe.
        std::thread::spawn(move || listen(stdout, log_file, &said));
        let mut child = Self { process, log: log.to_owned(), listeners: Listeners::default() };
        match says.recv_timeout(READY_WITHIN) {
            Ok(listeners) => child.listeners = listeners,
            Err(mpsc::RecvTimeoutError::Timeout) => return Err(StartError::NotReady { log: child.take_log() }),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = child.process.wait()?;
                return Err(StartError::Ended { status, log: child.take_log() });
            }
        }
        match child.listeners.missing() {
            Some(missing) => Err(StartError::NoListener { missing, log: child.take_log() }),
            None => Ok(child),
        }
    }

    /// Starts the process and kills it after a while, whatever it is doing then.
    pub(super) fn start_and_kill(mut command: Command, log: &Path, after: Duration) -> io::Result<()> {
        let log_file = open_log(log)?;
        command.stdin(Stdio::null()).stdout(log_file.try_clone()?).stderr(log_file);
        let mut process = command.spawn()?;
        std::thread::sleep(after);
        process.kill()?;
        process.wait().map(drop)
    }

    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    pub(super) fn log(&self) -> String {
        let mut text = Vec::new();
        match File::open(&self.log).and_then(|mut file| file.read_to_end(&mut text)) {
            Ok(_) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("no log: {error}"),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The log for an error that carries it, so that it is not printed a second time.
    fn take_log(&mut self) -> String {
        let log = self.log();
        self.log = PathBuf::new();
        log
    }

    /// SIGKILL; nothing if it has ended already.
    pub(super) fn kill(&mut self) {
        // Both fail only for a process that is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGTERM, and waits for the end.
    pub(super) fn terminate(&mut self) -> bool {
        // The standard library sends no signal but SIGKILL, and calling libc would be unsafe code.
        let sent = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        sent.is_ok_and(|status| status.success()) && self.process.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() && self.log.is_file() {
            eprintln!("---- log of the host ----\n{}---- end of the log ----", self.log());
        }
    }
}

fn open_log(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(log)
}

/// Copies the output to the log and reports the listeners once `ready` is read.
fn listen(stdout: impl Read, mut log: File, said: &mpsc::Sender<Listeners>) {
    let mut listeners = Listeners::default();
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        // A log that cannot be written is missed only by a reader of failures.
        let _ = writeln!(log, "{line}");
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["listening", "webhooks", url] => listeners.webhooks = url.into(),
            ["listening", "admin", url] => listeners.admin = url.into(),
            ["ready"] => {
                let _ = said.send(std::mem::take(&mut listeners));
            }
            _ => {}
        }
    }
}
