//! Where log lines go and what they look like.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`log.filter` cannot be used: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("the log cannot be started: {0}")]
    Start(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts the process's log on standard error. In JSON each line is one object whose fields stand beside `timestamp`,
/// `level`, `target` and `message`.
pub fn start(log: &Log) -> Result<(), Error> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(&log.filter))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // Where a person may look, the environment's `NO_COLOR` decides.
    let builder = if stderr().is_terminal() { builder } else { builder.with_ansi(false) };
    match log.format {
        LogFormat::Text => builder.finish().try_init()?,
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).finish().try_init()?
        }
    }
    Ok(())
}
