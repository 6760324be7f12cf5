//! Identifiers. Platform ids are strings: they exceed 2^53 and may be anything on the next platform.

use std::{fmt, str::FromStr, sync::Arc};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::normalised_email;

macro_rules! string_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )+};
}

string_ids! {
    /// Names an event within its store: the idempotency key of everything that follows from it.
    EventId,
    /// Names one effect; a repeat of the delivery that queued it yields the same id.
    EffectId,
    /// A plugin's name, as its manifest states it: lower-case words joined by hyphens.
    PluginName,
    /// The platform's customer id.
    CustomerId,
    /// The platform's order id.
    OrderId,
    /// The platform's id of one line of an order.
    LineItemId,
    /// The platform's refund id.
    RefundId,
    /// The platform's product id.
    ProductId,
    /// The platform's shipment id.
    FulfillmentId,
    /// The platform's checkout id or token.
    CheckoutId,
    /// The platform's dispute id.
    DisputeId,
}

/// What the ids of guests begin with; no platform's id does.
const GUEST: &str = "guest:";

impl PluginName {
    /// Whose tasks are the host's own; no plugin has the name.
    pub fn host() -> Self {
        Self::from(HOST)
    }

    pub fn is_host(&self) -> bool {
        self.as_str() == HOST
    }
}

/// The name under which the host itself asks merchants for something.
const HOST: &str = "regulars";

impl CustomerId {
    /// The id of somebody who buys without a customer record, by the address as people are told apart.
    pub fn guest(normalised_email: &str) -> Self {
        let hash = Sha256::digest(normalised_email);
        Self(format!("{GUEST}{}", BASE32_NOPAD.encode(&hash[..16]).to_lowercase()).into())
    }

    /// The guest of an e-mail address; `None` of a text that is none (RFC 5321, section 4.5.3.1.3: 254 characters at most).
    pub fn of_guest(address: &str) -> Option<Self> {
        const ADDRESS_MAX: usize = 254;
        let address = normalised_email(address);
        (address.contains('@') && address.len() <= ADDRESS_MAX).then(|| Self::guest(&address))
    }

    pub fn is_guest(&self) -> bool {
        self.0.starts_with(GUEST)
    }
}

/// A store's number on this host, given once and never reused; the first part of every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreId(pub u32);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A storefront system that Regulars talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Shopify,
    Magento,
}

impl Platform {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Magento => "magento",
        }
    }
}

/// No platform has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no platform: `shopify` and `magento` are")]
pub struct UnknownPlatform(String);

impl FromStr for Platform {
    type Err = UnknownPlatform;

    fn from_str(name: &str) -> Result<Self, UnknownPlatform> {
        let known = [Self::Shopify, Self::Magento].into_iter().find(|platform| platform.as_str() == name);
        known.ok_or_else(|| UnknownPlatform(name.into()))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl EffectId {
    /// The id of the `ordinal`-th effect that `plugin` queues for `event`: 26 characters of lower-case base 32.
    ///
    /// Parts are length-prefixed before hashing, so that no two different tuples run together.
    pub fn derive(store_domain: &str, event: &EventId, plugin: &PluginName, ordinal: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [store_domain, event.as_str(), plugin.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(ordinal.to_be_bytes());
        Self(BASE32_NOPAD.encode(&hash.finalize()[..16]).to_lowercase().into())
    }
}

/// SHA-256 of a component's bytes: the name under which a plugin file and its compiled artefact are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ComponentHash([u8; 32]);

impl ComponentHash {
    pub fn of(component: &[u8]) -> Self {
        Self(Sha256::digest(component).into())
    }
}

impl fmt::Display for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_id_depends_on_every_part_and_on_where_the_parts_end() {
        let derive = |store: &str, event: &str, plugin: &str, n| {
            EffectId::derive(store, &EventId::from(event), &PluginName::from(plugin), n)
        };
        let base = derive("a.example", "e1", "points", 0);
        assert_eq!(base, derive("a.example", "e1", "points", 0));
        assert_eq!(base.as_str().len(), 26);
        for other in [
            derive("b.example", "e1", "points", 0),
            derive("a.example", "e2", "points", 0),
            derive("a.example", "e1", "pointz", 0),
            derive("a.example", "e1", "points", 1),
            derive("a.examplee", "1", "points", 0),
        ] {
            assert_ne!(base, other);
        }
    }
}
