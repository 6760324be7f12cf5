//! Whether an order gets a gift.

use regulars_sdk::{Customer, Money, Order, Product};

use crate::{
    draw,
    settings::{Rule, Settings, common_tag},
};

/// What the rules are asked about.
#[derive(Debug)]
pub struct Occasion<'a> {
    pub order: &'a Order,
    pub customer: Option<&'a Customer>,
    /// Which of the customer's orders it is.
    pub number: u32,
    /// The last order that a rule for every nth one has given a gift.
    pub nth_given: u32,
    pub anniversary: bool,
    pub seed: u64,
}

/// Why such an order gets nothing, whatever the rules say. Empty where it may.
pub fn exclusion(settings: &Settings, order: &Order, customer: Option<&Customer>) -> Option<String> {
    if let Some(tag) = customer.and_then(|it| common_tag(&it.tags, &settings.exclude_customer_tags)) {
        return Some(format!("customers with the tag {tag} are excluded"));
    }
    if let Some(tag) = common_tag(&order.tags, &settings.exclude_order_tags) {
        return Some(format!("orders with the tag {tag} are excluded"));
    }
    let wanted = |country: &String| settings.countries.iter().any(|it| it.eq_ignore_ascii_case(country));
    if !settings.countries.is_empty() && !order.country.as_ref().is_some_and(wanted) {
        let country = order.country.as_deref().unwrap_or("an unknown country");
        return Some(format!("nothing is given to parcels to {country}"));
    }
    None
}

/// The first rule that holds; else why each of them does not.
pub fn first_that_holds<'a>(
    rules: &'a [Rule],
    occasion: &Occasion<'_>,
    mut product: impl FnMut(&str) -> Option<Product>,
) -> Result<&'a Rule, Vec<(&'a str, String)>> {
    let mut reasons = Vec::new();
    for rule in rules {
        match why_not(rule, occasion, &mut product) {
            None => return Ok(rule),
            Some(reason) => reasons.push((rule.name.as_str(), reason)),
        }
    }
    Err(reasons)
}

fn why_not(rule: &Rule, occasion: &Occasion<'_>, product: impl FnMut(&str) -> Option<Product>) -> Option<String> {
    if asks_for_nothing(rule) {
        return Some("the rule asks for nothing".into());
    }
    if rule.first_order && occasion.number != 1 {
        return Some(format!("it is the customer's order number {}", occasion.number));
    }
    if let Some(n) = rule.every_nth {
        if !occasion.number.is_multiple_of(n.max(1)) {
            return Some(format!("it is the customer's order number {}, and every {n} count", occasion.number));
        }
        if occasion.number <= occasion.nth_given {
            return Some(format!("order number {} has had its gift before", occasion.number));
        }
    }
    if rule.anniversary && !occasion.anniversary {
        return Some("it is not the first order of an anniversary".into());
    }
    if !rule.customer_tags.is_empty()
        && occasion.customer.is_none_or(|it| common_tag(&it.tags, &rule.customer_tags).is_none())
    {
        return Some("the customer has none of the tags".into());
    }
    why_not_the_basket(rule, occasion.order)
        .or_else(|| why_not_the_products(rule, occasion.order, product))
        .or_else(|| why_not_the_draw(rule, occasion))
}

/// A rule without conditions would give to everybody: it gives to nobody.
fn asks_for_nothing(rule: &Rule) -> bool {
    !rule.first_order
        && !rule.anniversary
        && rule.every_nth.is_none()
        && rule.chance.is_none()
        && rule.min_basket.is_none()
        && rule.max_basket.is_none()
        && rule.customer_tags.is_empty()
        && rule.product_tags.is_empty()
        && rule.products.is_empty()
}

fn why_not_the_basket(rule: &Rule, order: &Order) -> Option<String> {
    let subtotal = order.subtotal;
    for (bound, fits) in [(&rule.min_basket, i64::ge as fn(&i64, &i64) -> bool), (&rule.max_basket, i64::le)] {
        let Some(bound) = bound else { continue };
        match Money::parse(bound, subtotal.currency) {
            Ok(bound) if fits(&subtotal.minor, &bound.minor) => {}
            Ok(bound) => return Some(format!("the basket is {subtotal}, and the bound is {bound}")),
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

fn why_not_the_products(
    rule: &Rule,
    order: &Order,
    mut product: impl FnMut(&str) -> Option<Product>,
) -> Option<String> {
    let mut ids = order.lines.iter().filter(|it| it.current_quantity > 0).filter_map(|it| it.product_id.as_deref());
    if !rule.products.is_empty() && !ids.clone().any(|id| rule.products.iter().any(|it| it == id)) {
        return Some("it has none of the products".into());
    }
    let tagged = |id| product(id).is_some_and(|it| common_tag(&it.tags, &rule.product_tags).is_some());
    if !rule.product_tags.is_empty() && !ids.any(tagged) {
        return Some("none of its products has one of the tags".into());
    }
    None
}

fn why_not_the_draw(rule: &Rule, occasion: &Occasion<'_>) -> Option<String> {
    let chance = rule.chance?;
    let drawn = draw::below(10_000, occasion.seed, &occasion.order.id, &rule.name);
    (drawn >= chance).then(|| format!("it has drawn {drawn} of 10000, and below {chance} wins"))
}
