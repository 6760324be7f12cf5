//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::Customer;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Points for every `earn_per` whole units of the shop's currency.
    pub earn_points: u32,
    pub earn_per: u32,
    pub rounding: Rounding,
    pub include_tax: bool,
    pub include_shipping: bool,
    pub include_tips: bool,
    pub subtract_discounts: bool,
    pub earn_at_pos: bool,
    pub product_rules: Vec<ProductRule>,
    pub tier_multipliers: Vec<TierMultiplier>,
    pub exclude_customer_tags: Vec<String>,
    /// 0 for any number.
    pub max_points_per_order: u32,
    /// 0 for any number.
    pub max_points_per_day: u32,
    pub award_on: AwardOn,
    pub pending_days: u32,
    /// 0 for none.
    pub historic_days: u32,
    pub signup_points: u32,
    pub newsletter_points: u32,
    pub review_points: u32,
    pub review_photo_points: u32,
    pub birthday_points: u32,
    /// 0 where guests earn nothing.
    pub guest_claim_days: u32,
    pub expiry: Expiry,
    pub expiry_days: u32,
    pub expiry_months: u32,
    pub expiry_mail_days: Vec<u32>,
    pub refund_policy: RefundPolicy,
    pub return_spent_on_refund: ReturnSpent,
    /// What 100 points are worth: a decimal amount in the shop's currency.
    pub point_value: String,
    pub rewards: Vec<Reward>,
    pub code_prefix: String,
    pub balance_metafield: bool,
    pub mail_on_earning: bool,
    pub mail_on_approval: bool,
    pub mail_on_signup: bool,
}

/// What becomes of a fraction of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    Floor,
    HalfUp,
}

/// What has to have happened to an order before it earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwardOn {
    Paid,
    Fulfilled,
    Delivered,
}

/// How much more or less some products earn.
#[derive(Clone, Debug, Deserialize)]
pub struct ProductRule {
    #[serde(rename = "match")]
    pub by: RuleBy,
    /// A tag, or the platform's id of a collection or product.
    pub value: String,
    /// A decimal such as `2` or `0.5`.
    pub multiplier: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleBy {
    Tag,
    Collection,
    Product,
}

/// How much more or less some customers earn.
#[derive(Clone, Debug, Deserialize)]
pub struct TierMultiplier {
    pub tag: String,
    /// A decimal such as `2` or `0.5`.
    pub multiplier: String,
}

/// When points lapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    None,
    /// All of them, `expiry_days` after the customer has last earned or spent.
    Inactivity,
    /// `expiry_days` after they became available.
    AfterEarning,
    /// At the end of the month, quarter or half-year that lies `expiry_months` ahead.
    EndOfMonth,
    EndOfQuarter,
    EndOfHalfYear,
}

/// How far points are taken back when an order goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundPolicy {
    OnlyPending,
    WithinBalance,
    AllowNegative,
}

/// What becomes of points spent on an order that is refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnSpent {
    Proportional,
    None,
}

/// What points can be redeemed for.
#[derive(Clone, Debug, Deserialize)]
pub struct Reward {
    pub id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: RewardKind,
    /// Points; of a sliding reward, those of one step.
    pub cost: u32,
    /// A decimal: an amount in the shop's currency, or a share in percent. Of a sliding reward, what one step takes off;
    /// empty for what its points are worth.
    pub value: String,
    /// A sliding reward's bounds; 0 for none.
    pub min_points: u32,
    pub max_points: u32,
    /// The smallest order, a decimal amount; empty for any.
    pub min_cart: String,
    /// Collections that the code is good for, by id; empty for all.
    pub collections: Vec<String>,
    /// Products that the code is good for, by id; empty for all.
    pub products: Vec<String>,
    pub code_valid_days: u32,
    pub combinable: bool,
    pub max_live_codes: u32,
    pub return_points_if_unused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    Fixed,
    Sliding,
    Percent,
    FreeShipping,
    FreeProduct,
    StoreCredit,
    GiftCard,
}

impl Settings {
    /// The first of the customer's tags that keeps points from being earned.
    pub fn excluded_tag<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let excluded = |tag: &&String| self.exclude_customer_tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
        customer.tags.iter().find(excluded).map(String::as_str)
    }

    pub fn reward(&self, id: &str) -> Option<&Reward> {
        self.rewards.iter().find(|reward| reward.id == id)
    }

    /// Days without earning or spending after which points lapse, where that is the rule.
    pub fn inactivity_days(&self) -> Option<u32> {
        (self.expiry == Expiry::Inactivity).then_some(self.expiry_days)
    }
}

impl Reward {
    /// The fewest points that it takes.
    pub fn least(&self) -> u32 {
        match self.kind {
            RewardKind::Sliding => self.min_points.max(1).div_ceil(self.cost).saturating_mul(self.cost),
            _ => self.cost,
        }
    }
}
