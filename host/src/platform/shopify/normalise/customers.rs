//! Customers: their records, deletions, mergers and consent to marketing mail.

use serde::Deserialize;

use super::wire::{Id, Loose, Tags, Text, global_id, id_if_any, owned, parse, required_id, time};
use crate::{
    domain::{Birthday, Change, Consent, Customer, CustomerId, Merge, Timestamp},
    platform::{Context, Problem, Unreadable},
};

/// Where Shopify keeps a customer's day of birth: the standard definition of namespace and key.
const BIRTH_DATE: (&str, &str) = ("facts", "birth_date");

/// A customer, alone or inside an order. Tags and consent are sent by API versions before 2025-01 only, metafields where
/// the subscription asks for them.
#[derive(Deserialize)]
pub struct WireCustomer<'a> {
    #[serde(borrow)]
    pub admin_graphql_api_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Id<'a>>,
    #[serde(borrow)]
    pub email: Option<Text<'a>>,
    verified_email: Option<bool>,
    #[serde(borrow)]
    phone: Option<Text<'a>>,
    #[serde(borrow)]
    first_name: Option<Text<'a>>,
    #[serde(borrow)]
    last_name: Option<Text<'a>>,
    tags: Option<Tags>,
    #[serde(borrow)]
    email_marketing_consent: Option<WireConsent<'a>>,
    accepts_marketing: Option<bool>,
    #[serde(borrow)]
    metafields: Option<Loose<'a>>,
    #[serde(borrow)]
    created_at: Option<Text<'a>>,
    #[serde(borrow)]
    updated_at: Option<Text<'a>>,
}

impl WireCustomer<'_> {
    pub fn id(&self) -> Option<CustomerId> {
        id_if_any("Customer", self.admin_graphql_api_id.as_ref(), self.id.as_ref()).map(Into::into)
    }

    /// The customer; `None` if nothing says which. `as_of` stands in for a missing time of change.
    pub fn read(&self, as_of: Timestamp) -> Result<Option<Customer>, Unreadable> {
        let Some(id) = self.id() else { return Ok(None) };
        let consent = self.email_marketing_consent.as_ref().filter(|consent| consent.state.is_some());
        let state = consent.and_then(|consent| consent.state.as_ref());
        let accepts_marketing = state.map(|state| is_subscribed(state.as_str())).or(self.accepts_marketing);
        let updated_at = time("updated_at", self.updated_at.as_ref())?.unwrap_or(as_of);
        let said_at = consent.map(|consent| time("consent_updated_at", consent.consent_updated_at.as_ref()));
        let said_at = said_at.transpose().map_err(|error| error.within("email_marketing_consent"))?.flatten();
        Ok(Some(Customer {
            id,
            email: owned(self.email.as_ref()),
            email_verified: self.verified_email.unwrap_or(false),
            phone: owned(self.phone.as_ref()),
            first_name: owned(self.first_name.as_ref()),
            last_name: owned(self.last_name.as_ref()),
            locale: None,
            tags: self.tags.as_ref().map(|tags| tags.0.clone()).unwrap_or_default(),
            accepts_marketing,
            consent_at: accepts_marketing.map(|_| said_at.unwrap_or(updated_at)),
            consented_at: said_at.filter(|_| accepts_marketing == Some(true)),
            birthday: self.birthday(),
            created_at: time("created_at", self.created_at.as_ref())?,
            updated_at,
            merged_into: None,
            deleted: false,
        }))
    }
}

impl WireCustomer<'_> {
    /// The day of birth among the metafields, if it is there and a date.
    fn birthday(&self) -> Option<Birthday> {
        let metafields: Vec<WireMetafield<'_>> = self.metafields?.read()?;
        let is_birth_date = |metafield: &WireMetafield<'_>| {
            let part = |text: &Option<Text<'_>>, is: &str| text.as_ref().is_some_and(|text| text.as_str() == is);
            part(&metafield.namespace, BIRTH_DATE.0) && part(&metafield.key, BIRTH_DATE.1)
        };
        let value = metafields.iter().find(|metafield| is_birth_date(metafield))?.value?.text()?;
        let date: jiff::civil::Date = value.trim().parse().ok()?;
        let [month, day] = [date.month(), date.day()].map(i8::unsigned_abs);
        Some(Birthday { year: Some(date.year()), month, day })
    }
}

#[derive(Deserialize)]
struct WireMetafield<'a> {
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Loose<'a>>,
}

#[derive(Deserialize)]
struct WireConsent<'a> {
    #[serde(borrow)]
    state: Option<Text<'a>>,
    #[serde(borrow)]
    consent_updated_at: Option<Text<'a>>,
}

/// Of Shopify's states only one allows mail: `pending` still waits for a confirmation.
fn is_subscribed(state: &str) -> bool {
    state.eq_ignore_ascii_case("subscribed")
}

pub fn customer(body: &[u8], context: &Context) -> Result<Change, Unreadable> {
    let wire: WireCustomer<'_> = parse(body)?;
    match wire.read(context.occurred_at)? {
        Some(customer) => Ok(Change::Customer(Box::new(customer))),
        None => Err(Problem::Missing.at("id")),
    }
}

pub fn deletion(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    let wire: WireCustomer<'_> = parse(body)?;
    wire.id().map(Change::CustomerDeleted).ok_or_else(|| Problem::Missing.at("id"))
}

pub fn merge(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    #[derive(Deserialize)]
    struct WireMerge<'a> {
        #[serde(borrow)]
        admin_graphql_api_customer_kept_id: Option<Text<'a>>,
        #[serde(borrow)]
        admin_graphql_api_customer_deleted_id: Option<Text<'a>>,
        #[serde(borrow)]
        status: Option<Text<'a>>,
    }
    let wire: WireMerge<'_> = parse(body)?;
    let customer = |field: &str, global: Option<&Text<'_>>| {
        let global = global.ok_or_else(|| Problem::Missing.at(field))?;
        let id = global_id("Customer", global.as_str());
        id.map(CustomerId::from).ok_or_else(|| Problem::shape("not a customer's global id").at(field))
    };
    let kept = wire.admin_graphql_api_customer_kept_id.as_ref();
    let removed = wire.admin_graphql_api_customer_deleted_id.as_ref();
    Ok(Change::Merge(Merge {
        kept: customer("admin_graphql_api_customer_kept_id", kept)?,
        removed: customer("admin_graphql_api_customer_deleted_id", removed)?,
        completed: wire.status.is_some_and(|status| status.as_str().eq_ignore_ascii_case("completed")),
    }))
}

/// Where no state is given, no consent has been.
pub fn consent(body: &[u8], _: &Context) -> Result<Change, Unreadable> {
    #[derive(Deserialize)]
    struct WireConsentChange<'a> {
        #[serde(borrow)]
        customer_id: Option<Id<'a>>,
        #[serde(borrow)]
        email_marketing_consent: Option<WireConsent<'a>>,
    }
    let wire: WireConsentChange<'_> = parse(body)?;
    let consent = wire.email_marketing_consent.ok_or_else(|| Problem::Missing.at("email_marketing_consent"))?;
    Ok(Change::Consent(Consent {
        customer: required_id("customer_id", "Customer", None, wire.customer_id.as_ref())?.into(),
        accepts_marketing: consent.state.is_some_and(|state| is_subscribed(state.as_str())),
        changed_at: time("consent_updated_at", consent.consent_updated_at.as_ref())
            .map_err(|error| error.within("email_marketing_consent"))?,
    }))
}
