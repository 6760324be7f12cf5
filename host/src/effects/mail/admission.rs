//! Letting a mail through: what the arbiter asks of the store, and what its answer writes there, as one step.

use jiff::tz::TimeZone;
use lettre::Message;

use super::{
    BEHIND, Mailer, Outbox, Recipient, Verdict,
    arbiter::{Candidate, Decision, decide},
    compose::{Addressee, Refused, compose},
    contacts,
    copies::MailCopy,
    guards, zones,
};
use crate::{
    catalog::{StoreEntry, templates::UnsubscribeLinks},
    domain::{
        Contact, ContactId, Customer, CustomerId, Effect, EffectKind, EffectStatus, Mail, Order, OrderId, StoreId,
        Timestamp,
    },
    store::{Error, Letterhead, Scan, Transaction, decode, keys},
};

/// Mails that are looked at to see whether they come before one.
const AHEAD: usize = 64;

/// Whether a mail goes out now.
pub(super) enum Admission {
    Granted(Box<Admitted>),
    Refused(Verdict),
}

/// A mail that has its slot.
pub(super) struct Admitted {
    pub message: Message,
    pub copy: MailCopy,
    pub contact: ContactId,
}

/// Decides on a mail. What the decision writes stands in the transaction: the mail goes out after its commit and not
/// before.
pub(super) fn admit(
    outbox: &Outbox,
    mailer: &Mailer,
    transaction: &mut Transaction,
    store: &StoreEntry,
    effect: &Effect,
    mail: &Mail,
    named: &CustomerId,
) -> Result<Admission, Error> {
    let (id, now) = (store.id(), outbox.clock.now());
    let dropped = |reason: String| Ok(Admission::Refused(Verdict::Dropped { reason }));
    let standing = transaction.get::<Effect>(&keys::effect(id, &effect.id))?;
    if !standing.is_some_and(|standing| matches!(standing.status, EffectStatus::Pending { .. })) {
        return dropped("it was taken back".into());
    }
    let Some(customer) = recipient(transaction, id, &mail.customer)? else {
        return dropped(format!("customer {} is not known", mail.customer));
    };
    // A merge can come before anything else of the customer that is left: the absorbed one's address is known then.
    let address = match customer.email.clone() {
        Some(address) => Some(address),
        None => recipient(transaction, id, named)?.and_then(|named| named.email),
    };
    let Some(address) = address else {
        if customer.updated_at == Timestamp(0) {
            let reason = format!("the platform has said nothing yet of customer {}", mail.customer);
            return Ok(Admission::Refused(Verdict::Failed { reason }));
        }
        return dropped(format!("customer {} has no e-mail address", mail.customer));
    };

    let name = outbox.mails.links.key.contact(id, &address);
    let before = contacts::of(transaction, id, name)?;
    let candidate = Candidate {
        effect: &effect.id,
        plugin: &effect.plugin,
        purpose: mail.purpose,
        valid_until: mail.valid_until,
        accepts_marketing: customer.accepts_marketing,
        consented_at: customer.consented_at,
        zone: &zone_of(outbox, store, &mail.customer)?,
        ahead: match mail.purpose.is_marketing() {
            true => ahead(transaction, id, &[named, &mail.customer], effect, mail, &before, now)?,
            false => 0,
        },
    };
    let verdict = match decide(&candidate, &before, &outbox.mails.rules, now) {
        Decision::Send => {
            let unmet = guards::unmet(transaction, id, &effect.plugin, &mail.customer, &mail.guards, now)?;
            unmet.map(|unmet| Verdict::Dropped { reason: unmet.to_string() })
        }
        Decision::Defer { until, hold } => {
            Some(Verdict::Wait { until: until.max(now + BEHIND), reason: hold.to_string() })
        }
        Decision::Drop(reason) => Some(Verdict::Dropped { reason: reason.to_string() }),
    };
    let mut contact = before.clone();
    contact.release(&effect.id);
    if let Some(verdict) = verdict {
        contacts::put(transaction, id, name, &before, &contact);
        return Ok(Admission::Refused(verdict));
    }

    let links = match mail.purpose.is_marketing() {
        true => {
            let recipient = Recipient { store: id, contact: name, plugin: effect.plugin.clone() };
            let urls = &outbox.mails.links;
            let (Some(unsubscribe), Some(preferences)) = (urls.unsubscribe(&recipient), urls.preferences(&recipient))
            else {
                // It is no lack of the mail's: it goes once somebody has set it.
                let reason = "marketing has to offer a way out, and there is no public https address for it: put one \
                              into `public_url` of the configuration";
                return Ok(Admission::Refused(Verdict::Failed { reason: reason.into() }));
            };
            Some(UnsubscribeLinks { unsubscribe, preferences })
        }
        false => None,
    };
    let letterhead = transaction.get::<Letterhead>(&keys::letterhead(id))?.unwrap_or_default();
    let addressee = Addressee { customer: &customer, address: &address, links: links.as_ref() };
    match compose(mailer, store, &letterhead, effect, mail, &addressee, now) {
        Ok((message, copy)) => {
            contact.claim(effect.id.clone(), mail.customer.clone(), now, mail.purpose.is_marketing());
            contacts::put(transaction, id, name, &before, &contact);
            Ok(Admission::Granted(Box::new(Admitted { message, copy, contact: name })))
        }
        Err(Refused(reason)) => Ok(Admission::Refused(Verdict::Dead { reason })),
    }
}

