//! Data protection: what plugins may see of people, and what is written down of what was done with people's data.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{CustomerId, Mac, StoreId, Timestamp};

/// What plugins may see of a store's people, by Shopify's levels of protected customer data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProtectedData {
    /// No name, address, telephone number or e-mail address.
    Level1,
    /// What the plugins' interface has, and platforms' notices as they came.
    #[default]
    Level2,
}

impl ProtectedData {
    pub fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Level1),
            2 => Some(Self::Level2),
            _ => None,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::Level1 => 1,
            Self::Level2 => 2,
        }
    }
}

/// Something that was done with people's data or with a store's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub act: Act,
    pub by: Actor,
    pub store: StoreId,
    /// The store's permanent domain, as the store itself may be erased.
    pub domain: String,
    /// Whom it concerned, if it was one person.
    pub customer: Option<CustomerHash>,
    /// The event that asked for it, if one did.
    pub event: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A customer wants to know what is kept; the merchant has a task.
    DataRequested,
    /// The merchant has said that the customer has the answer.
    DataAnswered,
    /// All that is kept of a customer was read as one file.
    DataRead,
    /// All of a store was read.
    StoreExported,
    /// A customer is forgotten in the host's facts, and plugins are told.
    CustomerRedacted,
    /// What else was kept of a redacted customer is taken out.
    CustomerForgotten,
    /// The app was removed from the shop.
    StoreRemoved,
    /// The store is gone from the list, and its rows are being deleted.
    StoreErased,
    /// None of the store's rows is left.
    ErasureEnded,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The store's platform asked for it.
    Platform,
    /// Whoever reaches the API: the command line, the admin page.
    Operator,
    /// The host itself, as it was due.
    Host,
}

/// Names a customer of a store without telling who it is: a keyed hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerHash(pub [u8; 16]);

impl fmt::Display for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for CustomerHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CustomerHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 16]>::deserialize(deserializer).map(Self)
    }
}

/// Names customers in the audit trail.
#[derive(Clone)]
pub struct AuditKey([u8; 32]);

impl AuditKey {
    /// The key under an installation's secret, which has other uses as well.
    pub fn under(secret: &[u8; 32]) -> Self {
        Self(Mac::of(secret, &[b"audit"]).bytes())
    }

    pub fn customer(&self, store: StoreId, id: &CustomerId) -> CustomerHash {
        let tag = Mac::of(&self.0, &[&store.0.to_be_bytes(), id.as_str().as_bytes()]).bytes();
        CustomerHash(std::array::from_fn(|index| tag[index]))
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_has_one_name_in_the_trail_which_only_the_key_leads_to() {
        let (key, other) = (AuditKey::under(&[1; 32]), AuditKey::under(&[2; 32]));
        let named = key.customer(StoreId(1), &"7".into());
        assert_eq!(named, key.customer(StoreId(1), &"7".into()));
        for another in [
            key.customer(StoreId(1), &"8".into()),
            key.customer(StoreId(2), &"7".into()),
            other.customer(StoreId(1), &"7".into()),
        ] {
            assert_ne!(named, another);
        }
        assert_eq!(format!("{key:?}"), "AuditKey([REDACTED])");
    }

    #[test]
    fn levels_have_the_platforms_numbers() {
        for level in [ProtectedData::Level1, ProtectedData::Level2] {
            assert_eq!(ProtectedData::of_number(level.number()), Some(level));
        }
        assert_eq!(ProtectedData::of_number(3), None);
    }
}
