//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::{Currency, Customer, Money, limits};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    pub basis: Basis,
    pub include_tax: bool,
    pub include_shipping: bool,
    pub window: WindowKind,
    pub window_days: u32,
    pub tiers: Vec<Tier>,
    pub keep: Keep,
    pub keep_months: u32,
    pub downgrade: Downgrade,
    pub grace_days: u32,
    /// Percent; 0 for no mail.
    pub notify_near: u32,
    /// 0 for no mail.
    pub notify_downgrade_days: u32,
    pub reward_skipped_tiers: bool,
    pub greet_raised: bool,
    pub tag_prefix: String,
    pub code_prefix: String,
    pub tier_metafield: bool,
    pub exclude_customer_tags: Vec<String>,
}

/// What decides on tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    Spend,
    Orders,
    SpendAndOrders,
    SpendOrOrders,
}

/// Which days count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    Rolling,
    CalendarYear,
    Lifetime,
}

/// How long a tier is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    AfterEntry,
    /// The rest of the year and the next.
    Calendar,
}

/// What becomes of somebody who does not keep a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downgrade {
    OneDown,
    Recalculate,
    None,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Tier {
    pub id: String,
    pub title: String,
    /// A decimal amount in the shop's currency.
    pub threshold: String,
    pub orders: u32,
    /// As `threshold`; empty for the same.
    pub retain_threshold: String,
    /// 0 for the same.
    pub retain_orders: u32,
    /// As shoppers read them.
    pub benefits: Vec<String>,
    pub free_shipping: bool,
    /// Empty for none, as the next one.
    pub early_access_tag: String,
    pub order_tag: String,
    /// After the payment; 0 for none.
    pub send_within_hours: u64,
    pub reward: RewardKind,
    /// An amount in the shop's currency, or percent.
    pub reward_value: String,
    pub reward_min_cart: String,
    pub reward_days: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    None,
    Percent,
    Amount,
    FreeShipping,
}

impl Settings {
    pub fn tier(&self, id: &str) -> Option<&Tier> {
        self.tiers.iter().find(|it| it.id == id)
    }

    /// The first of the customer's tags that keeps tiers away.
    fn excluded_tag<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        let excluded = |tag: &&String| self.exclude_customer_tags.iter().any(|it| it.eq_ignore_ascii_case(tag));
        customer.tags.iter().find(excluded).map(String::as_str)
    }

    /// Why a customer can have no tier; `None` if nothing stands in the way.
    pub fn barred(&self, customer: Option<&Customer>) -> Option<String> {
        let customer = customer?;
        if customer.guest {
            return Some("a guest: the tier waits for an account".into());
        }
        self.excluded_tag(customer).map(|tag| format!("customers with the tag {tag} are excluded"))
    }

    /// The tags that customers of a tier wear.
    pub fn tags(&self, tier: &Tier) -> Vec<String> {
        let own = [self.tag_prefix.as_str(), &tier.id].concat();
        let early = Some(tier.early_access_tag.trim()).filter(|it| !it.is_empty() && *it != own);
        [own.clone()].into_iter().chain(early.map(Into::into)).collect()
    }

    /// What cannot work as it is set, for the merchant.
    pub fn problems(&self, currency: Currency) -> Vec<String> {
        let mut problems = Vec::new();
        let amount = |text: &str| Money::parse(text, currency).ok().map(|it| it.minor);
        let mut last: Option<(i64, u32)> = None;
        for (index, tier) in self.tiers.iter().enumerate() {
            let title = &tier.title;
            if self.tiers[..index].iter().any(|it| it.id == tier.id) {
                problems.push(format!("two tiers have the short name {}: the second is left out", tier.id));
            }
            let Some(threshold) = amount(&tier.threshold) else {
                problems.push(format!("{title}: {} is no amount in {currency}; the tier is left out", tier.threshold));
                continue;
            };
            if last.is_some_and(|(spend, orders)| threshold < spend || tier.orders < orders) {
                problems.push(format!("{title} asks for less than the tier before it"));
            }
            last = Some((threshold, tier.orders));
            match amount(&tier.retain_threshold) {
                None if !tier.retain_threshold.is_empty() => {
                    problems.push(format!("{title}: {} is no amount in {currency}", tier.retain_threshold));
                }
                Some(retain) if retain > threshold => {
                    problems
                        .push(format!("{title} asks for more to stay than to enter: what it takes to enter counts"));
                }
                _ => {}
            }
            let worn = self.tags(tier).into_iter().chain([tier.order_tag.clone()]);
            for tag in worn.filter(|tag| tag.len() > limits::TAG_BYTES) {
                problems.push(format!("{title}: the tag {tag} is too long"));
            }
            if tier.reward == RewardKind::Amount && amount(&tier.reward_value).is_none_or(|it| it <= 0) {
                problems.push(format!("{title}: the entry reward {} is no amount in {currency}", tier.reward_value));
            }
            if tier.reward == RewardKind::Percent && basis_points(&tier.reward_value).is_none() {
                problems.push(format!("{title}: the entry reward {} is no percentage", tier.reward_value));
            }
            if amount(&tier.reward_min_cart).is_none() {
                problems
                    .push(format!("{title}: the smallest order {} is no amount in {currency}", tier.reward_min_cart));
            }
        }
        problems
    }
}

/// Percent such as `12.5`, in hundredths of a percent; `None` for what is no share.
pub fn basis_points(percent: &str) -> Option<u32> {
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
        return None;
    }
    let hundredths: u32 = fraction.parse().ok()?;
    let hundredths = if fraction.len() == 1 { hundredths * 10 } else { hundredths };
    let points = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
    (1..=10_000).contains(&points).then_some(points)
}
