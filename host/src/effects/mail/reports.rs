//! Reports on mails that came back or were not wanted: delivery status notifications (RFC 3464) and abuse reports (RFC
//! 5965).
//!
//! A report is known by the Message-ID of the mail that it is about, which holds the effect's id. It comes from
//! anybody, so that nothing follows from it but for the address that this host itself has written to.

use lettre::message::Mailbox;
use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use super::{
    Outbox, contacts, read_copy,
    status::{self, Bounce},
};
use crate::{
    domain::{ContactId, Customer, Effect, EffectId, EffectKind, StoreId, SuppressionCause},
    store::{Error, Transaction, decode, keys, survivor},
};

/// Feedback that tells of no unwanted mail (RFC 6430, RFC 6591, RFC 7489).
const NO_COMPLAINTS: [&str; 3] = ["not-spam", "auth-failure", "dmarc"];

/// Characters that an effect's id has.
const ID_CHARS: usize = 26;

/// What a report says of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    effect: EffectId,
    finding: Finding,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Finding {
    /// It was given up; `detail` is the status and what the server said.
    Bounced { bounce: Bounce, detail: String },
    /// Its reader reported it; `detail` is the kind of feedback.
    Complaint { detail: String },
    /// Nothing to act on, such as a delay.
    Nothing { detail: String },
}

/// What followed from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub store: StoreId,
    pub effect: EffectId,
    pub consequence: Consequence,
    /// What the report said.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The address is written to no more, as far as its suppression goes.
    Suppressed(SuppressionCause),
    /// The bounce counts towards a suppression.
    Counted,
    None,
}

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("this is no mail")]
    NotMail,
    #[error("this mail is no report: it has neither a delivery status (RFC 3464) nor feedback (RFC 5965)")]
    NotReport,
    #[error("the report does not name the mail that it is about")]
    NoMail,
    #[error("the report is about a mail that this host does not know: {0}")]
    UnknownMail(EffectId),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Takes a report in: the address of the mail that it is about is suppressed, or its bounce counted.
pub async fn take(outbox: &Outbox, raw: &[u8]) -> Result<Outcome, ReportError> {
    let Report { effect: id, finding } = read(raw)?;
    let (store, effect) = find(outbox, &id)?.ok_or_else(|| ReportError::UnknownMail(id.clone()))?;
    let contact = written_to(outbox, store, &effect)?.ok_or(ReportError::UnknownMail(id))?;
    let now = outbox.clock.now();
    let (consequence, detail) = match finding {
        Finding::Nothing { detail } => (Consequence::None, detail),
        Finding::Complaint { detail } => {
            contacts::change(outbox, store, contact, |contact| {
                contact.suppress(SuppressionCause::Complaint, now, detail.clone());
            })
            .await?;
            contacts::unsubscribe(outbox, store, contact).await?;
            (Consequence::Suppressed(SuppressionCause::Complaint), detail)
        }
        Finding::Bounced { bounce: Bounce::Hard, detail } => {
            contacts::change(outbox, store, contact, |contact| {
                contact.suppress(SuppressionCause::HardBounce, now, detail.clone());
            })
            .await?;
            (Consequence::Suppressed(SuppressionCause::HardBounce), detail)
        }
        Finding::Bounced { bounce: Bounce::Soft, detail } => {
            let contact = contacts::change(outbox, store, contact, |contact| {
                contact.bounced_softly(&effect.id, now, detail.clone());
            })
            .await?;
            let cause = contact.suppression.map(|suppression| suppression.cause);
            (cause.map_or(Consequence::Counted, Consequence::Suppressed), detail)
        }
    };
    Ok(Outcome { store, effect: effect.id, consequence, detail })
}

/// The mail's effect, in whichever store it is.
fn find(outbox: &Outbox, id: &EffectId) -> Result<Option<(StoreId, Effect)>, Error> {
    for store in outbox.catalog.registry().stores() {
        if let Some(row) = outbox.store.get(&keys::effect(store.id(), id))? {
            return Ok(Some((store.id(), decode(&row.bytes)?)));
        }
    }
    Ok(None)
}

/// The address that the mail went to: as the copy has it, or the customer's where that is gone.
fn written_to(outbox: &Outbox, store: StoreId, effect: &Effect) -> Result<Option<ContactId>, Error> {
    let EffectKind::Mail(mail) = &effect.kind else { return Ok(None) };
    let copied = read_copy(outbox, store, &effect.id)?.and_then(|copy| copy.to.parse::<Mailbox>().ok());
    let address = match copied {
        Some(mailbox) => Some(mailbox.email.to_string()),
        None => {
            let mut transaction = Transaction::new(std::sync::Arc::clone(&outbox.store));
            let customer = survivor(&mut transaction, store, mail.customer.clone())?;
            transaction.get::<Customer>(&keys::customer(store, &customer))?.and_then(|customer| customer.email)
        }
    };
    Ok(address.map(|address| contacts::id_of(outbox, store, &address)))
}

