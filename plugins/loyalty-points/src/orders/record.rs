//! What is kept of an order: what it earned, by which terms, and how much of that has been taken back.

use regulars_sdk::{Context, LineItem, Order, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{
    basis::{Terms, WHOLE},
    settings::{RuleBy, Settings},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Who earned it; whoever is left of that customer after merges has the points now.
    pub customer: String,
    /// As shoppers see it.
    pub name: String,
    pub terms: Terms,
    /// The version of the settings that the terms are of.
    pub version: u32,
    /// Lines and their weights; none where there were no product rules. A product may be tagged otherwise since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<(String, u32)>>,
    /// What all that was ever in the order earned, less `withheld`.
    pub earned: i64,
    /// What has to be taken back of that.
    pub reversed: i64,
    /// Earned and not given: past a day's bound, or the shop's budget.
    #[serde(default)]
    pub withheld: i64,
    /// To be taken back and left to the customer, by the refund policy.
    #[serde(default)]
    pub forgiven: i64,
    /// When its points become available, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Timestamp>,
    /// A bank has taken the payment back.
    #[serde(default)]
    pub lost: bool,
}

impl OrderRecord {
    pub fn weight(&self, line: &LineItem) -> u32 {
        let known = self.weights.iter().flatten().find(|(id, _)| *id == line.id);
        known.map_or(WHOLE, |(_, weight)| *weight)
    }

    /// Weighs the lines that an edit has added, if lines were weighed at all when the order earned.
    pub fn weigh_added(&mut self, cx: &Context, settings: &Settings, order: &Order) {
        let Some(weights) = &mut self.weights else { return };
        for line in order.lines.iter().filter(|line| !line.gift_card) {
            if !weights.iter().any(|(id, _)| *id == line.id) {
                weights.push((line.id.clone(), weight(cx, settings, line)));
            }
        }
    }
}

/// Weights of all lines; none where there are no rules.
pub fn weights(cx: &Context, settings: &Settings, order: &Order) -> Option<Vec<(String, u32)>> {
    if settings.product_rules.is_empty() {
        return None;
    }
    let goods = order.lines.iter().filter(|line| !line.gift_card);
    Some(goods.map(|line| (line.id.clone(), weight(cx, settings, line))).collect())
}

/// The multiplier of the first rule that the line's product meets.
fn weight(cx: &Context, settings: &Settings, line: &LineItem) -> u32 {
    let Some(id) = &line.product_id else { return WHOLE };
    let needs_product = settings.product_rules.iter().any(|rule| rule.by != RuleBy::Product);
    let product = if needs_product { cx.product_by_id(id) } else { None };
    let met = settings.product_rules.iter().find(|rule| match (rule.by, &product) {
        (RuleBy::Product, _) => rule.value == *id,
        (RuleBy::Tag, Some(product)) => product.tags.iter().any(|tag| tag.eq_ignore_ascii_case(&rule.value)),
        (RuleBy::Collection, Some(product)) => product.collections.contains(&rule.value),
        (_, None) => false,
    });
    met.map_or(WHOLE, |rule| basis_points(&rule.multiplier))
}

/// `1.5` as 15000. The schema lets through up to four decimals.
pub fn basis_points(multiplier: &str) -> u32 {
    let (whole, fraction) = multiplier.split_once('.').unwrap_or((multiplier, ""));
    let digits = whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(4));
    digits.fold(0u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0'))))
}

pub fn load(cx: &mut Context, order: &str) -> Result<Option<OrderRecord>> {
    Ok(cx.state().get(&order_key(order))?)
}

pub fn save(cx: &mut Context, order: &str, record: &OrderRecord) -> Result {
    Ok(cx.state().set(&order_key(order), record)?)
}

pub fn order_key(order: &str) -> String {
    key(&["order", order])
}

/// What banks have said of an order's payments: dispute and whether it was lost, with the time of the word.
pub type Disputes = Vec<(String, bool, Timestamp)>;

pub fn disputes_key(order: &str) -> String {
    key(&["disputes", order])
}
