//! Mails: let through by the arbiter, rendered from the plugin's templates, sent over SMTP, a copy kept as it was sent.

use std::{fmt, sync::Arc, time::Duration};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox, transport::smtp};

use super::{BEHIND, LATER_MIN, Outbox, Verdict};
use crate::{
    catalog::StoreEntry,
    domain::{ContactId, CustomerId, Effect, Mail, StoreId},
    store::{CommitError, Error, Transaction},
};

mod admission;
mod arbiter;
mod compose;
pub mod contacts;
mod copies;
mod guards;
mod links;
mod quiet;
pub mod reports;
#[cfg(test)]
pub(crate) mod simulated;
mod status;
mod zones;

use admission::{Admission, Admitted};
pub use arbiter::Rules;
pub use copies::{MailCopy, read_copy};
pub use links::{LinkKey, Links, Recipient};
pub use quiet::QuietHours;
use status::Bounce;

/// How mails are to be sent, whatever server sends them.
#[derive(Clone, Debug)]
pub struct MailPolicy {
    pub rules: Rules,
    pub links: Links,
}

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

    /// The sender of a store's mails, in their headers and to the mail server.
    pub fn sender(&self, store: &StoreEntry) -> Result<Mailbox, lettre::address::AddressError> {
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

/// Tries to send one mail.
///
/// The mail takes its slot in the commit that decides that it goes, before it goes: two mails to one person cannot both
/// take the last one. A crash in between leaves the slot with the mail, which is decided anew.
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
    let admitted = loop {
        let mut transaction = Transaction::new(Arc::clone(&outbox.store));
        let admission = admission::admit(outbox, mailer, &mut transaction, store, effect, mail, named)?;
        match (transaction.commit().await, admission) {
            (Ok(()), Admission::Granted(admitted)) => break admitted,
            (Ok(()), Admission::Refused(verdict)) => return Ok(verdict),
            (Err(CommitError::Conflict), _) => outbox.counters.conflicts.add_one(),
            (Err(CommitError::Store(error)), _) => return Err(error),
        }
    };
    let Admitted { message, copy, contact } = *admitted;
    match tokio::time::timeout(mailer.timeout, mailer.transport.send(message)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let verdict = refused(&error);
            if let Verdict::Dead { reason } = &verdict {
                give_up(outbox, store.id(), contact, effect, &error, reason).await?;
            }
            return Ok(verdict);
        }
        Err(_) => {
            let reason = format!("the mail server gave no answer within {} s", mailer.timeout.as_secs_f64());
            return Ok(Verdict::Unreachable { reason });
        }
    }
    let receipt = copy.message_id.clone();
    if let Err(error) = copies::keep(outbox, store.id(), effect, &copy).await {
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

/// Gives the slot back that a refused mail holds, and suppresses the address if the server says that there is none.
async fn give_up(
    outbox: &Outbox,
    store: StoreId,
    contact: ContactId,
    effect: &Effect,
    error: &smtp::Error,
    reason: &str,
) -> Result<(), Error> {
    // The answer's text begins with the status where the server has them (RFC 2034).
    let answer = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let is_no_mailbox = status::beginning(&answer).is_some_and(|status| status.bounce() == Some(Bounce::Hard));
    let now = outbox.clock.now();
    contacts::change(outbox, store, contact, |contact| {
        contact.release(&effect.id);
        if is_no_mailbox {
            contact.suppress(crate::domain::SuppressionCause::HardBounce, now, reason.to_owned());
        }
    })
    .await
    .map(drop)
}
