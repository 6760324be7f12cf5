//! A collector of OpenTelemetry traces on loopback: it takes OTLP over HTTP as protobuf and keeps the spans.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
};
use prost::Message;

use crate::peer::Peer;

/// The running collector; dropping it closes the port.
#[derive(Debug)]
pub struct Collector {
    peer: Peer,
    spans: Spans,
}

type Spans = Arc<Mutex<Vec<Span>>>;

/// One span as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub trace: [u8; 16],
    pub id: [u8; 8],
    pub parent: Option<[u8; 8]>,
    /// Nanoseconds since the Unix epoch.
    pub begun: u64,
    pub ended: u64,
    pub attributes: BTreeMap<String, String>,
}

impl Collector {
    pub fn start() -> io::Result<Self> {
        let spans = Spans::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        let peer = Peer::start("otlp-collector", 0, async move |listener| {
            axum::serve(listener, router).await.expect("the collector serves");
        })?;
        Ok(Self { peer, spans })
    }

    /// What to set as `otlp` of `[telemetry]`.
    pub fn url(&self) -> String {
        format!("http://{}", self.peer.address())
    }

    /// What came so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let Some(came) = read(request) else { return StatusCode::BAD_REQUEST };
    spans.lock().unwrap_or_else(PoisonError::into_inner).extend(came);
    StatusCode::OK
}

/// The spans of a request; none of it if one of them is malformed.
fn read(request: ExportTraceServiceRequest) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = attributes(of_resource.resource?.attributes);
        let service = resource.get("service.name")?.clone();
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Span {
                service: service.clone(),
                name: span.name,
                trace: span.trace_id.try_into().ok()?,
                id: span.span_id.try_into().ok()?,
                parent: match span.parent_span_id.is_empty() {
                    true => None,
                    false => Some(span.parent_span_id.try_into().ok()?),
                },
                begun: span.start_time_unix_nano,
                ended: span.end_time_unix_nano,
                attributes: attributes(span.attributes),
            });
        }
    }
    Some(spans)
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
