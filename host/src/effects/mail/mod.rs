//! Mails: rendered from the plugin's templates, sent over SMTP, a copy kept as it was sent.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp,
};
use serde::{Deserialize, Serialize};

use super::{LATER_MIN, Outbox, Verdict};
use crate::{
    catalog::StoreEntry,
    domain::{Customer, CustomerId, Effect, Mail, StoreId, Timestamp},
    store::{CommitError, Error, Position, Transaction, decode, keys},
};

mod render;
#[cfg(test)]
pub(crate) mod simulated;

/// Sends mails through one server.
pub struct Mailer {
    transport: Transport,
    /// For a whole mail: lettre's own timeout ends with the connection's making.
    timeout: Duration,
    from: Option<Mailbox>,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    #[cfg(test)]
    Simulated(simulated::Connect),
}

impl Transport {
    async fn send(&self, message: Message) -> Result<(), smtp::Error> {
        match self {
            Self::Smtp(transport) => transport.send(message).await.map(drop),
            #[cfg(test)]
            Self::Simulated(connect) => simulated::send(connect, &message).await,
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Why there is no mailer. The server's address is not in the text: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("`mail.smtp` is no address of a mail server, such as `smtp://localhost:25`: {0}")]
    Server(String),
    #[error("`mail.from` is no sender, such as `Fern <hello@fern.example>`: {0}")]
    From(String),
}

impl Mailer {
    pub fn new(smtp: &str, from: &str, timeout: Duration) -> Result<Self, MailerError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp)
            .map_err(|error| MailerError::Server(error.to_string()))?
            .timeout(Some(timeout))
            .build();
        Ok(Self { transport: Transport::Smtp(transport), timeout, from: sender_of(from)? })
    }

    /// Sends over simulated connections.
    #[cfg(test)]
    pub(crate) fn simulated(connect: simulated::Connect, from: &str, timeout: Duration) -> Result<Self, MailerError> {
        Ok(Self { transport: Transport::Simulated(connect), timeout, from: sender_of(from)? })
    }

    /// The sender of a store's mails.
    fn sender(&self, store: &StoreEntry) -> Result<Mailbox, lettre::address::AddressError> {
        match &self.from {
            Some(from) => Ok(from.clone()),
            None => Ok(Mailbox::new(
                Some(store.record.name.clone()),
                lettre::Address::new("no-reply", &store.record.domain)?,
            )),
        }
    }
}

/// The configured sender; `None` leaves it to each store.
fn sender_of(from: &str) -> Result<Option<Mailbox>, MailerError> {
    if from.is_empty() {
        return Ok(None);
    }
    from.parse().map(Some).map_err(|error: lettre::address::AddressError| MailerError::From(error.to_string()))
}

/// A mail as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCopy {
    pub message_id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub sent_at: Timestamp,
}

/// Tries to send one mail.
///
/// A server that takes the message and dies before saying so gets it again, with the same Message-ID: that is as far as
/// SMTP goes, and mail stores drop the second by it.
///
/// `named` is the customer that the effect was queued for, who may have been absorbed by the one that `mail` names.
pub(super) async fn send(
    outbox: &Outbox,
    store: &StoreEntry,
    effect: &Effect,
    mail: &Mail,
    named: &CustomerId,
) -> Result<Verdict, Error> {
    let Some(mailer) = &outbox.mailer else {
        let reason = "no mail server is set: put its address into `smtp` of `[mail]` in the configuration";
        return Ok(Verdict::Failed { reason: reason.into() });
    };
    let Some(customer) = recipient(outbox, store.id(), &mail.customer)? else {
        return Ok(Verdict::Dropped { reason: format!("customer {} is not known", mail.customer) });
    };
    // A merge can come before anything else of the customer that is left: the absorbed one's address is known then.
    let address = match customer.email.clone() {
        Some(address) => Some(address),
        None => recipient(outbox, store.id(), named)?.and_then(|named| named.email),
    };
    let Some(address) = &address else {
        if customer.updated_at == Timestamp(0) {
            let reason = format!("the platform has said nothing yet of customer {}", mail.customer);
            return Ok(Verdict::Failed { reason });
        }
        return Ok(Verdict::Dropped { reason: format!("customer {} has no e-mail address", mail.customer) });
    };
    let now = outbox.clock.now();
    let copy = match compose(mailer, store, effect, mail, &customer, address, now) {
        Ok(composed) => composed,
        Err(reason) => return Ok(Verdict::Dead { reason }),
    };
    let (message, copy) = copy;
    match tokio::time::timeout(mailer.timeout, mailer.transport.send(message)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Ok(refused(&error)),
        Err(_) => {
            let reason = format!("the mail server gave no answer within {} s", mailer.timeout.as_secs_f64());
            return Ok(Verdict::Unreachable { reason });
        }
    }
    let receipt = copy.message_id.clone();
    if let Err(error) = keep_copy(outbox, store.id(), effect, &copy).await {
        // The mail is out: failing here would send it again.
        tracing::error!(
            %error, store = %store.id(), event = %effect.event, plugin = %effect.plugin, effect = %effect.id,
            "no copy of mail {} could be kept: {error}", effect.id
        );
    }
    Ok(Verdict::Done { receipt })
}

