//! OpenTelemetry traces: one for each event, from its webhook to its last effect. Off unless a collector is set.
//!
//! Nothing is carried along and nothing is stored: the ids of a trace and of its spans follow from the event's id. So an
//! effect that is performed hours later, by another process, stands under the delivery that queued it, and every part
//! of the host comes to the same decision whether the event is sampled. A caller's `traceparent` is not read: callers
//! are the internet's, and would decide what is sampled here.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    domain::{EffectId, EventId, PluginName, StoreId},
};

mod export;

pub use export::{Error, start};

static TRACER: OnceLock<Tracer> = OnceLock::new();

/// How long the last spans may take to go out when the host stops.
const FLUSH: Duration = Duration::from_secs(5);

struct Tracer {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    sampling: f64,
}

/// The beginning of a span, if there is any tracing: else no clock was read.
#[derive(Clone, Copy, Debug)]
pub struct Begun(Option<SystemTime>);

/// The beginning and the end of a span.
#[derive(Clone, Copy, Debug)]
pub struct Lasted {
    begun: SystemTime,
    ended: SystemTime,
}

pub fn begin() -> Begun {
    Begun(TRACER.get().map(|_| clock::wall()))
}

impl Begun {
    /// Nothing, if nothing is traced.
    pub fn end(self) -> Option<Lasted> {
        Some(Lasted { begun: self.0?, ended: clock::wall() })
    }
}

/// A part of an event's way, which is one span.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A webhook, from its headers to its answer: the root.
    Webhook,
    /// The wait until the event is durable.
    Append,
    /// Everything from the event's facts to its commit. The root, if no webhook told of the event: a timer, for one.
    Apply { is_root: bool },
    /// The commit alone.
    Commit,
    /// One run of a plugin. Only one of a delivery's attempts succeeds, and its effects stand under it.
    Delivery { plugin: &'a PluginName, attempt: u32, done: bool },
    /// One try of an effect.
    Effect { plugin: &'a PluginName, id: &'a EffectId, attempt: u32 },
}

impl Part<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Append => "inbox.append",
            Self::Apply { .. } => "event.apply",
            Self::Commit => "store.commit",
            Self::Delivery { .. } => "delivery",
            Self::Effect { .. } => "effect",
        }
    }

    fn kind(&self) -> SpanKind {
        match self {
            Self::Webhook => SpanKind::Server,
            Self::Apply { .. } => SpanKind::Consumer,
            Self::Effect { .. } => SpanKind::Client,
            Self::Append | Self::Commit | Self::Delivery { .. } => SpanKind::Internal,
        }
    }

    /// What tells a span from the others of its trace.
    fn key(&self) -> String {
        match self {
            Self::Delivery { plugin, done: true, .. } => format!("delivery/{plugin}"),
            Self::Delivery { plugin, attempt, .. } => format!("delivery/{plugin}/{attempt}"),
            Self::Effect { id, attempt, .. } => format!("effect/{id}/{attempt}"),
            part => part.name().into(),
        }
    }

    /// The key of the span that this one stands under.
    fn parent(&self) -> Option<String> {
        match self {
            Self::Webhook | Self::Apply { is_root: true } => None,
            Self::Append | Self::Apply { is_root: false } => Some(Self::Webhook.key()),
            Self::Commit | Self::Delivery { .. } => Some(Part::Apply { is_root: false }.key()),
            Self::Effect { plugin, .. } => Some(Part::Delivery { plugin, attempt: 0, done: true }.key()),
        }
    }
}

