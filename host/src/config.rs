//! Configuration: the commented defaults, a file over them, the environment over both. Parsed once, handed down in parts.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use config::{Environment, File, FileFormat};
use data_encoding::BASE64;
use jiff::civil::Time;
use serde::Deserialize;

use crate::domain::Secret;

/// The defaults with their reasons: the reference of every setting.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The most fuel of a delivery: about a second of work. A plugin that calls nobody is ended by its fuel alone.
const MOST_FUEL: u64 = 1_000_000_000;

/// All settings of a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    #[serde(deserialize_with = "base_url")]
    pub public_url: String,
    pub admin: Admin,
    pub ingest: Ingest,
    pub inbox: Inbox,
    pub store: Store,
    pub secrets: Secrets,
    pub dispatch: Dispatch,
    pub sandbox: Sandbox,
    pub retry: Retry,
    pub reconcile: Reconcile,
    pub history: History,
    pub keep: Keep,
    pub mail: Mail,
    pub shopify: Shopify,
    pub log: Log,
    pub metrics: Metrics,
    pub telemetry: Telemetry,
    pub doctor: Doctor,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub body_limit_bytes: usize,
    pub read_timeout_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    pub segment_mib: u64,
    pub reserve_mib: u64,
    pub retention_days: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub cache_mib: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    pub threads: usize,
    pub in_flight: usize,
    pub backlog_events: usize,
    pub backlog_events_of_one_store: usize,
    pub wait_for_order_seconds: u64,
    pub max_lag_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    pub fuel: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    pub every_seconds: u64,
    pub overlap_seconds: u64,
    pub settle_seconds: u64,
    pub pages: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    pub on_installation: bool,
    pub count_every_nights: u64,
}

/// Waits between attempts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub delivery_seconds: Vec<u64>,
    pub effect_seconds: Vec<u64>,
    pub jitter: f64,
    pub later_hours: u64,
    pub pause_after: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    pub dedupe_days: u64,
    pub decision_days: u64,
    pub checkout_days: u64,
    pub audit_days: u64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// May hold a password: not for printing.
    pub smtp: String,
    pub from: String,
    pub timeout_seconds: u64,
    pub marketing_per_day: u32,
    pub marketing_per_week: u32,
    #[serde(deserialize_with = "time_span")]
    pub quiet_hours: Option<(Time, Time)>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("smtp", &"[REDACTED]").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A key of 32 bytes, not for printing.
#[derive(Clone)]
pub struct SecretKey(pub [u8; 32]);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// What seals secrets on disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    #[serde(deserialize_with = "optional_key")]
    pub key: Option<SecretKey>,
    #[serde(deserialize_with = "optional_path")]
    pub key_file: Option<PathBuf>,
    pub previous_key_files: Vec<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shopify {
    pub client_id: String,
    /// Newest first.
    #[serde(deserialize_with = "secrets")]
    pub client_secrets: Vec<Secret>,
    #[serde(deserialize_with = "base_url")]
    pub api_url: String,
    pub timeout_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
}

/// Traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub otlp: String,
    pub service_name: String,
    pub sampling: f64,
}

/// What an examination of a store cannot find out by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doctor {
    #[serde(deserialize_with = "optional_address")]
    pub nameserver: Option<SocketAddr>,
    pub dkim_selector: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the configuration cannot be read: {0}")]
    Read(#[from] config::ConfigError),
    #[error("the configuration's `{key}` cannot be used: {reason}")]
    Value { key: &'static str, reason: String },
}

impl Config {
    /// The defaults, `file` over them if there is one, the environment over both.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("REGULARS").prefix_separator("__").separator("__").try_parsing(true);
        let config: Self = builder.add_source(environment).build()?.try_deserialize()?;
        config.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        let value = |key, reason: &str| Err(Error::Value { key, reason: reason.into() });
        if self.dispatch.in_flight == 0 {
            return value("dispatch.in_flight", "must be at least 1");
        }
        if !(1..=MOST_FUEL).contains(&self.sandbox.fuel) {
            return value(
                "sandbox.fuel",
                "must be between 1 and 1,000,000,000: fuel alone ends a plugin that never ends",
            );
        }
        if self.dispatch.backlog_events == 0 || self.dispatch.backlog_events_of_one_store == 0 {
            return value("dispatch.backlog_events", "must be at least 1, in all and of one store");
        }
        if !(0.0..=1.0).contains(&self.retry.jitter) {
            return value("retry.jitter", "must be between 0 and 1");
        }
        if !(0.0..=1.0).contains(&self.telemetry.sampling) {
            return value("telemetry.sampling", "must be between 0 and 1");
        }
        if self.inbox.segment_mib == 0 {
            return value("inbox.segment_mib", "must be at least 1");
        }
        if self.keep.decision_days < self.keep.dedupe_days {
            return value("keep.decision_days", "must not be less than keep.dedupe_days");
        }
        if !self.shopify.client_id.is_empty() && self.shopify.client_secrets.is_empty() {
            return value("shopify.client_secrets", "an app has at least one: what Shopify sends is checked with it");
        }
        match self.admin.listen {
            Some(address) if !address.ip().is_loopback() => value(
                "admin.listen",
                "it asks for no password, so it must be an address of this machine, such as 127.0.0.1:7401",
            ),
            _ => Ok(self),
        }
    }
}

