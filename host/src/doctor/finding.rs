//! What an examination finds.

use std::time::Duration;

use serde::Serialize;

use crate::domain::Timestamp;

/// What was examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    Token,
    Permissions,
    Subscriptions,
    Clock,
    MailDomain,
    Storefront,
    Topics,
    PlatformMails,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Well,
    /// It works, and may not for long, or may not be what is wanted.
    Warning,
    /// Something does not work.
    Fault,
    /// It cannot be seen from here, or not now.
    Unknown,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub subject: Subject,
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What helps; there is something wherever not all is well.
    pub remedy: Option<String>,
}

impl Subject {
    pub(super) fn well(self, seen: impl Into<String>) -> Finding {
        Finding { subject: self, verdict: Verdict::Well, seen: seen.into(), remedy: None }
    }

    pub(super) fn warning(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.ailing(Verdict::Warning, seen.into(), remedy.into())
    }

    pub(super) fn fault(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.ailing(Verdict::Fault, seen.into(), remedy.into())
    }

    pub(super) fn unknown(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.ailing(Verdict::Unknown, seen.into(), remedy.into())
    }

    fn ailing(self, verdict: Verdict, seen: String, remedy: String) -> Finding {
        Finding { subject: self, verdict, seen, remedy: Some(remedy) }
    }
}

/// A span as people say it, in its largest unit.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How long ago something was.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.since(at) {
        past if past < Duration::from_secs(60) => "less than a minute ago".into(),
        past => format!("{} ago", span(past)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        for (seconds, said) in [(1, "1 second"), (119, "1 minute"), (7_200, "2 hours"), (172_800, "2 days")] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
        let now = Timestamp(1_000_000_000);
        assert_eq!(ago(now, now), "less than a minute ago");
        assert_eq!(ago(Timestamp(now.0 - 3_600_000), now), "1 hour ago");
    }
}