/// Reads a report.
fn read(raw: &[u8]) -> Result<Report, ReportError> {
    let message = MessageParser::default().parse(raw).ok_or(ReportError::NotMail)?;
    let part = |subtype: &str| {
        let found = message.parts.iter().find(|part| {
            part.content_type().is_some_and(|kind| {
                kind.c_type.eq_ignore_ascii_case("message")
                    && kind.c_subtype.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(subtype))
            })
        });
        found.map(|part| Fields::groups(&String::from_utf8_lossy(part.contents())))
    };
    let finding = if let Some(groups) = part("feedback-report") {
        feedback(&groups)
    } else if let Some(groups) = part("delivery-status").or_else(|| part("global-delivery-status")) {
        delivery_status(&groups)
    } else {
        return Err(ReportError::NotReport);
    };
    let effect = original_id(&message).ok_or(ReportError::NoMail)?;
    Ok(Report { effect, finding })
}

/// RFC 5965, section 3.1: one group of fields.
fn feedback(groups: &[Fields]) -> Finding {
    let kind = groups.iter().find_map(|fields| fields.get("Feedback-Type")).unwrap_or("abuse").to_lowercase();
    let detail = format!("feedback: {kind}");
    match NO_COMPLAINTS.contains(&kind.as_str()) {
        true => Finding::Nothing { detail },
        false => Finding::Complaint { detail },
    }
}

/// RFC 3464, section 2: a group about the message, and one about each recipient, of which our mails have one.
fn delivery_status(groups: &[Fields]) -> Finding {
    let Some(recipient) = groups.iter().find(|fields| fields.get("Action").is_some()) else {
        return Finding::Nothing { detail: "no recipient's delivery is told".into() };
    };
    let action = recipient.get("Action").unwrap_or_default().to_lowercase();
    let code = recipient.get("Status").unwrap_or_default();
    let told = recipient.get("Diagnostic-Code").map(|told| format!(": {told}")).unwrap_or_default();
    let detail = format!("{action} {code}{told}");
    // A delay is no failure yet.
    match (action.as_str(), status::beginning(code).and_then(status::Status::bounce)) {
        ("failed", Some(bounce)) => Finding::Bounced { bounce, detail },
        ("failed", None) => Finding::Bounced { bounce: Bounce::Soft, detail },
        _ => Finding::Nothing { detail },
    }
}

/// The effect of the mail that a report is about: of the message or the headers that it returns, or that it answers.
fn original_id(report: &Message<'_>) -> Option<EffectId> {
    let returned = report.parts.iter().filter_map(|part| match &part.body {
        PartType::Message(message) => message.message_id().and_then(effect_of),
        PartType::Text(_) | PartType::Binary(_) => {
            let is_headers = part.content_type().and_then(|kind| kind.c_subtype.as_deref());
            let is_headers = is_headers.is_some_and(|it| it.eq_ignore_ascii_case("rfc822-headers"));
            let headers = is_headers.then(|| MessageParser::default().parse_headers(part.contents()))??;
            headers.message_id().and_then(effect_of)
        }
        _ => None,
    });
    let answered = || {
        let ids = [report.in_reply_to(), report.references()];
        ids.into_iter().flat_map(texts).find_map(|id| effect_of(&id))
    };
    returned.into_iter().next().or_else(answered)
}

fn texts(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(text) => vec![text.to_string()],
        HeaderValue::TextList(list) => list.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The effect whose mail has this Message-ID; `None` if it is none of ours.
fn effect_of(message_id: &str) -> Option<EffectId> {
    let (id, _) = message_id.trim_matches(['<', '>']).split_once('@')?;
    let is_ours = id.len() == ID_CHARS && id.bytes().all(|it| matches!(it, b'a'..=b'z' | b'2'..=b'7'));
    is_ours.then(|| id.into())
}

/// One group of fields of a report: names and values, unfolded.
struct Fields(Vec<(String, String)>);

impl Fields {
    /// Groups stand apart by empty lines.
    fn groups(text: &str) -> Vec<Self> {
        let mut groups = vec![Self(Vec::new())];
        for line in text.lines() {
            let (begins_folded, line) = (line.starts_with([' ', '\t']), line.trim());
            let fields = groups.last_mut().map(|group| &mut group.0);
            match (fields, line.split_once(':')) {
                _ if line.is_empty() => groups.push(Self(Vec::new())),
                (Some(fields), _) if begins_folded => {
                    if let Some((_, value)) = fields.last_mut() {
                        *value = format!("{value} {line}");
                    }
                }
                (Some(fields), Some((name, value))) => fields.push((name.trim().into(), value.trim().into())),
                _ => {}
            }
        }
        groups
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests;
