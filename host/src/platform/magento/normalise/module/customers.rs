//! Customers, and their word on the newsletter.

use serde::Deserialize;

use super::{
    super::wire::{birthday, flag, id, required_id, text, time},
    data, locale,
};
use crate::{
    domain::{Change, Consent, Customer, CustomerId},
    platform::{Context, Problem, Unreadable, json::Loose},
};

/// The one status that allows mail.
const SUBSCRIBED: &str = "subscribed";

#[derive(Deserialize)]
struct WireCustomer<'a> {
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    email: Option<Loose<'a>>,
    #[serde(borrow)]
    email_confirmed: Option<Loose<'a>>,
    #[serde(borrow)]
    shop: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Loose<'a>>,
    #[serde(borrow)]
    updated_at: Option<Loose<'a>>,
    #[serde(borrow)]
    first_name: Option<Loose<'a>>,
    #[serde(borrow)]
    last_name: Option<Loose<'a>>,
    #[serde(borrow)]
    phone: Option<Loose<'a>>,
    #[serde(borrow)]
    birthday: Option<Loose<'a>>,
}

pub fn customer(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireCustomer<'_> = data(body)?;
    let read = || {
        let created_at = time("created_at", wire.created_at)?;
        Ok(Change::Customer(Box::new(Customer {
            email: text(wire.email),
            email_verified: flag(wire.email_confirmed),
            phone: text(wire.phone),
            first_name: text(wire.first_name),
            last_name: text(wire.last_name),
            locale: locale(wire.shop),
            birthday: birthday(wire.birthday),
            created_at,
            updated_at: time("updated_at", wire.updated_at)?.or(created_at).unwrap_or(context.occurred_at),
            ..Customer::nobody(required_id("id", wire.id)?.as_str().into())
        })))
    };
    read().map_err(|error: Unreadable| error.within("data"))
}

pub fn deletion(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireCustomer<'_> = data(body)?;
    let id = required_id("id", wire.id).map_err(|error| error.within("data"))?;
    Ok(Change::CustomerDeleted(id.into()))
}

/// A subscription. One without a customer is the guest's of its address.
pub fn consent(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    #[derive(Deserialize)]
    struct WireConsent<'a> {
        #[serde(borrow)]
        customer_id: Option<Loose<'a>>,
        #[serde(borrow)]
        email: Option<Loose<'a>>,
        #[serde(borrow)]
        status: Option<Loose<'a>>,
        #[serde(borrow)]
        changed_at: Option<Loose<'a>>,
    }
    let wire: WireConsent<'_> = data(body)?;
    let read = || {
        let status = text(wire.status).ok_or_else(|| Problem::Missing.at("status"))?;
        let guest = || text(wire.email).as_deref().and_then(CustomerId::of_guest);
        let customer = id(wire.customer_id).map(|id| CustomerId::from(id.as_str())).or_else(guest);
        Ok(Change::Consent(Consent {
            customer: customer.ok_or_else(|| Problem::Missing.at("email"))?,
            accepts_marketing: status == SUBSCRIBED,
            changed_at: time("changed_at", wire.changed_at)?,
        }))
    };
    read().map_err(|error: Unreadable| error.within("data"))
}
