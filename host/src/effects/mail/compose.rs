//! A mail as it goes over the wire: sender, recipient, headers, both bodies.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use super::{Mailer, copies::MailCopy};
use crate::{
    catalog::{
        StoreEntry,
        templates::{Letter, Shop, UnsubscribeLinks, wanted},
    },
    domain::{Customer, Effect, Mail, Timestamp},
    store::Letterhead,
};

/// Who gets a mail.
pub(super) struct Addressee<'a> {
    pub customer: &'a Customer,
    pub address: &'a str,
    /// The ways out of marketing; none where it is none.
    pub links: Option<&'a UnsubscribeLinks>,
}

/// Why a mail cannot be composed until somebody changes something.
pub(super) struct Refused(pub String);

pub(super) fn compose(
    mailer: &Mailer,
    store: &StoreEntry,
    letterhead: &Letterhead,
    effect: &Effect,
    mail: &Mail,
    addressee: &Addressee<'_>,
    now: Timestamp,
) -> Result<(Message, MailCopy), Refused> {
    let refused = |reason: String| Refused(reason);
    let Addressee { customer, address, links } = *addressee;
    let enabled = store.plugin(&effect.plugin).filter(|enabled| enabled.mails.own.contains(&mail.template));
    let enabled = enabled.ok_or_else(|| {
        refused(format!("the plugin `{}` is disabled or has no template `{}` any more", effect.plugin, mail.template))
    })?;
    let letter = Letter {
        mail: &mail.template,
        vars: &mail.vars,
        locales: &wanted(customer.locale.as_deref(), &store.record.locale),
        first_name: customer.first_name.as_deref(),
        last_name: customer.last_name.as_deref(),
        shop: Shop {
            name: &store.record.name,
            url: &store.record.url,
            postal_address: letterhead.postal_address.as_deref(),
        },
        links,
    };
    let (rendered, gave_way) = enabled.mails.render(&letter).map_err(|error| refused(error.to_string()))?;
    if gave_way.is_some() {
        // What is wrong may quote the mail.
        tracing::warn!(
            store = %store.id(), plugin = %effect.plugin, effect = %effect.id,
            "the merchant's `{}` cannot be rendered, the plugin's own is sent", mail.template
        );
    }
    let from = mailer.sender(store).map_err(|error| refused(format!("the sender cannot be written to: {error}")))?;
    let to: lettre::Address =
        address.parse().map_err(|error| refused(format!("the customer's address cannot be written to: {error}")))?;
    let to = Mailbox::new(full_name(customer), to);
    let message_id = format!("<{}@{}>", effect.id, from.email.domain());
    let mut message = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(&rendered.subject)
        .date(UNIX_EPOCH + Duration::from_millis(now.0))
        .message_id(Some(message_id.clone()));
    if let Some(links) = links {
        // RFC 8058: a mail program posts there without asking, and whoever runs it is out.
        message = message
            .raw_header(header("List-Unsubscribe", format!("<{}>", links.unsubscribe)))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
    }
    let message = message
        .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
        .map_err(|error| refused(format!("the mail cannot be composed: {error}")))?;
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

fn header(name: &'static str, value: String) -> HeaderValue {
    // An address must stay whole, so it is not folded; it holds nothing that would have to be encoded.
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

fn full_name(customer: &Customer) -> Option<String> {
    let name: Vec<_> = [&customer.first_name, &customer.last_name].into_iter().flatten().map(String::as_str).collect();
    Some(name.join(" ")).filter(|name| !name.is_empty())
}