/// The customer to write to; nobody if it is not known or was deleted.
fn recipient(transaction: &mut Transaction, store: StoreId, id: &CustomerId) -> Result<Option<Customer>, Error> {
    let customer = transaction.get::<Customer>(&keys::customer(store, id))?;
    Ok(customer.filter(|customer| !customer.deleted))
}

/// Where the customer's clock is, as far as the latest order tells; else the shop's.
fn zone_of(outbox: &Outbox, store: &StoreEntry, customer: &CustomerId) -> Result<TimeZone, Error> {
    let latest = outbox.store.scan(&Scan::of(keys::customer_orders(store.id(), customer), 1).newest_first())?;
    let order = match latest.first() {
        Some((_, id)) => {
            let id = OrderId::from(String::from_utf8_lossy(&id.bytes).into_owned());
            outbox.store.get(&keys::order(store.id(), &id))?
        }
        None => None,
    };
    let country = order.map(|value| decode::<Order>(&value.bytes)).transpose()?.and_then(|order| order.country);
    let zone = country.and_then(|country| zones::of_country(&country));
    Ok(zone.unwrap_or_else(|| store.context.time_zone.clone()))
}

/// How many marketing mails of the same person could go now and come first: those of a higher purpose, and older ones.
///
/// One that waits for another effect, or for a later time, is passed by.
fn ahead(
    transaction: &mut Transaction,
    store: StoreId,
    customers: &[&CustomerId; 2],
    effect: &Effect,
    mail: &Mail,
    contact: &Contact,
    now: Timestamp,
) -> Result<usize, Error> {
    let mine = (mail.purpose as u8, effect.queued_at, effect.id.clone());
    let distinct = if customers[0] == customers[1] { &customers[..1] } else { &customers[..] };
    let mut count = 0;
    for customer in distinct {
        let rows = transaction.scan(&Scan::of(keys::waiting_mails(store, customer), AHEAD))?;
        let before_mine = rows.iter().filter_map(|(key, _)| keys::waiting_mail_of(key)).take_while(|it| *it < mine);
        for (_, _, other) in before_mine {
            let has_slot = contact.mails.iter().any(|sent| sent.effect == other);
            count += usize::from(!has_slot && could_go(transaction, store, &keys::effect(store, &other), now)?);
        }
    }
    Ok(count)
}

fn could_go(
    transaction: &mut Transaction,
    store: StoreId,
    key: &crate::store::Key,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(effect) = transaction.get::<Effect>(key)? else { return Ok(false) };
    let is_due = matches!(effect.status, EffectStatus::Pending { due, .. } if due <= now);
    let is_valid = matches!(&effect.kind, EffectKind::Mail(mail) if mail.valid_until > now);
    if !is_due || !is_valid {
        return Ok(false);
    }
    let Some(earlier) = &effect.after else { return Ok(true) };
    let earlier = transaction.get::<Effect>(&keys::effect(store, earlier))?;
    Ok(earlier.is_some_and(|earlier| matches!(earlier.status, EffectStatus::Done { .. })))
}
