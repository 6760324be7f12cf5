//! What an integration may read in a shop, found by reading one of each. What it may write shows only when something is
//! written.

use axum::http::Method;

use super::{RestClient, V1, search::Search};
use crate::{domain::Capability, platform::Failure};

/// A resource of Magento's access control, as an integration is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    pub name: &'static str,
    /// What does not work without it, behind "needed for".
    pub needed_for: &'static str,
    /// Whose effects need it; none of what the host itself needs.
    pub capabilities: &'static [Capability],
    path: &'static [&'static str],
}

/// Those that can be told by reading, as docs/magento.md lists them.
pub const READABLE: [Resource; 7] = [
    Resource {
        name: "Magento_Backend::store",
        needed_for: "everything: it tells which store views are the shop's",
        capabilities: &[],
        path: &["store", "storeConfigs"],
    },
    Resource {
        name: "Magento_Sales::actions_view",
        needed_for: "reconciliation and history",
        capabilities: &[],
        path: &["orders"],
    },
    Resource {
        name: "Magento_Sales::sales_creditmemo",
        needed_for: "reconciliation of refunds",
        capabilities: &[],
        path: &["creditmemos"],
    },
    Resource {
        name: "Magento_SalesRule::quote",
        needed_for: "codes, and the credit and gift cards that are codes",
        capabilities: &[Capability::Discounts, Capability::StoreCredit, Capability::GiftCards],
        path: &["salesRules", "search"],
    },
    Resource {
        name: "Magento_Customer::customer",
        needed_for: "history, and tags, values, birthdays and newsletters of customers",
        capabilities: &[],
        path: &["customers", "search"],
    },
    Resource {
        name: "Magento_Customer::group",
        needed_for: "tags that are customer groups, and codes for all groups",
        capabilities: &[Capability::Tags, Capability::Discounts, Capability::StoreCredit, Capability::GiftCards],
        path: &["customerGroups", "search"],
    },
    Resource {
        name: "Magento_Catalog::products",
        needed_for: "codes for products",
        capabilities: &[Capability::Discounts],
        path: &["products"],
    },
];

impl RestClient {
    /// The resources that the integration lacks. Fails where nothing at all may be read: that is the token.
    pub async fn lacking(&self) -> Result<Vec<Resource>, Failure> {
        let mut lacking = Vec::new();
        let mut refused = None;
        for resource in READABLE {
            let one = Search::new().limited(1);
            // The one that is no listing takes no criteria.
            let query: &[_] = if resource.path == ["store", "storeConfigs"] { &[] } else { one.query() };
            match self.exchange(Method::GET, V1, resource.path, query, None).await {
                Ok(_) => {}
                Err(failure @ Failure::Permanent { .. }) => {
                    lacking.push(resource);
                    refused.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        match refused {
            Some(failure) if lacking.len() == READABLE.len() => Err(failure),
            _ => Ok(lacking),
        }
    }
}
