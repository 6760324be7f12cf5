//! Spans on their way to a collector: OTLP over HTTP, in batches, by a thread of its own.
//!
//! A collector that is away loses spans and nothing else: the queue is bounded, and what does not fit is dropped.

use std::{
    fmt,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor},
};
use tokio::runtime::Handle;

use super::{TRACER, Tracer};
use crate::config::Telemetry;

/// Spans that may wait; each takes about half a kilobyte.
const QUEUE: usize = 8_192;

const BATCH: usize = 512;

/// How often a batch that is not full goes out.
const DELAY: Duration = Duration::from_secs(1);

/// A collector that has not answered by then has lost the batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why nothing can be traced.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`telemetry.otlp` is no address of a collector, such as http://localhost:4318: {0}")]
    Collector(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("no client for the collector can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// Starts tracing for the process if a collector is set. Requests to it are made on `runtime`.
pub fn start(settings: &Telemetry, runtime: &Handle) -> Result<(), Error> {
    if settings.otlp.is_empty() {
        return Ok(());
    }
    let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender { client, runtime: runtime.clone(), is_away: AtomicBool::new(false) })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", settings.otlp.trim_end_matches('/')))
        .with_timeout(TIMEOUT)
        .build()?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY)
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let resource = Resource::builder_empty().with_service_name(settings.service_name.clone());
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    processor.set_resource(&resource.with_attribute(version).build());
    let scope = InstrumentationScope::builder("regulars").with_version(env!("CARGO_PKG_VERSION")).build();
    let _ = TRACER.set(Tracer { processor, scope, sampling: settings.sampling });
    Ok(())
}

/// Makes the exporter's requests on a runtime: its own thread has none.
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    /// The last request failed, which the log knows.
    is_away: AtomicBool,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl HttpClient for Sender {
    fn send_bytes<'this, 'answer>(
        &'this self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'this: 'answer,
        Self: 'answer,
    {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move { client.send_bytes(request).await });
        Box::pin(async move {
            let answer = sending.await?;
            let is_away = answer.as_ref().map_or(true, |answer| !answer.status().is_success());
            if is_away && !self.is_away.swap(is_away, Ordering::Relaxed) {
                tracing::warn!("the collector does not take spans; they are dropped until it does");
            } else if !is_away && self.is_away.swap(is_away, Ordering::Relaxed) {
                tracing::info!("the collector takes spans again");
            }
            answer
        })
    }
}
