//! Contacts: what a shop has written to one e-mail address, and what may still be written there.

use std::{collections::BTreeSet, fmt, time::Duration};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{CustomerId, EffectId, PluginName, Timestamp};

/// How far back marketing mails are remembered: the longest span that a cap looks at.
pub const MAILS_REMEMBERED: Duration = Duration::from_secs(7 * 86_400);

/// Mails that are remembered however old they are, so that bounces in a row can be counted.
const LATEST_MAILS: usize = 2 * SOFT_BOUNCES_BORNE;

/// Soft bounces in a row that an address may have and still be written to.
pub const SOFT_BOUNCES_BORNE: usize = 7;

/// A mail that has not bounced by then has arrived: servers give up after four to five days (RFC 5321, 4.5.4.1).
const BOUNCES_WITHIN: Duration = Duration::from_secs(5 * 86_400);

/// Names an address in one store without telling it: a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactId(pub [u8; 16]);

impl ContactId {
    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address of one store: what was sent there, and what whoever reads it has asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The customer that the latest mail was for.
    pub customer: Option<CustomerId>,
    /// Mails that went out or are about to, oldest first.
    pub mails: Vec<SentMail>,
    /// No marketing since then, unless consent was given later.
    pub unsubscribed_at: Option<Timestamp>,
    /// Plugins whose marketing is not wanted.
    pub topics_off: BTreeSet<PluginName>,
    /// No marketing until then.
    pub paused_until: Option<Timestamp>,
    pub suppression: Option<Suppression>,
}

/// A mail that went out or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMail {
    pub effect: EffectId,
    pub at: Timestamp,
    pub marketing: bool,
    /// It came back, perhaps for a while only.
    pub bounced: bool,
}

/// Why an address is not written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub cause: SuppressionCause,
    pub since: Timestamp,
    /// What the report said, such as a status code.
    pub detail: String,
}

/// What a suppression comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressionCause {
    /// There is no such mailbox: nothing is sent.
    HardBounce,
    /// Too many mails in a row came back: no marketing is sent.
    SoftBounces,
    /// Its reader reported a mail as unwanted: no marketing is sent.
    Complaint,
}

impl SuppressionCause {
    pub fn word(self) -> &'static str {
        match self {
            Self::HardBounce => "hard-bounce",
            Self::SoftBounces => "soft-bounces",
            Self::Complaint => "complaint",
        }
    }
}

impl Contact {
    /// Notes a mail that is about to go out; one that was noted before counts once, as of now.
    pub fn claim(&mut self, effect: EffectId, customer: CustomerId, at: Timestamp, marketing: bool) {
        self.release(&effect);
        self.customer = Some(customer);
        self.mails.push(SentMail { effect, at, marketing, bounced: false });
        let latest = self.mails.len().saturating_sub(LATEST_MAILS);
        let mut index = 0;
        self.mails.retain(|mail| {
            index += 1;
            index > latest || (mail.marketing && mail.at + MAILS_REMEMBERED > at)
        });
    }

    /// Takes back the note of a mail that has not gone out.
    pub fn release(&mut self, effect: &EffectId) {
        self.mails.retain(|mail| mail.effect != *effect);
    }

    /// When marketing mails other than this one went out, as far as is remembered.
    pub fn marketing_but(&self, effect: &EffectId) -> Vec<Timestamp> {
        let others = self.mails.iter().filter(|mail| mail.marketing && mail.effect != *effect);
        let mut times: Vec<_> = others.map(|mail| mail.at).collect();
        times.sort_unstable();
        times
    }

    /// Whether its reader has unsubscribed, and has not consented again since.
    pub fn is_unsubscribed(&self, consented_at: Option<Timestamp>) -> bool {
        self.unsubscribed_at.is_some_and(|left| consented_at.is_none_or(|consented| consented <= left))
    }

    /// Notes that a mail came back for a reason that may pass; false if it is not remembered.
    pub fn bounced_softly(&mut self, effect: &EffectId, now: Timestamp, detail: String) -> bool {
        let Some(mail) = self.mails.iter_mut().find(|mail| mail.effect == *effect) else { return false };
        mail.bounced = true;
        if self.soft_bounces(now) > SOFT_BOUNCES_BORNE {
            self.suppress(SuppressionCause::SoftBounces, now, detail);
        }
        true
    }

