//! The message arbiter: whether a mail may go out now, waits for its slot, or is rightly never sent.
//!
//! One pure function over what is known of the address. Mails that the customer has set off or has to know of pass
//! unless the mailbox is dead; marketing passes with consent, within the caps over all plugins, and by day. Nothing is
//! skipped in silence: what does not go is deferred to a time or dropped with a reason.

use std::{fmt, time::Duration};

use jiff::tz::TimeZone;

use super::quiet::QuietHours;
use crate::domain::{Contact, EffectId, MAILS_REMEMBERED, PluginName, Purpose, SuppressionCause, Timestamp};

#[cfg(test)]
mod tests;

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = MAILS_REMEMBERED;

/// How often, and when, one person is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Marketing mails to one address in any 24 hours; none for any number.
    pub per_day: Option<u32>,
    /// The same in any seven days.
    pub per_week: Option<u32>,
    pub quiet: Option<QuietHours>,
}

/// A mail that is due, and what is known of whom it is for.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub effect: &'a EffectId,
    pub plugin: &'a PluginName,
    pub purpose: Purpose,
    pub valid_until: Timestamp,
    /// The customer's newest word on marketing.
    pub accepts_marketing: Option<bool>,
    /// When it was last that marketing is wanted.
    pub consented_at: Option<Timestamp>,
    /// Where the recipient sleeps.
    pub zone: &'a TimeZone,
    /// Mails of the same person that could go now and come first.
    pub ahead: usize,
}

/// What becomes of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Send,
    Defer { until: Timestamp, hold: Hold },
    Drop(DropReason),
}

/// What keeps a mail back for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    PerDay(u32),
    PerWeek(u32),
    Night(QuietHours),
    /// The recipient has paused marketing.
    Pause,
    /// Mails of a higher purpose, or older ones, take the slot.
    Others,
}

/// Why a mail is never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    Suppressed(SuppressionCause),
    ConsentUnknown,
    ConsentRefused,
    Unsubscribed,
    TopicOff(PluginName),
    /// Its time was over before it could go; what kept it back last.
    TooLate(Option<Hold>),
}

/// Decides on a mail by what is known at `now`.
pub fn decide(mail: &Candidate<'_>, contact: &Contact, rules: &Rules, now: Timestamp) -> Decision {
    let cause = contact.suppression.as_ref().map(|suppression| suppression.cause);
    if let Some(cause @ SuppressionCause::HardBounce) = cause {
        return Decision::Drop(DropReason::Suppressed(cause));
    }
    if !mail.purpose.is_marketing() {
        return Decision::Send;
    }
    if let Some(reason) = refusal(mail, contact) {
        return Decision::Drop(reason);
    }
    if let Some(cause) = cause {
        return Decision::Drop(DropReason::Suppressed(cause));
    }
    if mail.valid_until <= now {
        return Decision::Drop(DropReason::TooLate(None));
    }
    let sent = contact.marketing_but(mail.effect);
    match next_slot(&sent, contact.paused_until, rules, mail.zone, now) {
        Some((until, hold)) if until < mail.valid_until => Decision::Defer { until, hold },
        Some((_, hold)) => Decision::Drop(DropReason::TooLate(Some(hold))),
        None if mail.ahead >= free_slots(&sent, rules, now) => Decision::Defer { until: now, hold: Hold::Others },
        None => Decision::Send,
    }
}

/// Why the recipient does not want it.
fn refusal(mail: &Candidate<'_>, contact: &Contact) -> Option<DropReason> {
    // Who consents anew takes back an earlier refusal; who refuses anew takes back an earlier consent.
    if contact.is_unsubscribed(mail.consented_at) {
        return Some(DropReason::Unsubscribed);
    }
    match mail.accepts_marketing {
        None => return Some(DropReason::ConsentUnknown),
        Some(false) => return Some(DropReason::ConsentRefused),
        Some(true) => {}
    }
    contact.topics_off.contains(mail.plugin).then(|| DropReason::TopicOff(mail.plugin.clone()))
}

/// The next time at which nothing holds a marketing mail back, and what holds it back first; `None` if nothing does
/// now.
fn next_slot(
    sent: &[Timestamp],
    paused_until: Option<Timestamp>,
    rules: &Rules,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<(Timestamp, Hold)> {
    let (mut at, mut first) = (now, None);
    loop {
        let over = |cap: Option<u32>, span, hold: fn(u32) -> Hold| {
            cap.and_then(|cap| Some((free_after(sent, cap, span, at)?, hold(cap))))
        };
        let held = paused_until
            .filter(|until| *until > at)
            .map(|until| (until, Hold::Pause))
            .or_else(|| over(rules.per_week, WEEK, Hold::PerWeek))
            .or_else(|| over(rules.per_day, DAY, Hold::PerDay))
            .or_else(|| rules.quiet.and_then(|quiet| Some((quiet.end_after(at, zone)?, Hold::Night(quiet)))));
        match held {
            Some((later, hold)) => (at, first) = (later, first.or(Some(hold))),
            None => return first.map(|hold| (at, hold)),
        }
    }
}

/// When fewer than `cap` of the mails lie within `span` before; `None` if that is so at `at`.
fn free_after(sent: &[Timestamp], cap: u32, span: Duration, at: Timestamp) -> Option<Timestamp> {
    let within: Vec<_> = sent.iter().filter(|sent| **sent + span > at).collect();
    let surplus = within.len().checked_sub(cap as usize)?;
    within.get(surplus).map(|last| **last + span)
}

/// How many marketing mails the caps still let through at `at`.
fn free_slots(sent: &[Timestamp], rules: &Rules, at: Timestamp) -> usize {
    let free = |cap: Option<u32>, span| {
        let within = sent.iter().filter(|sent| **sent + span > at).count();
        cap.map_or(usize::MAX, |cap| (cap as usize).saturating_sub(within))
    };
    free(rules.per_day, DAY).min(free(rules.per_week, WEEK))
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerDay(cap) => write!(f, "the cap on marketing mails, {cap} in 24 hours, is reached"),
            Self::PerWeek(cap) => write!(f, "the cap on marketing mails, {cap} in 7 days, is reached"),
            Self::Night(quiet) => write!(f, "it is quiet from {quiet} where the recipient lives"),
            Self::Pause => f.write_str("the recipient has paused marketing mails"),
            Self::Others => f.write_str("mails to the same person that come first are on their way"),
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suppressed(SuppressionCause::HardBounce) => {
                f.write_str("the address is suppressed: a mail came back because there is no such mailbox")
            }
            Self::Suppressed(SuppressionCause::SoftBounces) => {
                f.write_str("the address is suppressed: too many mails in a row came back")
            }
            Self::Suppressed(SuppressionCause::Complaint) => {
                f.write_str("the address is suppressed: a mail was reported as unwanted")
            }
            Self::ConsentUnknown => f.write_str("no consent to marketing mails is known"),
            Self::ConsentRefused => f.write_str("the customer does not accept marketing mails"),
            Self::Unsubscribed => f.write_str("the recipient has unsubscribed"),
            Self::TopicOff(plugin) => write!(f, "the recipient wants no mails of `{plugin}`"),
            Self::TooLate(None) => f.write_str("its time is over"),
            Self::TooLate(Some(hold)) => write!(f, "{hold}, and its time is over before that ends"),
        }
    }
}
