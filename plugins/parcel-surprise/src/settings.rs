//! What the merchant sets. The manifest's schema holds the defaults and the bounds.

use regulars_sdk::{Currency, Money};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// An order gets a gift if one of them holds.
    pub rules: Vec<Rule>,
    pub gifts: Vec<Gift>,
    /// A decimal amount in the shop's currency, for the costs of one civil month.
    pub monthly_budget: String,
    pub monthly_pieces: u32,
    pub how: How,
    /// Empty for none.
    pub order_tag: String,
    pub exclude_customer_tags: Vec<String>,
    pub exclude_order_tags: Vec<String>,
    /// ISO 3166-1 codes; empty for all.
    pub countries: Vec<String>,
    /// Pieces left at which the merchant is told.
    pub low_stock: u32,
    pub thanks_mail: bool,
    pub thanks_delay_hours: u64,
    pub thanks_after_days: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// A free line in the order; shoppers can see it there.
    Line,
    /// A note for whoever packs.
    Packer,
}

/// Conditions, all of which have to hold. One that is left out asks for nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rule {
    pub name: String,
    pub every_nth: Option<u32>,
    /// Hundredths of a percent.
    pub chance: Option<u64>,
    pub first_order: bool,
    pub anniversary: bool,
    pub customer_tags: Vec<String>,
    /// Decimal amounts in the shop's currency.
    pub min_basket: Option<String>,
    pub max_basket: Option<String>,
    pub product_tags: Vec<String>,
    pub products: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Gift {
    pub id: String,
    pub title: String,
    /// Empty leaves it to the packer.
    pub variant_id: String,
    /// As the merchant counted.
    pub stock: u32,
    /// A decimal amount in the shop's currency.
    pub cost: String,
    /// 0 for what is given by hand only.
    pub weight: u32,
}

impl Gift {
    /// `None` where the setting is no amount of that currency: such a gift is not given.
    pub fn cost(&self, currency: Currency) -> Option<Money> {
        Money::parse(&self.cost, currency).ok()
    }
}

impl Settings {
    pub fn gift(&self, id: &str) -> Option<&Gift> {
        self.gifts.iter().find(|gift| gift.id == id)
    }

    /// What cannot work as it is set, for the merchant: nothing is given by it.
    pub fn problems(&self, currency: Currency) -> Vec<String> {
        let reads = |amount: &String| Money::parse(amount, currency).is_ok();
        let mut problems = Vec::new();
        if !reads(&self.monthly_budget) {
            problems.push(format!("the monthly budget {} is no amount in {currency}", self.monthly_budget));
        }
        for gift in self.gifts.iter().filter(|gift| !reads(&gift.cost)) {
            problems.push(format!("the cost {} of {} is no amount in {currency}", gift.cost, gift.title));
        }
        for (at, gift) in self.gifts.iter().enumerate() {
            if self.gifts[..at].iter().any(|other| other.id == gift.id) {
                problems.push(format!("two gifts have the short name {}; the first counts", gift.id));
            }
        }
        for rule in &self.rules {
            if [&rule.min_basket, &rule.max_basket].into_iter().flatten().any(|amount| !reads(amount)) {
                problems.push(format!("a basket value of the rule {} is no amount in {currency}", rule.name));
            }
        }
        problems
    }
}

/// The first of `tags` that is one of `wanted`; case does not matter.
pub fn common_tag<'a>(tags: &'a [String], wanted: &[String]) -> Option<&'a str> {
    let is_wanted = |tag: &&String| wanted.iter().any(|it| it.eq_ignore_ascii_case(tag));
    tags.iter().find(is_wanted).map(String::as_str)
}