    /// How many of the latest mails in a row have bounced. Those that may still bounce say nothing yet.
    pub fn soft_bounces(&self, now: Timestamp) -> usize {
        let told = self.mails.iter().rev().filter(|mail| mail.bounced || now.since(mail.at) >= BOUNCES_WITHIN);
        told.take_while(|mail| mail.bounced).count()
    }

    /// Suppresses the address. A cause that stops more is not replaced by one that stops less.
    pub fn suppress(&mut self, cause: SuppressionCause, since: Timestamp, detail: String) {
        let standing = self.suppression.as_ref().map(|suppression| suppression.cause);
        let outweighs = |standing| standing != SuppressionCause::HardBounce && cause != SuppressionCause::SoftBounces;
        if standing.is_none_or(outweighs) {
            self.suppression = Some(Suppression { cause, since, detail });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    fn mail(contact: &mut Contact, effect: &str, day: u64) {
        contact.claim(effect.into(), "7".into(), Timestamp(day * DAY), true);
    }

    fn bounce(contact: &mut Contact, effect: &str, day: u64) {
        assert!(contact.bounced_softly(&effect.into(), Timestamp(day * DAY), "4.2.2".into()));
    }

    #[test]
    fn a_mail_that_is_claimed_again_counts_once_as_of_then() {
        let mut contact = Contact::default();
        mail(&mut contact, "a", 1);
        mail(&mut contact, "b", 2);
        mail(&mut contact, "a", 3);
        assert_eq!(contact.marketing_but(&"b".into()), [Timestamp(3 * DAY)]);
        contact.release(&"a".into());
        assert_eq!(contact.marketing_but(&"none".into()), [Timestamp(2 * DAY)]);
    }

    #[test]
    fn what_no_cap_looks_at_is_forgotten_but_for_the_latest() {
        let mut contact = Contact::default();
        for day in 0..100 {
            mail(&mut contact, &format!("m{day}"), day);
            contact.claim(format!("s{day}").into(), "7".into(), Timestamp(day * DAY), false);
        }
        assert_eq!(contact.marketing_but(&"none".into()).len(), 7);
        assert_eq!(contact.mails.len(), LATEST_MAILS, "the marketing mails of a week are among them");
    }

    #[test]
    fn more_than_seven_soft_bounces_in_a_row_suppress_and_one_that_arrives_between_them_does_not() {
        let mut contact = Contact::default();
        for day in 0..7 {
            mail(&mut contact, &format!("m{day}"), day);
            bounce(&mut contact, &format!("m{day}"), day);
        }
        assert_eq!(contact.suppression, None);
        // Whether this one arrives is not known yet when the next bounces.
        mail(&mut contact, "quiet", 7);
        mail(&mut contact, "m8", 8);
        let mut arrived = contact.clone();
        bounce(&mut contact, "m8", 8);
        assert_eq!(contact.suppression.unwrap().cause, SuppressionCause::SoftBounces);
        bounce(&mut arrived, "m8", 12);
        assert_eq!((arrived.soft_bounces(Timestamp(12 * DAY)), arrived.suppression), (1, None));
    }

    #[test]
    fn a_bounce_that_is_reported_twice_counts_once_and_one_that_is_not_remembered_not_at_all() {
        let mut contact = Contact::default();
        mail(&mut contact, "a", 1);
        bounce(&mut contact, "a", 1);
        bounce(&mut contact, "a", 1);
        assert_eq!(contact.soft_bounces(Timestamp(DAY)), 1);
        assert!(!contact.bounced_softly(&"b".into(), Timestamp(DAY), String::new()));
    }

    #[test]
    fn a_dead_mailbox_outweighs_a_complaint_and_a_complaint_outweighs_soft_bounces() {
        use SuppressionCause::{Complaint, HardBounce, SoftBounces};
        for (first, second, left) in [
            (HardBounce, Complaint, HardBounce),
            (Complaint, HardBounce, HardBounce),
            (SoftBounces, Complaint, Complaint),
            (Complaint, SoftBounces, Complaint),
        ] {
            let mut contact = Contact::default();
            contact.suppress(first, Timestamp(1), String::new());
            contact.suppress(second, Timestamp(2), String::new());
            assert_eq!(contact.suppression.unwrap().cause, left, "{first:?}, {second:?}");
        }
    }

    #[test]
    fn a_contacts_name_reads_back() {
        let id = ContactId([7; 16]);
        assert_eq!(ContactId::parse(&id.to_string()), Some(id));
        assert_eq!(ContactId::parse("mira@example.com"), None);
    }
}
