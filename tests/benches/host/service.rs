//! The host under test: the real binary with the settings it ships with, and its API.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use regulars_tests::host::Host;
use serde_json::Value;

use crate::workload::Workload;

pub const PLUGIN: &str = "loyalty-points";

/// Mails would measure a mail server.
const SETTINGS: &str = r#"{"mail_on_earning": false, "mail_on_signup": false, "pending_days": 0,
    "max_points_per_day": 0, "balance_metafield": false}"#;

/// Reached only when the host has stopped applying events.
const STUCK: Duration = Duration::from_secs(120);

/// Between two looks at what is applied.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A running host with one store.
pub struct Service {
    pub host: Host,
    shop: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Service {
    /// Starts a host on `data` with the settings it ships with.
    pub fn start(data: &Path, workload: &Workload) -> io::Result<Self> {
        Self::start_with("", data, workload)
    }

    /// The same with settings of its own, in TOML.
    pub fn start_with(config: &str, data: &Path, workload: &Workload) -> io::Result<Self> {
        let host = Host::builder().config(config).data(data).try_start().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { host, shop: workload.shop.clone(), http: reqwest::Client::new(), runtime })
    }

    /// Starts a host on an empty folder and adds the store to it.
    pub fn fresh(data: &Path, workload: &Workload) -> io::Result<Self> {
        Self::fresh_with("", data, workload)
    }

    /// The same with settings of its own, in TOML.
    pub fn fresh_with(config: &str, data: &Path, workload: &Workload) -> io::Result<Self> {
        let service = Self::start_with(config, data, workload)?;
        service.command(&[
            "store",
            "add",
            &workload.shop,
            "--currency",
            "EUR",
            "--secret",
            workload.secret.reveal(),
        ])?;
        Ok(service)
    }

    /// Installs a plugin and switches it on with everything it asks for.
    pub fn enable(&self, name: &str, file: &Path) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("settings.json");
        std::fs::write(&settings, SETTINGS)?;
        self.command(&["plugin", "install", &file.to_string_lossy()])?;
        let settings = settings.to_string_lossy();
        self.command(&["plugin", "enable", &self.shop, name, "--grant-all", "--settings", &settings])
    }

    pub fn command(&self, args: &[&str]) -> io::Result<()> {
        let output = self.host.cli(args);
        let failed = || format!("`regulars {}`: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { Err(io::Error::other(failed())) }
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        address_of(self.host.webhooks_url())
    }

    /// What the API answers.
    pub fn get(&self, path: &str) -> io::Result<Value> {
        self.runtime.block_on(async {
            let response = self.http.get(format!("{}/v1{path}", self.host.admin_url())).send().await;
            response.map_err(io::Error::other)?.json().await.map_err(io::Error::other)
        })
    }

    pub fn counter(&self, name: &str) -> io::Result<u64> {
        let status = self.get("/status")?;
        status["counters"][name].as_u64().ok_or_else(|| io::Error::other(format!("the host does not count {name}")))
    }

    /// Waits until so many events are applied since the host's start.
    pub fn wait_applied(&self, events: u64) -> io::Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let applied = self.counter("events_applied")?;
            match applied {
                applied if applied >= events => return Ok(()),
                applied if applied > last => (last, since) = (applied, Instant::now()),
                _ if since.elapsed() > STUCK => {
                    return Err(io::Error::other(format!("the host stopped at {applied} of {events} events")));
                }
                _ => {}
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// What should have been none since the host's start.
    pub fn failures(&self) -> io::Result<Vec<String>> {
        let mut failures = Vec::new();
        for name in ["events_unreadable", "deliveries_failed", "deliveries_dead"] {
            match self.counter(name)? {
                0 => {}
                count => failures.push(format!("{name}: {count}")),
            }
        }
        Ok(failures)
    }
}

pub fn address_of(url: &str) -> io::Result<SocketAddr> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.ok_or_else(|| io::Error::other(format!("{url} is no address of this machine")))
}

/// The plugin file that `make` has built.
pub fn plugin_file() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let file = Path::new("plugins").join(PLUGIN).with_extension("wasm");
    let found = own.ancestors().map(|folder| folder.join(&file)).find(|file| file.is_file());
    found.ok_or_else(|| {
        let advice = format!("no plugin is built: run `make bench`, or `regulars plugin build plugins/{PLUGIN}`");
        io::Error::new(io::ErrorKind::NotFound, advice)
    })
}
