//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::{Benefit, Currency, Customer, Failure, Money, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::checks::Check;

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    pub friend_benefit: FriendBenefit,
    pub friend_percent: u32,
    pub friend_amount: String,
    pub friend_min_cart: String,
    pub code_prefix: String,
    pub advocate_reward: RewardKind,
    pub advocate_amount: String,
    /// 0 for no end.
    pub advocate_valid_days: u32,
    pub reward_code_prefix: String,
    pub attribution_days: u32,
    pub min_order: String,
    pub hold_from: HoldFrom,
    pub hold_delivered_days: u32,
    pub hold_paid_days: u32,
    /// 0 for no bound.
    pub advocate_monthly_cap: u32,
    /// 0 for no bound.
    pub household_cap: u32,
    pub advocate_must_have_order: bool,
    pub exclude_customer_tags: Vec<String>,
    pub flag_checks: Vec<Check>,
    pub similarity_percent: u32,
    pub ip_buyers: u32,
    pub ip_days: u32,
    pub burst_referrals: u32,
    pub burst_days: u32,
    pub review_deadline_days: u32,
    pub review_default: ReviewDefault,
    pub claw_back: bool,
    pub mail_on_referral: bool,
    pub mail_on_reward: bool,
    pub mail_on_void: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FriendBenefit {
    Percent,
    Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    StoreCredit,
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldFrom {
    Delivered,
    Paid,
}

/// What becomes of a flagged referral that nobody has decided by the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDefault {
    Withhold,
    Pay,
}

/// What friends are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub benefit: Benefit,
    pub min_cart: Option<Money>,
}

/// What an advocate was promised when the friend ordered: later settings do not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub reward: RewardKind,
    pub amount: Money,
    pub valid_days: u32,
    pub min_order: Money,
    pub hold_from: HoldFrom,
    pub hold_delivered_days: u32,
    pub hold_paid_days: u32,
}

impl Terms {
    /// When a reward that is given now ends.
    pub fn ends_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.valid_days > 0).then(|| now.plus_days(self.valid_days.into()))
    }
}

impl Settings {
    pub fn offer(&self, currency: Currency) -> Result<Offer> {
        let benefit = match self.friend_benefit {
            FriendBenefit::Percent => Benefit::BasisPoints(self.friend_percent * 100),
            FriendBenefit::Amount => Benefit::Amount(amount("friend_amount", &self.friend_amount, currency)?),
        };
        let min_cart = amount("friend_min_cart", &self.friend_min_cart, currency)?;
        Ok(Offer { benefit, min_cart: (min_cart.minor > 0).then_some(min_cart) })
    }

    pub fn terms(&self, currency: Currency) -> Result<Terms> {
        Ok(Terms {
            reward: self.advocate_reward,
            amount: amount("advocate_amount", &self.advocate_amount, currency)?,
            valid_days: self.advocate_valid_days,
            min_order: amount("min_order", &self.min_order, currency)?,
            hold_from: self.hold_from,
            hold_delivered_days: self.hold_delivered_days,
            hold_paid_days: self.hold_paid_days,
        })
    }

    /// The first of the customer's tags that keeps them out of the programme.
    pub fn excluded_tag<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let excluded = |tag: &&String| self.exclude_customer_tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
        customer.tags.iter().find(excluded).map(String::as_str)
    }
}

fn amount(setting: &str, text: &str, currency: Currency) -> Result<Money> {
    Money::parse(text, currency)
        .map_err(|error| Failure::reject(["the setting `", setting, "`: ", &error.to_string()].concat()))
}