impl Config {
    /// What every public address of this host begins with, without a slash at its end.
    pub fn public_url(&self) -> String {
        match self.public_url.as_str() {
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }
}

impl Retry {
    pub fn delivery(&self) -> Vec<Duration> {
        self.delivery_seconds.iter().copied().map(Duration::from_secs).collect()
    }

    pub fn effect(&self) -> Vec<Duration> {
        self.effect_seconds.iter().copied().map(Duration::from_secs).collect()
    }
}

/// Whole days.
pub fn days(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(86_400))
}

/// An http or https address without path and query, or nothing.
fn base_url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let usable =
        |url: reqwest::Url| matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    match text.is_empty() || reqwest::Url::parse(&text).is_ok_and(usable) {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err(serde::de::Error::custom(format!("`{text}` is no http or https address without a path"))),
    }
}

/// Two times of the day such as `21:00-08:00`, or nothing.
fn time_span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<(Time, Time)>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let times = text.split_once('-').and_then(|(from, until)| Some((from.parse().ok()?, until.parse().ok()?)));
    match times {
        Some((from, until)) if from != until => Ok(Some((from, until))),
        _ => Err(serde::de::Error::custom(format!("`{text}` is no span of the day, such as `21:00-08:00`"))),
    }
}

fn optional_address<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// Secrets between commas or in a list: the environment has no lists.
fn secrets<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let given = match Given::deserialize(deserializer)? {
        Given::Text(text) => text.split(',').map(|secret| secret.trim().to_owned()).collect(),
        Given::List(list) => list,
    };
    Ok(given.into_iter().filter(|secret| !secret.is_empty()).map(Secret::new).collect())
}

fn optional_path<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(Some(PathBuf::deserialize(deserializer)?).filter(|path| !path.as_os_str().is_empty()))
}

/// What is wrong with a key does not show the key.
fn optional_key<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SecretKey>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| Some(SecretKey(bytes))).ok_or_else(|| serde::de::Error::custom("it is not base64 of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()))
    }

    #[test]
    fn the_defaults_stand_alone() {
        let config = Config::load(None).unwrap();
        assert_eq!(config.sandbox.fuel, crate::engine::limits::FUEL);
        assert_eq!(config.admin.listen, None);
    }

    #[test]
    fn a_file_overrides_what_it_names_and_nothing_else() {
        let config = load("listen = \"127.0.0.1:0\"\n[retry]\neffect_seconds = [1]").unwrap();
        assert_eq!(config.retry.effect(), [Duration::from_secs(1)]);
        assert_eq!(config.retry.delivery().len(), 5);
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_it() {
        let error = load("[mail]\nsmpt = \"x\"").unwrap_err().to_string();
        assert!(error.contains("smpt"), "{error}");
    }

    #[test]
    fn quiet_hours_are_a_span_of_the_day_or_none() {
        let quiet = |text: &str| load(&format!("[mail]\nquiet_hours = {text:?}")).map(|config| config.mail.quiet_hours);
        let span = (Time::constant(21, 30, 0, 0), Time::constant(8, 0, 0, 0));
        assert_eq!(quiet("21:30-08:00").unwrap(), Some(span));
        assert_eq!(quiet("").unwrap(), None);
        for text in ["21:00", "21-8", "21:00-21:00", "25:00-08:00", "night"] {
            assert!(quiet(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fuel_has_an_end() {
        for fuel in [0, MOST_FUEL + 1] {
            let error = load(&format!("[sandbox]\nfuel = {fuel}")).unwrap_err().to_string();
            assert!(error.contains("sandbox.fuel"), "{error}");
        }
        assert!(load(&format!("[sandbox]\nfuel = {MOST_FUEL}")).is_ok());
    }

    #[test]
    fn the_public_address_is_an_origin_and_the_listeners_own_where_none_is_set() {
        assert_eq!(load("listen = \"127.0.0.1:7400\"").unwrap().public_url(), "http://127.0.0.1:7400");
        assert_eq!(load("public_url = \"https://r.example/\"").unwrap().public_url(), "https://r.example");
        for url in ["r.example", "ftp://r.example", "https://r.example/path", "https://r.example/?a=b"] {
            assert!(load(&format!("public_url = {url:?}")).is_err(), "{url}");
        }
    }

    #[test]
    fn the_unprotected_admin_listener_stays_on_this_machine() {
        let error = load("[admin]\nlisten = \"0.0.0.0:7401\"").unwrap_err().to_string();
        assert!(error.contains("admin.listen"), "{error}");
    }
}
