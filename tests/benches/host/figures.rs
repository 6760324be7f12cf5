//! Figures as people read them: rounded, with their units.

use std::time::Duration;

use serde::Serialize;

/// A measured value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "unit", content = "value", rename_all = "snake_case")]
pub enum Figure {
    PerSecond(f64),
    Seconds(f64),
    Bytes(f64),
    Count(f64),
    Times(f64),
}

impl Figure {
    pub fn text(self) -> String {
        match self {
            Self::PerSecond(rate) => format!("{} /s", rounded(rate)),
            Self::Seconds(seconds) => time(seconds),
            Self::Bytes(count) => bytes(count),
            Self::Count(count) => rounded(count),
            Self::Times(ratio) => times(ratio),
        }
    }
}

/// The middle one, by size.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    match (figures.len(), figures.len() / 2) {
        (0, _) => f64::NAN,
        (length, middle) if length % 2 == 0 => f64::midpoint(figures[middle - 1], figures[middle]),
        (_, middle) => figures[middle],
    }
}

/// The middle one of several times, in seconds.
pub fn median_time<'a>(times: impl IntoIterator<Item = &'a Duration>) -> f64 {
    median(times.into_iter().map(Duration::as_secs_f64))
}

/// The seconds that this share of sorted times is not above.
pub fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let index = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(f64::NAN, Duration::as_secs_f64)
}

/// A number with its thousands set apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0} x") } else { format!("{ratio:.2} x") }
}

/// Two or three digits that mean something.
fn rounded(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => grouped(((value / 100.0).round() * 100.0) as u64),
        value if value >= 1000.0 => grouped(((value / 10.0).round() * 10.0) as u64),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{} s", rounded(seconds)),
        seconds if seconds >= 1e-3 => format!("{} ms", rounded(seconds * 1e3)),
        seconds => format!("{} us", rounded(seconds * 1e6)),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e9 => format!("{} GB", rounded(bytes / 1e9)),
        bytes if bytes >= 1e6 => format!("{} MB", rounded(bytes / 1e6)),
        bytes if bytes >= 1e3 => format!("{} kB", rounded(bytes / 1e3)),
        bytes => format!("{bytes:.0} B"),
    }
}
