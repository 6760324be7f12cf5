//! What the app has to be allowed in a shop, by what plugins do there and listen to. `manifests/shopify/shopify.app.toml` asks
//! for these and for no others.

use std::collections::BTreeSet;

use crate::domain::{Capability, Topic};

/// What reconciliation and history read, whichever plugins are on.
pub const OF_READING: &[&str] = &["read_orders", "read_customers", "read_products"];

/// What merchants are asked for when a plugin that can use it is switched on, and may refuse: `optional_scopes` of the app.
const OPTIONAL: [&str; 5] = [
    "read_all_orders",
    "read_store_credit_accounts",
    "write_gift_cards",
    "write_merchant_managed_fulfillment_orders",
    "write_store_credit_account_transactions",
];

pub fn is_optional(scope: &str) -> bool {
    OPTIONAL.contains(&scope)
}

/// What a plugin's effects need that has a capability.
pub fn of_capability(capability: Capability) -> &'static [&'static str] {
    match capability {
        Capability::Discounts => &["write_discounts"],
        Capability::StoreCredit => &["read_store_credit_accounts", "write_store_credit_account_transactions"],
        Capability::GiftCards => &["write_gift_cards"],
        Capability::Tags | Capability::Metafields | Capability::Birthdays => &["write_customers"],
        // Whoever unsubscribes from its mails is unsubscribed in the shop as well.
        Capability::Mail => &["write_customers"],
        Capability::Orders => {
            &["write_orders", "write_order_edits", "write_merchant_managed_fulfillment_orders", "read_products"]
        }
        Capability::Identity | Capability::Links | Capability::Tasks => &[],
    }
}

/// What the webhooks of a topic need; none of one that Shopify does not tell of.
pub fn of_topic(topic: &Topic) -> Option<&'static str> {
    let kind = topic.as_str().split('.').next()?;
    match kind {
        _ if *topic == Topic::ORDER_DISPUTED => Some("read_shopify_payments_disputes"),
        _ if *topic == Topic::CUSTOMER_MERGED => Some("read_customer_merge"),
        // Compliance, which needs none.
        _ if *topic == Topic::CUSTOMER_REDACTED => None,
        "order" | "checkout" => Some("read_orders"),
        "customer" => Some("read_customers"),
        "fulfillment" => Some("read_fulfillments"),
        "product" => Some("read_products"),
        _ => None,
    }
}

/// What effects of any kind need.
pub fn of_effects() -> BTreeSet<&'static str> {
    Capability::ALL.iter().flat_map(|capability| of_capability(*capability)).copied().collect()
}

/// Whether a scope is among those that are granted; the right to write holds the right to read.
pub fn is_granted(granted: &[String], scope: &str) -> bool {
    let writing = scope.strip_prefix("read_").map(|object| format!("write_{object}"));
    granted.iter().any(|it| *it == scope || writing.as_ref() == Some(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_to_write_holds_the_right_to_read_and_not_the_other_way_round() {
        let granted = ["write_orders".to_owned(), "read_products".to_owned()];
        for scope in ["write_orders", "read_orders", "read_products"] {
            assert!(is_granted(&granted, scope), "{scope}");
        }
        for scope in ["write_products", "read_customers", "write_order"] {
            assert!(!is_granted(&granted, scope), "{scope}");
        }
    }
}
