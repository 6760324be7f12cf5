//! Runs the real binary as a child process: the host as an operator runs it, which can be killed and started again.
//!
//! ```no_run
//! use regulars_tests::host::Host;
//!
//! let mut host = Host::builder().smtp("127.0.0.1:2525".parse().unwrap()).start();
//! println!("webhooks go to {}", host.webhooks_url());
//! host.kill_9();
//! host.restart();
//! println!("{}", host.cli_json(&["event", "list", "--json"]));
//! ```

mod child;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use self::child::Child;
pub use self::child::StartError;

/// Names the binary where it is not beside the tests' own.
pub const BINARY_ENV: &str = "REGULARS_BIN";

/// The pause of [`eventually`] between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How the host is to be run.
#[derive(Clone, Debug)]
pub struct Builder {
    binary: Option<PathBuf>,
    data: Option<PathBuf>,
    smtp: Option<SocketAddr>,
    effect_seconds: Vec<u32>,
    config: String,
    environment: Vec<(String, String)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            binary: None,
            data: None,
            smtp: None,
            effect_seconds: vec![1, 2, 5],
            config: String::new(),
            environment: Vec::new(),
        }
    }
}

impl Builder {
    /// Another binary than the one built beside the tests.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Where data is kept; else a folder that goes with the [`Host`].
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    pub fn smtp(mut self, address: SocketAddr) -> Self {
        self.smtp = Some(address);
        self
    }

    /// Seconds before an effect's second, third, ... try; 1, 2 and 5, if not said.
    pub fn effect_seconds(mut self, waits: &[u32]) -> Self {
        self.effect_seconds = waits.into();
        self
    }

    /// TOML put after the harness's own tables: begin with a table of yours.
    pub fn config(mut self, toml: impl AsRef<str>) -> Self {
        self.config.push_str(toml.as_ref());
        self.config.push('\n');
        self
    }

    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Starts the host and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready; the message holds its log.
    #[track_caller]
    pub fn start(self) -> Host {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_start(self) -> Result<Host, StartError> {
        let workplace = tempfile::tempdir()?;
        let data = self.data.clone().unwrap_or_else(|| workplace.path().join("data"));
        std::fs::create_dir_all(&data)?;
        let config = workplace.path().join("regulars.toml");
        std::fs::write(&config, self.config_text(&data))?;
        let command = HostCommand {
            binary: match self.binary {
                Some(binary) => binary,
                None => find_binary()?,
            },
            config,
            environment: self.environment,
        };
        let child = Child::start(command.serve(), &workplace.path().join("host.log"))?;
        Ok(Host { command, data, child, workplace })
    }

    /// The configuration file, but for what [`Builder::config`] adds.
    fn config_text(&self, data: &Path) -> String {
        let Self { smtp, effect_seconds, config, .. } = self;
        let mut text = format!(
            "data_dir = {data:?}\n\
             listen = \"127.0.0.1:0\"\n\
             \n\
             [admin]\n\
             listen = \"127.0.0.1:0\"\n\
             \n\
             [retry]\n\
             effect_seconds = {effect_seconds:?}\n"
        );
        if let Some(smtp) = smtp {
            // Tests run at any hour, and mean the same at each.
            text += &format!(
                "\n[mail]\nsmtp = \"smtp://{smtp}\"\nfrom = \"Shop <shop@example.com>\"\nquiet_hours = \"\"\n"
            );
        }
        // A test that is not about history wants no calls but its own.
        if !config.contains("[history]") {
            text += "\n[history]\non_installation = false\n";
        }
        if !config.is_empty() {
            text += &format!("\n{config}");
        }
        text
    }
}

/// How the binary is called.
struct HostCommand {
    binary: PathBuf,
    config: PathBuf,
    environment: Vec<(String, String)>,
}

impl HostCommand {
    fn with(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--config").arg(&self.config).envs(self.environment.iter().cloned());
        command
    }

    fn serve(&self) -> Command {
        self.with(&["serve"])
    }
}

/// A running host, or one that was killed and can be started again on the same data. Dropping it kills it, and prints
/// its log if the test is failing.
pub struct Host {
    command: HostCommand,
    data: PathBuf,
    child: Child,
    /// Holds the configuration, the log, and the data where no other place was given.
    workplace: tempfile::TempDir,
}

impl Host {
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where webhooks are taken, as `http://127.0.0.1:PORT`; another port after a restart.
    pub fn webhooks_url(&self) -> &str {
        &self.child.listeners.webhooks
    }

    /// Where merchants and operators are served.
    pub fn admin_url(&self) -> &str {
        &self.child.listeners.admin
    }

    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    pub fn config_file(&self) -> &Path {
        &self.command.config
    }

    /// The process, another one after a restart.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// All that the host has written since its first start.
    pub fn log(&self) -> String {
        self.child.log()
    }

    /// Kills the process as a power cut would: nothing is flushed, nobody is told.
    pub fn kill_9(&mut self) {
        self.child.kill();
    }

    /// Asks the process to end, and waits until it has; true if it ended well.
    pub fn terminate(&mut self) -> bool {
        self.child.terminate()
    }

    /// Starts the host again on the same data, after killing it if it runs.
    ///
    /// # Panics
    /// When it does not get ready; the message holds its log.
    #[track_caller]
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// As [`Host::restart`], for a caller who has more to say about a host that does not get ready.
    pub fn try_restart(&mut self) -> Result<(), StartError> {
        self.kill_9();
        self.child = Child::start(self.command.serve(), &self.log_file())?;
        Ok(())
    }

    /// Starts the host again and kills it after a while, ready or not.
    pub fn restart_and_kill_9(&mut self, after: Duration) -> std::io::Result<()> {
        self.kill_9();
        Child::start_and_kill(self.command.serve(), &self.log_file(), after)
    }

    /// How the process ended, if it has ended by itself.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.ended()
    }

    fn log_file(&self) -> PathBuf {
        self.workplace.path().join("host.log")
    }

    /// Runs a command of the binary with the same configuration, whether or not the host is running.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Output {
        let output = self.command.with(args).output();
        output.unwrap_or_else(|error| panic!("cannot run {}: {error}", self.command.binary.display()))
    }

    /// The JSON that a command prints.
    ///
    /// # Panics
    /// When the command fails or prints something else.
    #[track_caller]
    pub fn cli_json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.cli(args);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "`regulars {}`: {}\n{stdout}{stderr}", args.join(" "), output.status);
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("`regulars {}`: {error}\n{stdout}", args.join(" ")))
    }
}

/// The binary beside the tests' own, in `target/<profile>`.
fn find_binary() -> Result<PathBuf, StartError> {
    if let Some(binary) = std::env::var_os(BINARY_ENV) {
        return Ok(binary.into());
    }
    let own = std::env::current_exe()?;
    let name = format!("regulars{}", std::env::consts::EXE_SUFFIX);
    let found = own.ancestors().skip(1).take(3).map(|folder| folder.join(&name)).find(|binary| binary.is_file());
    found.ok_or(StartError::NoBinary { beside: own })
}

/// Looks again and again until `look` finds what it looks for. Prefer a peer's own way to wait where it has one.
///
/// # Panics
/// When `deadline` passes; `what` says in the message what was missing.
#[track_caller]
pub fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let found = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let found = tokio::time::timeout(deadline, found).await;
        found.unwrap_or_else(|_| panic!("{caller}: {what}: not within {deadline:?}"))
    }
}

#[cfg(test)]
mod tests;