/// Hands a span to the exporter, if it is sampled. Waits for nothing: spans for which there is no room are lost.
pub fn span(lasted: Option<Lasted>, store: StoreId, event: &EventId, part: Part<'_>, outcome: &'static str) {
    let (Some(lasted), Some(tracer)) = (lasted, TRACER.get()) else { return };
    let trace = trace_id(store, event);
    if !is_sampled(trace, tracer.sampling) {
        return;
    }
    let mut attributes = vec![
        KeyValue::new("regulars.store", i64::from(store.0)),
        KeyValue::new("regulars.event", event.to_string()),
        KeyValue::new("regulars.outcome", outcome),
    ];
    if let Part::Delivery { plugin, attempt, .. } | Part::Effect { plugin, attempt, .. } = part {
        attributes.push(KeyValue::new("regulars.plugin", plugin.to_string()));
        attributes.push(KeyValue::new("regulars.attempt", i64::from(attempt)));
    }
    if let Part::Effect { id, .. } = part {
        attributes.push(KeyValue::new("regulars.effect", id.to_string()));
    }
    let id = span_id(trace, &part.key());
    tracer.processor.on_end(SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: part.parent().map_or(SpanId::INVALID, |key| span_id(trace, &key)),
        parent_span_is_remote: false,
        span_kind: part.kind(),
        name: part.name().into(),
        start_time: lasted.begun,
        end_time: lasted.ended,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if matches!(outcome, "retrying" | "dead" | "failed") { Status::error(outcome) } else { Status::Unset },
        instrumentation_scope: tracer.scope.clone(),
    });
}

/// Sends what is left, for a few seconds at most.
pub fn stop() {
    if let Some(tracer) = TRACER.get()
        && let Err(error) = tracer.processor.shutdown_with_timeout(FLUSH)
    {
        tracing::warn!(%error, "the last spans were not sent: {error}");
    }
}

fn trace_id(store: StoreId, event: &EventId) -> TraceId {
    let hash = Sha256::new().chain_update(b"trace").chain_update(store.0.to_be_bytes()).chain_update(event.as_str());
    let hash = hash.finalize();
    TraceId::from_bytes(std::array::from_fn(|index| hash[index]))
}

fn span_id(trace: TraceId, key: &str) -> SpanId {
    let hash = Sha256::new().chain_update(trace.to_bytes()).chain_update(key).finalize();
    SpanId::from_bytes(std::array::from_fn(|index| hash[index]))
}

/// The same for every span of a trace.
fn is_sampled(trace: TraceId, share: f64) -> bool {
    let bytes = trace.to_bytes();
    let low = u64::from_be_bytes(std::array::from_fn(|index| bytes[index + 8]));
    (low as f64) < share * u64::MAX as f64
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("sampling", &self.sampling).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_trace_is_the_same_in_every_process_and_another_events_is_another() {
        let trace = |store, event: &str| trace_id(StoreId(store), &EventId::from(event));
        assert_eq!(trace(1, "webhook/a"), trace(1, "webhook/a"));
        assert_ne!(trace(1, "webhook/a"), trace(2, "webhook/a"));
        assert_ne!(trace(1, "webhook/a"), trace(1, "webhook/b"));
    }

    #[test]
    fn a_share_of_the_traces_is_sampled() {
        let sampled = |share| {
            let events = (0..1_000).map(|n| EventId::from(format!("webhook/{n}")));
            events.filter(|event| is_sampled(trace_id(StoreId(1), event), share)).count()
        };
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 1_000));
        let tenth = sampled(0.1);
        assert!((50..200).contains(&tenth), "{tenth}");
    }

    #[test]
    fn an_effect_stands_under_the_attempt_that_succeeded() {
        let (plugin, id) = (PluginName::from("points"), EffectId::from("abc"));
        let done = Part::Delivery { plugin: &plugin, attempt: 3, done: true };
        let failed = Part::Delivery { plugin: &plugin, attempt: 2, done: false };
        let effect = Part::Effect { plugin: &plugin, id: &id, attempt: 1 };
        assert_eq!(effect.parent(), Some(done.key()));
        assert_ne!(effect.parent(), Some(failed.key()));
        for is_root in [false, true] {
            assert_eq!(done.parent(), Some(Part::Apply { is_root }.key()));
        }
    }

    #[test]
    fn an_event_of_which_no_webhook_told_begins_its_trace_itself() {
        assert_eq!(Part::Apply { is_root: true }.parent(), None);
        assert_eq!(Part::Apply { is_root: false }.parent(), Some(Part::Webhook.key()));
    }
}
