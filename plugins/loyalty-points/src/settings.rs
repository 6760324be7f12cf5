//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::Customer;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Points for every `earn_per` whole units of the shop's currency.
    pub earn_points: u32,
    pub earn_per: u32,
    pub include_tax: bool,
    pub include_shipping: bool,
    pub signup_points: u32,
    pub rewards: Vec<Reward>,
    pub code_prefix: String,
    pub exclude_customer_tags: Vec<String>,
    pub mail_on_earning: bool,
    pub mail_on_signup: bool,
}

/// What points can be redeemed for: a discount code.
#[derive(Clone, Debug, Deserialize)]
pub struct Reward {
    pub id: String,
    pub title: String,
    pub cost: u32,
    /// A decimal amount in the shop's currency.
    pub value: String,
    pub code_valid_days: u32,
}

impl Settings {
    /// The first of the customer's tags that keeps points from being earned.
    pub fn excluded_tag<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let excluded = |tag: &&String| self.exclude_customer_tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
        customer.tags.iter().find(excluded).map(String::as_str)
    }
}
