//! The second shapes of records that have grown since: read, never written.

use serde::Deserialize;

use crate::domain::{self, Birthday, CustomerId, Timestamp};

/// A customer of whom it was not told apart when consent was given and as of when it was told: nobody counts as having
/// consented anew by what stands here.
#[derive(Deserialize)]
pub struct Customer {
    id: CustomerId,
    email: Option<String>,
    email_verified: bool,
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    locale: Option<String>,
    tags: Vec<String>,
    accepts_marketing: Option<bool>,
    consent_at: Option<Timestamp>,
    birthday: Option<Birthday>,
    created_at: Option<Timestamp>,
    updated_at: Timestamp,
    merged_into: Option<CustomerId>,
    deleted: bool,
}

impl From<Customer> for domain::Customer {
    fn from(old: Customer) -> Self {
        Self {
            id: old.id,
            email: old.email,
            email_verified: old.email_verified,
            phone: old.phone,
            first_name: old.first_name,
            last_name: old.last_name,
            locale: old.locale,
            tags: old.tags,
            accepts_marketing: old.accepts_marketing,
            consent_at: old.consent_at,
            consented_at: None,
            birthday: old.birthday,
            created_at: old.created_at,
            updated_at: old.updated_at,
            merged_into: old.merged_into,
            deleted: old.deleted,
        }
    }
}