/// What a mail server's refusal means. 421 is about the connection, every other 4xx about this mail (RFC 5321, 4.2.1).
fn refused(error: &smtp::Error) -> Verdict {
    let reason = smtp_reason(error);
    match error.status().map(u16::from) {
        Some(421) => Verdict::Busy { wait: LATER_MIN, reason },
        Some(400..=499) => Verdict::Later { reason },
        // Our own name or password is refused: no mail fares better (RFC 4954).
        Some(530 | 534 | 535) => Verdict::Unreachable { reason },
        Some(_) if error.is_permanent() => Verdict::Dead { reason },
        Some(_) => Verdict::Failed { reason },
        None => Verdict::Unreachable { reason },
    }
}

fn smtp_reason(error: &smtp::Error) -> String {
    let mut reason = format!("the mail server did not take it: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors tell their cause themselves.
        if !reason.ends_with(&cause_text) {
            reason = format!("{reason}: {cause_text}");
        }
        source = cause.source();
    }
    reason
}

/// The customer to write to; nobody if it is not known or was deleted.
fn recipient(outbox: &Outbox, store: StoreId, id: &CustomerId) -> Result<Option<Customer>, Error> {
    let row = outbox.store.get(&keys::customer(store, id))?;
    let customer = row.map(|value| decode::<Customer>(&value.bytes)).transpose()?;
    Ok(customer.filter(|customer| !customer.deleted))
}

fn compose(
    mailer: &Mailer,
    store: &StoreEntry,
    effect: &Effect,
    mail: &Mail,
    customer: &Customer,
    address: &str,
    now: Timestamp,
) -> Result<(Message, MailCopy), String> {
    let enabled = store.plugin(&effect.plugin);
    let template = enabled.and_then(|enabled| enabled.template(&mail.template)).ok_or_else(|| {
        format!("the plugin `{}` is disabled or has no template `{}` any more", effect.plugin, mail.template)
    })?;
    let rendered = render::render(template, mail, customer, &store.record).map_err(|error| error.to_string())?;
    let from = mailer.sender(store).map_err(|error| format!("the sender cannot be written to: {error}"))?;
    let to: lettre::Address =
        address.parse().map_err(|error| format!("the customer's address cannot be written to: {error}"))?;
    let to = Mailbox::new(full_name(customer), to);
    let message_id = format!("<{}@{}>", effect.id, from.email.domain());
    let message = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(&rendered.subject)
        .date(UNIX_EPOCH + Duration::from_millis(now.0))
        .message_id(Some(message_id.clone()))
        .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
        .map_err(|error| format!("the mail cannot be composed: {error}"))?;
    let copy = MailCopy {
        message_id,
        from: from.to_string(),
        to: to.to_string(),
        subject: rendered.subject,
        html: rendered.html,
        text: rendered.text,
        sent_at: now,
    };
    Ok((message, copy))
}

fn full_name(customer: &Customer) -> Option<String> {
    let name: Vec<_> = [&customer.first_name, &customer.last_name].into_iter().flatten().map(String::as_str).collect();
    Some(name.join(" ")).filter(|name| !name.is_empty())
}

async fn keep_copy(outbox: &Outbox, store: StoreId, effect: &Effect, copy: &MailCopy) -> Result<(), Error> {
    let bytes = serde_json::to_vec(copy)
        .map_err(|error| Error::Damaged { what: "a mail's copy".into(), detail: error.to_string() })?;
    let position = outbox.archive.append(bytes).await?;
    let mut transaction = Transaction::new(Arc::clone(&outbox.store));
    transaction.put(keys::mail_copy(store, &effect.id), &position);
    transaction.commit().await.map_err(|error| match error {
        CommitError::Store(error) => error,
        CommitError::Conflict => Error::Stopped("a commit that reads nothing met a conflict".into()),
    })
}

/// The mail of an effect as it was sent; `None` if it was not sent, or its retention has ended.
pub fn read_copy(outbox: &Outbox, store: StoreId, effect: &crate::domain::EffectId) -> Result<Option<MailCopy>, Error> {
    let Some(row) = outbox.store.get(&keys::mail_copy(store, effect))? else { return Ok(None) };
    let Some(bytes) = outbox.archive.get(decode::<Position>(&row.bytes)?)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Error::Damaged { what: "a mail's copy".into(), detail: error.to_string() })
}
