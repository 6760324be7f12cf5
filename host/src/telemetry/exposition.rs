//! Numbers as Prometheus reads them: the `OpenMetrics` text format, by the `prometheus-client` crate.

use std::fmt::{self, Debug};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Registry,
};

use super::figures::{Counter, Histogram};

/// The format's media type.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Families on their way out. Names follow Prometheus' conventions: base units, and `_total` is put after a counter's.
pub struct Exposition<'a>(DescriptorEncoder<'a>);

impl Debug for Exposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

/// Labels of one series, names and values.
type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition<'_> {
    pub fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a>, u64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Counter, series, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    pub fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, series, |encoder, value| encoder.encode_gauge(&value))
    }

    pub fn histograms<'a>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels<'a>, &'a Histogram)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, series, |encoder, histogram| {
            let (sum, count, buckets) = histogram.read();
            let none: Option<&std::collections::HashMap<usize, Exemplar<NoLabelSet, f64>>> = None;
            encoder.encode_histogram(sum, count, &buckets, none)
        })
    }

    fn family<'a, T>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        series: impl IntoIterator<Item = (Labels<'a>, T)>,
        write: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in series {
            match labels.is_empty() {
                true => write(&mut family, value)?,
                false => write(&mut family.encode_family(&labels)?, value)?,
            }
        }
        Ok(())
    }

    /// A counter of this name for each outcome, the label that most families have.
    pub fn outcomes(&mut self, name: &str, help: &str, counts: &[(&str, &Counter)]) -> fmt::Result {
        let labels: Vec<_> = counts.iter().map(|(outcome, count)| ([("outcome", *outcome)], count.get())).collect();
        self.counters(name, help, labels.iter().map(|(labels, count)| (&labels[..], *count)))
    }
}

/// Something that has numbers to show.
pub trait Exposed: Debug + Send + Sync + 'static {
    fn expose(&self, exposition: &mut Exposition<'_>) -> fmt::Result;
}

/// Everything that `source` shows now.
pub fn text<T: Exposed>(source: T) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Source(source)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Source<T>(T);

impl<T: Exposed> Collector for Source<T> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.expose(&mut Exposition(encoder))
    }
}
