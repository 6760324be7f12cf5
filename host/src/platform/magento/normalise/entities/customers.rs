//! Customers, and subscriptions to the newsletter.

use serde::Deserialize;

use super::super::wire::{birthday, flag, id, required_id, text, time};
use crate::{
    domain::{Change, Consent, Customer, CustomerId, Topic},
    platform::{
        Context, Problem, Unreadable,
        json::{Loose, parse},
    },
};

/// The one status that allows mail.
const SUBSCRIBED: &str = "1";

#[derive(Deserialize)]
struct WireCustomer<'a> {
    /// As REST names it.
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    /// As dumps name it.
    #[serde(borrow)]
    entity_id: Option<Loose<'a>>,
    #[serde(borrow)]
    email: Option<Loose<'a>>,
    #[serde(borrow)]
    firstname: Option<Loose<'a>>,
    #[serde(borrow)]
    lastname: Option<Loose<'a>>,
    #[serde(borrow)]
    dob: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    addresses: Option<Loose<'a>>,
    #[serde(borrow)]
    extension_attributes: Option<Loose<'a>>,
}

#[derive(Deserialize)]
struct WireAddress<'a> {
    #[serde(borrow)]
    telephone: Option<Loose<'a>>,
    #[serde(borrow)]
    default_billing: Option<Loose<'a>>,
}

impl WireCustomer<'_> {
    fn id(&self) -> Result<CustomerId, Unreadable> {
        match self.id {
            Some(id) => required_id("id", Some(id)),
            None => required_id("entity_id", self.entity_id),
        }
        .map(|id| id.as_str().into())
    }

    fn phone(&self) -> Option<String> {
        let addresses: Vec<WireAddress<'_>> = self.addresses.and_then(Loose::read).unwrap_or_default();
        let default = addresses.iter().find(|address| flag(address.default_billing));
        text(default.or(addresses.first())?.telephone)
    }

    fn is_subscribed(&self) -> Option<bool> {
        #[derive(Deserialize)]
        struct Attributes<'a> {
            #[serde(borrow)]
            is_subscribed: Option<Loose<'a>>,
        }
        let attributes: Attributes<'_> = self.extension_attributes?.read()?;
        attributes.is_subscribed.map(|value| flag(Some(value)))
    }
}

pub fn customer(body: &str, context: &Context) -> Result<(Topic, Change), Unreadable> {
    let wire: WireCustomer<'_> = parse(body.as_bytes())?;
    let created_at = time("created_at", wire.created_at)?;
    let updated_at = time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at);
    let accepts_marketing = wire.is_subscribed();
    let topic = if created_at == Some(updated_at) { Topic::CUSTOMER_CREATED } else { Topic::CUSTOMER_UPDATED };
    let customer = Customer {
        email: text(wire.email),
        phone: wire.phone(),
        first_name: text(wire.firstname),
        last_name: text(wire.lastname),
        accepts_marketing,
        consent_at: accepts_marketing.map(|_| updated_at),
        birthday: birthday(wire.dob),
        created_at,
        updated_at,
        ..Customer::nobody(wire.id()?)
    };
    Ok((topic, Change::Customer(Box::new(customer))))
}

pub fn deletion(body: &str) -> Result<Change, Unreadable> {
    parse::<WireCustomer<'_>>(body.as_bytes())?.id().map(Change::CustomerDeleted)
}

/// A subscription. One without a customer is the guest's of its address.
pub fn subscriber(body: &str) -> Result<Change, Unreadable> {
    #[derive(Deserialize)]
    struct WireSubscriber<'a> {
        #[serde(borrow)]
        customer_id: Option<Loose<'a>>,
        #[serde(borrow)]
        subscriber_email: Option<Loose<'a>>,
        #[serde(borrow)]
        subscriber_status: Option<Loose<'a>>,
        #[serde(borrow)]
        change_status_at: Option<Loose<'a>>,
    }
    let wire: WireSubscriber<'_> = parse(body.as_bytes())?;
    let status = text(wire.subscriber_status).ok_or_else(|| Problem::Missing.at("subscriber_status"))?;
    let guest = || text(wire.subscriber_email).as_deref().and_then(CustomerId::of_guest);
    let customer = id(wire.customer_id).map(|id| CustomerId::from(id.as_str())).or_else(guest);
    Ok(Change::Consent(Consent {
        customer: customer.ok_or_else(|| Problem::Missing.at("subscriber_email"))?,
        accepts_marketing: status == SUBSCRIBED,
        changed_at: time("change_status_at", wire.change_status_at)?,
    }))
}
