//! Capabilities: what a plugin may ask of the host, one WIT interface each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A grantable power. What a component does not import it does not have; what a merchant has not granted it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Write mails to customers.
    Mail,
    /// Create discount codes, and end them.
    Discounts,
    /// Give store credit, and take it.
    StoreCredit,
    /// Create gift cards.
    GiftCards,
    /// Change customers' tags.
    Tags,
    /// Add notes, tags and gifts to orders.
    Orders,
    /// Show values on customers at the platform.
    Metafields,
    /// Read and set customers' birthdays.
    Birthdays,
    /// Learn whether two customers may be one person.
    Identity,
    /// Give customers links to share.
    Links,
    /// Ask the merchant to decide.
    Tasks,
}

impl Capability {
    pub const ALL: &[Self] = &[
        Self::Mail,
        Self::Discounts,
        Self::StoreCredit,
        Self::GiftCards,
        Self::Tags,
        Self::Orders,
        Self::Metafields,
        Self::Birthdays,
        Self::Identity,
        Self::Links,
        Self::Tasks,
    ];

    /// Its name in manifests, which is its interface's name as well.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Discounts => "discounts",
            Self::StoreCredit => "store-credit",
            Self::GiftCards => "gift-cards",
            Self::Tags => "tags",
            Self::Orders => "orders",
            Self::Metafields => "metafields",
            Self::Birthdays => "birthdays",
            Self::Identity => "identity",
            Self::Links => "links",
            Self::Tasks => "tasks",
        }
    }

    /// The WIT interface that gives it, without the version.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Mail => "regulars:plugin/mail",
            Self::Discounts => "regulars:plugin/discounts",
            Self::StoreCredit => "regulars:plugin/store-credit",
            Self::GiftCards => "regulars:plugin/gift-cards",
            Self::Tags => "regulars:plugin/tags",
            Self::Orders => "regulars:plugin/orders",
            Self::Metafields => "regulars:plugin/metafields",
            Self::Birthdays => "regulars:plugin/birthdays",
            Self::Identity => "regulars:plugin/identity",
            Self::Links => "regulars:plugin/links",
            Self::Tasks => "regulars:plugin/tasks",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no capability of this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no capability is called {0:?}")]
pub struct UnknownCapability(pub String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|capability| capability.as_str() == text);
        known.ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_has_one_name_in_text_in_json_and_in_its_interface() {
        for capability in Capability::ALL {
            assert_eq!(capability.as_str().parse(), Ok(*capability));
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.as_str());
            assert_eq!(capability.interface(), format!("regulars:plugin/{capability}"));
        }
        assert_eq!("wifi".parse::<Capability>(), Err(UnknownCapability("wifi".into())));
    }
}
